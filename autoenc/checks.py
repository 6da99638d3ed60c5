"""Checks: an argument as a function needs it, or an error that says its name, what it was and what it must be."""

import os
from numbers import Real

import numpy as np


def must(holds, name, value, wanted, error=ValueError):
    """Raise an `error` that says in words what the argument must be, unless what must hold of its `value` holds."""
    if not holds:
        raise error(f"{name} was {value!r}; it must be {wanted}")


def made(make, name, value, wanted):
    """make(value); a ValueError for whatever that fails with, for objects do so in their own ways."""
    try:
        return make(value)
    except Exception as error:
        raise ValueError(f"{name} was {value!r:.80}; it must be {wanted}: {error}") from None


def whole_number(name, value, least=1, most=np.inf):
    """`value` as an int."""
    must(isinstance(value, (int, np.integer)) and not isinstance(value, bool), name, value, "a whole number", TypeError)
    must(least <= value <= most, name, value, f"at least {least}" if most == np.inf else f"from {least} to {most}")
    return int(value)


def whole_numbers(name, value, count=None):
    """`value`, `count` whole numbers (for two of them one may stand for both), or two or more of them, as a tuple."""
    if count == 2 and not isinstance(value, (tuple, list)):
        value = value, value
    enough = isinstance(value, (tuple, list)) and (len(value) == count if count else len(value) >= 2)
    must(enough, name, value, f"a tuple of {count or 'at least two'} whole numbers")
    return tuple(whole_number(f"{name}[{place}]", number) for place, number in enumerate(value))


def number(name, value, wanted, holds):
    """`value` as a float for which `holds` is true; `wanted` says in words what that means."""
    must(isinstance(value, Real) and not isinstance(value, bool), name, value, wanted)
    real = made(float, name, value, wanted)         # a whole number may be too large for that
    must(holds(real), name, value, wanted)
    return real


def choice(name, value, options):
    """`value`, one of the strings `options`."""
    must(isinstance(value, str) and value in options, name, value, f"one of {', '.join(map(repr, options))}")
    return value


def numbers(name, x, *shapes, kinds="biuf", dtype=None, low=-np.inf, high=np.inf):
    """`x` as an array of finite numbers in [low, high], turned into `dtype`.

    shapes: one or several that it may have, of sizes and words.  ("n", 35) is any number of rows of 35, and with
    "..." in front there may be any axes before them; it may never be empty.  kinds: of dtype, in which it may be
    given.  TypeError for another kind, else ValueError.
    """
    x = made(np.asarray, name, x, "numbers, in rows of one shape")
    wanted = {"f": "floats", "u": "unsigned integers, as uint8"}.get(kinds, "real numbers")
    must(x.dtype.kind in kinds, name, x.dtype if x.ndim else x.item(), wanted, TypeError)
    if not x.size or not any(_fits(x.shape, shape) for shape in shapes):
        wanted = " or ".join(map(str, dict.fromkeys(shapes)))
        raise ValueError(f"{name} was of shape {x.shape}; it must be of shape {wanted}, not empty")
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype)
    least, most = float(x.min()), float(x.max())
    if not (low <= least and most <= high and -np.inf < least and most < np.inf):
        raise ValueError(f"{name} has values from {least:g} to {most:g}; all must be finite, from {low:g} to {high:g}")
    return x


def _fits(given, shape):
    """Whether an array's shape is `shape`, in which a word stands for any size, and "...", in front, for any axes."""
    if shape[:1] == ("...",):
        given, shape = given[1 - len(shape):], shape[1:]
    return len(given) == len(shape) and all(isinstance(size, str) or size == own for own, size in zip(given, shape))


def generator(rng):
    """The generator that `rng` stands for."""
    return made(np.random.default_rng, "rng", rng, "None, a seed or a generator")


def float_type(dtype):
    """`dtype`, a type of numbers or its name, as float32 or float64."""
    return np.dtype(choice("dtype", getattr(dtype, "__name__", str(dtype)), ("float32", "float64", "float")))


def file_name(name, path):
    """`path` as a str."""
    must(isinstance(path, (str, os.PathLike)) and "\0" not in os.fspath(path), name, path, "a str or a Path", TypeError)
    return os.fspath(path)
