"""The report's conscience: claims that must hold, and studies too long to run each time.

A *claim* is a sentence with a measured number and a bound.  Its line reads the same on every machine;
the number travels beside it, in the output's metadata, for `python -m autoenc` to gather.  If the bound
does not hold, the cell fails.

A *recorded* study is a function in a notebook cell whose results lie in notebooks/recorded/, because
running it takes too long for "Run All".  They were written by that very function and those that it
calls, to the letter: `recorded` refuses results of others.  Constants that they read it does not see;
that is for the part of the study that the notebook runs live.
"""

import inspect
import json
import os
from html import escape
from pathlib import Path

import numpy as np
from IPython.display import Markdown, display

from ..checks import must, number
from ..files import replace

RERUN = "AUTOENC_RERUN"     # by this environment variable, if it is not empty, --rerun asks for new studies


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


def recorded(name, study):
    """The results of `study()`, from notebooks/recorded/NAME.json, or run now if AUTOENC_RERUN asks for it.

    study: a function without arguments (defaults are its settings) that returns a dictionary of what JSON
    can hold and NumPy arrays, which come back as lists.  Numbers have four significant digits, which is all
    that a study knows.  The file has each line of the source, and each of the results, on a line.
    Raises ValueError if it was never recorded, or by another version of the function, or of one of the notebook's
    that it calls.
    """
    must(isinstance(name, str) and name.isidentifier(), "name", name, "a word, like the name of a variable")
    must(inspect.isfunction(study), "study", study, "a function", TypeError)
    path, source = Path("recorded") / f"{name}.json", _source(study)
    if os.environ.get(RERUN):
        results = json.loads(json.dumps(study(), default=lambda value: value.tolist()),
                             parse_float=lambda digits: float(f"{float(digits):.4g}"))
        lines = [f"  {json.dumps(name)}: {json.dumps(values)}" for name, values in results.items()]
        text = f'{{"study": {json.dumps(source, indent=2)},\n"results": {{\n' + ",\n".join(lines) + "}}\n"
        replace(path, text.encode())
    file = json.loads(path.read_text()) if path.exists() else {"study": None}
    if file["study"] != source:
        raise ValueError(f"{path} holds no results of this {study.__name__}: record it with python -m autoenc --rerun")
    return file["results"]


def _source(study):
    """The lines of the source of a study, and of the notebook's functions that it and they name."""
    needed = [study]
    for function in needed:                         # which grows meanwhile, as the next list does
        codes = [function.__code__]
        for code in codes:
            codes += filter(inspect.iscode, code.co_consts)         # of the functions within
        for name in sorted({name for code in codes for name in code.co_names}):
            other = study.__globals__.get(name)
            if inspect.isfunction(other) and other.__module__ == study.__module__ and other not in needed:
                needed.append(other)
    return "\n\n\n".join(inspect.getsource(function).strip() for function in needed).splitlines()


def table(header, *rows):
    """Show rows of text and numbers as a table."""
    lines = [[escape(str(cell), quote=False).replace("|", r"\|") for cell in line]
             for line in (header, ["---"] * len(header), *rows)]
    display(Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines)))
