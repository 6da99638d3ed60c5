"""Checks: an argument as a function needs it, or an error that says its name, what it was and what it must be."""

import os
from numbers import Real

import numpy as np
from numpy.random import default_rng         # now, for NumPy would import it later, perhaps within a fork


def require(holds, name, value, wanted, error=ValueError):
    """Raise an `error` that says in words what the argument must be, unless what must hold of its `value` holds."""
    if not holds:
        raise error(f"{name} was {value!r}; it must be {wanted}")


def converted(make, name, value, wanted):
    """make(value); a ValueError for whatever that fails with, for objects do so in their own ways."""
    try:
        return make(value)
    except Exception as error:
        raise ValueError(f"{name} was {value!r:.80}; it must be {wanted}: {error}") from None


def whole_number(name, value, least=1, most=np.inf):
    """`value` as an int."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    require(whole, name, value, "a whole number", TypeError)
    require(least <= value <= most, name, value, f"at least {least}" if most == np.inf else f"from {least} to {most}")
    return int(value)


def whole_numbers(name, value, count=None):
    """`value`, `count` whole numbers, or without a count two or more, as a tuple; where two are wanted, one is both."""
    if count == 2 and not isinstance(value, (tuple, list)):
        value = value, value
    several = isinstance(value, (tuple, list))
    enough = several and (len(value) >= 2 if count is None else len(value) == count)
    require(enough, name, value, f"a tuple of {count or 'at least two'} whole numbers")
    return tuple(whole_number(f"{name}[{index}]", entry) for index, entry in enumerate(value))


def number(name, value, wanted, holds):
    """`value` as a float for which `holds` is true; `wanted` says in words what that means."""
    require(isinstance(value, Real) and not isinstance(value, bool), name, value, wanted)
    real = converted(float, name, value, wanted)         # a whole number may be too large for that
    require(holds(real), name, value, wanted)
    return real


def choice(name, value, options):
    """`value`, one of the strings `options`."""
    require(isinstance(value, str) and value in options, name, value, f"one of {', '.join(map(repr, options))}")
    return value


def refuse_masked(name, x):
    """ValueError for a masked array with masked entries, for nothing here would heed the mask."""
    if np.ma.is_masked(x):
        raise ValueError(f"{name} was a masked array; it must be plain numbers: x.filled(0), say, replaces what is masked")


def refuse_bytes(name, x):
    """ValueError for pictures whose pixels are bytes from 0 to 255, where numbers from 0 to 1 are meant."""
    if getattr(x, "dtype", None) == np.uint8 and np.size(x) and np.max(x) > 1:
        raise ValueError(f"{name} was of uint8, with values up to {np.max(x)}; they must be from 0 to 1: divide by 255")


def numbers(name, x, *shapes, kinds="biuf", dtype=None, low=-np.inf, high=np.inf):
    """`x` as a plain array of finite numbers in [low, high], turned into `dtype`.

    shapes: one or several that it may have, of sizes and words.  ("n", 35) is any number of rows of 35, and with
    "..." in front there may be any axes before them; it may never be empty.  kinds: of dtype, in which it may be
    given.  TypeError for another kind, else ValueError.
    """
    refuse_masked(name, x)
    x = converted(np.asarray, name, x, "numbers, in rows of one shape")
    shown = x.dtype if x.ndim else x.item()             # a single value speaks for itself
    wanted = {"f": "floats", "u": "unsigned integers, as uint8"}.get(kinds, "real numbers")
    require(x.dtype.kind in kinds, name, shown, wanted, TypeError)
    if not x.size or not any(_fits(x.shape, shape) for shape in shapes):
        different = dict.fromkeys(map(str, shapes))     # two of them may be the same
        raise ValueError(f"{name} was of shape {x.shape}; it must be of shape {' or '.join(different)}, not empty")
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype)
    least, most = float(x.min()), float(x.max())
    finite = np.isfinite(least) and np.isfinite(most)
    if not finite or least < low or most > high:
        raise ValueError(f"{name} has values from {least:g} to {most:g}; all must be finite, from {low:g} to {high:g}")
    return x


def _fits(given, shape):
    """Whether an array's shape is `shape`, in which a word stands for any size, and "...", in front, for any axes."""
    if shape[:1] == ("...",):
        shape = shape[1:]
        given = given[-len(shape):]
    if len(given) != len(shape):
        return False
    return all(isinstance(size, str) or size == own for own, size in zip(given, shape, strict=True))


def generator(rng):
    """The generator that `rng` stands for."""
    return converted(default_rng, "rng", rng, "None, a seed or a generator")


def float_type(dtype):
    """`dtype`, a type of numbers or its name, as float32 or float64."""
    return np.dtype(choice("dtype", getattr(dtype, "__name__", str(dtype)), ("float32", "float64", "float")))


def file_name(name, path):
    """`path` as a str."""
    require(isinstance(path, (str, os.PathLike)) and "\0" not in os.fspath(path), name, path, "a str or a Path", TypeError)
    return os.fspath(path)
