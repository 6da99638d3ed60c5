"""The report's conscience: claims that must hold.

A *claim* is a sentence with a measured number and a bound.  Its line reads the same on every machine;
the number travels beside it, in the output's metadata, for `python -m autoenc` to gather.  If the bound
does not hold, the cell fails.
"""

from html import escape

import numpy as np
from IPython.display import Markdown, display

from ..checks import must, number


def claim(text, measured, at_least=None, at_most=None):
    """State `text`, show the bound it must meet, and fail with AssertionError if `measured` does not.

    measured: a number, or True/False for what simply holds or not.  One of `at_least`, `at_most` is the
    bound, in the same unit; a truth needs none, and a number without one fails.  TypeError or ValueError for
    other arguments.
    """
    must(isinstance(text, str), "text", text, "a sentence", TypeError)
    truth = isinstance(measured, (bool, np.bool_))
    measured = bool(measured) if truth else number("measured", measured, "a number, True or False", lambda value: True)
    must(at_least is None or at_most is None, "at_least or at_most", (at_least, at_most), "one bound, not both")
    bounds = {name: number(name, bound, "a finite number", np.isfinite)
              for name, bound in (("at_least", at_least), ("at_most", at_most)) if bound is not None}
    holds = bounds.get("at_least", -np.inf) <= measured <= bounds.get("at_most", np.inf) if bounds else measured is True
    required = "".join(f"{name.replace('_', ' ')} {bound:g}" for name, bound in bounds.items()) or "true"
    line = f"{'✓' if holds else '✗'} {text}" + (f" — required: {required}" if bounds else "")
    display({"text/plain": line, "text/html": f'<p class="claim">{escape(line)}</p>'}, raw=True,
            metadata={"claim": dict(claim=text, required=required, measured=measured, holds=holds)})
    if not holds:
        raise AssertionError(f"{text}: required {required}, measured {measured}")


def table(header, *rows):
    """Show rows of text and numbers as a table."""
    lines = [[escape(str(cell), quote=False).replace("|", r"\|") for cell in line]
             for line in (header, ["---"] * len(header), *rows)]
    display(Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines)))
