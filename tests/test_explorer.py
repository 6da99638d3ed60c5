"""The explorer decodes where the cross is: by pointer, finger, keyboard and slider, in a page without network."""


import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from bs4 import BeautifulSoup

from autoenc import VAE, Adam, Autoencoder, Explorer, characters, cosine_decay, fashion_mnist
from tests.browser import chromium, opened

PIXELS, LABELS = characters("lowercase")
NAMES = ["tops", "trousers", "dresses", "shoes", "bags"]
CLOSE = 2e-3


@pytest.fixture(scope="module")
def ae():
    """A network of the recipe's kind, trained for a moment."""
    model = Autoencoder((35, 40, 2), "tanh", "linear", "sigmoid", rng=1)
    model.fit(PIXELS, 1500, "bce", Adam(cosine_decay(0.02)))
    return model


@pytest.fixture(scope="module")
def garments():
    (_, _), (test, labels) = fashion_mnist(sample=True)
    return test[::5], np.array([0, 1, 0, 2, 0, 3, 0, 3, 4, 3])[labels[::5]]


@pytest.fixture(scope="module")
def explorers(ae, garments):
    return {"characters": Explorer(ae, PIXELS, LABELS), "garments": Explorer(VAE.pretrained(), *garments, names=NAMES)}


@pytest.fixture(params=["characters", "garments"])
def explorer(request, explorers):
    return explorers[request.param]


@pytest.fixture
def page_of(tmp_path):
    """A function that opens an explorer in a browser without network."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    if not chromium():
        pytest.skip("no Chromium: apt install chromium")

    def write(explorer, **options):
        path = tmp_path / "page.html"
        path.write_text("<!DOCTYPE html><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>"
                        f"<title>x</title>{explorer.html()}", "utf-8")
        return opened(path, **options)
    return write


def shown(page):
    """The code that is shown, and what the network in the page makes of it."""
    z, output = page.locator(".explorer").evaluate("e => [e.dataset.z, [...e.output]]")
    return np.array(z.split(","), np.float32), np.array(output)


def agrees(page, explorer):
    """Whether the page's output is Python's; and the code."""
    z, output = shown(page)
    np.testing.assert_allclose(output, explorer.network.decode(z[None]).ravel(), atol=CLOSE)
    return z


# What the page holds

def test_it_is_a_still_and_the_same_bytes_every_time(explorer):
    box, = BeautifulSoup(explorer.html(), "html.parser").find_all(recursive=False)
    assert box["class"] == ["explorer"] and explorer.html() == explorer.html() and not box.select("[id]")
    image, = box.select("img")
    assert image["src"].startswith("data:image/png;base64,") and "large z₂ on top" in image["alt"]


def test_a_notebook_gets_html_and_a_constant_text(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle == {"text/plain": repr(explorer), "text/html": explorer.html()}
    assert repr(explorer).startswith("Explorer: The latent plane with ")


def test_an_explorer_of_characters_takes_at_most_60_kilobytes(explorers):
    assert len(explorers["characters"].html().encode()) <= 60_000


# In the page

def test_every_way_of_moving_decodes_where_the_cross_is(explorer, page_of):
    rng = np.random.default_rng(0)
    with page_of(explorer) as (page, complaints):
        np.testing.assert_allclose(agrees(page, explorer), explorer.start, atol=1e-4)
        box, seen = page.locator(".map").bounding_box(), []
        for across, up in rng.random((8, 2)):                     # the pointer, nothing pressed
            page.mouse.move(box["x"] + across * box["width"], box["y"] + up * box["height"])
            seen.append(agrees(page, explorer))
        x, y = page.locator("input[type=range]").all()
        assert float(x.get_attribute("max")) - float(x.get_attribute("min")) >= 200
        for slider, k in (x, 0), (y, 1), (x, 0):
            before = agrees(page, explorer)
            slider.focus()
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("ArrowLeft")
            after = agrees(page, explorer)
            assert after[k] < before[k] and after[1 - k] == before[1 - k]
        page.locator(".map").focus()
        for key, k, sign in ("ArrowUp", 1, 1), ("ArrowRight", 0, 1), ("ArrowDown", 1, -1), ("Shift+ArrowLeft", 0, -1):
            before, places = agrees(page, explorer), [float(slider.input_value()) for slider in (x, y)]
            page.keyboard.press(key)
            after = agrees(page, explorer)
            assert sign * (after[k] - before[k]) > 0 and abs(after[1 - k] - before[1 - k]) < 1e-3
            assert sign * (float((x, y)[k].input_value()) - places[k]) > 0        # the sliders follow
        page.keyboard.press("Home")
        np.testing.assert_allclose(agrees(page, explorer), explorer.start, atol=1e-4)
        assert len({tuple(z) for z in seen}) == 8 and complaints == []
