"""Optimisers: how a gradient becomes a step.

A model's parameters are one flat vector (or one row a member), and so is their gradient; an optimiser
therefore is a few vector operations, each with the array for its result as its last argument.  The object
holds settings only: `start` hands out a function that takes the steps of one training and keeps that
training's memory, so one optimiser can serve many trainings, one after the other or at once.

A learning rate is a number, an array with one value for each member, or a *schedule*: a function of
progress, which runs from 0 at the first step towards 1 at the end, that returns either of them.
"""

import math

import numpy as np

from .checks import number, numbers


def cosine_decay(rate, final=0):
    """The schedule that falls from `rate` to `final` along half a cosine (Loshchilov and Hutter, 2017)."""
    rate, final = _checked("rate", rate), _checked("final", final)
    return lambda progress: final + (rate - final) * (1 + math.cos(math.pi * progress)) / 2


def _checked(name, rate, members=("members",)):
    """One or several learning rates: a float, or an array of shape `members` with one for each of them."""
    if isinstance(rate, float) and 0 <= rate < math.inf:
        return float(rate)              # quickly, for a schedule returns one at every step; and NumPy's to Python's
    rate = numbers(name, rate, (), members, kinds="iuf", low=0)
    return rate if rate.ndim else float(rate)


def _fraction(name, value):
    return number(name, value, "a number from 0 up to, not including, 1", lambda value: 0 <= value < 1)


class SGD:
    """Gradient descent, the report's NONE: params -= rate · gradient."""

    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def start(self, params, grads):
        """A function step(progress) that moves `params`, in place, against what `grads` then holds, and may use up.

        This one's step can also be scaled, for optimisers that go down another vector than the gradient.
        """
        def checked(rate):
            rate = _checked("learning_rate", rate, params.shape[:-1])
            return rate if isinstance(rate, float) else rate.astype(params.dtype)[..., None]    # to multiply `params`

        schedule = self.learning_rate
        constant = None if callable(schedule) else checked(schedule)

        def step(progress, scale=1):
            rate = checked(schedule(progress)) if constant is None else constant
            np.subtract(params, np.multiply(grads, rate * scale, grads), params)
        return step


class Momentum(SGD):
    """Gradient descent with inertia (Polyak, 1964): velocity = momentum · velocity - rate · gradient.

    So it is the velocity that goes down the gradient, as `SGD`'s parameters do.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9):
        super().__init__(learning_rate)
        self.momentum = _fraction("momentum", momentum)

    def start(self, params, grads):
        velocity = np.zeros_like(params)
        descend = super().start(velocity, grads)

        def step(progress):
            np.multiply(velocity, self.momentum, velocity)
            descend(progress)
            np.add(params, velocity, params)
        return step


class Adam(SGD):
    """Kingma and Ba (2015), algorithm 1: a step of about `learning_rate` in every coordinate.

    The running means of g and g² are kept as running *sums*, without the factors (1 - beta): those,
    the bias corrections and the learning rate are one number a step, so that ten vector operations
    are enough.
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta1, self.beta2 = _fraction("beta1", beta1), _fraction("beta2", beta2)
        self.epsilon = number("epsilon", epsilon, "a small positive number", lambda value: 0 < value < 1)

    def start(self, params, grads, sums=None, steps=0):
        """As for `SGD`; `sums`, (2, *params.shape), and the `steps` they have seen are an earlier training's."""
        move = np.empty_like(params)
        descend = super().start(params, move)
        first, second = np.zeros((2, *params.shape), params.dtype) if sums is None else sums
        beta1, beta2, floor = (np.array(number, params.dtype) for number in (self.beta1, self.beta2, self.epsilon))

        def step(progress):
            nonlocal steps
            steps += 1
            scale1 = (1 - self.beta1) / (1 - self.beta1 ** steps)               # mean of g: scale1 · first
            scale2 = math.sqrt((1 - self.beta2) / (1 - self.beta2 ** steps))    # root mean of g²: scale2 · √second
            floor[...] = self.epsilon / scale2
            np.add(np.multiply(first, beta1, first), grads, first)
            np.add(np.multiply(second, beta2, second), np.square(grads, move), second)
            np.divide(first, np.add(np.sqrt(second, move), floor, move), move)
            descend(progress, scale1 / scale2)
        return step
