"""Slides: a notebook becomes one HTML file that opens by double-click, without network or Python.

    jupyter nbconvert --to autoenc.slides.OfflineSlides notebooks/01_linear_autoencoder.ipynb

A slide show in a browser is a web page and a script, reveal.js, that shows one part of it at a time.
Usually such a page fetches the script, the fonts and the formulas' renderer from the network.  Here
everything is put inside: reveal.js from an installed Python package, formulas as MathML, which browsers
draw themselves, pictures as data.  What is a slide, the notebook's cells say (`slideshow.slide_type`);
tags say the rest: `hide-input`, `hide-output`, `beside` (the cell stands to the right of the slide's
other cells) and `pixelated` (few large pixels, drawn with sharp edges).
"""

import base64
import mimetypes
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from traitlets import default
from traitlets.config import Config

from .files import writable


def reveal_files():
    """The folder of reveal.js in the installed package; ModuleNotFoundError that says what to install."""
    package = find_spec("sphinx_revealjs")         # finds it without importing it, and so without Sphinx
    folder = Path(package.origin).parent / "_static" / "revealjs" if package else None
    if not folder or not (folder / "dist" / "reveal.js").is_file():
        raise ModuleNotFoundError("the slides need reveal.js from the package sphinx-revealjs: "
                                  "pip install sphinx-revealjs")
    return folder


def mathml(formula, display="inline"):
    r"""A LaTeX formula as MathML.  ValueError for what would not show, such as an unknown command."""
    try:
        result = convert(formula.replace("{aligned}", "{align*}"), display=display)
    except Exception as error:                     # latex2mathml has a dozen kinds, without a common parent
        raise ValueError(f"the formula {formula!r} can't be shown: {error!r}") from None
    for trouble, reason in {"\\": "a command is unknown", "<mi>&</mi>": "an & stands outside a table",
                            "mathvariant=\"script": "write \\mathcal{N}, with braces",
                            "mathvariant=\"double": "write \\mathbb{R}, with braces",
                            "mathvariant=\"bold": "browsers have no bold letter here; use \\mathbf{x}"}.items():
        if trouble in result:
            raise ValueError(f"the formula {formula!r} can't be shown: {reason}")
    result = result.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")                    # \sim, a relation
    return result.replace("<mo>&#x02016;</mo>", '<mo stretchy="false">&#x02016;</mo>')     # \lVert, as high as letters


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML."""

    def block_math(self, body):
        return mathml(body, "block")

    def inline_math(self, body):
        return mathml(body)

    def latex_environment(self, name, body):
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


def check(notebook, name):
    """ValueError, naming the notebook and the cell (the first is 1), unless every code cell ran and none failed."""
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and cell.source.strip():
            errors = [output.ename for output in cell.outputs if output.output_type == "error"]
            if errors:
                raise ValueError(f"{name}: cell {number} failed with {errors[0]}; no slides written")
            if cell.execution_count is None:
                raise ValueError(f"{name}: cell {number} was not executed; run the notebook first, no slides written")


def embed(html, folder):
    """The page with every picture inside it.  ValueError for one that is not a file: the page would need a network."""
    page = BeautifulSoup(html, "html.parser")
    for image in page.select("img[src]"):
        source = image["src"]
        if source and not source.startswith("data:"):
            path = Path(folder, unquote(source))
            if not path.is_file():
                raise ValueError(f"the image {source!r} is not a file where the notebook can find it")
            kind = mimetypes.guess_type(path)[0]
            image["src"] = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    return str(page)


class OfflineSlides(SlidesExporter):
    """An nbconvert exporter: notebook → one self-contained reveal.js page; always the same bytes."""

    export_from_notebook = "Slides in one file"

    @default("template_name")
    def _template_name_default(self):
        return "offline"

    @default("extra_template_basedirs")
    def _default_extra_template_basedirs(self):
        return [str(Path(__file__).parent / "templates")]

    @property
    def default_config(self):
        """HTML before pictures before text; no widgets, which are dead without a kernel."""
        kinds = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex", "text/plain"]
        config = super().default_config.copy()
        config.merge(Config({"NbConvertBase": {"display_data_priority": kinds},
                             "CSSHTMLHeaderPreprocessor": {"style": "xcode"}}))
        return config

    def markdown2html(self, source, cell=None):
        """The Markdown filter of the template; `cell` brings attachments."""
        renderer = Renderer(escape=False, exclude_anchor_links=True, attachments=(cell or {}).get("attachments", {}))
        try:
            return MarkdownWithMath(renderer=renderer).render(source)
        except ValueError as error:
            raise ValueError(f"{error}; it stands in the cell that begins {source.strip()[:40]!r}") from None

    def _init_resources(self, resources):
        resources, folder = super()._init_resources(resources), reveal_files()
        for name in ("dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"):
            text = (folder / name).read_text(encoding="utf-8")
            resources["reveal"][Path(name).name] = text.replace("//# sourceMappingURL=reveal.js.map", "")
        return resources

    def from_notebook_node(self, nb, resources=None, **kw):
        """(html, resources) of an executed notebook; ValueError if it was not executed or a cell failed."""
        where = (resources or {}).get("metadata", {})
        writable(*filter(None, [self.config.FilesWriter.get("build_directory")]))       # nbconvert's --output-dir
        check(nb, where.get("name", "notebook") + ".ipynb")
        html, resources = super().from_notebook_node(nb, resources, **kw)
        return embed(html, where.get("path", "")), resources
