"""Checks: an argument as a function needs it, or an error that says its name, what it was and what it must be."""

import math
import os
from numbers import Real

import numpy as np


def whole_number(name, value, least=1, most=math.inf):
    """`value` as an int."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} was {value!r}; it must be a whole number")
    if not least <= value <= most:
        raise ValueError(f"{name} was {value}; it must be at least {least}" + (f" and at most {most}" if most < math.inf else ""))
    return int(value)


def number(name, value, wanted, holds):
    """`value` as a float for which `holds` is true; `wanted` says in words what that means."""
    try:
        if isinstance(value, Real) and not isinstance(value, bool) and holds(float(value)):
            return float(value)
    except OverflowError:
        pass
    raise ValueError(f"{name} was {value!r}; it must be {wanted}")


def probability(name, value):
    return number(name, value, "a number from 0 to 1", lambda value: 0 <= value <= 1)


def choice(name, value, options):
    """`value`, one of the strings `options`."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} was {value!r}; it must be one of {', '.join(map(repr, options))}")
    return value


def numbers(name, x, wanted, kinds="biuf"):
    """`x` as an array of numbers, of the `kinds` of dtype that are allowed; `wanted` says which and of what shape."""
    try:
        x = np.asarray(x)
    except Exception:               # rows of different lengths; objects that fail to become an array in their own way
        raise ValueError(f"{name} was no array, {type(x).__name__}; it must be {wanted}") from None
    if x.dtype.kind not in kinds:
        raise TypeError(f"{name} has dtype {x.dtype}; it must be {wanted}")
    return x


def finite(name, x):
    """The array `x`, without NaN and infinities."""
    if not np.isfinite(x).all():
        raise ValueError(f"{name} holds NaN or infinite values; every number must be finite")
    return x


def as_samples(name, x, shape, dtype, members=None, kinds="biuf", low=-np.inf, high=np.inf):
    """`x` as finite numbers of `dtype` in [low, high]: an array (n, *shape), or (members, n, *shape) if there are any."""
    wanted = f"(n, {', '.join(map(str, shape))})"
    wanted += f" or ({members}, {wanted[1:]}" if members else ""
    x = numbers(name, x, f"{'floating-point ' * (kinds == 'f')}numbers, shape {wanted}", kinds)
    leading = x.shape[:-len(shape)]
    if x.shape[-len(shape):] != shape or leading[:-1] not in ((), (members,)) or not leading or leading[-1] == 0:
        raise ValueError(f"{name} has shape {x.shape}; it must be {wanted}, with at least one row")
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype)
    least, most = finite(name, np.array([x.min(), x.max()]))
    if least < low or most > high:
        raise ValueError(f"{name} has values from {least:g} to {most:g}; they must be in [{low:g}, {high:g}]")
    return x


def generator(rng):
    """The generator that `rng` stands for."""
    try:
        return np.random.default_rng(rng)
    except Exception as error:
        raise ValueError(f"rng was {rng!r}; it must be None, a seed or a generator: {error}") from None


def float_type(dtype):
    """`dtype` as float32 or float64."""
    try:
        if dtype is not None and np.dtype(dtype) in (np.float32, np.float64):
            return np.dtype(dtype)
    except Exception:               # NumPy has a kind of error for every kind of nonsense
        pass
    raise ValueError(f"dtype was {dtype!r}; it must be float32 or float64")


def file_name(name, path):
    """`path` as a str."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str) or "\0" in os.fspath(path):
        raise TypeError(f"{name} was {path!r}; it must be the name of a file or folder, a str or a Path")
    return os.fspath(path)
