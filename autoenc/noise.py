"""Noise: the ways to spoil a character.

Each function takes pictures of shape (..., n, pixels), leaves them alone, and returns spoilt copies of
the same shape and dtype.  Everything random comes from `rng`, whatever `np.random.default_rng` takes.
A leading axis of members is spoilt independently for each member.
"""

import numpy as np

from .checks import generator, number, numbers, whole_number


def _checked(x, rng, **probabilities):
    """The arguments as they must be: pictures, a generator, and numbers from 0 to 1."""
    x, wanted = numbers("x", x, ("...", "n", "pixels"), kinds="f"), "a number from 0 to 1"
    probabilities = [number(name, p, wanted, lambda p: 0 <= p <= 1) for name, p in probabilities.items()]
    return x, generator(rng), *probabilities


def mutate(x, probability, rng=None, amplitude=0.5, count=None):
    """The report's noise: in `count` rows chosen at random, each pixel is, with `probability`, moved by
    δ ~ U(0, amplitude) towards the other value: up if it is below 0.5, else down.

    count: how many of the n rows are spoilt (of each member), None for all.
    """
    x, rng, probability, amplitude = _checked(x, rng, probability=probability, amplitude=amplitude)
    rows = x.shape[-2]
    count = rows if count is None else whole_number("count", count, least=0, most=rows)
    chosen = rng.permuted(np.broadcast_to(np.arange(rows) < count, x.shape[:-1]), axis=-1)[..., None]
    moved = chosen & (rng.random(x.shape) < probability)
    return (x + np.where(x < 0.5, 1, -1) * moved * rng.uniform(0, amplitude, x.shape)).astype(x.dtype)


def flip(x, probability, rng=None):
    """The binary symmetric channel: each pixel becomes 1 - x with `probability`."""
    x, rng, probability = _checked(x, rng, probability=probability)
    return np.where(rng.random(x.shape, np.float32) < probability, 1 - x, x)


def gaussian(x, sigma, rng=None):
    """Each pixel gets independent normal noise of standard deviation `sigma`; nothing is clipped."""
    x, rng = _checked(x, rng)
    sigma = number("sigma", sigma, "a finite number, not negative", lambda value: 0 <= value < np.inf)
    return (x + sigma * rng.standard_normal(x.shape)).astype(x.dtype)


def salt_and_pepper(x, probability, rng=None):
    """Each pixel is, with `probability`, replaced by 0 or 1, whichever a fair coin says."""
    x, rng, probability = _checked(x, rng, probability=probability)
    replaced = rng.random(x.shape) < probability
    return np.where(replaced, rng.integers(0, 2, x.shape), x).astype(x.dtype)
