"""Slides: a notebook becomes a deck, one HTML file that opens by double-click, without network or Python.

    jupyter nbconvert --to offline_slides notebooks/01_linear_autoencoder.ipynb

A slide show in a browser is a web page and a script, reveal.js, that shows one part of it at a time.  The script comes
from the Python package sphinx-revealjs and is put inside, as is all else (see `offline`).

What is a slide, the notebook's cells say (`slideshow.slide_type`): a `slide` or `subslide` begins one, `-` goes on,
a `fragment` appears at the next key, and `notes` are for the speaker.  So is Markdown that is skipped after a slide's
cells, as long as it has no tag `no-note`: what a notebook explains is what a speaker says.  Tags say the rest:
`hide-input`, `hide-output`, `beside` (the right column), `across` (above both columns), `steps` (each paragraph,
formula or item of the cell appears at the next key), `hero` and `credits` (a title slide's picture, and its small
print), `take-home` (on the heading of the last slide), `appendix` (on the heading of the first slide after it) and
`pixelated` (few large pixels, drawn with sharp edges).
"""

from nbformat import NotebookNode

from .offline import TEMPLATES, OfflineExporter
from .typeface import reveal


class OfflineSlides(OfflineExporter):
    """An nbconvert exporter: notebook → one self-contained reveal.js page; always the same bytes.

    Pictures must lie in the notebook's folder or below it.
    """

    export_from_notebook = "Slides in one file"
    layout = "offline_slides"

    @property
    def places(self):
        return [str(TEMPLATES / "offline"), str(reveal("."))]

    def _file_extension_default(self):
        return ".slides.html"

    def _template_extension_default(self):
        return ".html.j2"

    def default_filters(self):
        yield from super().default_filters()
        yield "slides", slides


def slides(cells):
    """The slides that a notebook's cells make, a list of dictionaries.

    title: the cell of the heading, without what follows it; across, left, right: lists of blocks, cells that appear
    together; notes: cells; kind: classes for the style sheet; appendix: whether it comes after the end.
    """
    deck = []
    for cell in cells:
        tags = cell.metadata.get("tags", [])
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if kind in ("slide", "subslide"):
            appendix = "appendix" in tags or bool(deck) and deck[-1]["appendix"]
            deck.append(dict(title=None, across=[], left=[], right=[], notes=[], kind="", appendix=appendix))
            cell = _split_title(cell, deck[-1])
        if not deck:
            continue
        note = kind == "skip" and cell.cell_type == "markdown" and "no-note" not in tags
        if kind == "notes" or note:
            deck[-1]["notes"].append(cell)
        elif kind != "skip":
            _place(cell, kind, tags, deck[-1])
    return deck


def _split_title(cell, slide):
    """Give a slide its first cell's heading, if it has one, and return what is left of the cell."""
    heading, _, rest = cell.source.lstrip().partition("\n")
    if cell.cell_type == "markdown" and heading.startswith("#"):
        slide["title"] = NotebookNode({**cell, "source": heading})
        if heading.startswith("# "):
            slide["kind"] += " opening"
        if "take-home" in cell.metadata.get("tags", []):
            slide["kind"] += " take-home"
        cell = NotebookNode({**cell, "source": rest.strip()})
    if slide["appendix"]:
        slide["kind"] += " appendix"
    return cell


def _place(cell, kind, tags, slide):
    """Put a cell into its column: into a block of its own, or into that of the fragment it goes on with."""
    column = slide["right" if {"beside", "hero"} & set(tags) else "across" if "across" in tags else "left"]
    goes_on = kind == "-" and column and column[-1]["fragment"]
    if goes_on:
        column[-1]["cells"].append(cell)
    elif cell.source.strip() or cell.get("outputs"):
        column.append(dict(fragment=kind == "fragment", cells=[cell]))
