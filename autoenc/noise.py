"""Noise: the ways to corrupt a character.

Each function takes pictures of shape (..., n, pixels), leaves them alone, and returns corrupted copies of
the same shape and dtype; whole numbers become float32.  Everything random comes from `rng`, whatever
`np.random.default_rng` takes.  A leading axis of members is corrupted independently for each member.
TypeError or ValueError for what are no pictures, and for amounts that are no probabilities.
"""

import numpy as np

from .checks import generator, number, numbers, refuse_bytes, require, whole_number


def pictures(x):
    """`x` as an array of floats (..., n, pixels)."""
    refuse_bytes("x", x)
    x = numbers("x", x, ("...", "n", "pixels"))
    return x if x.dtype.kind == "f" else x.astype(np.float32)


def share(name, value):
    """`value` as a float from 0 to 1."""
    return number(name, value, "a number from 0 to 1", lambda value: 0 <= value <= 1)


def mutate(x, probability, rng=None, amplitude=0.5, count=None):
    """The report's noise: in `count` rows chosen at random, each pixel is, with `probability`, moved by
    δ ~ U(0, amplitude) towards the other value: up if it is below 0.5, else down.

    count: how many of the n rows are corrupted (of each member), None for all.
    """
    x, rng = pictures(x), generator(rng)
    probability, amplitude = share("probability", probability), share("amplitude", amplitude)
    rows = x.shape[-2]
    count = rows if count is None else whole_number("count", count, least=0, most=rows)
    first_rows = np.broadcast_to(np.arange(rows) < count, x.shape[:-1])
    chosen = rng.permuted(first_rows, axis=-1)[..., None]
    moved = chosen & (rng.random(x.shape) < probability)
    direction = np.where(x < 0.5, 1, -1)
    distance = rng.uniform(0, amplitude, x.shape)
    return (x + direction * moved * distance).astype(x.dtype)


def flip(x, probability, rng=None):
    """The binary symmetric channel: each pixel becomes 1 - x with `probability`."""
    x, rng, probability = pictures(x), generator(rng), share("probability", probability)
    flipped = rng.random(x.shape, np.float32) < probability
    return np.where(flipped, 1 - x, x).astype(x.dtype, copy=False)


def gaussian(x, sigma, rng=None):
    """Each pixel gets independent normal noise of standard deviation `sigma`; nothing is clipped."""
    x, rng = pictures(x), generator(rng)
    sigma = number("sigma", sigma, "a finite number, not negative", lambda value: 0 <= value < np.inf)
    with np.errstate(over="ignore"):
        noisy = (x + sigma * rng.standard_normal(x.shape)).astype(x.dtype)
    require(np.isfinite(noisy).all(), "sigma", sigma, f"small enough for {x.dtype.name}")
    return noisy


def salt_and_pepper(x, probability, rng=None):
    """Each pixel is, with `probability`, replaced by 0 or 1, whichever a fair coin says."""
    x, rng, probability = pictures(x), generator(rng), share("probability", probability)
    replaced = rng.random(x.shape) < probability
    coins = rng.integers(0, 2, x.shape)
    return np.where(replaced, coins, x).astype(x.dtype)
