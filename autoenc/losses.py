"""Losses: one number for how far an output is from its target, and the slope towards less.

Both are summed over a sample's pixels and averaged over the samples, so that they read as "squared
error of a character" and "nats for a character".  Each returns ``(value, gradient)``: the value has
the leading axes' shape (one number for each member), the gradient is dvalue/doutput.  `buffers`, two
arrays like `output`, are where it does its work, if given; the gradient is then the first of them.
`count` is what is divided by for the average, if not the number of samples.
"""

import numpy as np

from .layers import HALF, ONE


def mse(output, target, buffers=None, count=None):
    """Squared error Σ (output - target)², and its gradient 2 (output - target) / n."""
    gradient, _ = buffers or (np.empty_like(output), None)
    np.subtract(output, target, out=gradient)
    count = count or output.shape[-2]
    pixels = gradient.mT.reshape(*gradient.shape[:-2], -1)      # turned over: so they lie in memory, see layers.columns
    value = np.vecdot(pixels, pixels) / count
    gradient *= 2 / count
    return value, gradient


def bce(logits, target, buffers=None, count=None):
    """Binary cross-entropy -Σ [x log y + (1 - x) log(1 - y)] of y = sigmoid(logits) and targets x in [0, 1].

    With the logit z, a pixel's loss is max(z, 0) - z x - log sigmoid(|z|), and its slope in z is y - x.
    Written so, nothing can overflow, no large numbers cancel, and the logarithm's argument is never
    below 1/2; sigmoid(z) = (1 + tanh(z/2)) / 2 gives both y and sigmoid(|z|) from one tanh.
    """
    gradient, loss = buffers or (np.empty_like(logits), np.empty_like(logits))
    count = count or logits.shape[-2]
    np.multiply(logits, target, out=gradient)
    np.maximum(logits, 0, out=loss)
    loss -= gradient
    value = np.einsum("...np->...", loss)       # quicker than sum
    np.multiply(logits, HALF, out=gradient)
    np.tanh(gradient, out=gradient)
    np.abs(gradient, out=loss)
    loss += ONE
    loss *= HALF
    np.log(loss, out=loss)
    value = (value - np.einsum("...np->...", loss)) / count
    gradient += ONE
    gradient *= HALF
    gradient -= target
    gradient *= 1 / count
    return value, gradient


LOSSES = {"mse": mse, "bce": bce}
