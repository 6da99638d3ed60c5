"""One gradient check for everything that has a gradient: layers, activations, losses and whole models.

The slope that a derivation claims is compared with the one that central differences measure, in float64.
"""

import numpy as np


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
