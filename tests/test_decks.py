"""The decks themselves: every committed notebook, exported and looked through in a browser without network."""

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")

from nbconvert import HTMLExporter, SlidesExporter  # noqa: E402
from PIL import Image  # noqa: E402

from autoenc.slides import OfflineSlides  # noqa: E402
from tests.browser import chromium, opened, slides  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def export(path):
    notebook = nbformat.read(path, as_version=4)
    return OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})[0]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def deck(request, tmp_path_factory):
    file = tmp_path_factory.mktemp("deck") / f"{request.param.stem}.slides.html"
    file.write_text(export(request.param), encoding="utf-8")
    return file


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_exporting_twice_gives_the_same_bytes(path):
    assert export(path) == export(path)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080)], ids=str)
def test_every_slide_fits_and_nothing_is_fetched(deck, size):
    assert deck.stat().st_size <= 3e6
    with opened(deck, size) as (page, complaints):
        found = dict(slides(page))
    assert 15 <= len(found) <= 30
    assert not {number: lines for number, lines in found.items() if lines} and not complaints


def pixels(source):
    return np.array(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))).convert("RGB"))


def test_the_sliders_cut_their_picture_out_of_the_atlas(deck):
    atlases = [pixels(img) for img in stored_atlases(deck)]
    with opened(deck) as (page, complaints):
        page.wait_for_function("Reveal.isReady()")
        assert page.locator(".explorer").count() == len(atlases) > 0
        for box, atlas in zip(page.locator(".explorer").all(), atlases):
            x, y = sliders = box.locator("input[type=range]").all()
            columns, rows = (int(slider.get_attribute("max")) + 1 for slider in sliders)
            height, width = atlas.shape[0] // rows, atlas.shape[1] // columns
            for i, j in ((0, 0), (columns - 1, 0), (columns // 3, rows // 2), (columns - 1, rows - 1)):
                for slider, value in ((x, i), (y, j)):
                    slider.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input')) }", value)
                expected = atlas[j * height:(j + 1) * height, i * width:(i + 1) * width]
                np.testing.assert_array_equal(pixels(box.locator("img").get_attribute("src")), expected)
        assert complaints == []


def stored_atlases(deck):
    from bs4 import BeautifulSoup
    page = BeautifulSoup(deck.read_text(encoding="utf-8"), "html.parser")
    return [image["src"] for image in page.select(".explorer img")]


@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter])
def test_the_sliders_live_in_nbconverts_own_pages(exporter, tmp_path):
    (tmp_path / "page.html").write_text(exporter().from_filename(NOTEBOOKS[0])[0], encoding="utf-8")
    with opened(tmp_path / "page.html") as (page, _):       # complaints: what these pages want from the network
        explorer = page.locator(".explorer")
        assert explorer.count() == 1
        before = explorer.locator("img").get_attribute("src")
        explorer.locator("input[type=range]").first.evaluate("e => { e.value = 0; e.dispatchEvent(new Event('input')) }")
        assert explorer.locator("img").get_attribute("src") != before
