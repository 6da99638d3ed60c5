"""Recorded studies: what takes too long to run each time is run once, by the code that stands in the notebook.

A *recorded* study is a function in a notebook's cell whose results lie in notebooks/recorded/.  They were written by
that very function, with the functions and classes of the notebook that it uses, to the letter: `recorded` refuses
results of others.  Numbers that they read elsewhere it does not see; that is for the part of the study that the notebook
runs live.

A study of many *cases* (settings, random seeds) is one call of the function for each of them.  Each finished case is
kept at once, so that an interrupted run goes on where it was, and the cases can be spread over processes or machines.
"""

import inspect
import json
import linecache
import os
from ast import ClassDef, parse, walk
from contextlib import suppress
from functools import partial
from pathlib import Path
from textwrap import dedent

from ..checks import require
from ..files import replace
from . import needs

FOLDER = Path("recorded")
RERUN = "AUTOENC_RERUN"     # this environment variable names the studies that are run anew, or says "all"
JOBS = "AUTOENC_JOBS"       # and this one says in how many processes


def recorded(name, study, cases=None, map=None):
    """The results of a study, from notebooks/recorded/NAME.json, or run now if `--rerun` asks for it.

    study: a function of the notebook.  It returns what JSON can hold and NumPy arrays, which come back as lists;
    numbers have four significant digits, which is all that a study knows.
    cases: None, then `study()` is called once and returns a dictionary; or a list of dictionaries of plain values, then
    `study(**case)` is called for each of them, and the results are a list in the order of the cases.
    map: how a rerun goes through the cases: like Python's own `map`, map(function, cases) yields what function(case)
    returns, here in any order.  None: in as many processes as `--jobs` says.

    A rerun of cases keeps those that are finished in NAME.unfinished.json, goes on from there if the source of the study
    is the same, and in the end puts the whole into the place of NAME.json.  More cases for the same source cost only
    themselves if NAME.json is copied to that name first.
    ValueError if there are no results, or none of a case, or if they are of another version of the study; TypeError for
    arguments of another type.
    """
    require(isinstance(name, str) and name.isidentifier(), "name", name, "a word, like the name of a variable")
    require(inspect.isfunction(study), "study", study, "a function", TypeError)
    keys = None if cases is None else _keys(study, cases)
    _find_folder()
    source = _source(study)
    if {"all", name} & set(os.environ.get(RERUN, "").split()):
        if cases is None:
            _run(name, study, source)
        else:
            _run_cases(name, study, source, dict(zip(keys, cases, strict=True)), map or _processes(int(os.environ.get(JOBS) or 1)))
    results = _read(name, study, source, "results" if cases is None else "cases")
    if cases is None:
        return results
    missing = [case for key, case in zip(keys, cases, strict=True) if key not in results]
    if missing:
        raise ValueError(f"{_path(name)} holds no result of the case {missing[0]}, one of {len(missing)} that it lacks: "
                         f"{_how_to_record(name)}")
    return [results[key] for key in keys]


# Running

def _run(name, study, source):
    """Run a study that has no cases, and write its file."""
    results = _plain(study())
    require(isinstance(results, dict), "the result of a study without cases", results, "a dictionary", TypeError)
    lines = [f"  {json.dumps(key)}: {json.dumps(values)}" for key, values in results.items()]
    _write(_path(name), source, '"results": {\n' + ",\n".join(lines) + "}")


def _run_cases(name, study, source, cases, map):
    """Run the cases of a study that are not in its unfinished file yet, and write its file; cases: {key: case}."""
    unfinished = _path(name, "unfinished.json")
    done = {}
    if unfinished.exists():
        file = _load(unfinished)
        if file["study"] == source and "cases" in file:
            done = _by_key(file["cases"])
    waiting = {key: case for key, case in cases.items() if key not in done}
    for case, result in map(partial(_run_case, study), waiting.values()):
        done[_key(case)] = result
        _write_cases(unfinished, source, cases, done)
    _write_cases(_path(name), source, cases, done)
    unfinished.unlink(missing_ok=True)


def _run_case(study, case):
    """A case and its result, which may be computed in another process."""
    try:
        return case, _plain(study(**case))
    except Exception as error:
        raise RuntimeError(f"{study.__name__} failed for {case}: {type(error).__name__}: {error}") from error


def _processes(jobs):
    """A `map` in so many processes, which share the cores; they know the notebook's functions by cloudpickle."""
    if jobs == 1:
        return map

    def in_processes(function, cases):
        joblib = needs("joblib")
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
        return parallel(joblib.delayed(function)(case) for case in cases)

    return in_processes


def _plain(results):
    """Results as their file gives them back: arrays as lists, and four significant digits of each number."""
    text = json.dumps(results, default=_as_list)
    return json.loads(text, parse_float=lambda digits: float(f"{float(digits):.4g}"))


def _as_list(value):
    require(hasattr(value, "tolist"), "a value among the results", value, "an array, or what JSON can hold", TypeError)
    return value.tolist()


# Cases

def _keys(study, cases):
    """What each case is known by, once it is clear that the study can be called with it."""
    require(isinstance(cases, (list, tuple)), "cases", cases, "a list of dictionaries", TypeError)
    keys = []
    for place, case in enumerate(cases):
        require(isinstance(case, dict), f"cases[{place}]", case, f"a dictionary of arguments of {study.__name__}", TypeError)
        try:
            inspect.signature(study).bind(**case)
            keys.append(_key(case))
        except TypeError as error:
            raise TypeError(f"cases[{place}] was {case!r}; it must be a dictionary of arguments of {study.__name__}, of "
                            f"numbers, words, truths, None and lists of them: {error}") from None
        require(keys[-1] not in keys[:-1], f"cases[{place}]", case, "another case than those before it")
    return keys


def _key(case):
    """What a case is known by: the text that JSON makes of it, in which tuples are lists."""
    return json.dumps(case, sort_keys=True)


def _by_key(entries):
    """The cases of a file as {key: result}."""
    return {_key(entry["case"]): entry["result"] for entry in entries}


# Files

def _path(name, ending="json"):
    return FOLDER / f"{name}.{ending}"


def _write(path, source, rest):
    """Write a file with each line of the source of a study on a line, and then the rest."""
    text = f'{{"study": {json.dumps(source, indent=2)},\n{rest}}}\n'
    replace(path, text.encode())


def _write_cases(path, source, cases, done):
    """Write a file of a study with those of its cases that are done, each on a line with its result."""
    lines = [f'  {{"case": {json.dumps(case)}, "result": {json.dumps(done[key])}}}'
             for key, case in cases.items() if key in done]
    _write(path, source, '"cases": [\n' + ",\n".join(lines) + "]")


def _load(path):
    try:
        file = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not the file of a recorded study: {error}") from None
    if not isinstance(file, dict) or "study" not in file:
        raise ValueError(f"{path} is not the file of a recorded study: it has no entry 'study'")
    return file


def _read(name, study, source, kind):
    """The results in the file of a study, by case or as they are, or a ValueError that says why there are none."""
    path = _path(name)
    if not path.exists():
        raise ValueError(f"{path} is not there, it was never recorded: {_how_to_record(name)}")
    file = _load(path)
    if file["study"] != source:
        raise ValueError(f"{path} was written by another version of {study.__name__}: {_difference(file['study'], source)}; "
                         f"{_how_to_record(name)}")
    if kind not in file:
        held = "was recorded case by case" if "cases" in file else "holds the results of no cases"
        raise ValueError(f"{path} {held}, and the notebook asks for {kind}: {_how_to_record(name)}")
    return _by_key(file["cases"]) if kind == "cases" else file["results"]


def _how_to_record(name):
    unfinished = _path(name, "unfinished.json")
    start = f", which goes on from {unfinished}" if unfinished.exists() else ""
    return f"record it with python -m autoenc --rerun {name}{start}"


def _difference(old, new):
    """The first line in which two sources differ, in words."""
    for number, (before, now) in enumerate(zip(old, new, strict=False), 1):
        if before != now:
            return f"line {number} of its source was {before.strip()!r} and is {now.strip()!r}"
    return f"its source had {len(old)} lines and has {len(new)}"


def _find_folder():
    """A ValueError that says where the folder of recorded studies is, if it is not here."""
    if FOLDER.is_dir():
        return
    here = Path.cwd()
    beside_the_package = Path(__file__).parents[2]
    places = [folder / inside / FOLDER for folder in (here, *here.parents, beside_the_package) for inside in ("", "notebooks")]
    found = [place.parent for place in places if place.is_dir()]
    advice = f"there is one in {found[0]}: run the notebook in that folder" if found else "it stands beside the notebooks"
    raise ValueError(f"the folder {str(FOLDER)!r} with the recorded studies is not here, in {here}; {advice}")


# Sources

def _source(study):
    """The lines of the source of a study, and of the notebook's functions and classes that it and they use."""
    found, waiting = [], [study]
    while waiting:
        thing = waiting.pop(0)
        found.append(thing)
        for name in sorted(_names(thing)):
            for other in _inside(study.__globals__.get(name)):
                if other.__module__ == study.__module__ and other not in found + waiting:
                    waiting.append(other)
    return "\n\n\n".join(_text(thing).strip() for thing in found).splitlines()


def _inside(value):
    """The functions and classes that a value is, or holds if it is a table; lambdas in a table have no lines of their own."""
    if inspect.isfunction(value) or inspect.isclass(value):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [thing for part in value for thing in _inside(part) if thing.__name__ != "<lambda>"]
    return []


def _names(thing):
    """The names that a function or a class looks up."""
    if inspect.isfunction(thing):
        return _names_in(thing.__code__)
    return _names_in(compile(dedent(_text(thing)), thing.__name__, "exec"))


def _names_in(code):
    """The names that a piece of compiled code looks up, itself or in the functions that it holds."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= _names_in(constant)
    return names


def _text(thing):
    """The source of a function or a class; Python itself does not find that of a notebook's class."""
    if inspect.isfunction(thing) or thing.__module__ != "__main__":
        return inspect.getsource(thing)
    methods = [value for value in vars(thing).values() if inspect.isfunction(value)]
    cells = [method.__code__.co_filename for method in methods] or list(linecache.cache)
    for cell in reversed(cells):                # of those without methods the last with this name
        lines = linecache.getlines(cell)
        with suppress(SyntaxError):
            for node in walk(parse("".join(lines))):
                if isinstance(node, ClassDef) and node.name == thing.__name__:
                    first = min(part.lineno for part in [node, *node.decorator_list])
                    return "".join(lines[first - 1:node.end_lineno])
    raise ValueError(f"the source of the class {thing.__name__} was not found: define it in a cell of the notebook")
