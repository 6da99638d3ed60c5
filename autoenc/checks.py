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


def whole_numbers(name, value, count):
    """`value`, `count` whole numbers (for two of them one may stand for both), as a tuple."""
    if count == 2 and not isinstance(value, (tuple, list)):
        return (whole_number(name, value),) * 2
    must(isinstance(value, (tuple, list)) and len(value) == count, name, value, f"a tuple of {count} whole numbers")
    part = f"{name} was {value!r}: one of them"
    return tuple(whole_number(part, number) for number in value)


def number(name, value, wanted, holds):
    """`value` as a float for which `holds` is true; `wanted` says in words what that means."""
    with suppress(OverflowError):
        if isinstance(value, Real) and not isinstance(value, bool) and holds(float(value)):
            return float(value)
    raise ValueError(f"{name} was {value!r}; it must be {wanted}")


def probability(name, value):
    return number(name, value, "a number from 0 to 1", lambda value: 0 <= value <= 1)


def choice(name, value, options):
    """`value`, one of the strings `options`."""
    must(isinstance(value, str) and value in options, name, value, f"one of {', '.join(map(repr, options))}")
    return value


def numbers(name, x, wanted, kinds="biuf", fits=lambda shape: 0 not in shape, dtype=None, low=-np.inf, high=np.inf):
    """`x` as an array of finite numbers in [low, high], turned into `dtype`.

    `wanted` says in words of which `kinds` of dtype it may be given, and which shape `fits`.
    """
    try:
        x = np.asarray(x)
    except Exception:               # rows of different lengths; objects that fail to become an array in their own way
        raise ValueError(f"{name} was no array, {type(x).__name__}; it must be {wanted}") from None
    if x.dtype.kind not in kinds:
        raise TypeError(f"{name} has dtype {x.dtype}; it must be {wanted}")
    if not fits(x.shape):
        raise ValueError(f"{name} has shape {x.shape}; it must be {wanted}")
    with np.errstate(over="ignore"):
        x = np.asarray(x, dtype)
    least, most = x.min(), x.max()
    if not np.isfinite([least, most]).all():
        raise ValueError(f"{name} holds NaN or infinite values; every number must be finite")
    if least < low or most > high:
        raise ValueError(f"{name} has values from {least:g} to {most:g}; they must be in [{low:g}, {high:g}]")
    return x


def as_samples(name, x, shape, dtype, members=None, kinds="biuf", **bounds):
    """`x` as numbers of `dtype` within bounds: an array (n, *shape), or (members, n, *shape) if there are any."""
    def fits(given):
        n = given[-len(shape) - 1:-len(shape)]
        return n and 0 not in n and given in ((*n, *shape), (members, *n, *shape))

    shapes = f"(n, {', '.join(map(str, shape))})"
    shapes += f" or ({members}, {shapes[1:]}" if members else ""
    wanted = f"{'floating-point ' * (kinds == 'f')}numbers, shape {shapes}, with at least one row"
    return numbers(name, x, wanted, kinds, fits, dtype, **bounds)


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
