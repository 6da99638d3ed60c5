"""The explorer decodes where the cross is: by pointer, finger, keyboard and slider, in a page without network."""

import io

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from bs4 import BeautifulSoup
from PIL import Image

from autoenc import VAE, Adam, Autoencoder, Explorer, characters, cosine_decay, fashion_mnist
from autoenc.report import explorer as module
from tests.browser import opened

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


def test_a_finger_moves_the_cross_on_a_phone_and_a_thumb_finds_the_sliders(explorer, page_of):
    with page_of(explorer, size=(390, 844)) as (page, complaints):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for part in ".map", ".picture", ".readout", ".knobs":
            box = page.locator(part).bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] + box["height"] <= 844, part
        assert all(slider.bounding_box()["height"] >= 40 for slider in page.locator("input[type=range]").all())
        page.locator(".map").scroll_into_view_if_needed()
        box = page.locator(".map").bounding_box()
        touch = page.context.new_cdp_session(page)
        before = agrees(page, explorer)
        points = [{"x": box["x"] + part * box["width"], "y": box["y"] + box["height"] / 2} for part in (0.2, 0.5, 0.8)]
        touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
        first = agrees(page, explorer)
        for point in points[1:]:
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        last = agrees(page, explorer)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert tuple(first) != tuple(before) and last[0] > first[0] and last[1] == first[1]
        assert complaints == []


def test_map_picture_and_sliders_are_seen_together(explorer, page_of):
    with page_of(explorer, size=(1280, 720)) as (page, _):
        boxes = [page.locator(part).bounding_box() for part in (".map", ".picture", ".readout", ".knobs")]
        assert all(box["y"] >= 0 and box["y"] + box["height"] <= 600 and box["width"] > 100 for box in boxes)


@pytest.mark.parametrize("kind, milliseconds", [("characters", 16), ("garments", 40)])
def test_the_picture_follows_at_the_speed_of_the_pointer(explorers, page_of, kind, milliseconds):
    """The quickest of many moves: the machine has other things to do, too."""
    with page_of(explorers[kind]) as (page, _):
        page.wait_for_timeout(3000)                               # the cells are drawn
        quickest = page.evaluate("""() => {
          const map = document.querySelector(".map"), box = map.getBoundingClientRect(), times = [];
          for (let k = 0; k < 100; k++) {
            const begin = performance.now(), place = {clientX: box.left + box.width * Math.random(), clientY: box.top + box.height * Math.random()};
            map.dispatchEvent(new PointerEvent("pointermove", place));
            map.getBoundingClientRect();                          // so that the layout is paid for
            times.push(performance.now() - begin);
          }
          return Math.min(...times);
        }""")
        assert quickest <= milliseconds


def test_what_is_new_is_said_to_be_new(ae, explorers, page_of):
    """Where the cross is, NEW stands exactly if Python finds three pixels from every known character, all of them sure."""
    explorer, rng = explorers["characters"], np.random.default_rng(1)
    codes = explorer.limits[:, 2] + rng.random((4000, 2)) * (explorer.limits[:, 3] - explorer.limits[:, 2])
    decoded = ae.decode(codes)
    wrong = ((decoded > 0.5)[:, None] != (PIXELS > 0.5)).sum(-1).min(-1)
    new = (wrong >= module.NEW) & (np.abs(decoded - 0.5).min(-1) > module.SURE)
    clear = (np.abs(np.abs(decoded - 0.5) - module.SURE) > 0.01).all(-1) & (np.abs(decoded - 0.5) > 0.01).all(-1)
    assert new.any() and not new.all()
    with page_of(explorer) as (page, _):
        for z in [*codes[new & clear][:10], *codes[~new & clear][:10]]:
            page.locator(".explorer").evaluate("(e, z) => e.explore(z)", z.tolist())
            picture = ae.decode(shown(page)[0][None])[0]
            distances = ((picture > 0.5) != (PIXELS > 0.5)).sum(-1)
            is_new = distances.min() >= module.NEW and np.abs(picture - 0.5).min() > module.SURE
            assert (page.inner_text(".readout b") == "NEW") == is_new
            label = LABELS[distances.argmin()]
            assert page.inner_text(".readout span") in (f"{distances.min()} pixels from {label}", f"1 pixel from {label}", "a known character")


def test_the_class_is_that_of_most_of_the_nearest_codes(explorers, garments, page_of):
    explorer, (_, labels) = explorers["garments"], garments
    with page_of(explorer) as (page, _):
        for z in np.random.default_rng(2).normal(0, 1, (6, 2)):
            page.locator(".explorer").evaluate("(e, z) => e.explore(z)", z.tolist())
            near = ((explorer.codes[0][0] - shown(page)[0]) ** 2).sum(1).argsort()[:25]
            counts = np.bincount(labels[near], minlength=len(NAMES))
            name = page.inner_text(".readout b")
            assert counts[NAMES.index(name)] == counts.max()
        assert page.locator("svg polygon").count() == 8           # posteriors of what is near
        assert page.locator(".names span").all_inner_texts() == NAMES


def test_a_choice_of_networks_shows_the_chosen_one(garments, page_of):
    networks = {"untrained": VAE(rng=1), "trained": VAE.pretrained()}
    explorer = Explorer(networks, *garments, names=NAMES)
    with page_of(explorer) as (page, _):
        agrees(page, explorer)
        page.get_by_label("untrained", exact=True).check()
        z, output = shown(page)
        np.testing.assert_allclose(output, networks["untrained"].decode(z[None]).ravel(), atol=CLOSE)
        assert page.locator(".explorer").get_attribute("data-version") == "untrained"


def test_the_hidden_neurons_are_seen_between_code_and_picture(ae, page_of):
    explorer = Explorer(ae, PIXELS, LABELS, neurons=True)
    first = ae.decoder[0]
    weights = ae.parameters[-sum(np.prod(layer.shape) for layer in ae.decoder):][:np.prod(first.shape)].reshape(first.shape)
    with page_of(explorer) as (page, complaints):
        z = agrees(page, explorer)
        assert page.inner_text(".between") == "2 numbers → 40 neurons → 35 pixels"
        hidden = np.tanh(np.append(z, 1) @ weights)
        colours = page.locator(".neurons").evaluate("""e => Array.from({length: 40}, (_, k) =>
            [...e.getContext("2d").getImageData(k % 10 * 8 + 4, Math.floor(k / 10) * 8 + 4, 1, 1).data].slice(0, 3))""")
        full = np.where(hidden[:, None] > 0, [0, 114, 178], [204, 121, 167])
        np.testing.assert_allclose(colours, 255 + (full - 255) * np.abs(hidden)[:, None], atol=2)
        assert complaints == []


def test_one_can_watch_it_learn(page_of):
    model, album = Autoencoder((35, 8, 2), rng=2), {}
    for epoch in 0, 5, 300:
        model.fit(PIXELS, epoch) if epoch else None
        album[epoch] = Autoencoder(**model.settings, rng=model.parameters)
    explorer = Explorer(album, PIXELS, LABELS)
    with page_of(explorer) as (page, complaints):
        slider = page.locator(".epochs input")
        assert page.inner_text(".epochs output") == "0" and slider.get_attribute("max") == "2"
        for k, (epoch, network) in enumerate(album.items()):
            slider.evaluate("(e, k) => { e.value = k; e.dispatchEvent(new Event('input')); }", k)
            assert page.inner_text(".epochs output") == f"{epoch:,}"
            z, output = shown(page)
            np.testing.assert_allclose(output, network.decode(z[None])[0], atol=CLOSE)
            wrong = ((network.decode(network.encode(PIXELS)) > 0.5) != (PIXELS > 0.5)).sum()
            assert page.inner_text(".count") == f"{wrong} of 1,120 pixels wrong"
        page.click("text=Play")
        page.wait_for_function("document.querySelector('.epochs output').textContent === '5'")
        page.wait_for_function("document.querySelector('.epochs output').textContent === '300'")
        page.wait_for_function("document.querySelector('.choice button').textContent.includes('Play')")
        assert complaints == []


def test_on_a_slide_it_fills_the_room_and_keeps_its_keys(explorer, browser, tmp_path):
    nbformat, slides = pytest.importorskip("nbformat"), pytest.importorskip("autoenc.report.slides")
    new, kinds = nbformat.v4, [{"slideshow": {"slide_type": kind}} for kind in ("slide", "-", "slide")]
    output = new.new_output("display_data", explorer._repr_mimebundle_())
    notebook = new.new_notebook(cells=[new.new_markdown_cell("## A plane\n\nPoint at it.", metadata=kinds[0]),
                                       new.new_code_cell("explorer", metadata={**kinds[1], "tags": ["hide-input"]},
                                                         execution_count=1, outputs=[output]),
                                       new.new_markdown_cell("## The next", metadata=kinds[2])])
    path = tmp_path / "deck.html"
    path.write_text(slides.OfflineSlides().from_notebook_node(notebook)[0], "utf-8")
    with opened(path) as (page, complaints):
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        box = page.locator(".map").bounding_box()
        assert box["width"] > 600 and box["height"] > 300
        assert all(page.locator(part).bounding_box()["y"] + page.locator(part).bounding_box()["height"] <= 700
                   for part in (".map", ".picture", ".readout", ".knobs"))
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.readout')).fontSize)") >= 18
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.2 * box["height"])
        before = agrees(page, explorer)
        page.locator(".map").focus()
        page.keyboard.press("ArrowRight")
        after = agrees(page, explorer)
        assert after[0] > before[0] and page.evaluate("Reveal.getIndices().h") == 0
        page.locator("input[type=range]").first.focus()
        page.keyboard.press("ArrowLeft")
        assert agrees(page, explorer)[0] < after[0] and page.evaluate("Reveal.getIndices().h") == 0
        page.keyboard.press("PageDown")                           # a presenter's remote
        assert page.evaluate("Reveal.getIndices().h") == 1 and complaints == []


def test_without_its_script_one_sees_the_still(explorers, browser, tmp_path):
    html = explorers["characters"].html().replace("const settings", "throw new Error('a script that fails'); const settings")
    path = tmp_path / "page.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{html}", "utf-8")
    with opened(path) as (page, _):
        image = page.locator(".explorer > img")
        assert image.is_visible() and page.locator(".map").count() == 0
        assert image.evaluate("e => e.naturalWidth") > 300


# In a notebook

@pytest.mark.parametrize("colour", [255, (255, 128, 40)], ids=["grey", "colour"])
def test_a_png_has_every_pixel_as_a_block_in_few_colours_and_is_small(colour):
    """Columns of one colour each stay that: no pixel is dithered, none is blurred."""
    picture = np.linspace(0 * np.array(colour), colour, 600)[None].repeat(4, axis=0)
    file = module.png(picture, 3)
    drawn = np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)
    assert drawn.shape == (12, 1800, 3) and (drawn == drawn[::3, ::3].repeat(3, axis=0).repeat(3, axis=1)).all()
    assert (drawn == drawn[0]).all() and np.abs(drawn[0, ::3] - np.uint8(picture[0]).reshape(600, -1)).max() <= 4
    assert len(np.unique(drawn[0], axis=0)) <= 256 and len(file) < 2500


@pytest.mark.parametrize("latent, low, high", [("sigmoid", 0, 1), ("softmax", 0, 1), ("tanh", -1, 1)])
def test_the_map_of_a_bounded_code_is_all_that_it_can_be(latent, low, high):
    explorer = Explorer(Autoencoder((35, 2), latent=latent, rng=0), PIXELS, LABELS)
    assert explorer.limits[:, 2:].tolist() == [[low, high]] * 2


def test_the_first_picture_lies_on_the_map_even_if_it_is_the_surer_the_farther_out():
    network = Autoencoder((35, 2), latent="linear", rng=0)
    chess = np.arange(35) % 2 * 2 - 1                       # a character that nobody knows
    network.parameters[36 * 2:] = np.stack([4 * chess, 0 * chess, 0 * chess]).ravel()       # of z₁, of z₂, constant
    explorer = Explorer(network, PIXELS, LABELS)
    (low, high), (first, _) = explorer.limits[0, 2:], explorer.start
    assert low < first < high, "the start is a place of the grid, and these lie within the map"
    assert first > low + 0.95 * (high - low), "and it is among the last ones, where the network is surest"


def test_a_still_is_as_large_as_one_can_see_it(explorers):
    columns, rows = module.STILL
    sizes = [Image.open(io.BytesIO(explorer.still())).size for explorer in explorers.values()]
    assert sizes == [(columns * 7 * 5, rows * 9 * 5), (columns * 30 * 2, rows * 30 * 2)]


def test_the_kernels_sliders_begin_where_the_page_does(explorers):
    pytest.importorskip("ipywidgets")
    explorer = explorers["characters"]
    for slider, value, (low, high) in zip(explorer.sliders, explorer.start, explorer.limits[:, 2:], strict=True):
        assert (slider.min, slider.value, slider.max) == pytest.approx((low, value, high))
        assert slider.step == pytest.approx((high - low) / 2000)
    assert explorer.sliders is explorer.sliders


def test_it_lives_in_a_page_that_others_execute_and_export(browser, tmp_path):
    """nbconvert --execute keeps the state of widgets, and stock exports then prefer a dead widget to what lives."""
    nbformat, nbclient, nbconvert = map(pytest.importorskip, ("nbformat", "nbclient", "nbconvert"))
    source = ("from autoenc import Autoencoder, Explorer, characters\npixels, labels = characters('digits')\n"
              "Explorer(Autoencoder((35, 4, 2), rng=0), pixels, labels)")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, metadata={"slideshow": {"slide_type": "slide"}})])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    assert "widgets" in notebook.metadata or not pytest.importorskip("anywidget")     # the state that misled exports is there
    assert notebook.cells[0].outputs[0].data.keys() == {"text/html", "text/plain"}
    for exporter in nbconvert.HTMLExporter, nbconvert.SlidesExporter:
        path = tmp_path / f"{exporter.__name__}.html"
        path.write_text(exporter().from_notebook_node(notebook)[0], "utf-8")
        with opened(path) as (page, _):
            page.wait_for_selector(".explorer .map", state="attached")
            z, output = shown(page)
            network = Autoencoder((35, 4, 2), rng=0)
            np.testing.assert_allclose(output, network.decode(z[None])[0], atol=CLOSE)


# What it refuses

@pytest.mark.parametrize("changes, error, message", [
    (dict(networks=3), TypeError, "^networks was 3"), (dict(networks={}), ValueError, "^networks was"),
    (dict(networks={"a": Autoencoder((35, 2), rng=0), 5: Autoencoder((35, 2), rng=0)}), ValueError, "names was"),
    (dict(networks={5: Autoencoder((35, 2), rng=0), 3: Autoencoder((35, 2), rng=0)}), ValueError, "ascending"),
    (dict(networks=Autoencoder((35, 2), members=2, rng=0)), ValueError, "a single network"),
    (dict(networks=Autoencoder((35, 3), rng=0)), ValueError, "two latent dimensions"),
    (dict(networks={"x": Autoencoder((30, 2), rng=0)}), ValueError, "^x was of shape"),
    (dict(x=PIXELS[:, :30]), ValueError, "^x was of shape"), (dict(x=PIXELS / 2), ValueError, "^x was 'grey"),
    (dict(labels=LABELS[:-1]), ValueError, "^labels was"), (dict(labels=[3] * 32), ValueError, "^labels was"),
    (dict(labels=[0] * 32, names=["a", "b"]), ValueError, "^labels was .*'b'"),
    (dict(labels=[0] * 31 + [1], names=["a"]), ValueError, "^labels has"),
    (dict(labels=[0] * 32, names=[""]), ValueError, "^names was"),
    (dict(labels=[0] * 32, names=["a"], colours=["red"]), ValueError, "^colours was"),
    (dict(labels=[0] * 32, names=["a"], colours=["#00000g"]), ValueError, "^colours was"),
    (dict(colours=["#000000"]), ValueError, "^colours was"), (dict(shape=(6, 6)), ValueError, "^shape was"),
    (dict(neurons=True), ValueError, "^neurons was True"), (dict(neurons="yes"), ValueError, "^neurons was 'yes'"),
    (dict(start=(1, 2, 3)), ValueError, "^start was"), (dict(start=(99, 0)), ValueError, "^start was .* on the map"),
    (dict(alt=""), ValueError, "^alt was")])
def test_what_makes_no_explorer_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        Explorer(**{"networks": Autoencoder((35, 2), rng=0), "x": PIXELS, "labels": LABELS, **changes})


@pytest.mark.parametrize("attack", ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&quot;<b>", "a|b\n'", "-->"])
def test_labels_cannot_break_the_page(attack, page_of):
    labels = [attack, *LABELS[1:]]
    explorer = Explorer(Autoencoder((35, 2), rng=0), PIXELS, labels, alt=f"A plane of {attack}")
    with page_of(explorer) as (page, complaints):
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        assert page.locator(".explorer").evaluate("e => JSON.parse(e.dataset.explorer).labels[0]") == attack
        assert page.locator(".explorer > img").get_attribute("alt").startswith(f"A plane of {attack}")
        page.locator(".explorer").evaluate("(e, z) => e.explore(z)", explorer.codes[0][0][0].tolist())
        assert page.locator(".explorer b img, .explorer b b, .explorer script").count() == 1 and complaints == []
