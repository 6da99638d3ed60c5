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


def passed(layer, params, x, dy):
    """One pass through a layer: y, and dL/dx and dL/dparams for dL/dy."""
    grads, slope = np.full_like(params, np.nan), np.empty_like(dy)
    work = layer.forward(params, x)
    dx, steps, onward = layer.backward(params, work, slope, grads)
    for _ in range(2):                      # twice: buffers that are used again must not remember
        slope[...] = dy
        for step in work.steps + steps + onward:
            step()
    return work.out, dx, grads


def check_layer(layer, params, x, dy, inside=lambda array: array, tolerance=1e-6):
    """Check dL/dparams and dL/dx of L = Σ y dy.  `inside` cuts off what is not a feature: the column of ones."""
    _, dx, grads = passed(layer, params, x, dy)
    work = layer.forward(params, x)

    def value():
        for step in work.steps:
            step()
        return (inside(work.out) * dy).sum()

    if params.size:
        check_gradient(value, params, grads, tolerance)
    check_gradient(value, inside(x), dx, tolerance)
