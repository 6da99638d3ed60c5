"""Pages: a notebook becomes an article, one HTML file that one can send, and an index leads to everything there is.

    jupyter nbconvert --to offline_page notebooks/01_linear_autoencoder.ipynb

A page is for reading, on a phone too: all of the notebook from top to bottom, with the code of figures folded and a
table of contents.  It shares everything with the slides but its template (see `offline`).
"""

from base64 import b64decode, b64encode
from html import escape
from io import BytesIO
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from ..files import replace
from . import typeface
from .offline import TEMPLATES, OfflineExporter
from .slides import OfflineSlides


class OfflinePage(OfflineExporter):
    """An nbconvert exporter: notebook → one self-contained page; always the same bytes.

    Pictures must lie in the notebook's folder or below it.
    """

    export_from_notebook = "Page in one file"
    layout = "offline_page"
    places = [str(TEMPLATES / "offline")]

    def finish(self, soup):
        """The table of contents, and addresses for what it leads to; links from notebook to notebook lead to pages."""
        for image in soup.select("main img.wide"):
            image.wrap(soup.new_tag("div", attrs={"class": "figure"}))         # which a narrow screen can move
        for formula in soup.select("main math[display=block]"):
            formula.wrap(soup.new_tag("span", attrs={"class": "formula"}))
        contents = soup.select_one("nav.contents ol")
        for number, heading in enumerate(soup.select("main .cell.markdown h2"), 1):
            heading["id"] = heading.get("id") or f"section-{number}"
            line = BeautifulSoup(f'<li><a href="#{heading["id"]}"></a></li>', "html.parser")
            for part in heading.contents:
                line.a.append(BeautifulSoup(str(part), "html.parser"))
            contents.append(line)
        for link in soup.select('main a[href$=".ipynb"]'):
            if "/" not in link["href"]:
                link["href"] = link["href"].removesuffix("ipynb") + "html"


def export(notebook, path, build):
    """Write an executed notebook as slides and as a page: build/slides/NAME.slides.html and build/pages/NAME.html.

    path: where it lies, for its name and its pictures.  Of the two what can be written is; ValueError, with the
    names of the notebook and the cell, if one can't.
    """
    path, build = Path(path), Path(build)
    failures = []
    for folder, exporter in (("slides", OfflineSlides()), ("pages", OfflinePage())):
        file = build / folder / f"{path.stem}{exporter.file_extension}"
        try:
            html, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})
        except Exception as error:              # whatever a notebook may hold, the others are exported
            failures.append(f"{path.name}: no {folder}: {error or type(error).__name__}")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, html.encode())
    if failures:
        raise ValueError("\n".join(failures))


def index(build, notebooks):
    """Write build/index.html, which leads to the notebooks, slides and pages that lie below `build`.

    notebooks: {path: executed notebook}; those that an earlier run has left in build/notebooks/ are read there.
    """
    build = Path(build)
    known = {Path(path).name: notebook for path, notebook in notebooks.items()}
    for path in build.glob("notebooks/*.ipynb"):
        if path.name not in known:
            known[path.name] = nbformat.read(path, as_version=4)
    cards = [_card(build, Path(name), notebook) for name, notebook in sorted(known.items())]
    page = (TEMPLATES / "index.html").read_text("utf-8").replace("<!-- parts -->", "\n".join(filter(None, cards)))
    style = (TEMPLATES / "offline_page" / "page.css").read_text("utf-8")
    page = page.replace("/* style */", style)
    replace(build / "index.html", page.replace("/* typeface */", typeface.css(page)).encode())


def _card(build, path, notebook):
    """A notebook on the index: its picture, title, question and ways in, as HTML."""
    ways = [(f"pages/{path.stem}.html", "Read"), (f"slides/{path.stem}.slides.html", "Slides"),
            (f"notebooks/{path.name}", "Notebook")]
    links = [f'<a href="{escape(way)}">{name}</a>' for way, name in ways if (build / way).exists()]
    if not links:
        return ""
    title, lead = _opening(notebook)
    return (f'<article>{_picture(notebook)}<div><h2>{escape(title)}</h2>\n<p>{escape(lead)}</p>\n'
            f'<p class="ways">{" ".join(links)}</p></div></article>')


def _opening(notebook):
    """(title, question): a notebook's heading, and the first paragraph with a question mark, as plain text."""
    source = "\n\n".join(cell.source for cell in notebook.cells[:6] if cell.cell_type == "markdown")
    plain = [" ".join(text.lstrip("#").replace("*", "").replace("&nbsp;", " ").split()) for text in source.split("\n\n")]
    title = notebook.metadata.get("title") or next(filter(None, plain), "Notebook")
    return title, next((text for text in plain if "?" in text and text != title), "")


def _picture(notebook):
    """The notebook's hero, or its first picture, in a size for the index, as HTML with its description."""
    from PIL import Image

    def pictures(cells):
        return [(output.data["image/png"], output.metadata.get("image/png", {}).get("alt", ""))
                for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    heroes = [cell for cell in notebook.cells if "hero" in cell.metadata.get("tags", [])]
    found = pictures(heroes) or pictures(notebook.cells)
    if not found:
        return ""
    data, alt = found[0]
    image = Image.open(BytesIO(b64decode(data))).convert("RGB")
    image.thumbnail((800, 600), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.quantize(128, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(file, "png", compress_level=9)
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(file.getvalue()).decode()}">'
