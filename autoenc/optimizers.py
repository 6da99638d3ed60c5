"""Optimisers: how a gradient becomes a step.

A model's parameters are one flat vector (or one row a member), and so is their gradient; an optimiser
therefore is a few vector operations.  The object holds settings only, so one optimiser can serve many
trainings, one after the other or at once; what one training has to remember lies in its buffers:

    buffers = optimizer.prepare(params, grads)      the two vectors, and arrays of the optimiser's own
    optimizer.step(buffers, progress)               moves params, in place, by what grads then holds

A learning rate is a number, an array with one value for each member, or a *schedule*: a function of
progress, which runs from 0 at the first step towards 1 at the end, that returns either of them.
"""

import math

import numpy as np

from .checks import number, numbers


def cosine_decay(rate, final=0):
    """The schedule that falls from `rate` to `final` along half a cosine (Loshchilov and Hutter, 2017)."""
    return CosineDecay(checked_rate("rate", rate), checked_rate("final", final))


class CosineDecay:
    """What `cosine_decay` returns: a function of progress that can be shown and pickled."""

    def __init__(self, rate, final):
        self.rate, self.final = rate, final

    def __repr__(self):
        return f"cosine_decay(rate={self.rate!r}, final={self.final!r})"

    def __call__(self, progress):
        return self.final + (self.rate - self.final) * (1 + math.cos(math.pi * progress)) / 2


def checked_rate(name, rate, members=("members",)):
    """One or several learning rates: a float, or an array of shape `members` with one for each of them."""
    if isinstance(rate, float) and 0 <= rate < math.inf:
        return float(rate)              # quickly, for a schedule returns one at every step; and NumPy's to Python's
    rate = numbers(name, rate, (), members, kinds="iuf", low=0)
    return rate if rate.ndim else float(rate)


def fraction(name, value):
    """`value` as a float from 0 up to, not including, 1."""
    return number(name, value, "a number from 0 up to, not including, 1", lambda value: 0 <= value < 1)


class Memory:
    """What of a training must outlive one call of `fit`, if another is to go on as if there had been one."""


class Buffers:
    """What one training works on: its parameters, their gradient, its memory, and arrays of the optimiser's own."""

    def __init__(self, params, grads, memory):
        self.params, self.grads, self.memory = params, grads, memory
        self.move = np.empty_like(params)


class SGD:
    """Gradient descent, the report's NONE: θ ← θ - rate · gradient."""

    def __init__(self, learning_rate=0.01):
        self.learning_rate = learning_rate

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def memory(self, params):
        """A fresh `Memory`: plain descent has nothing to remember."""
        return Memory()

    def prepare(self, params, grads, memory=None):
        """The buffers of one training.  memory: of an earlier one, which is changed in place; None for a fresh one.

        ValueError or TypeError, which names learning_rate, for one that cannot be.
        """
        buffers = Buffers(params, grads, self.memory(params) if memory is None else memory)
        buffers.rate = None if callable(self.learning_rate) else self._checked(self.learning_rate, params)
        return buffers

    def _checked(self, rate, params):
        """A learning rate, of the kind that can be multiplied with `params`."""
        rate = checked_rate("learning_rate", rate, params.shape[:-1])
        return rate if isinstance(rate, float) else rate.astype(params.dtype)[..., None]

    def _scheduled(self, buffers, progress):
        """The learning rate of a step, by the schedule."""
        return self._checked(self.learning_rate(progress), buffers.params)

    def step(self, buffers, progress):
        """Move the parameters by one step."""
        params = buffers.params
        rate = self._scheduled(buffers, progress) if buffers.rate is None else buffers.rate
        move = np.multiply(buffers.grads, rate, buffers.move)
        params -= move                                              # θ ← θ - rate · g


class Momentum(SGD):
    """Gradient descent with inertia (Polyak, 1964): v ← momentum · v - rate · gradient, θ ← θ + v."""

    def __init__(self, learning_rate=0.01, momentum=0.9):
        super().__init__(learning_rate)
        self.momentum = fraction("momentum", momentum)

    def memory(self, params):
        """A fresh `Memory` of the velocity v, which is 0."""
        memory = Memory()
        memory.velocity = np.zeros_like(params)
        return memory

    def step(self, buffers, progress):
        params, velocity = buffers.params, buffers.memory.velocity
        rate = self._scheduled(buffers, progress) if buffers.rate is None else buffers.rate
        move = np.multiply(buffers.grads, rate, buffers.move)
        velocity *= self.momentum
        velocity -= move                                            # v ← momentum · v - rate · g
        params += velocity                                          # θ ← θ + v


class Adam(SGD):
    """Kingma and Ba (2015), algorithm 1: a step of about `learning_rate` in every coordinate.

    With the gradient g of step t, the running means of g and of g², and their corrections for having begun with 0:

        m ← β₁ m + (1 - β₁) g       m̂ = m / (1 - β₁ᵗ)
        v ← β₂ v + (1 - β₂) g²      v̂ = v / (1 - β₂ᵗ)       θ ← θ - rate · m̂ / (√v̂ + ε)

    Kept are the running *sums* M = m / (1 - β₁) and V = v / (1 - β₂), for which a step is one multiplication less
    each.  The factors left out stand in a₁ = (1 - β₁) / (1 - β₁ᵗ) and a₂ = √[(1 - β₂) / (1 - β₂ᵗ)], two numbers:
    m̂ = a₁ M and √v̂ = a₂ √V, so the step is rate · a₁/a₂ · M / (√V + ε/a₂).
    """

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        self.beta1, self.beta2 = fraction("beta1", beta1), fraction("beta2", beta2)
        self.epsilon = number("epsilon", epsilon, "a small positive number", lambda value: 0 < value < 1)

    def memory(self, params):
        """A fresh `Memory` of the sums M, first, and V, second, and of the number of steps t that they have seen."""
        memory = Memory()
        memory.first, memory.second = np.zeros_like(params), np.zeros_like(params)
        memory.steps = 0
        return memory

    def prepare(self, params, grads, memory=None):
        buffers = super().prepare(params, grads, memory)
        buffers.beta1, buffers.beta2 = np.array(self.beta1, params.dtype), np.array(self.beta2, params.dtype)
        buffers.floor = np.array(self.epsilon, params.dtype)
        return buffers

    def step(self, buffers, progress):
        params, grads, memory = buffers.params, buffers.grads, buffers.memory
        first, second = memory.first, memory.second
        memory.steps += 1
        scale1 = (1 - self.beta1) / (1 - self.beta1 ** memory.steps)                    # a₁
        scale2 = math.sqrt((1 - self.beta2) / (1 - self.beta2 ** memory.steps))         # a₂

        first *= buffers.beta1
        first += grads                                              # M ← β₁ M + g
        squares = np.square(grads, buffers.move)
        second *= buffers.beta2
        second += squares                                           # V ← β₂ V + g²

        buffers.floor[...] = self.epsilon / scale2
        denominator = np.sqrt(second, buffers.move)
        denominator += buffers.floor                                # √V + ε/a₂
        move = np.divide(first, denominator, buffers.move)
        rate = self._scheduled(buffers, progress) if buffers.rate is None else buffers.rate
        move *= rate * (scale1 / scale2)                            # rate · a₁/a₂ · M / (√V + ε/a₂)
        params -= move                                              # θ ← θ - it
