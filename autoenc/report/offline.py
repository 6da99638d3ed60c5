"""What slides and pages share: a notebook becomes one HTML file that opens by double-click, without network or Python.

Usually such a page fetches scripts, fonts and the formulas' renderer from the network.  Here everything is put inside:
formulas as MathML, which browsers draw themselves, pictures as data, the typeface with the letters that the page has.
What would still be fetched is refused.
"""

import re
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from . import typeface

TEMPLATES = Path(__file__).parent / "templates"
WIDGET = "application/vnd.jupyter.widget-view+json"

# Attributes by which any element fetches something as soon as the page is opened; an href does so but in <a> and <area>.
FETCHING = "src", "srcset", "imagesrcset", "poster", "background", "data", "href", "xlink:href"
IN_CSS = r"""(?:url\(\s*|@import\s+(?!url)|image-set\(\s*)["']?([^"')\s;]+)"""
IN_SCRIPT = r"""(?:\bimport\b|\bfrom\b|\bfetch|\bimportScripts|\bopen)[^"'`\n;]*["'`]((?:https?:)?//[^"'`]+)"""


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with formulas as MathML.  ValueError, with the cell's number, for one that would not show."""

    def inline_math(self, body, display="inline"):
        """A formula within a line."""
        with suppress(Exception):                      # latex2mathml has a dozen kinds, without a common parent
            result = convert(body, display=display)
            if not re.search(r'\\|<mi>&</mi>|mathvariant="(?:script|double|bold)', result):
                return result.replace("<mi>&#x0007E;</mi>", "<mo>&#x0223C;</mo>")              # \sim, a relation
        raise ValueError(f"{self.cell}: the formula {body!r} can't be shown: perhaps a command is unknown, an & stands "
                         r"outside an {align*}, or a \mathcal{N} is without its braces")

    def block_math(self, body):
        """A formula on a line of its own."""
        return self.inline_math(body, "block")

    def latex_environment(self, name, body):
        r"""A formula between \begin and \end."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def _src_to_base64(self, src):
        """A picture's file as data: its name comes as it is, or as Markdown writes it into addresses, %C3%A1 for á."""
        return super()._src_to_base64(src) or super()._src_to_base64(unquote(src))


class OfflineExporter(HTMLExporter):
    """An nbconvert exporter: notebook → one self-contained HTML file; always the same bytes.

    Pictures must lie in the notebook's folder or below it.
    """

    layout = "offline"      # the name of its template
    places = []             # folders, beside the template's own, of files that the template includes

    @property
    def default_config(self):
        """The template, and no widgets, which are dead without a kernel."""
        config = super().default_config
        own = config[type(self).__name__]
        own.template_name = self.layout
        own.extra_template_basedirs = [str(TEMPLATES)]
        own.extra_template_paths = self.places
        priority = [kind for kind in config.NbConvertBase.display_data_priority
                    if kind not in (WIDGET, "application/javascript")]
        config.NbConvertBase.display_data_priority = priority
        config.CSSHTMLHeaderPreprocessor.style = "xcode"
        return config

    def default_filters(self):
        """nbconvert's filters, and what the templates need besides."""
        yield from super().default_filters()
        yield "markdown2html", self.markdown2html
        yield "visible", visible

    def markdown2html(self, source, cell):
        """Markdown as HTML; cell: the one that it is of, or that put it out."""
        renderer = Renderer(escape=False, exclude_anchor_links=True, embed_images=True, path=self.folder,
                            attachments=cell.get("attachments", {}))
        renderer.cell = f"cell {cell.metadata.number}, which begins {cell.source.strip()[:50]!r}"
        return MarkdownWithMath(renderer=renderer).render(source)

    def from_notebook_node(self, nb, resources=None, **kw):
        """(html, resources) of an executed notebook; ValueError, with the cell's number from 1, if it can't be shown."""
        nb = deepcopy(nb)
        for number, cell in enumerate(nb.cells, 1):
            cell.metadata.number = number
            failed = any(output.output_type == "error" for output in cell.get("outputs", []))
            if failed or cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                raise ValueError(f"cell {number} {'failed' if failed else 'was not executed'}; nothing was exported")
        about = (resources or {}).get("metadata", {})
        self.folder = str(about.get("path", ""))
        html, resources = super().from_notebook_node(nb, resources, **kw)
        soup = BeautifulSoup(html, "html.parser")
        refuse_fetched(soup)
        heading = soup.find("h1") or soup.find("h2")
        soup.title.string = nb.metadata.get("title") or (heading.get_text() if heading else about.get("name", "Notebook"))
        for header in soup.select("th:not([scope])"):
            header["scope"] = "col" if header.find_parent("thead") else "row"
        for image in soup.select("img[width]"):
            image["class"] = [*image.get("class", []), *["wide"] * (int(image["width"]) > 700)]
        self.finish(soup)
        soup.select_one("style.typeface").string = typeface.css(str(soup))
        return str(soup), resources

    def finish(self, soup):
        """What else a kind of page needs done when all its cells are in place."""


def visible(outputs):
    """Those of a cell's outputs that a reader without Python should see, as they are in the end.

    A line that a progress bar writes over and over is what was written last, often nothing; a widget that has no
    other form than a text that describes it is left out, and so is what is empty.
    """
    seen = []
    for output in deepcopy(outputs):
        if output.output_type == "stream":
            lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in output.text.strip("\n").split("\n")]
            output.text = "\n".join(lines).strip("\n")
            if not output.text.strip():
                continue
        else:
            shows = {kind for kind, content in output.data.items() if kind != WIDGET and (content if isinstance(content, dict) else str(content).strip())}
            if not shows or WIDGET in output.data and not shows & {"text/html", "image/png", "image/svg+xml"}:
                continue
        seen.append(output)
    return seen


def refuse_fetched(soup, where=""):
    """Raise a ValueError that names the first element of a page that wants something from elsewhere, and its cell."""
    for element in soup.find_all(True):
        cell = element.find_parent(attrs={"data-cell": True})
        within = f"cell {cell['data-cell']}: " if cell else where
        for address in _fetched(element):
            if not address.strip().lower().startswith(("data:", "blob:", "about:", "#")):
                raise ValueError(f"{within}<{element.name}> wants {address[:100]!r}, which is not in the page and would not "
                                 "show without a network: pictures must be files in the notebook's folder, and all else "
                                 "must be written out")
        if element.name == "iframe" and element.get("srcdoc"):
            refuse_fetched(BeautifulSoup(element["srcdoc"], "html.parser"), within)


def _fetched(element):
    """The addresses of what an element fetches when its page is opened."""
    for name in FETCHING:
        value = element.get(name, "")
        if name == "href" and element.name in ("a", "area") or name == "data" and element.name != "object":
            continue
        if name.endswith("srcset"):
            yield from re.findall(r"[^\s,]\S*[^\s,](?=[\s,]|$)", re.sub(r"\s[\d.]+[wx](?=\s*,|\s*$)", "", value))
        elif value:
            yield value
    if element.name == "meta" and element.get("http-equiv", "").lower() == "refresh":
        yield element.get("content", "")
    yield from re.findall(IN_CSS, element.get("style", ""))
    if element.name == "style":
        yield from re.findall(IN_CSS, element.string or "")
    if element.name == "script" and element.find_parent(attrs={"data-cell": True}):         # our own fetch nothing
        yield from re.findall(IN_SCRIPT, element.string or "")
