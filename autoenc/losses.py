"""Losses: one number for how far an output is from its target, and the slope towards less.

Both are summed over a sample's pixels and averaged over the samples, so that they read as "squared
error of a character" and "nats for a character".  Each returns ``(value, gradient)``: the value has
the leading axes' shape (one number for each member), the gradient is dvalue/doutput.  `buffers`, three
arrays like `output`, are where it does its work, if given; the gradient is then the first of them.
`count` is what is divided by for the average, if not the number of samples.
"""

import numpy as np

from .layers import HALF, ONE, TWO


def mse(output, target, buffers=None, count=None):
    """Squared error Σ (output - target)², and its gradient 2 (output - target) / n."""
    gradient, *_ = buffers or [np.empty_like(output)]
    np.subtract(output, target, gradient)
    count = count or output.shape[-2]
    pixels = gradient.mT.reshape(*gradient.shape[:-2], -1)      # turned over: so they lie in memory, see layers.columns
    value = np.vecdot(pixels, pixels) / count
    gradient *= 2 / count
    return value, gradient


def bce(logits, target, buffers=None, count=None):
    """Binary cross-entropy -Σ [x log y + (1 - x) log(1 - y)] of y = sigmoid(logits) and targets x in [0, 1].

    With the half logit h and the target's sign s = 2x - 1, that is ±1 for black and white, a pixel's loss is
    |h| - s h - log[(1 + |tanh h|) / 2], and its slope in the logit (tanh h - s) / 2.  Written so, nothing
    can overflow, no large numbers cancel, the logarithm's argument is never below 1/2, and one tanh does all.
    """
    gradient, loss, rest = buffers or [np.empty_like(logits) for _ in range(3)]
    sign, count = TWO * target - ONE, count or logits.shape[-2]
    np.multiply(logits, HALF, gradient)
    np.abs(gradient, loss)
    np.multiply(gradient, sign, rest)
    loss -= rest
    np.tanh(gradient, gradient)
    np.abs(gradient, rest)
    rest += ONE
    rest *= HALF
    np.log(rest, rest)
    loss -= rest
    gradient -= sign
    gradient *= 1 / (2 * count)
    return np.einsum("...np->...", loss) / count, gradient          # quicker than sum


LOSSES = {"mse": mse, "bce": bce}
