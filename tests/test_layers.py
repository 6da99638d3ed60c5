"""Dense layers and activations: what they compute, and that the way back is the slope of the way forward."""

import numpy as np
import pytest

from autoenc.layers import ACTIVATIONS, Dense, Layer, Relu, Sigmoid, Softmax, Tanh

from .gradients import check_gradient, check_layer, passed, prepared

FORMULAS = {
    "linear": lambda z: z,
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(-1, keepdims=True),
}
ROWS, INPUTS, OUTPUTS = 6, 4, 3


def dense_case(activation, leading):
    """A layer with biases away from zero, its input with the column of ones, and weights for its outputs."""
    rng = np.random.default_rng(3)
    layer = Dense(INPUTS, OUTPUTS, activation)
    params = rng.normal(size=(*leading, *layer.shape))
    params[..., -1, :] = rng.uniform(0.3, 0.9, params[..., -1, :].shape)
    x = np.concatenate([rng.normal(size=(*leading, ROWS, INPUTS)), np.ones((*leading, ROWS, 1))], axis=-1)
    return layer, params, x, rng.normal(size=(*leading, ROWS, OUTPUTS))


def test_every_activation_has_a_formula_here():
    assert FORMULAS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("leading", [(), (2,)], ids=["one", "members"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_is_the_formula(activation, leading):
    layer, params, x, dy = dense_case(activation, leading)
    wide, _, _ = passed(layer, params, x, dy)
    z = np.einsum("...ri,...io->...ro", x[..., :-1], params[..., :-1, :]) + params[..., -1:, :]
    assert wide.shape == (*leading, ROWS, OUTPUTS + 1)
    np.testing.assert_allclose(wide[..., :-1], FORMULAS[activation](z), rtol=1e-12, atol=1e-15)
    assert (wide[..., -1] == 1).all()


@pytest.mark.parametrize("leading", [(), (2,)], ids=["one", "members"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backward_is_the_slope(activation, leading):
    check_layer(*dense_case(activation, leading))


def test_members_can_share_their_input():
    layer, params, x, weight = dense_case("tanh", (2,))
    buffers, grads = layer.prepare(params, x[0]), np.empty_like(params)
    layer.prepare_backward(buffers, grads, None)

    def value():
        layer.forward(buffers)
        return (buffers.y * weight).sum()

    value()
    buffers.dy[...] = weight
    layer.backward(buffers)
    check_gradient(value, params, grads)


@pytest.mark.parametrize("activation", [Tanh, Sigmoid, Relu, Softmax], ids=lambda activation: activation.__name__)
def test_the_check_fails_without_the_derivative(monkeypatch, activation):
    monkeypatch.setattr(activation, "backward", staticmethod(lambda y, dy, scratch: None))
    with pytest.raises(AssertionError, match="relative error"):
        check_layer(*dense_case(activation.__name__.lower(), ()))


@pytest.mark.parametrize("leading", [(), (2,)], ids=["one", "members"])
def test_the_check_fails_without_the_bias_gradient(monkeypatch, leading):
    honest = Dense.backward

    def sabotaged(self, buffers):
        honest(self, buffers)
        buffers.grads[..., -1, :] = 0

    monkeypatch.setattr(Dense, "backward", sabotaged)
    with pytest.raises(AssertionError, match="relative error"):
        check_layer(*dense_case("tanh", leading))


def test_nobody_asks_the_first_layer_for_dx():
    layer, params, x, weight = dense_case("tanh", ())
    first, later = layer.prepare(params, x), prepared(layer, params, x)
    layer.prepare_backward(first, np.empty_like(params), None)
    for buffers in first, later:
        layer.forward(buffers)
        buffers.dy[...] = weight
        layer.backward(buffers)
    np.testing.assert_array_equal(first.grads, later.grads)
    assert first.dx is None and np.isfinite(later.dx).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softmax"])
def test_huge_inputs_saturate(activation, dtype):
    z = np.array([[-1000, 0, 1000], [1000, -1000, 999]], dtype)
    with np.errstate(over="ignore" if activation == "sigmoid" else "raise", invalid="raise", divide="raise"):
        ACTIVATIONS[activation].forward(z)
    e = 1 / (1 + np.exp(-1))
    expected = {"tanh": [[-1, 0, 1], [1, -1, 1]], "sigmoid": [[0, 0.5, 1], [1, 0, 1]],
                "softmax": [[0, 0, 1], [e, 0, 1 - e]]}[activation]
    np.testing.assert_allclose(z, expected, rtol=1e-6, atol=0)


def test_small_probabilities_keep_their_digits():
    z = np.array([-80, -20, -5], np.float32)
    Sigmoid.forward(z)
    np.testing.assert_allclose(z, 1 / (1 + np.exp([80., 20, 5])), rtol=1e-5)


def test_a_layer_without_biases_has_a_start_too():
    class Scale(Layer):
        shape, fans = (4,), 2

    assert Scale().initial(np.random.default_rng(0)).all()


def test_a_start_is_glorot_uniform_with_biases_zero():
    start = Dense(200, 100).initial(np.random.default_rng(0))
    limit = np.sqrt(6 / 300)
    assert start.shape == (201, 100) and (start[-1] == 0).all()
    assert 0.99 * limit < np.abs(start[:-1]).max() <= limit
    assert abs(start[:-1].std() / (limit / np.sqrt(3)) - 1) < 0.02
