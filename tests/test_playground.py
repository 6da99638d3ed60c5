"""The playground computes what Python computes: what the network answers, and what Bayes' rule says of it."""

import numpy as np
import pytest

pytest.importorskip("PIL.Image", reason="Pillow is not installed")
from bs4 import BeautifulSoup  # noqa: E402

from autoenc import VAE, Adam, Autoencoder, characters, noise  # noqa: E402
from autoenc.report.playground import Playground  # noqa: E402

PIXELS, LABELS = characters("uppercase")
CLOSE = 2e-3


@pytest.fixture(scope="module")
def denoiser():
    model = Autoencoder((35, 60), latent="softmax", output="linear", rng=1)
    model.fit(np.tile(PIXELS, (4, 1)), 800, "mse", Adam(0.01), corrupt=lambda x, rng: noise.flip(x, 0.1, rng=rng), rng=2)
    return model


@pytest.fixture(scope="module")
def playground(denoiser):
    return Playground(denoiser, PIXELS, LABELS, p=0.1)


def shown(page):
    """What the network in the page gets and answers."""
    return [np.array(values) for values in page.locator(".playground").evaluate("e => [[...e.input], [...e.output]]")]


def agrees(page, denoiser):
    given, answer = shown(page)
    assert set(given) <= {0, 1}
    np.testing.assert_allclose(answer, denoiser.reconstruct(np.float32(given[None]))[0], atol=CLOSE)
    return given


def posterior(y, p):
    differences = (y != PIXELS).sum(-1)
    likelihood = p ** differences * (1 - p) ** (35 - differences)
    return likelihood / likelihood.sum()


def ink(page, number):
    """The darkness of the pixels of a panel, from 0 to 1; wrong ones, too, have it."""
    return np.array(page.locator(".panel").nth(number).locator(".pixel").evaluate_all(
        "all => all.map(e => parseFloat(e.style.getPropertyValue('--ink')) / 100)"))


def test_it_begins_with_much_noise_that_the_network_removes(playground, denoiser, page_of):
    with page_of(playground) as (page, complaints):
        given = agrees(page, denoiser)
        clean = ink(page, 0)
        assert (clean == PIXELS[playground.first[1]]).all()
        assert (given != clean).sum() >= 5 and page.locator(".panel").nth(2).locator(".word").inner_text() == "all right"
        assert complaints == []


def test_every_pixel_can_be_clicked_and_all_panels_answer(playground, denoiser, page_of):
    with page_of(playground) as (page, complaints):
        buttons = page.locator("button.pixel")
        assert buttons.count() == 35
        for place in 0, 17, 34, 17:
            before = agrees(page, denoiser)
            buttons.nth(place).click()
            after = agrees(page, denoiser)
            assert [k for k in range(35) if before[k] != after[k]] == [place]
            assert buttons.nth(place).get_attribute("aria-pressed") == ("true" if after[place] else "false")
        buttons.nth(3).focus()
        page.keyboard.press("Enter")
        y = agrees(page, denoiser)
        assert y[3] != after[3]
        belief = posterior(y, 0.1)
        np.testing.assert_allclose(ink(page, 1), y)
        np.testing.assert_allclose(ink(page, 2), np.clip(shown(page)[1], 0, 1), atol=1e-3)
        np.testing.assert_allclose(ink(page, 3), belief @ PIXELS, atol=1e-3)
        assert ((y != ink(page, 4)).sum() == (y != PIXELS).sum(-1).min()) and (ink(page, 4) == PIXELS).all(-1).any()
        for share, k in zip(page.locator(".share").all_inner_texts(), belief.argsort()[::-1][:2], strict=False):
            assert share.split() == [LABELS[k], f"{100 * belief[k]:.0f}", "%"] or belief[k] < 0.02
        clean = ink(page, 0)
        for panel in range(1, 5):
            wrong = ((ink(page, panel) > 0.5) != (clean > 0.5))
            marked = page.locator(".panel").nth(panel).locator(".pixel").evaluate_all(
                "all => all.map(e => e.classList.contains('extra') || e.classList.contains('missing'))")
            assert marked == wrong.tolist()
        assert complaints == []


def test_noise_rises_with_p_and_is_drawn_again(playground, denoiser, page_of):
    with page_of(playground) as (page, complaints):
        slider = page.locator("input[type=range]")
        assert float(slider.get_attribute("max")) / float(slider.get_attribute("step")) >= 200
        clean, counts = ink(page, 0), []
        for p in 0, 0.1, 0.3, 0.5:
            slider.evaluate("(e, p) => { e.value = p; e.dispatchEvent(new Event('input')); }", p)
            counts.append((agrees(page, denoiser) != clean).sum())
        assert counts[0] == 0 and counts == sorted(counts)
        slider.evaluate("e => { e.value = 0.25; e.dispatchEvent(new Event('input')); }")
        drawn = []
        for _ in range(60):
            page.click("text=Draw again")
            drawn.append(agrees(page, denoiser) != clean)
        assert 0.21 < np.mean(drawn) < 0.29 and len({tuple(draw) for draw in drawn}) > 50
        page.get_by_label("the clean character").select_option(LABELS[3])
        assert (ink(page, 0) == PIXELS[3]).all()
        page.click("text=Blank")
        assert not agrees(page, denoiser).any() and not page.locator(".panel").first.is_visible()
        assert complaints == []


def test_it_fits_a_phone(playground, page_of):
    with page_of(playground, size=(390, 844)) as (page, _):
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".board").bounding_box()["height"] <= 800
        assert page.locator("input[type=range]").bounding_box()["height"] >= 40
        assert page.locator("button.pixel").first.bounding_box()["width"] >= 24


def test_a_notebook_gets_html_with_a_still_and_a_constant_text(playground):
    bundle = playground._repr_mimebundle_()
    assert bundle == {"text/plain": repr(playground), "text/html": playground.html()}
    box, = BeautifulSoup(playground.html(), "html.parser").find_all(recursive=False)
    assert box["class"] == ["playground"] and len(box.select("img[alt]")) == 1 and not box.select("[id]")


@pytest.mark.parametrize("changes, error, message", [
    (dict(network=VAE(rng=0)), TypeError, "^network was"), (dict(network=Autoencoder((30, 2), rng=0)), ValueError, "^network was"),
    (dict(network=Autoencoder((35, 2), members=2, rng=0)), ValueError, "^network was"),
    (dict(pixels=PIXELS / 2), ValueError, "^pixels was"), (dict(pixels=PIXELS[:, :30]), ValueError, "^pixels was of shape"),
    (dict(labels=LABELS[1:]), ValueError, "^labels was"), (dict(labels=[1] * 32), ValueError, "^labels was"),
    (dict(p=0.6), ValueError, "^p was 0.6"), (dict(p=-0.1), ValueError, "^p was"), (dict(alt=""), ValueError, "^alt was")])
def test_what_makes_no_playground_is_named(changes, error, message):
    with pytest.raises(error, match=message):
        Playground(**{"network": Autoencoder((35, 2), rng=0), "pixels": PIXELS, "labels": LABELS, **changes})
