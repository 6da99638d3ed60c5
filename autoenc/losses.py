"""Losses: one number for how far an output is from its target, and the slope towards less.

Both are summed over a sample's pixels and averaged over the samples, so that they read as "squared
error of a character" and "nats for a character".  Like a layer, a loss is asked once, with the arrays that
are going to hold output and target, and answers with a pair: a function `compare`, without arguments, that
returns the loss of what they then hold, in the leading axes' shape (one number for each member); and the
array where it leaves the gradient, dloss/doutput.
"""

import numpy as np

from .layers import HALF, ONE, columns


def mse(output, target):
    """Squared error Σ (output - target)², and its gradient 2 (output - target) / n.

    That lies in memory as dense layers want it, by columns, which a convolution at the end of a chain cannot take.
    """
    *leading, rows, features = output.shape
    gradient = columns(leading, rows, features, output.dtype)
    pixels, double = gradient.mT.reshape(*leading, -1, copy=False), np.array(2 / rows, output.dtype)

    def compare():
        np.subtract(output, target, gradient)
        value = np.vecdot(pixels, pixels) / rows
        np.multiply(gradient, double, gradient)
        return value
    return compare, gradient


def bce(logits, target, count=None):
    """Binary cross-entropy -Σ [x log y + (1 - x) log(1 - y)] of y = sigmoid(logits) and targets x in [0, 1].

    With the half logit h and the target's sign s = 2x - 1, that is ±1 for black and white, a pixel's loss is
    |h| - s h - log[(1 + |tanh h|) / 2], and its slope in the logit (tanh h - s) / 2.  Written so, nothing
    can overflow, no large numbers cancel, the logarithm's argument is never below 1/2, and one tanh does all.
    count: what is divided by for the average, None for the number of samples.
    """
    gradient, loss, rest, sign = *(np.empty_like(logits) for _ in range(3)), np.empty_like(target)
    count = count or logits.shape[-2]
    share = np.array(0.5 / count, logits.dtype)

    def compare():
        np.subtract(np.add(target, target, sign), ONE, sign)
        np.multiply(logits, HALF, gradient)
        np.subtract(np.abs(gradient, loss), np.multiply(gradient, sign, rest), loss)
        np.tanh(gradient, gradient)
        np.multiply(np.add(np.abs(gradient, rest), ONE, rest), HALF, rest)
        np.subtract(loss, np.log(rest, rest), loss)
        np.multiply(np.subtract(gradient, sign, gradient), share, gradient)
        return np.einsum("...np->...", loss) / count            # quicker than sum
    return compare, gradient


LOSSES = {"mse": mse, "bce": bce}
