"""The network in the page computes what the network in Python computes: every kind of layer, part and activation."""

import json
import math
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from autoenc import VAE, Autoencoder
from autoenc.convolutions import Conv2D, Conv2DTranspose
from autoenc.layers import ACTIVATIONS
from autoenc.models import Chain, views
from autoenc.report import network
from tests.browser import chromium, opened

SCRIPT = Path(network.__file__).parent / "templates" / "network.js"
CLOSE = 2e-3


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page without network that knows the function `run(description, rows)`."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    if not chromium():
        pytest.skip("no Chromium: apt install chromium")
    path = tmp_path_factory.mktemp("network") / "page.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><script>const run = (function () {{\n{SCRIPT.read_text('utf-8')}\n"
                    "return (description, rows) => rows.map(row => [...network(description)(row)]); })();</script>", "utf-8")
    with opened(path) as (page, complaints):
        yield page
        assert complaints == []


def in_the_page(page, description, x):
    rows = page.evaluate("([description, rows]) => run(description, rows)", [description, x.reshape(len(x), -1).tolist()])
    return np.array(rows)


def bold(model, factor=3):
    """The same model with larger weights and with biases, so that no activation is nearly linear."""
    model.parameters[:] = factor * model.parameters + np.random.default_rng(5).normal(0, 0.1, model.parameters.shape)
    return model


@pytest.mark.parametrize("part", network.PARTS)
@pytest.mark.parametrize("hidden, latent, output", [("tanh", "linear", "sigmoid"), ("relu", "sigmoid", "linear"),
                                                    ("sigmoid", "softmax", "tanh"), ("linear", "relu", "softmax")])
def test_dense_layers_of_every_activation(page, part, hidden, latent, output):
    model = bold(Autoencoder((35, 10, 3), hidden, latent, output, rng=1))
    rng = np.random.default_rng(2)
    x = np.float32(rng.normal(0, 3, (50, 3)) if part == "decoder" else rng.random((50, 35)))
    description = json.loads(json.dumps(network.described(model, part, x)))
    np.testing.assert_allclose(in_the_page(page, description, x), network.answer(model, part, x), atol=CLOSE)


@pytest.mark.parametrize("part", network.PARTS)
def test_the_variational_autoencoder(page, part):
    model = bold(VAE(latent=2, shape=(8, 12, 2), rng=3, dense="tanh"), 2)
    rng = np.random.default_rng(4)
    x = np.float32(rng.normal(0, 2, (20, 2)) if part == "decoder" else rng.random((20, 8, 12, 2)))
    np.testing.assert_allclose(in_the_page(page, network.described(model, part, x), x), network.answer(model, part, x), atol=CLOSE)


def test_the_packaged_network_of_garments(page):
    model, z = VAE.pretrained(), np.float32(np.random.default_rng(6).normal(0, 1.5, (60, 2)))
    np.testing.assert_allclose(in_the_page(page, network.described(model, "decoder", z), z), network.answer(model, "decoder", z),
                               atol=CLOSE)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize("kernel, stride, padding", [(3, 2, "same"), ((2, 3), (1, 2), "valid"), (2, 3, "same"), (4, 3, "valid")])
def test_convolutions_of_every_kind(page, kind, kernel, stride, padding, activation):
    layer, rng = kind((7, 6, 2), 3, kernel, stride, padding, activation), np.random.default_rng(7)
    parameters = rng.normal(0, 0.5, math.prod(layer.shape)).astype(np.float32)
    x = rng.normal(0, 1, (4, 7, 6, 2)).astype(np.float32)
    expected = Chain([layer], parameters, x.copy()).forward()
    ordered = network._ordered(layer, views([layer], parameters)[0])
    description = {"layers": [network._layer(layer)], "weights": network.packed(ordered)}
    np.testing.assert_allclose(in_the_page(page, description, x), expected.reshape(4, -1), atol=1e-5)


@pytest.mark.parametrize("model, part, inputs", [(Autoencoder((35, 6, 2), rng=8), "decoder", 2), (Autoencoder((35, 6, 2), rng=8), "whole", 35),
                                                 (VAE(shape=(4, 4, 1), rng=8), "decoder", 2)])
def test_a_sabotaged_weight_is_noticed(page, model, part, inputs):
    """The comparison can fail: with any one of some weights changed, in the page or in Python."""
    x = np.float32(np.random.default_rng(9).random((30, inputs)) + 0.5)
    description, true = network.described(model, part, x), network.answer(model, part, x)
    weights = np.frombuffer(b64decode(description["weights"]["data"]), description["weights"]["type"]).copy()
    for place in 0, len(weights) - 40, len(weights) - 1:
        changed = weights.copy()
        changed[place] += 0.5
        other = in_the_page(page, {**description, "weights": network.packed(changed)}, x)
        assert np.abs(other - true).max() > CLOSE, place
    first = len(model.parameters) - len(weights) if part == "decoder" else 0
    for place in first, len(model.parameters) - 1:
        spoilt = type(model)(**model.settings, rng=model.parameters)
        spoilt.parameters[place] += 0.5
        assert np.abs(in_the_page(page, description, x) - network.answer(spoilt, part, x)).max() > CLOSE, place


def test_weights_take_two_bytes_where_that_is_close_enough_and_four_where_not():
    small, z = Autoencoder((35, 2), latent="linear", output="linear", rng=0), np.float32([[1, 2]])
    assert network.described(small, "decoder", z)["weights"]["type"] == "float16"
    assert network.described(bold(small, 20), "decoder", z)["weights"]["type"] == "float32"
    small.parameters[-1] = 1e5                      # more than float16 can hold
    assert network.described(small, "decoder", z)["weights"]["type"] == "float32"


def test_what_has_no_place_in_a_page_is_named():
    single, z = Autoencoder((35, 2), rng=0), np.zeros((1, 2), np.float32)
    with pytest.raises(TypeError, match="^model was 3"):
        network.described(3, "decoder", z)
    with pytest.raises(ValueError, match="^part was 'middle'"):
        network.described(single, "middle", z)
    with pytest.raises(ValueError, match="^model was .* a single network"):
        network.described(Autoencoder((35, 2), rng=0, members=2), "decoder", z)
    single.parameters[5] = np.nan
    with pytest.raises(ValueError, match="^the network's parameters has values"):
        network.described(single, "decoder", z)

    class Unknown(type(single.decoder[0])):
        pass
    single = Autoencoder((35, 2), rng=0)
    single.decoder[0] = Unknown(2, 35)
    with pytest.raises(ValueError, match="^a layer was .* Dense"):
        network.described(single, "decoder", z)
