"""The decks and pages themselves: every committed notebook, exported and looked through in a browser without network."""

from pathlib import Path

import nbformat
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")

from autoenc.report.pages import OfflinePage  # noqa: E402
from autoenc.slides import OfflineSlides  # noqa: E402
from tests.browser import PAGE, chromium, opened, slides  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
SIZES = (1280, 720), (1920, 1080), (1280, 720)          # the layout of a slide is the same at all, so one a deck will do


def export(path, exporter):
    notebook = nbformat.read(path, as_version=4)
    return exporter().from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})[0]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def deck(request, tmp_path_factory):
    file = tmp_path_factory.mktemp("deck") / f"{request.param.stem}.slides.html"
    file.write_text(export(request.param, OfflineSlides), encoding="utf-8")
    return file


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def article(request, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / f"{request.param.stem}.html"
    file.write_text(export(request.param, OfflinePage), encoding="utf-8")
    return file


def test_every_slide_can_be_read_and_nothing_is_fetched(deck):
    assert deck.stat().st_size <= 2.5e6
    with opened(deck, SIZES[int(deck.name[:2]) % len(SIZES)]) as (page, complaints):
        found = dict(slides(page))
        before_the_appendix = page.evaluate("Reveal.getTotalSlides()")
    assert not {number: lines for number, lines in found.items() if lines} and not complaints
    assert 20 <= before_the_appendix <= 26


def test_a_deck_can_be_read_on_a_phone(deck):
    with opened(deck, (390, 844), query="#/7") as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        page.wait_for_timeout(500)
        assert page.evaluate(PAGE) == [] and complaints == []
        assert abs(page.locator("section").nth(6).bounding_box()["y"]) < 5


def test_a_page_can_be_read_on_a_phone_in_the_dark(article):
    assert article.stat().st_size <= 4e6
    with opened(article, (390, 844), color_scheme="dark") as (page, complaints):
        page.wait_for_timeout(500)
        assert page.evaluate(PAGE) == [] and complaints == []
