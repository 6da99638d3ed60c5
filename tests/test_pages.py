"""Pages: one file that can be read anywhere; the index that leads to all; what export writes, and what it refuses."""

import re
import subprocess
import sys

import nbformat
import nbformat.v4 as v4
import pytest

pytest.importorskip("nbconvert", reason="nbconvert is not installed")
from bs4 import BeautifulSoup  # noqa: E402

from autoenc.report import pages  # noqa: E402
from tests.browser import PAGE, chromium, opened  # noqa: E402
from tests.test_slides import EXPLORER, FORMULA, cell, picture, png  # noqa: E402


@pytest.fixture
def notebook():
    explorer = {"text/html": EXPLORER.format("data:image/png;base64," + png(5, 7)), "text/plain": "Explorer"}
    return v4.new_notebook(metadata={"language_info": {"name": "python"}}, cells=[
        cell("markdown", "# A title\n\nWhat is *it*?", "slide"),
        cell("markdown", "## Formulas of $x$\n\n" + FORMULA + "\n\nIn [another part](02_other.ipynb).", "slide"),
        cell("markdown", "Skipped on slides, read here.\n\n$$" + " + ".join(20 * ["wide"]) + "$$\n\nwide: $" + " + ".join(7 * ["wide"]) + "$", "skip"),
        cell("code", "drawn = 'with folded code'", "-", ["hide-input", "figure:one"], execution_count=1,
             outputs=[picture(1100, 700, **{"image/png": {"alt": 'Curves "fall"', "width": 1100}})]),
        cell("code", "open = 'code'\n" + 60 * "long_line + ", "-", execution_count=2,
             outputs=[v4.new_output("stream", name="stdout", text="printed\nin two lines")]),
        cell("markdown", "## A table\n\n| first | second |\n|---|---|\n| 1 | 2 |", "slide"),
        cell("code", "explore()", "slide", execution_count=3, outputs=[v4.new_output("display_data", explorer)])])


def export(notebook):
    html, _ = pages.OfflinePage().from_notebook_node(notebook, {"metadata": {"name": "01_small", "path": ""}})
    return BeautifulSoup(html, "html.parser")


def test_a_page_holds_all_of_the_notebook(notebook):
    page = export(notebook)
    assert page.title.get_text() == "A title" and len(page.select("main math")) == 6 and "$" not in page.main.get_text()
    assert "Skipped on slides, read here." in page.main.get_text()
    assert page.select_one("main img.wide")["alt"] == 'Curves "fall"' and page.select_one(".explorer input")
    assert [code.get_text().strip() for code in page.select("main details pre")] == ["drawn = 'with folded code'"]
    assert any("open = 'code'" in code.get_text() for code in page.select("main pre") if not code.find_parent("details"))
    assert [(th.get_text(), th["scope"]) for th in page.select("th")] == [("first", "col"), ("second", "col")]


def test_the_contents_lead_to_the_sections_and_links_to_pages(notebook):
    page = export(notebook)
    links = page.select("nav.contents li a")
    assert [link.get_text()[:8] for link in links] == ["Formulas", "A table"] and links[0].select("math")
    assert [page.select_one(f'main [id="{link["href"][1:]}"]').name for link in links] == ["h2", "h2"]
    assert page.select_one('main a[href="02_other.html"]')
    assert {link["href"] for link in page.select("nav.site a")} == {
        "../index.html", "../slides/01_small.slides.html", "../notebooks/01_small.ipynb"}


def test_exporting_twice_gives_the_same_bytes(notebook):
    before = str(notebook)
    assert str(export(notebook)) == str(export(notebook)) and str(notebook) == before


def test_export_writes_both_and_the_index_leads_to_them(notebook, tmp_path):
    path = tmp_path / "01_small.ipynb"
    pages.export(notebook, path, tmp_path / "build")
    pages.index(tmp_path / "build", {path: notebook})
    index = BeautifulSoup((tmp_path / "build" / "index.html").read_text("utf-8"), "html.parser")
    assert index.h2.get_text() == "A title" and "What is it?" in index.article.get_text()
    assert index.article.img["alt"] == 'Curves "fall"'
    ways = [link["href"] for link in index.select("article a")]
    assert ways == ["pages/01_small.html", "slides/01_small.slides.html"]              # there is no notebook in build/
    assert all((tmp_path / "build" / way).exists() for way in ways)
    (tmp_path / "build" / "notebooks").mkdir()
    notebook.metadata.title = "From an earlier run"
    nbformat.write(notebook, tmp_path / "build" / "notebooks" / "00_earlier.ipynb")
    pages.index(tmp_path / "build", {path: notebook})
    index = BeautifulSoup((tmp_path / "build" / "index.html").read_text("utf-8"), "html.parser")
    assert [link["href"] for link in index.select("article a")] == ["notebooks/00_earlier.ipynb", *ways]


def test_what_can_be_written_is_and_what_cannot_is_named(notebook, tmp_path, monkeypatch):
    path = tmp_path / "01_small.ipynb"
    notebook.cells[2].source = r"Only pages would have $\foo$."
    notebook.cells[2].metadata.tags = ["no-note"]
    with pytest.raises(ValueError, match="^01_small.ipynb: no pages: cell 3, .*foo") as error:
        pages.export(notebook, path, tmp_path)
    assert "slides" not in str(error.value)
    assert (tmp_path / "slides" / "01_small.slides.html").exists() and not (tmp_path / "pages").exists()


@pytest.mark.parametrize("form, suffix, word", [("offline_page", ".html", "class=\"contents\""), ("offline_slides", ".slides.html", "Reveal.initialize")])
def test_nbconvert_knows_the_exporters_by_name(notebook, tmp_path, form, suffix, word):
    nbformat.write(notebook, tmp_path / "small.ipynb")
    subprocess.run([sys.executable, "-m", "nbconvert", "--to", form, "small.ipynb"], cwd=tmp_path, check=True, capture_output=True)
    assert word in (tmp_path / f"small{suffix}").read_text("utf-8")


needs_browser = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")


@needs_browser
@pytest.mark.parametrize("size, scheme", [((1280, 720), "light"), ((1920, 1080), "dark"), ((390, 844), "dark"), ((390, 844), "light")])
def test_a_page_can_be_read(notebook, tmp_path, size, scheme):
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    (tmp_path / "page.html").write_text(str(export(notebook)), "utf-8")
    with opened(tmp_path / "page.html", size, color_scheme=scheme) as (page, complaints):
        page.wait_for_timeout(300)
        assert page.evaluate(PAGE) == [] and complaints == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = max(map(int, re.findall(r"\d+", ground)[:3])) < 60
        assert dark == (scheme == "dark")
        assert page.evaluate("getComputedStyle(document.querySelector('main img')).backgroundColor") == "rgb(255, 255, 255)"


@needs_browser
def test_the_index_can_be_read(notebook, tmp_path):
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    pages.export(notebook, tmp_path / "01_small.ipynb", tmp_path)
    pages.index(tmp_path, {tmp_path / "01_small.ipynb": notebook})
    with opened(tmp_path / "index.html", (390, 844)) as (page, complaints):
        assert page.evaluate(PAGE) == [] and complaints == []
        page.locator("article a").first.click()
        assert page.title() == "A title"


@needs_browser
def test_what_cannot_be_read_is_noticed(notebook, tmp_path):
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    notebook.cells[2].source = ("<p style='font-size: 9px'>tiny</p>\n\n<p style='color: #bbb'>pale</p>\n\n<p style='min-width: 3000px'>wide</p>\n\n"
                                "<p>one</p><p style='margin-top: -40px'>upon it</p>\n\n<img src='data:,'>")
    (tmp_path / "page.html").write_text(str(export(notebook)), "utf-8")
    with opened(tmp_path / "page.html") as (page, _):
        found = "\n".join(page.evaluate(PAGE))
    for word in ("letters of 9.0 px.*tiny", "contrast 1.*pale", "beyond the screen.*wide", "covers something.*upon it", "not loaded", "without a description"):
        assert re.search(word, found), word
