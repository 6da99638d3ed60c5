"""The explorer shows what `render` makes of the sliders' positions: live, exported, and in a browser."""

import base64
import io
import json

import numpy as np
import pytest

PIL = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from bs4 import BeautifulSoup

from autoenc import characters
from autoenc.report.atlas import Atlas as Explorer
from autoenc.report.atlas import enlarged, png, write
from tests.browser import chromium, opened

NASTY = ["|", "</script><script>alert(1)</script>", '"quoted" & \'so\'', "a|b", ""]
X, Y = ("level", (0.0, 0.25, 1 / 3, 1.0)), ("character", NASTY)


def render(level, character):
    """A picture of 5 × 3 pixels that belongs to one position alone."""
    grey = np.arange(15, dtype=np.uint8).reshape(5, 3)
    return grey + np.uint8(round(200 * level)) + np.uint8(7 * NASTY.index(character))


def colourful(level, character):
    return np.stack([render(level, character), *np.full((2, 5, 3), 9, np.uint8)], axis=-1)


def explorer(**changes):
    return Explorer(**{"render": render, "x": X, "y": Y, "alt": "Levels & characters", **changes})


def pixels(data):
    """A PNG, as bytes or as a data URI, as an array: grey where it is."""
    if isinstance(data, str):
        data = base64.b64decode(data.removeprefix("data:image/png;base64,"))
    image = PIL.open(io.BytesIO(data))
    return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def element(html):
    page = BeautifulSoup(html, "html.parser")
    only, = page.find_all(recursive=False)
    return only


# What it takes

@pytest.mark.parametrize("error, name, value", [
    (TypeError, "render", None), (TypeError, "render", np.zeros((5, 3), np.uint8)),
    (ValueError, "x", None), (ValueError, "x", [1, 2, 3]), (ValueError, "x", ("level",)), (ValueError, "x", ("level", [])),
    (ValueError, "y", (3, [1, 2])), (ValueError, "y", ("level", 5)), (ValueError, "y", ("level", iter([]))),
    (ValueError, "y", ("level", [1, None])), (ValueError, "alt", None), (ValueError, "alt", "")])
def test_a_bad_argument_is_named(error, name, value):
    with pytest.raises(error, match=f"^{name} was"):
        explorer(**{name: value})


@pytest.mark.parametrize("picture", [
    np.zeros((5, 3)), np.zeros((5, 3), bool), np.zeros(15, np.uint8), np.zeros((5, 3, 4), np.uint8),
    np.zeros((5, 3, 1), np.uint8), np.zeros((1, 5, 3, 3), np.uint8), np.zeros((0, 3), np.uint8), np.full((5, 3), 256, np.uint16), None],
    ids=lambda picture: f"{np.asarray(picture).dtype}{np.shape(picture)}")
def test_a_picture_that_is_none_is_refused(picture):
    with pytest.raises((TypeError, ValueError), match="^what render returned "):
        explorer(render=lambda a, b: picture)


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="(?s)^what render returned for every y and x was .* in rows of one shape"):
        explorer(render=lambda a, b: np.zeros((5, 4 if a == 1 else 3), np.uint8))


# Pictures

@pytest.mark.parametrize("make", [render, colourful])
def test_the_atlas_has_a_row_for_each_y_and_a_column_for_each_x(make):
    atlas = explorer(render=make).atlas
    assert atlas.shape[:2] == (5 * len(Y[1]), 3 * len(X[1]))
    for j, b in enumerate(Y[1]):
        for i, a in enumerate(X[1]):
            np.testing.assert_array_equal(atlas[5 * j:5 * j + 5, 3 * i:3 * i + 3], make(a, b))


@pytest.mark.parametrize("factor", [1, 4])
@pytest.mark.parametrize("colours", [1, 2, 256])
def test_png_keeps_every_pixel_of_grey_and_of_few_colours(factor, colours):
    rng = np.random.default_rng(colours)
    palette = np.stack([np.arange(256), rng.integers(0, 4, 256), rng.integers(0, 256, 256)], -1).astype(np.uint8)
    for picture in palette[rng.integers(0, colours, (40, 30))], rng.integers(0, 256, (40, 30), np.uint8):
        np.testing.assert_array_equal(pixels(png(picture, factor)), enlarged(picture, factor))


def test_png_of_many_colours_is_close():
    ramp = np.stack(np.broadcast_arrays(*np.ogrid[0:256:8, 0:256:8, 0:1]), -1).reshape(32, 32, 3).astype(np.uint8)
    assert np.abs(pixels(png(ramp)).astype(int) - ramp).mean() < 10


def test_enlarged_makes_squares():
    np.testing.assert_array_equal(enlarged(np.array([[1, 2]]), 2), [[1, 1, 2, 2], [1, 1, 2, 2]])
    assert enlarged(np.zeros((5, 3, 3)), 4).shape == (20, 12, 3)


def test_write_writes_the_characters_in_place():
    picture = np.full((9, 14), 255, np.uint8)
    write(picture, "a|", top=1, left=2)
    glyphs, labels = characters("lowercase")
    expected = np.full((9, 14), 255, np.uint8)
    for left, letter in (2, "a"), (8, "|"):
        expected[1:8, left:left + 5][glyphs[labels.index(letter)].reshape(7, 5) > 0] = 0
    np.testing.assert_array_equal(picture, expected)


def test_write_takes_coloured_pictures_unknown_letters_and_what_does_not_fit():
    picture, other, control = np.full((3, 7, 9, 3), 200, np.uint8)
    write(picture, "éab", top=0, left=0)
    write(other, "?a", top=0, left=0)
    write(control, "\na", top=0, left=0)
    np.testing.assert_array_equal(picture, other)
    np.testing.assert_array_equal(control, other)
    assert {tuple(pixel) for pixel in picture.reshape(-1, 3)} == {(0, 0, 0), (200, 200, 200)}


# The exported page

def test_the_page_holds_one_picture_with_its_description():
    box = element(explorer(alt='Levels & "characters"').html())
    image, = box.select("img")
    assert box.name == "div" and box["class"] == ["explorer"] and box["data-zoom"] == "4"
    assert image["alt"] == 'Levels & "characters"'
    np.testing.assert_array_equal(pixels(image["src"]), explorer().atlas)


def test_the_page_is_the_same_bytes_every_time():
    assert explorer().html() == explorer().html()
    assert " id=" not in explorer().html()


def test_labels_cannot_break_the_page():
    box = element(explorer(x=('"><script>alert(2)</script>', X[1])).html())
    assert len(box.select("script")) == 1 and [child.name for child in box.find_all(recursive=False)] == ["img", "script"]
    assert box["data-x-label"] == '"><script>alert(2)</script>' and box["data-y-label"] == "character"
    assert json.loads(box["data-y"]) == NASTY
    assert json.loads(box["data-x"]) == ["0", "0.25", "0.333", "1"]


# In a notebook

def test_its_text_is_constant():
    assert repr(explorer()) == repr(explorer()) == "Explorer: Levels & characters. Two sliders: level, character."


def test_a_notebook_gets_text_page_and_widget():
    pytest.importorskip("ipywidgets")
    bundle = explorer()._repr_mimebundle_()
    assert bundle.keys() == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert bundle["text/plain"] == repr(explorer()) and bundle["text/html"] == explorer().html()


@pytest.mark.parametrize("make", [render, colourful])
def test_moving_the_sliders_shows_the_picture_of_their_position(make):
    pytest.importorskip("ipywidgets")
    image, x, y = explorer(render=make).widget().children
    assert (x.description, y.description, x.index, y.index) == ("level", "character", 2, 2)
    for i, j in (2, 2), (3, 2), (3, 0), (0, 4), (1, 1):
        x.index, y.index = i, j
        assert image.value == png(make(X[1][i], Y[1][j]), 4)
        np.testing.assert_array_equal(pixels(image.value), enlarged(make(X[1][i], Y[1][j]), 4))


def test_labels_that_look_alike_are_different_positions():
    pytest.importorskip("ipywidgets")
    image, _, y = explorer(render=lambda a, b: np.full((5, 3), round(b - 10000), np.uint8),
                           y=("y", np.array([10000.0, 10001.0, 10002.0]))).widget().children
    for j in 0, 2, 1:
        y.index = j
        assert pixels(image.value).max() == j and y.index == j


# In a browser

@pytest.mark.parametrize("make", [render, colourful])
def test_in_a_browser_the_picture_follows_the_sliders(tmp_path, make):
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    if not chromium():
        pytest.skip("no Chromium: apt install chromium")
    path = tmp_path / "page.html"
    path.write_text(f"<!DOCTYPE html><meta charset='utf-8'><title>x</title>{explorer(render=make).html()}", encoding="utf-8")

    def check(i, j):
        picture, expected = pixels(page.locator("img").get_attribute("src")), make(X[1][i], Y[1][j])
        np.testing.assert_array_equal(picture, expected if expected.ndim == 3 else np.stack([expected] * 3, -1))
        assert page.locator("output").all_inner_texts() == [["0", "0.25", "0.333", "1"][i], NASTY[j]]

    with opened(path) as (page, complaints):
        page.wait_for_function("document.querySelector('output').textContent")      # the atlas is loaded
        x, y = page.locator("input[type=range]").all()
        assert [slider.get_attribute("aria-label") for slider in (x, y)] == ["level", "character"]
        check(2, 2)
        x.press("ArrowRight")
        check(3, 2)
        y.press("ArrowRight")
        y.press("ArrowRight")
        check(3, 4)
        for i, j in (0, 0), (1, 3), (3, 1):
            for slider, value in (x, i), (y, j):
                slider.evaluate("(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }", value)
            check(i, j)
        assert complaints == []
