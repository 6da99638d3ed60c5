"""The typeface of figures, slides and pages: Source Sans Pro, by Paul D. Hunt for Adobe.

Its files (SIL Open Font License) come with reveal.js, in the Python package sphinx-revealjs.  A page must bring its
letters along, and needs few of a font's two thousand: `css` puts those that a page uses into its style sheet.
"""

from base64 import b64encode
from functools import lru_cache
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path


def reveal(place):
    """A file of reveal.js, at its place in the folder that sphinx-revealjs has it in, as a Path."""
    path = Path(distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs")) / place
    if not path.exists():
        raise FileNotFoundError(f"the package sphinx-revealjs has no {place}: install version 3.2 or one near it")
    return path


# Each file with its style and its weight in CSS; the typeface's own bold is not among them, semibold stands for it.
FILES = [(reveal(f"dist/theme/fonts/source-sans-pro/source-sans-pro-{name}.ttf"), style, weight)
         for name, style, weight in (("regular", "normal", 400), ("italic", "italic", 400),
                                     ("semibold", "normal", 700), ("semibolditalic", "italic", 700))]

ALWAYS = frozenset(map(chr, range(32, 127)))        # what a script may write when the page is open


def css(text):
    """The rules of a style sheet that define the typeface `Report` with the letters that a text has, as a string."""
    letters = frozenset(text) | ALWAYS
    rules = [f"@font-face {{ font-family: Report; font-style: {style}; font-weight: {weight}; "
             f"src: url(data:font/woff;base64,{_subset(path, letters)}) }}" for path, style, weight in FILES]
    return "\n".join(rules)


@lru_cache
def _subset(path, letters):
    """A font file with no more than some letters, as WOFF in base64; always the same bytes."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    font = TTFont(path, recalcTimestamp=False)
    options = Options(layout_features=["kern", "liga", "mark", "mkmk", "ccmp", "locl"], name_IDs=[0, 13, 14], hinting=False,
                      notdef_outline=True, drop_tables=["FFTM", "webf"])
    subsetter = Subsetter(options)
    subsetter.populate(text="".join(letters))
    subsetter.subset(font)
    font.flavor = "woff"
    file = BytesIO()
    font.save(file)
    return b64encode(file.getvalue()).decode()
