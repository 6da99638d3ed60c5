"""The slides: one file, no network, everything on its slide; and refusals that say why."""

import base64
import struct
import sys
import zlib

import nbformat.v4 as v4
import pytest

pytest.importorskip("nbconvert", reason="nbconvert is not installed")
from bs4 import BeautifulSoup  # noqa: E402

from autoenc.report import slides  # noqa: E402
from tests.browser import PAGE, chromium, opened  # noqa: E402
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
        cell("markdown", "Said, not shown.", "skip"),
        cell("markdown", "Not in the deck.", "skip", ["no-note"])])


def export(notebook):
    return slides.OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": "small", "path": ""}})[0]


def test_page(notebook):
    """Formulas, descriptions, tags, notes."""
    page = export(notebook)
    deck = page[page.index('<div class="slides">'):page.index("<script>")]
    assert deck.count("<math") == 3 and "$" not in deck and "∼" in deck and "¶" not in deck
    assert deck.count('display="block"') == 1
    descriptions = [image["alt"] for image in BeautifulSoup(deck, "html.parser").select("img")]
    assert descriptions == ['Curves "fall"', "<a figure>", "a character"]
    assert "hidden_code" not in deck and "shown_code" in deck and "hidden text" not in deck
    assert 'class="explorer"' in deck and "widget" not in deck and "Not in the deck" not in deck
    assert 'class="fragment"' in deck and "<title>A title</title>" in page
    slides = BeautifulSoup(deck, "html.parser").select("section")
    notes = [" ".join(note.get_text().strip() for note in slide.select("aside.notes")) for slide in slides]
    assert notes == ["Remember to greet.", "", "", "", "Said, not shown."]


def test_the_title_is_the_notebooks_own_if_it_has_one(notebook):
    notebook.metadata.title = "Its < own"
    assert BeautifulSoup(export(notebook), "html.parser").title.get_text() == "Its < own"


def test_headers_of_tables_say_what_they_are_of(notebook):
    notebook.cells[2].source = "| a | b |\n|---|---|\n| 1 | 2 |"
    notebook.cells[4].outputs = [v4.new_output("display_data", {"text/html": "<table><tr><th>row</th><td>1</td></tr></table>"})]
    headers = BeautifulSoup(export(notebook), "html.parser").select("th")
    assert [(th.get_text(), th["scope"]) for th in headers] == [("a", "col"), ("b", "col"), ("row", "row")]


def test_cells_find_their_places_on_a_slide():
    cells = [cell("markdown", "# T\n\nQ?", "slide"), cell("code", "picture()", "-", ["hero"]), cell("markdown", "", "-"),
             cell("markdown", "## A\nrest", "subslide"), cell("markdown", "one", "fragment"), cell("markdown", "two", "-"),
             cell("markdown", "three", "fragment"), cell("markdown", "wide", "-", ["across"]), cell("markdown", "four", "-"),
             cell("markdown", "## Last", "slide", ["take-home"]), cell("markdown", "## More", "slide", ["appendix"]),
             cell("markdown", "## And more", "slide")]
    opening, first, last, more, and_more = slides.slides(cells)
    assert opening["title"].source == "# T" and opening["kind"] == " opening"
    assert [block["cells"][0].source for block in opening["left"]] == ["Q?"] and opening["right"][0]["cells"] == [cells[1]]
    assert [([cell.source for cell in block["cells"]], block["fragment"]) for block in first["left"]] == [
        (["rest"], False), (["one", "two"], True), (["three", "four"], True)]
    assert first["across"][0]["cells"] == [cells[7]]
    assert last["kind"] == " take-home" and not last["appendix"] and more["appendix"] and and_more["appendix"]


def test_an_empty_code_cell_need_not_be_executed(notebook):
    notebook.cells.append(cell("code", " \n", "-"))
    export(notebook)


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
    ("$a & b$", "outside"), ("![a picture](missing.png)", "missing.png"), ("![a picture](../outside.png)", "outside.png"),
    ("<img src='https://example.org/a.png'>", "example.org"),
    ("<img alt='' src='data:,' srcset='data:, 1x, https://example.org/a.png 2x'>", "<img> wants 'https://example.org/a.png'"),
    ("<iframe src='https://example.org'></iframe>", "<iframe> wants 'https://example.org'"),
    ("<iframe srcdoc='<img src=//example.org/a>'></iframe>", "<img> wants '//example.org/a'"),
    ("<video poster='a.png'></video>", "<video> wants 'a.png'"),
    ("<video><source src='a.mp4'></video>", "<source> wants 'a.mp4'"),
    ("<object data='a.pdf'></object>", "<object> wants 'a.pdf'"), ("<embed src='a.pdf'>", "<embed> wants 'a.pdf'"),
    ("<script src='a.js'></script>", "<script> wants 'a.js'"),
    ("<script type='module'>import a from 'https://example.org/a.js'</script>", "<script> wants 'https://example.org/a.js'"),
    ("<link rel='stylesheet' href='a.css'>", "<link> wants 'a.css'"),
    ("<p style='background: url(a.png)'>text</p>", "<p> wants 'a.png'"),
    ("<style>p { background: url( 'a.png' ) }</style>", "<style> wants 'a.png'"),
    ("<style>@import 'a.css';</style>", "<style> wants 'a.css'"), ("<base href='https://example.org'>", "<base> wants"),
    ("<svg><image href='a.png'/></svg>", "<image> wants 'a.png'"), ("<svg><use xlink:href='a.svg#b'/></svg>", "<use> wants"),
    ("<meta http-equiv='refresh' content='0; url=a.html'>", "<meta> wants")])
def test_what_cannot_be_shown(notebook, text, message):
    notebook.cells[2].source = f"Where it is:\n\n{text}"
    with pytest.raises(ValueError, match=message) as error:
        export(notebook)
    assert "cell 3" in str(error.value)
    assert "$" not in text or repr(text.strip("$")) in str(error.value) and "begins 'Where it is" in str(error.value)


@pytest.mark.parametrize("text", [
    "<a href='https://example.org'>a link</a>", "<svg><use href='#b'/></svg>", "<p style='fill: url(#b)'>text</p>",
    "<script>const space = 'http://www.w3.org/2000/svg'</script>", "[a file](a.zip)", "<img alt='x' src='data:image/png;base64,AA=='>",
    "<iframe title='x' src='data:text/html,text'></iframe>"])
def test_what_fetches_nothing_is_not_refused(notebook, text):
    notebook.cells[2].source = text
    export(notebook)


def test_html_is_shown_and_not_the_script_beside_it(notebook):
    both = {"application/javascript": "alert(1)", "text/html": "<p>shown</p>", "text/plain": "<object>"}
    notebook.cells[6].outputs = [v4.new_output("display_data", both)]
    page = export(notebook)
    assert "<p>shown</p>" in page and "alert(1)" not in page


def test_a_picture_of_more_than_700_pixels_is_a_wide_one(notebook):
    notebook.cells[6].outputs = [picture(width, 10, **{"image/png": {"alt": f"{width} pixels", "width": width}}) for width in (699, 700, 701, 702)]
    images = BeautifulSoup(export(notebook), "html.parser").select("section img[alt$=pixels]")
    assert [image["alt"] for image in images if "wide" in image.get("class", [])] == ["701 pixels", "702 pixels"]


def test_a_progress_bar_leaves_nothing_behind(notebook):
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "dead"}, "text/plain": "0%|  | 0/300"}
    notebook.cells[6].outputs = [v4.new_output("stream", name="stderr", text="\r  0%|   | 0/300\r100%|###| 300/300\r          \r\n"),
                                 v4.new_output("stream", name="stdout", text="  1%\r  2%\rthe end\n"),
                                 v4.new_output("display_data", widget), v4.new_output("display_data", {"text/plain": ""})]
    page = export(notebook)
    assert "/300" not in page and "%" not in BeautifulSoup(page, "html.parser").select("section")[-1].get_text()
    assert "the end" in page and len(BeautifulSoup(page, "html.parser").select(".text")) == 1


def test_pictures_beside_the_notebook_are_embedded(notebook, tmp_path):
    sources = {"a.png": "![a picture](a.png)", "gráfico uno.png": "![a picture](<gráfico uno.png>)", "b c.png": "![a picture](b%20c.png)",
               "100%25.png": "<img alt='a picture' src='100%25.png'>", "ñ.png": "<img alt='a picture' src='ñ.png'>"}
    for width, (name, source) in enumerate(sources.items(), 5):
        if not name.isascii() and sys.getfilesystemencoding() != "utf-8":
            continue
        (tmp_path / name).write_bytes(base64.b64decode(png(width, 7)))
        notebook.cells[2].source = source
        page = slides.OfflineSlides().from_notebook_node(notebook, {"metadata": {"path": str(tmp_path)}})[0]
        assert name not in page and png(width, 7) in page


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
    with opened(deck(), query="#/2") as (page, _):
        page.wait_for_function("Reveal.isReady()")
        left = page.locator(".present .left .cell").bounding_box()
        assert page.locator(".present .tag-beside").bounding_box()["x"] > left["x"] + left["width"]
        assert page.locator(".tag-beside a").get_attribute("href") == "02_other.slides.html"


def test_overflow_and_network_are_noticed(deck, notebook):
    notebook.cells[2].source = "text\n\n" * 30
    notebook.cells[6].outputs[0].data["text/html"] = "<script>new Image().src = 'https://example.org/a.png'</script>"
    with opened(deck()) as (page, complaints):
        assert [number for number, found in walk(page) if found] == [2]
        assert any("example.org" in line for line in complaints)


def test_sliders_keep_the_arrows_but_not_the_remote(deck):
    with opened(deck(), query="#/5") as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        where, slider = "Reveal.getIndices().h", page.locator("input[type=range]")
        slider.evaluate("e => e.addEventListener('keydown', key => key.key.startsWith('Arrow') && key.stopPropagation())")    # as the explorer's do
        slider.focus()
        page.keyboard.press("ArrowRight")
        assert (page.evaluate(where), slider.input_value()) == (4, "11")
        page.keyboard.press("PageUp")
        assert (page.evaluate(where), slider.input_value()) == (3, "11")
        page.keyboard.press("PageDown")
        slider.focus()
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")
        assert (page.evaluate(where), slider.input_value()) == (3, "11")
        page.keyboard.press("ArrowRight")
        slider.click()
        assert page.locator(".fragment.visible").count() == 0
        page.keyboard.press("Space")
        assert page.locator(".fragment.visible").count() == 1


def test_tab_finds_the_sliders_of_this_slide_and_nothing_of_others(deck):
    with opened(deck()) as (page, _):
        page.wait_for_function("Reveal.isReady()")
        for number in (2, 4, 1, 4, 0):
            page.evaluate(f"Reveal.slide({number})")
            page.keyboard.press("Tab")
            found = page.evaluate("document.activeElement.localName + !document.activeElement.closest('section:not(.present)')")
            assert found == {1: "atrue", 4: "inputtrue"}.get(number, "bodytrue"), number


def test_print_pdf_has_a_page_a_slide(deck):
    with opened(deck(), query="?print-pdf") as (page, complaints):
        page.wait_for_selector(".pdf-page")
        assert page.locator(".pdf-page").count() == 5
        assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 5


def test_printed_as_it_is_a_deck_has_a_page_a_slide(deck):
    with opened(deck()) as (page, _):
        page.wait_for_function("Reveal.isReady()")
        page.emulate_media(media="print")
        assert page.evaluate("[...document.querySelectorAll('section, .fragment')].every(e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}))")
        assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 5


def test_on_a_phone_the_deck_is_read_from_top_to_bottom_and_slides_have_addresses(deck):
    with opened(deck(), (390, 844), query="#/2") as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        page.wait_for_timeout(500)
        assert page.evaluate(PAGE) == [] and complaints == []
        tops = page.evaluate("[...document.querySelectorAll('section')].map(e => e.getBoundingClientRect().top)")
        assert abs(tops[1]) < 5 and tops == sorted(tops)
        page.evaluate("location.hash = '#/1'")
        page.wait_for_function("Math.abs(document.querySelectorAll('section')[0].getBoundingClientRect().top) < 5")
        assert page.evaluate("document.querySelectorAll('section[aria-hidden]').length") == 0


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_without_scripts_everything_can_be_read(deck, size):
    with opened(deck(), size, java_script_enabled=False) as (page, _):
        for part in page.locator("section h1, section h2, section p, section img").all():
            if not part.evaluate("e => !!e.closest('aside')"):
                box = part.bounding_box()
                assert box["width"] > 0 and box["x"] >= 0 and box["x"] + box["width"] <= size[0] or part.evaluate("e => e.localName") == "img"


def test_steps_wait_for_a_key(deck, notebook):
    notebook.cells[2].source = "## Steps"
    notebook.cells.insert(3, cell("markdown", "one\n\ntwo\n\n- three\n- four", "-", ["steps"]))
    with opened(deck(), query="#/2") as (page, _):
        page.wait_for_function("Reveal.isReady()")
        assert page.locator(".present .fragment").count() == 3
        page.keyboard.press("ArrowRight")
        assert page.locator(".present .fragment.visible").all_text_contents() == ["two"]


def test_the_speakers_view_is_at_the_slide_that_is_shown(deck):
    with opened(deck(), query="#/3") as (page, _):
        page.wait_for_function("Reveal.isReady()")
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        popup.value.wait_for_selector("#current-slide iframe")
        frame = popup.value.frame_locator("#current-slide iframe")
        frame.locator(".present img").first.wait_for()
        assert frame.locator(".present img").count() == 2           # which the third slide has, and no other


def test_speaker_view_shows_the_notes(deck):
    with opened(deck()) as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        popup.value.wait_for_function("document.querySelector('.speaker-controls-notes .value')"
                                      ".textContent.includes('greet')", timeout=10_000)
