"""The slides: one file, no network, everything on its slide; and refusals that say why."""

import base64
import struct
import zlib

import nbformat.v4 as v4
import pytest

pytest.importorskip("nbconvert", reason="nbconvert is not installed")
from bs4 import BeautifulSoup  # noqa: E402

from autoenc.report import slides  # noqa: E402
from tests.browser import chromium, opened  # noqa: E402
from tests.browser import slides as walk  # noqa: E402

FORMULA = r"The loss is $\lVert x - \hat{x} \rVert^2$, with $p < 1$." "\n\n" \
          r"$$\sum_{i=1}^{n} x_i \sim \mathcal{N}(0, 1)$$"
EXPLORER = """<div class="explorer"><img class="pixelated" alt="a character" src="{}">
<input type="range" min="0" max="20" value="10"></div>"""


def png(width, height):
    """A grey picture, base64."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress((b"\0" + b"\x88" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows)
                            + chunk(b"IEND", b"")).decode()


def cell(kind, source, slide, tags=(), **more):
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}[kind]
    return make(source, metadata={"slideshow": {"slide_type": slide}, "tags": list(tags)}, **more)


def picture(width, height, **metadata):
    return v4.new_output("display_data", {"image/png": png(width, height), "text/plain": "<a figure>"},
                         metadata=metadata)


@pytest.fixture
def notebook():
    html = {"text/html": EXPLORER.format("data:image/png;base64," + png(5, 7)), "text/plain": "Explorer",
            "application/vnd.jupyter.widget-view+json": {"model_id": "dead"}}
    return v4.new_notebook(metadata={"language_info": {"name": "python"}}, cells=[
        cell("markdown", "# A title", "slide"),
        cell("markdown", "Remember to greet.", "notes"),
        cell("markdown", "## Formulas\n\n" + FORMULA, "slide"),
        cell("markdown", "In [another part](02_other.ipynb).", "-", ["beside"]),
        cell("code", "hidden_code()", "slide", ["hide-input"], execution_count=1,
             outputs=[picture(1000, 700, **{"image/png": {"alt": 'Curves "fall"'}}), picture(50, 50)]),
        cell("code", "shown_code()", "subslide", ["hide-output"], execution_count=2,
             outputs=[v4.new_output("stream", name="stdout", text="hidden text")]),
        cell("code", "explore()", "slide", execution_count=3, outputs=[v4.new_output("display_data", html)]),
        cell("markdown", "Last of all.", "fragment"),
        cell("markdown", "Not in the deck.", "skip")])


def export(notebook):
    return slides.OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": "small", "path": ""}})[0]


def test_page(notebook):
    """Formulas, descriptions, tags, notes."""
    page = export(notebook)
    deck = page[page.index('<div class="slides">'):page.index("<script")]
    assert deck.count("<math") == 3 and "$" not in deck and "∼" in deck
    descriptions = [image["alt"] for image in BeautifulSoup(deck, "html.parser").select("img")]
    assert descriptions == ['Curves "fall"', "<a figure>", "a character"]
    assert "hidden_code" not in deck and "shown_code" in deck and "hidden text" not in deck
    assert 'class="explorer"' in deck and "widget" not in deck and "Not in the deck" not in deck
    assert '<aside class="notes">' in deck and 'class="fragment"' in deck


def test_same_bytes_and_notebook_unchanged(notebook):
    before = str(notebook)
    assert export(notebook) == export(notebook)
    assert str(notebook) == before


@pytest.mark.parametrize("spoil, message", [
    (lambda cell: cell.update(execution_count=None), "^cell 5 was not executed"),
    (lambda cell: cell.outputs.append(v4.new_output("error", ename="KeyError", evalue="", traceback=[])),
     "^cell 5 failed")])
def test_unfinished_notebook(notebook, spoil, message):
    spoil(notebook.cells[4])
    with pytest.raises(ValueError, match=message):
        export(notebook)


@pytest.mark.parametrize("text, message", [
    (r"$\foo$", "command is unknown"), ("$x_{$", "can't be shown"), (r"$\mathcal N$", "braces"),
    ("![a picture](missing.png)", "missing.png"), ("<img src='https://example.org/a.png'>", "example.org")])
def test_what_cannot_be_shown(notebook, text, message):
    notebook.cells[2].source = f"Where it is: {text}"
    with pytest.raises(ValueError, match=message) as error:
        export(notebook)
    assert "$" not in text or repr(text.strip("$")) in str(error.value) and "begins 'Where it is" in str(error.value)


def test_pictures_beside_the_notebook_are_embedded(notebook, tmp_path):
    (tmp_path / "a.png").write_bytes(base64.b64decode(png(5, 7)))
    notebook.cells[2].source = "![a picture](a.png)"
    page = slides.OfflineSlides().from_notebook_node(notebook, {"metadata": {"path": str(tmp_path)}})[0]
    assert "a.png" not in page and png(5, 7) in page


def test_missing_reveal_says_what_is_missing(notebook, monkeypatch):
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(ModuleNotFoundError, match="sphinx-revealjs"):
        export(notebook)


@pytest.fixture
def deck(notebook, tmp_path):
    """The exported file; skips where no browser can be driven."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    if not chromium():
        pytest.skip("no Chromium: apt install chromium")

    def write():
        path = tmp_path / "small.slides.html"
        path.write_text(export(notebook), encoding="utf-8")
        return path
    return write


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)])
def test_in_a_browser_without_network(deck, size):
    with opened(deck(), size) as (page, complaints):
        assert [number for number, found in walk(page) if not found] == [1, 2, 3, 4, 5]
        assert complaints == []


def test_a_cell_beside_stands_to_the_right_and_its_link_leads_to_a_deck(deck):
    with opened(deck(), query="#/1") as (page, _):
        page.wait_for_function("Reveal.isReady()")
        left = page.locator(".present .cell:not(.tag-beside)").bounding_box()
        assert page.locator(".present .tag-beside").bounding_box()["x"] > left["x"] + left["width"]
        assert page.locator(".tag-beside a").get_attribute("href") == "02_other.slides.html"


def test_overflow_and_network_are_noticed(deck, notebook):
    notebook.cells[2].source = "text\n\n" * 30
    notebook.cells[6].outputs[0].data["text/html"] = "<script src='https://example.org/a.js'></script>"
    with opened(deck()) as (page, complaints):
        assert [number for number, found in walk(page) if found] == [2]
        assert any("example.org" in line for line in complaints)


def test_sliders_keep_the_arrows_but_not_the_remote(deck):
    with opened(deck(), query="#/3") as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        where, slider = "Reveal.getIndices().h", page.locator("input[type=range]")
        slider.evaluate("e => e.addEventListener('keydown', key => key.stopPropagation())")      # as the explorer's own do
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert (page.evaluate(where), slider.input_value()) == (3, "11")
        page.keyboard.press("PageUp")
        assert (page.evaluate(where), slider.input_value()) == (2, "11")
        page.keyboard.press("PageDown")
        slider.focus()
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")
        assert (page.evaluate(where), slider.input_value()) == (2, "11")
        page.keyboard.press("ArrowRight")
        slider.click()
        assert page.locator(".fragment.visible").count() == 0
        page.keyboard.press("Space")
        assert page.locator(".fragment.visible").count() == 1


def test_tab_finds_the_sliders_of_this_slide_and_nothing_of_others(deck):
    with opened(deck()) as (page, _):
        page.wait_for_function("Reveal.isReady()")
        for number in (2, 3, 1, 3, 0):
            page.evaluate(f"Reveal.slide({number})")
            page.keyboard.press("Tab")
            found = page.evaluate("document.activeElement.localName + !document.activeElement.closest('section:not(.present)')")
            assert found == {1: "atrue", 3: "inputtrue"}.get(number, "bodytrue"), number


def test_print_pdf_has_a_page_a_slide(deck):
    with opened(deck(), query="?print-pdf") as (page, complaints):
        page.wait_for_selector(".pdf-page")
        assert page.locator(".pdf-page").count() == 6      # five slides, and one more for the fragment
        assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 6


def test_speaker_view_shows_the_notes(deck):
    with opened(deck()) as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        popup.value.wait_for_function("document.querySelector('.speaker-controls-notes .value')"
                                      ".textContent.includes('greet')", timeout=10_000)
