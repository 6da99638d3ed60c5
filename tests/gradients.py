"""One gradient check for everything that has a gradient: layers, activations, losses and whole models.

The slope that a derivation claims is compared with the one that central differences measure, in float64.
"""

import numpy as np

from autoenc import SGD


def measured_gradient(function, array, step):
    """d function() / d array, by moving each number of `array`, in place, a little down and up."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        middle = array[index]
        array[index] = middle + step
        above = function()
        array[index] = middle - step
        below = function()
        array[index] = middle
        gradient[index] = (above - below) / (2 * step)
    return gradient


def check_gradient(function, array, claimed, tolerance=1e-6, step=1e-5):
    """AssertionError unless `claimed` is the gradient of `function`, a number, by the float64 `array` it reads."""
    assert array.dtype == np.float64 and claimed.shape == array.shape
    measured = measured_gradient(function, array, step)
    largest = max(np.abs(measured).max(), np.abs(claimed).max())
    assert largest > 1e-4, "a gradient of zeros checks nothing"
    error = np.abs(measured - claimed).max() / largest
    assert error <= tolerance, f"relative error {error:.2g}"


def loss_and_gradient(model, x, loss="bce"):
    """The loss of reconstructing x, and its gradient, which is what one step of plain descent at rate 1 takes away."""
    before = model.parameters.copy()
    try:
        return model.fit(x, 1, loss, SGD(1.0)).loss[0], before - model.parameters
    finally:
        model.parameters[...] = before


def prepared(layer, params, x):
    """A layer's buffers for both ways."""
    buffers, grads = layer.prepare(params, x), np.full_like(params, np.nan)
    layer.prepare_backward(buffers, grads, np.full(np.shape(inputs_of(layer, x)), np.nan))
    return buffers


def inputs_of(layer, x):
    """What of x are inputs: a Dense layer's and a sampling layer's x has a column of ones more."""
    return x[..., :layer.inputs] if np.ndim(layer.inputs) == 0 and x.shape[-1] == layer.inputs + 1 else x


def passed(layer, params, x, dy):
    """One pass through a layer: y, and dL/dx and dL/dparams for dL/dy."""
    buffers = prepared(layer, params, x)
    for _ in range(2):                      # twice: buffers that are used again must not remember
        layer.forward(buffers)
        buffers.dy[...] = dy
        layer.backward(buffers)
    return buffers.out, buffers.dx, buffers.grads


def check_layer(layer, params, x, dy, tolerance=1e-6):
    """Check dL/dparams and dL/dx of L = Σ y dy, for a layer with these parameters, float64, and inputs x."""
    _, dx, grads = passed(layer, params, x, dy)
    buffers = layer.prepare(params, x)

    def value():
        layer.forward(buffers)
        return (buffers.y * dy).sum()

    if params.size:
        check_gradient(value, params, grads, tolerance)
    check_gradient(value, inputs_of(layer, x), dx, tolerance)
