"""Checks: an argument as a function needs it, or an error that says its name, what it was and what it must be."""

import os
from contextlib import suppress
from numbers import Real

import numpy as np


def must(holds, name, value, wanted, error=ValueError):
    """Raise an `error` that says in words what the argument must be, unless what must hold of its `value` holds."""
    if not holds:
        raise error(f"{name} was {value!r}; it must be {wanted}")


def whole_number(name, value, least=1, most=np.inf):
    """`value` as an int."""
    must(isinstance(value, (int, np.integer)) and not isinstance(value, bool), name, value, "a whole number", TypeError)
    value = int(value)
    must(least <= value <= most, name, value, f"at least {least}" if most == np.inf else f"from {least} to {most}")
    return value


def whole_numbers(name, value, count=None):
    """`value`, `count` whole numbers (for two of them one may stand for both), or two or more of them, as a tuple."""
    if count == 2 and not isinstance(value, (tuple, list)):
        return (whole_number(name, value),) * 2
    enough = isinstance(value, (tuple, list)) and (len(value) == count if count else len(value) >= 2)
    must(enough, name, value, f"a tuple of {count or 'at least two'} whole numbers")
    part = f"{name} was {value!r}: one of them"
    return tuple(whole_number(part, number) for number in value)


def number(name, value, wanted, holds):
    """`value` as a float for which `holds` is true; `wanted` says in words what that means."""
    with suppress(OverflowError):
        if isinstance(value, Real) and not isinstance(value, bool) and holds(float(value)):
            return float(value)
    raise ValueError(f"{name} was {value!r}; it must be {wanted}")


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
    try:
        x = np.asarray(x)
    except Exception:               # objects that fail to become an array in their own way
        raise ValueError(f"{name} was a {type(x).__name__} that makes no array; its rows must have one shape") from None
    if x.dtype.kind not in kinds or not x.size or not any(_fits(x.shape, shape) for shape in shapes):
        several = {"f": "floating-point numbers", "u": "unsigned integers, as uint8,"}.get(kinds, "numbers")
        allowed = dict.fromkeys(f"{several} of shape {shape}" if shape else "a number" for shape in shapes)
        wanted = " or ".join(allowed).replace("'", "")
        was = f"{x.dtype} of shape {x.shape}" if x.ndim else repr(x.item())
        error = ValueError if x.dtype.kind in kinds else TypeError
        raise error(f"{name} was {was}; it must be {wanted}{'' if x.size else ', not empty'}")
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype)
    least, most = x.min(), x.max()
    if not (low <= least and most <= high and np.isfinite(least) and np.isfinite(most)):
        bounds = f" and in [{low:g}, {high:g}]" if np.isfinite([low, high]).any() else ""
        raise ValueError(f"{name} has values from {least:g} to {most:g}; all must be finite{bounds}")
    return x


def _fits(given, shape):
    """Whether an array's shape is `shape`, in which a word stands for any size, and "...", in front, for any axes."""
    if shape[:1] == ("...",):
        given, shape = given[1 - len(shape):], shape[1:]
    return len(given) == len(shape) and all(isinstance(size, str) or size == own for own, size in zip(given, shape))


def generator(rng):
    """The generator that `rng` stands for."""
    try:
        return np.random.default_rng(rng)
    except Exception as error:
        raise ValueError(f"rng was {rng!r}; it must be None, a seed or a generator: {error}") from None


def float_type(dtype):
    """`dtype`, a type of numbers or its name, as float32 or float64."""
    name = getattr(dtype, "name", getattr(dtype, "__name__", dtype))
    return np.dtype(choice("dtype", name, ("float32", "float64", "float")))


def file_name(name, path):
    """`path` as a str."""
    named = isinstance(path, (str, os.PathLike)) and isinstance(os.fspath(path), str) and "\0" not in os.fspath(path)
    must(named, name, path, "the name of a file or folder, a str or a Path", TypeError)
    return os.fspath(path)
