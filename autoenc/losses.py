"""Losses: one number for how far an output is from its target, and the gradient towards less.

Both are summed over a sample's pixels and averaged over the samples, so that they read as "squared
error of a character" and "nats for a character".  Like a layer, a loss gets its arrays once and works on
them again and again:

    loss = MeanSquaredError(output, target, gradient)       the arrays that are going to hold output and target
    loss.compare()                                          the loss of what they hold; leaves dL/doutput in gradient

The loss has the shape of the leading axes: one number for each member.
"""

import numpy as np

from .layers import HALF, ONE


class MeanSquaredError:
    """L = Σ (y - x)² / n for outputs y and targets x of n samples, so dL/dy = 2 (y - x) / n.

    output, gradient: (..., rows, features), gradient in one piece of memory.  target: the same, or without members.
    count: n, what is divided by; None for the number of rows.
    """

    def __init__(self, output, target, gradient, count=None):
        self.output, self.target, self.gradient = output, target, gradient
        *leading, rows, _ = output.shape
        self.count = rows if count is None else count
        in_memory = gradient if gradient.flags.c_contiguous else gradient.mT
        self.flat = in_memory.reshape(*leading, -1, copy=False)           # the same numbers, a vector for each member
        self.factor = np.array(2 / self.count, output.dtype)

    def compare(self):
        difference = np.subtract(self.output, self.target, self.gradient)       # y - x
        loss = np.vecdot(self.flat, self.flat) / self.count                     # L = Σ (y - x)² / n
        difference *= self.factor                                               # dL/dy = 2 (y - x) / n
        return loss


class BinaryCrossEntropy:
    """L = -Σ [x log y + (1 - x) log(1 - y)] / n of y = sigmoid(z), for logits z and targets x in [0, 1].

    Its gradient is dL/dz = (y - x) / n.  Computed like this, y could be 0 or 1 and its logarithm infinite.  With half
    the logit, h = z / 2, and the target's sign, s = 2x - 1, which is ±1 for black and white, the loss of a pixel is

        |h| - s h - log[(1 + |tanh h|) / 2]       and its derivative with respect to z is        (tanh h - s) / 2.

    Nothing can overflow, the logarithm's argument is never below 1/2, and one tanh does all.  The gradient is exact to
    the rounding of numbers near 1: of a pixel that is right by more than 17 in the logit, single precision leaves 0.

    output: the logits, (..., rows, features).  target: the same, or without members.  gradient: like output.
    count: n, what is divided by; None for the number of rows.
    """

    def __init__(self, output, target, gradient, count=None):
        self.logits, self.target, self.gradient = output, target, gradient
        self.count = output.shape[-2] if count is None else count
        self.share = np.array(0.5 / self.count, output.dtype)
        self.half = np.empty_like(output)
        self.tanh = np.empty_like(output)
        self.loss = np.empty_like(output)
        self.scratch = np.empty_like(output)
        self.sign = np.empty_like(target)

    def compare(self):
        sign = np.add(self.target, self.target, self.sign)
        sign -= ONE                                                     # s = 2x - 1
        half = np.multiply(self.logits, HALF, self.half)                # h = z / 2
        tanh = np.tanh(half, self.tanh)                                 # tanh h

        loss = np.abs(half, self.loss)                                  # |h|
        product = np.multiply(half, sign, self.scratch)
        loss -= product                                                 # |h| - s h
        mean = np.abs(tanh, self.scratch)
        mean += ONE
        mean *= HALF                                                    # (1 + |tanh h|) / 2
        logarithm = np.log(mean, self.scratch)
        loss -= logarithm                                               # |h| - s h - log[(1 + |tanh h|) / 2]

        gradient = np.subtract(tanh, sign, self.gradient)               # tanh h - s = 2 (y - x)
        gradient *= self.share                                          # dL/dz = (y - x) / n
        return np.einsum("...np->...", loss) / self.count               # a sum over rows and pixels, quicker than `sum`


LOSSES = {"mse": MeanSquaredError, "bce": BinaryCrossEntropy}
