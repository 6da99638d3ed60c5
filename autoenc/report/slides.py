"""Slides: a notebook becomes one HTML file that opens by double-click, without network or Python.

    jupyter nbconvert --to autoenc.slides.OfflineSlides notebooks/01_linear_autoencoder.ipynb

A slide show in a browser is a web page and a script, reveal.js, that shows one part of it at a time.
Usually such a page fetches the script, the fonts and the formulas' renderer from the network.  Here
everything is put inside: reveal.js from the Python package sphinx-revealjs, formulas as MathML, which browsers
draw themselves, pictures as data.  What is a slide, the notebook's cells say (`slideshow.slide_type`);
tags say the rest: `hide-input`, `hide-output`, `beside` (the cell stands to the right of the slide's
other cells) and `pixelated` (few large pixels, drawn with sharp edges).
"""

import re
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML.  ValueError for one that would not show."""

    def inline_math(self, body, display="inline"):
        with suppress(Exception):                      # latex2mathml has a dozen kinds, without a common parent
            result = convert(body, display=display)
            if not re.search(r'\\|<mi>&</mi>|mathvariant="(?:script|double|bold)', result):
                return result.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")              # \sim, a relation
        raise ValueError(f"the formula {body!r}, in the cell that begins {self.cell!r}, can't be shown: perhaps a "
                         r"command is unknown, an & stands outside an {align*}, or a \mathcal{N} is without its braces")

    def block_math(self, body):
        return self.inline_math(body, "block")

    def latex_environment(self, name, body):
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")


class OfflineSlides(SlidesExporter):
    """An nbconvert exporter: notebook → one self-contained reveal.js page; always the same bytes.

    Pictures must lie in the notebook's folder or below it.
    """

    @property
    def default_config(self):
        """The template, reveal.js beside it, and no widgets, which are dead without a kernel."""
        reveal = distribution("sphinx-revealjs").locate_file("sphinx_revealjs/_static/revealjs")
        config = super().default_config
        config.OfflineSlides.template_name = "offline"
        config.OfflineSlides.extra_template_basedirs = [str(Path(__file__).parent / "templates")]
        config.OfflineSlides.extra_template_paths = [str(reveal)]
        del config.NbConvertBase.display_data_priority         # back to HTML before pictures before text; no widgets
        config.CSSHTMLHeaderPreprocessor.style = "xcode"
        return config

    def markdown2html(self, source, cell=None, path=""):
        """The Markdown filter of the template, with the cell that the source is of and the notebook's folder."""
        renderer = Renderer(escape=False, exclude_anchor_links=True, embed_images=True, path=path,
                            attachments=(cell or {}).get("attachments", {}))
        renderer.cell = source.strip()[:50]
        return MarkdownWithMath(renderer=renderer).render(source)

    def from_notebook_node(self, nb, resources=None, **kw):
        """(html, resources) of an executed notebook; ValueError, with the cell's number from 1, if it is not."""
        for number, cell in enumerate(nb.cells, 1):
            failed = any(output.output_type == "error" for output in cell.get("outputs", []))
            if failed or cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                raise ValueError(f"cell {number} {'failed' if failed else 'was not executed'}; no slides written")
        html, resources = super().from_notebook_node(nb, resources, **kw)
        for image in BeautifulSoup(html, "html.parser").select('img[src]:not([src^="data:"])'):
            raise ValueError(f"the image {image['src']!r} is not a file in the notebook's folder: it would not show")
        return html, resources
