"""The report's conscience: claims that must hold, and answers to exercises that may not.

A *claim* is a sentence with a measured number and a bound.  The reader sees all three; if the bound does not hold, the
cell fails.  The number also travels in the output's metadata, for `python -m autoenc` to gather.  A *check* compares the
answer to an exercise with the true one, and never fails: it says what is wrong.
"""

import math
from html import escape

import numpy as np

from ..checks import number, require
from . import publish

SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


# Claims

def claim(text, measured, at_least=None, at_most=None, unit=""):
    """Show the sentence `text`, what was measured and the bound; AssertionError if the bound does not hold.

    measured: a number, or True/False for what simply holds or not.  One of `at_least`, `at_most` is the bound, in the
    same unit; a truth needs none, and a number without one fails.  unit: what is written behind the numbers, as "rad";
    with "%" they are shares, and 0.5 is shown as 50%.  TypeError or ValueError for other arguments.
    """
    require(isinstance(text, str), "text", text, "a sentence", TypeError)
    require(isinstance(unit, str), "unit", unit, "a word", TypeError)
    require(at_least is None or at_most is None, "at_least or at_most", (at_least, at_most), "one bound, not both")
    if isinstance(measured, (bool, np.bool_)):
        measured = bool(measured)
    else:
        measured = number("measured", measured, "a number, True or False", lambda value: True)
    if at_least is not None:
        bound = number("at_least", at_least, "a finite number", np.isfinite)
        holds, required = measured >= bound, f"at least {exactly(bound, unit)}"
    elif at_most is not None:
        bound = number("at_most", at_most, "a finite number", np.isfinite)
        holds, required = measured <= bound, f"at most {exactly(bound, unit)}"
    else:
        bound, holds, required = None, measured is True, "true"
    value = rounded(measured, unit, bound)
    _show_claim(text, value, required, bool(holds), metadata={"claim": dict(
        claim=text, required=required, measured=storable(measured), shown=value, holds=bool(holds))})
    if not holds:
        raise AssertionError(f"{text}: measured {value}, claimed {required}")


def _show_claim(text, value, required, holds, metadata):
    """Show a claim as plain text and as HTML, in which decks of slides can style its parts."""
    verdict = "✓" if holds else "✗"
    plain, html = f"{verdict} {text}", f'<span class="verdict">{verdict}</span> {escape(text)}'
    if required != "true":
        plain += f": measured {value}, claimed {required}"
        html += f': measured <span class="measured">{escape(value)}</span>, claimed <span class="required">{escape(required)}</span>'
    publish({"text/plain": plain, "text/html": f'<p class="claim">{html}</p>'}, metadata)


def storable(measured):
    """A number as a notebook can hold it: JSON knows neither NaN nor infinities, so these become words."""
    return measured if math.isfinite(measured) else str(measured)


# Numbers for readers

def exactly(value, unit=""):
    """A number with all its digits, and its unit."""
    if unit == "%":
        return f"{decimal(float(f'{100 * value:.12g}'))}%"
    return f"{decimal(value)} {unit}".rstrip()


def rounded(value, unit="", bound=None):
    """A number with four digits, a small one with two, and its unit; with more, if they tell on which side of its bound it lies."""
    if isinstance(value, bool):
        return str(value)
    enough = 4 if abs(value) >= 0.01 else 2
    for digits in range(enough, 18):
        shown = float(f"{value:.{digits}g}")
        if bound is None or np.sign(shown - bound) == np.sign(value - bound):
            break
    return exactly(shown, unit)


def decimal(value):
    """A number as one writes it by hand: 12000, 0.00031, 2.5×10⁻⁷, ∞."""
    if not math.isfinite(value):
        return str(float(value)).replace("inf", "∞").replace("-", "−")
    if value == int(value) and abs(value) < 1e7:
        return f"{int(value)}".replace("-", "−")
    if 1e-5 <= abs(value) < 1e7:
        return np.format_float_positional(value, trim="-").replace("-", "−")
    mantissa, exponent = np.format_float_scientific(value, trim="-").split("e")
    return f"{mantissa}×10".replace("-", "−") + str(int(exponent)).translate(SUPERSCRIPT)


# Exercises

def check(name, yours, true, tolerance=1e-6):
    """Say whether an answer to an exercise is right, or what is wrong with it: True, False, or None if there is none yet.

    yours: the answer, a number, an array or a tuple of them, or a function without arguments that returns it; None, or
    a NotImplementedError from that function, is no answer yet.  true: the right one.  tolerance: how far they may lie
    apart, as a share of the largest true number.
    """
    right, remark = _judged(yours, true, tolerance)
    mark = {True: "✓", False: "✗", None: "·"}[right]
    publish({"text/plain": f"{mark} {name}: {remark}",
             "text/html": f'<p class="check">{mark} {escape(name)}: {escape(remark)}</p>'},
            {"check": dict(check=name, right=right)})
    return right


def _judged(yours, true, tolerance):
    """Whether an answer is right, and the words for it."""
    if callable(yours):
        try:
            yours = yours()
        except NotImplementedError:
            yours = None
        except Exception as error:
            return False, f"your code fails with {type(error).__name__}: {error}"
    if yours is None:
        return None, "not filled in yet, your turn"
    if isinstance(true, tuple):
        if not isinstance(yours, tuple) or len(yours) != len(true):
            return False, f"your answer must be a tuple of {len(true)}"
        verdicts = [_judged(*pair, tolerance) for pair in zip(yours, true, strict=False)]
        wrong = [f"part {place}: {remark}" for place, (right, remark) in enumerate(verdicts, 1) if not right]
        return (False, wrong[0]) if wrong else (True, "right")
    true = np.asarray(true, float)
    try:
        yours = np.asarray(yours, float)
    except (TypeError, ValueError):
        return False, f"your answer must be numbers, it was {yours!r:.60}"
    if yours.shape != true.shape:
        return False, f"your answer has the shape {yours.shape}, it must be {true.shape}"
    difference = np.abs(yours - true).max(initial=0)
    if difference <= tolerance * max(np.abs(true).max(initial=0), 1e-30):
        return True, "right"
    place = np.unravel_index(np.nanargmax(np.where(np.isfinite(yours), np.abs(yours - true), np.inf)), true.shape)
    where = f" at {', '.join(map(str, place))}" if place else ""
    return False, f"your answer{where} is {float(yours[place]):.6g}, and {float(true[place]):.6g} is right"


# Tables

def table(header, *rows):
    """Show rows of text and numbers as a table."""
    lines = [header, ["---"] * len(header), *rows]
    text = "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines)
    publish({"text/plain": text, "text/markdown": text})


def cell(content):
    """What stands in a cell of a table in Markdown: on one line, and whatever it holds is text."""
    return escape(" ".join(str(content).split()), quote=False).replace("|", r"\|")
