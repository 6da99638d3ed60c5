"""The report: what turns notebooks that use the networks into a course report.

The upper of the package's two floors.  It draws (`plots`), lets a reader move through a latent plane (`explorer`),
states claims and keeps recorded studies (`claims`), exports decks of slides (`slides`) and runs it all (`command`).
The networks, one floor below, know nothing of it, and need none of what it needs: `pip install "autoenc[report]"`.
"""
