"""Convolutions: gradients against finite differences, values and gradients against PyTorch and Keras."""

import itertools

import numpy as np
import pytest

from autoenc.convolutions import Conv2D, Conv2DTranspose, Flatten, Reshape

from .gradients import check_layer, passed

SETTINGS = [(cls, size, kernel, stride, padding)
            for cls, size, kernel, stride, padding in itertools.product(
                (Conv2D, Conv2DTranspose), (2, 5, 6, 7), (1, 2, 3, 4, 5), (1, 2, 3), ("same", "valid"))
            if padding == "same" or kernel <= size]


def made(cls, size, kernel, stride, padding, activation="linear", channels=2, filters=3, samples=2, seed=1):
    """A layer with random parameters, an input, and a slope for its output, in float64."""
    layer = cls((size, size + 1, channels), filters, kernel, stride, padding, activation)
    rng = np.random.default_rng(seed)
    return (layer, rng.standard_normal(layer.shape), rng.standard_normal((samples, *layer.inputs)),
            rng.standard_normal((samples, *layer.outputs)))


@pytest.mark.parametrize("cls", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid", "softmax"])
@pytest.mark.parametrize("kernel, stride, padding", [(3, 2, "same"), (4, 3, "valid"), ((2, 3), (3, 1), "same")])
def test_gradients(cls, activation, kernel, stride, padding):
    check_layer(*made(cls, 6, kernel, stride, padding, activation), tolerance=1e-7)


@pytest.mark.parametrize("cls", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize("spoil", [lambda dx, grads: np.multiply(grads, 1.001, out=grads),
                                   lambda dx, grads: np.copyto(grads.reshape(-1)[-1:], 0),
                                   lambda dx, grads: np.copyto(dx, np.roll(dx, 1, 1))])
def test_gradient_check_notices_a_wrong_backward(cls, spoil):
    class Spoilt(cls):
        def backward(self, buffers):
            super().backward(buffers)
            spoil(buffers.dx, buffers.grads)

    with pytest.raises(AssertionError, match="relative error"):
        check_layer(*made(Spoilt, 6, 3, 2, "same"), tolerance=1e-7)


def weights(layer, flat):
    """Kernel and bias, in Keras' shapes, of an array like the layer's parameters."""
    channels = (layer.filters, layer.inputs[2])
    flat = np.asarray(flat).ravel()
    return (flat[:-layer.filters].reshape(*layer.kernel, *(channels if type(layer) is Conv2DTranspose else channels[::-1])),
            flat[-layer.filters:])


def pytorch_can(cls, size, kernel, stride, padding):
    """PyTorch leaves out the last zeros where a transposed window is smaller than its stride."""
    return not (cls is Conv2DTranspose and kernel < stride and padding == "valid")


@pytest.mark.parametrize("cls, size, kernel, stride, padding", [case for case in SETTINGS if pytorch_can(*case)])
def test_agrees_with_pytorch(cls, size, kernel, stride, padding):
    torch = pytest.importorskip("torch")
    layer, params, x, dy = made(cls, size, kernel, stride, padding)
    kernel_, bias = (torch.tensor(w, requires_grad=True) for w in weights(layer, params))
    xt = torch.tensor(x, requires_grad=True)
    images, kernels = xt.permute(0, 3, 1, 2), kernel_.permute(3, 2, 0, 1)
    (top, left), (h, w) = layer.before, layer.picture[:2]
    if cls is Conv2D:
        below, right = layer.padded[0] - h - top, layer.padded[1] - w - left
        y = torch.nn.functional.conv2d(torch.nn.functional.pad(images, (left, right, top, below)), kernels, bias, stride)
        y = y[:, :, :layer.outputs[0], :layer.outputs[1]]
    else:
        y = torch.nn.functional.conv_transpose2d(images, kernels, None, stride)
        y = torch.nn.functional.pad(y, (0, stride, 0, stride))[:, :, top:top + h, left:left + w] + bias[:, None, None]
    y = y.permute(0, 2, 3, 1)
    y.backward(torch.tensor(dy))
    ours = passed(layer, params, x, dy)
    for mine, theirs in [(ours[0], y), (ours[1], xt.grad), *zip(weights(layer, ours[2]), (kernel_.grad, bias.grad), strict=True)]:
        np.testing.assert_allclose(mine, theirs.detach().numpy(), atol=1e-11)


@pytest.mark.parametrize("cls, size, kernel, stride, padding", SETTINGS)
def test_agrees_with_keras(cls, size, kernel, stride, padding, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    torch, keras = pytest.importorskip("torch"), pytest.importorskip("keras")
    layer, params, x, dy = made(cls, size, kernel, stride, padding)
    theirs = getattr(keras.layers, cls.__name__)(layer.filters, kernel, stride, padding, dtype="float64")
    theirs.build((None, *layer.inputs))
    for variable, value in zip(theirs.weights, weights(layer, params), strict=True):
        assert tuple(variable.shape) == value.shape
        variable.assign(value)
    xt = torch.tensor(x, requires_grad=True)
    y = theirs(xt)
    y.backward(torch.tensor(dy))
    assert y.shape[1:] == layer.outputs
    ours = passed(layer, params, x, dy)
    pairs = [(ours[0], y), (ours[1], xt.grad), *zip(weights(layer, ours[2]), (v.value.grad for v in theirs.weights), strict=True)]
    for mine, reference in pairs:
        np.testing.assert_allclose(mine, reference.detach().numpy(), atol=1e-11)


def test_reference_values():
    """By hand: a 1×4 picture, kernel 3, stride 2: windows start at 0 and 2, the odd zero is at the end."""
    layer = Conv2D((1, 4, 1), 1, (1, 3), (1, 2))
    y, dx, _ = passed(layer, np.array([[1.0], [10], [100], [0.5]]), np.arange(1.0, 5).reshape(1, 1, 4, 1),
                      np.ones((1, 1, 2, 1)))
    assert y.ravel().tolist() == [321.5, 43.5]
    assert dx.ravel().tolist() == [1, 10, 101, 10]
    layer = Conv2DTranspose((1, 2, 1), 1, (1, 3), (1, 2))
    y, dx, _ = passed(layer, np.array([1.0, 10, 100, 0.5]), np.array([1.0, 2]).reshape(1, 1, 2, 1), np.ones((1, 1, 4, 1)))
    assert y.ravel().tolist() == [1.5, 10.5, 102.5, 20.5]
    assert dx.ravel().tolist() == [111, 11]


def test_initial_parameters_are_glorot_uniform_with_zero_biases():
    for layer in (Conv2D((8, 8, 5), 7, 3), Conv2DTranspose((8, 8, 5), 7, 3)):
        kernel, bias = weights(layer, layer.initial(np.random.default_rng(0)))
        limit = np.sqrt(6 / (9 * (5 + 7)))
        assert layer.initial(np.random.default_rng(0)).shape == layer.shape
        assert 0.95 * limit < abs(kernel).max() <= limit and not bias.any()


def test_flatten_and_reshape_are_inverse():
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    flatten, reshape = Flatten((2, 4, 5)), Reshape((2, 4, 5))
    rows, back, _ = passed(flatten, np.empty(0), x, x.reshape(3, -1))
    assert rows.shape == (3, 41) and (rows[:, -1] == 1).all() and (rows[:, :-1] == x.reshape(3, -1)).all()
    assert (back == x).all()
    pictures, back, _ = passed(reshape, np.empty(0), x.reshape(3, -1), x)
    assert (pictures == x).all() and (back == x.reshape(3, -1)).all()
    check_layer(reshape, np.empty(0), x.reshape(3, -1), x.copy())


@pytest.mark.parametrize("settings, name", [
    (dict(filters=0), "filters"), (dict(filters=2.5), "filters"), (dict(kernel=0), "kernel"), (dict(kernel=(1, 2, 3)), "kernel"),
    (dict(stride=0), "stride"), (dict(stride="2"), "stride"), (dict(padding="full"), "padding"),
    (dict(activation="gelu"), "activation"), (dict(inputs=(5, 5)), "inputs"), (dict(inputs=(5, 0, 1)), "inputs"),
    (dict(kernel=9, padding="valid"), "kernel")])
def test_bad_settings_are_named(settings, name):
    with pytest.raises((TypeError, ValueError), match=rf"^{name}(\[.\])? was"):
        Conv2D(**{"inputs": (5, 5, 1), "filters": 2, **settings})


@pytest.mark.parametrize("kernel, stride, padding, length", [(3, 2, "same", 8), (3, 2, "valid", 9), (2, 3, "valid", 12), (1, 3, "same", 12)])
def test_the_length_of_a_transposed_convolution_is_keras_s(kernel, stride, padding, length):
    """With a kernel smaller than the stride it is length · stride, not less."""
    assert Conv2DTranspose((4, 4, 1), 1, kernel, stride, padding).outputs == (length, length, 1)
