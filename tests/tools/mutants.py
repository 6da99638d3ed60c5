"""Do the tests see a mistake?  One small mistake at a time is put into the package, and the tests are run.

    python -m tests.tools.mutants [layers report/slides …] [--sample 40]     writes tests/tools/MUTANTS.md
    python -m tests.tools.mutants layers --again                             only those that survived the last time

A mutant is a copy of the package with one operator, comparison, number, truth value or NumPy function exchanged, or one
statement left out.  It is killed if a test fails or does not come to an end.  Words that nobody computes with are left
alone: docstrings, and what an error says.  With names of modules only those are tried, and the rows of the others stay as
they are; a sample is the same each time.

What makes it bearable: pytest collects the tests once, and runs them once without a mutant, which tells what each takes
and which lines of the package it runs.  For each mutant the process then forks, the child exchanges the code of one function
for the mutant's, and runs, of its module's files, the tests that run a changed line, the quickest first, and from the first
of these files those of which lines cannot be seen, as they run in other processes; the first failure ends it.  For a mutant
of what runs at import, outside functions, the child imports the package anew, and runs all tests of these files.  A test
may take five times as long as it did and some seconds, then an alarm kills it, whatever it is doing, and with it all that it
started.  Forks need Linux or macOS.
"""

import argparse
import ast
import copy
import gc
import inspect
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from .stale import MUTANTS, commit, digest, marked

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("MUTANTS.md")
# The modules and the files that test them.
MATHEMATICS = ["test_training.py", "test_models.py", "test_properties.py"]
PLAYED = ["test_explorer.py", "test_network.py", "test_playground.py"]
EXPORTED = ["test_slides.py", "test_pages.py"]
TESTS = {
    "layers": ["test_layers.py", *MATHEMATICS, "test_convolutions.py"],
    "losses": ["test_losses.py", *MATHEMATICS],
    "optimizers": ["test_optimizers.py", *MATHEMATICS],
    "noise": ["test_noise.py", *MATHEMATICS],
    "convolutions": ["test_convolutions.py", "test_vae.py", "test_torch.py"],
    "vae": ["test_vae.py", "test_files.py", "test_properties.py", "test_torch.py"],
    "training": ["test_training.py", "test_vae.py", "test_models.py"],
    "models": ["test_models.py", "test_files.py", "test_training.py", "test_properties.py", "test_vae.py", "test_layers.py"],
    "blas": ["test_training.py", "test_vae.py"],
    "checks": ["test_models.py", "test_noise.py", "test_optimizers.py", "test_convolutions.py", "test_vae.py", "test_properties.py",
               "test_files.py", "test_training.py"],
    "characters": ["test_characters.py", "test_models.py"],
    "fashion": ["test_fashion.py"],
    "files": ["test_files.py"],
    "pretrain": ["test_vae.py"],
    "report/claims": ["test_report.py"],
    "report/studies": ["test_studies.py"],
    "report/command": ["test_command.py"],
    "report/explorer": PLAYED,
    "report/network": PLAYED,
    "report/playground": ["test_playground.py", "test_network.py"],
    "report/slides": EXPORTED,
    "report/pages": EXPORTED,
    "report/offline": EXPORTED,
    "report/typeface": ["test_typeface.py", *EXPORTED],
    "report/plots": ["test_plots.py"],
}

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.BitAnd: ast.BitOr, ast.FloorDiv: ast.Mult,
             ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
             ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}
OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}
FUNCTIONS = dict(add="subtract", subtract="add", multiply="divide", divide="multiply", maximum="minimum", square="sqrt",
                 sqrt="square", zeros="ones", max="min", cos="sin", exp="log", log="exp", tanh="sin", abs="negative",
                 negative="abs", reciprocal="square", all="any")


# The mutants

def changed(node):
    """The ways to change one node: functions that do it to a copy of the node."""
    def exchange(name, new):
        return lambda node: setattr(node, name, new)

    if isinstance(node, (ast.BinOp, ast.AugAssign, ast.BoolOp)) and type(node.op) in OPERATORS:
        yield exchange("op", OPERATORS[type(node.op)]())
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for table in OPERATORS, OPPOSITE:
                if type(operator) in table:
                    new = node.ops[:place] + [table[type(operator)]()] + node.ops[place + 1:]
                    yield exchange("ops", new)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield exchange("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield exchange("value", node.value + 1)
    if isinstance(node, ast.UnaryOp):
        yield exchange("op", ast.UAdd())
    if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
        yield exchange("attr", FUNCTIONS[node.attr])
    if isinstance(node, (ast.Expr, ast.AugAssign)) and not isinstance(getattr(node, "value", None), ast.Constant):
        yield lambda node: (node.__dict__.clear(), setattr(node, "__class__", ast.Pass))


def idle(tree):
    """The nodes whose changes change nothing, or only what an error says.

    These stand behind `raise`, and in `require` behind the condition; and for the 1 of reshape(-1) any number would do.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            said = [node.exc] if node.exc else []
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "require":
            said = node.args[1:]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", None) == "reshape":
            said = [length.operand for length in node.args if isinstance(length, ast.UnaryOp)]
        else:
            continue
        for part in said:
            yield from ast.walk(part)


def mutants(source, sample=None):
    """The mutants of a module, all of them or some chosen at random: (what was changed, its source, the lines that differ).

    Returns how many there are, and a list of those that are to be tried.
    """
    tree = ast.parse(source)
    silent, before = set(idle(tree)), ast.unparse(tree).splitlines()
    every = [(place, change) for place, node in enumerate(ast.walk(tree)) if node not in silent and hasattr(node, "lineno")
             for change in changed(node)]
    chosen = random.Random(0).sample(every, sample) if sample and sample < len(every) else every
    found = []
    for place, change in chosen:
        mutated = copy.deepcopy(tree)
        change(list(ast.walk(mutated))[place])
        text = ast.unparse(ast.fix_missing_locations(mutated))
        differ = [(line, *pair) for line, pair in enumerate(zip(before, text.splitlines(), strict=False), 1) if pair[0] != pair[1]]
        if differ:
            found.append((" → ".join(words.strip() for words in differ[0][1:]), text, {line for line, *_ in differ}))
    return len(every), found


# Processes

def forked(work, seconds=24 * 3600):
    """Call a function in a process of its own: what it returned, or minus the signal that ended it.

    After so many seconds it is killed, and in any case all that it has started.
    """
    number = os.fork()
    if not number:
        status = 3
        try:
            os.setsid()                                         # a group for it and what it starts
            status = int(work())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)                                    # threads that are left behind keep nobody waiting
    ended, end = False, time.monotonic() + seconds
    while not ended:
        time.sleep(0.02)
        ended, status = os.waitpid(number, os.WNOHANG)
        if not ended and time.monotonic() > end:
            os.kill(number, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status)


def session(folder, files, plugin, log):
    """Run pytest with a plugin on files of tests, in the copy of the tree in a folder; its exit status."""
    with open(log, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "autoenc")]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(ROOT), str(folder)))]
    os.environ.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1", PYTEST_ADDOPTS="", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    sys.dont_write_bytecode = True                              # else the next mutant of the same second might run this one
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *(f"tests/{name}" for name in files)], [plugin])


class Tests:
    """A plugin of pytest: runs tests in an order of its own, each with an alarm; known: {test: what is known of it}."""

    def __init__(self, known):
        self.known = known

    def pytest_runtestloop(self, session):
        if session.testsfailed or self.failed(session, sorted(session.items, key=self.seconds)):
            raise session.Failed
        return True

    def seconds(self, item):
        return self.known[item.nodeid]["seconds"] if item.nodeid in self.known else 0

    def failed(self, session, items):
        """Run these tests in this order, up to the first that fails: whether there was one."""
        for number in signal.SIGALRM, signal.SIGPROF:           # nobody handles them, so they end the process
            signal.signal(number, signal.SIG_DFL)
        session.items[:] = items
        for item, following in zip(items, [*items[1:], None], strict=False):
            seconds = 5 * self.seconds(item) if self.known else 300
            signal.setitimer(signal.ITIMER_REAL, 60 + seconds)
            signal.setitimer(signal.ITIMER_PROF, 10 + seconds)  # of the processor: a busy machine is no endless loop
            try:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            except BaseException:                               # Ctrl-C, where no test asked for it
                return True
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.setitimer(signal.ITIMER_PROF, 0)
            if session.testsfailed:
                return True
        return False


class Notes(Tests):
    """The tests as they are: of each the seconds, the lines it runs of the package, and whether some cannot be seen.

    They cannot in other processes, and while the test traces lines itself.
    """

    def __init__(self, package):
        super().__init__({})
        self.package, self.notes, self.run, self.shared, self.unseen = str(package), {}, set(), {}, False

    def take(self, session, items, path):
        """Run these tests and write the notes down; whether one failed."""
        sys.addaudithook(self._heard)
        session.config.pluginmanager.register(self)
        if self.failed(session, items):
            return True
        for name, note in self.notes.items():
            note["lines"] = sorted(note["lines"] | self.shared.get(name.partition("::")[0], set()))
        path.write_text(json.dumps(self.notes))
        return False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        sys.settrace(self._call)
        threading.settrace(self._call)
        start, self.run, self.unseen = time.monotonic(), set(), False
        try:
            return (yield)
        finally:
            self.notes[item.nodeid] = dict(seconds=time.monotonic() - start, lines=self.run, unseen=self.unseen)
            sys.settrace(None)
            threading.settrace(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        """What a fixture for a whole file runs counts for each test in it."""
        before, self.run = self.run, set()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                self.shared.setdefault(request.node.nodeid.partition("::")[0], set()).update(self.run)
            self.run |= before

    def _call(self, frame, event, _):
        return self._line if frame.f_code.co_filename.startswith(self.package) else None

    def _line(self, frame, event, _):
        self.run.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    def _heard(self, event, _):
        if event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "sys.settrace"):
            self.unseen = True


class Judge(Tests):
    """Notes first, and then, for each mutant, a fork of the process that has collected the tests.

    work: {module: its mutants}.  judged: a function that is called with a module and those that survived.
    """

    def __init__(self, folder, work, judged):
        super().__init__({})
        self.folder, self.work, self.judged = folder, work, judged

    def pytest_runtestloop(self, session):
        if session.testsfailed:
            return None
        items, notes = list(session.items), self.folder.with_suffix(".notes")
        assert not forked(lambda: Notes(self.folder / "autoenc").take(session, items, notes)), "the tests fail without any mutant"
        self.known = json.loads(notes.read_text())
        for module, mutants in self.work.items():
            own = [item for item in items if item.path.name in TESTS[module]]
            assert not self._survives(session, module, ("", "raise Exception", {1}), own), "the tests do not use the mutant"
            self.judged(module, [mutant[0] for mutant in mutants if self._survives(session, module, mutant, own)])
        return True

    def _survives(self, session, module, mutant, items):
        """Whether none of those tests fails that the mutant concerns."""
        path, (_, text, lines) = self.folder / "autoenc" / f"{module}.py", mutant
        original, log = path.read_text("utf-8"), self.folder.with_suffix(".mutant.log")
        lines = {(str(path), line) for line in lines}
        runs = {item for item in items if not lines.isdisjoint(map(tuple, self.known[item.nodeid]["lines"]))}
        pairs = functions(compile(original, str(path), "exec"), compile(text, str(path), "exec"))

        def exchanged():
            for old, new in pairs:
                for function in running(old):
                    function.__code__ = new
            return self.failed(session, chosen)

        if pairs is None:
            chosen, work = items, partial(globals()["session"], self.folder, TESTS[module], Tests(self.known), log)
        else:
            others = {item for item in items if item.path.name == TESTS[module][0] and self.known[item.nodeid]["unseen"]}
            chosen, work = sorted(runs | others, key=lambda item: (item not in runs, self.seconds(item))), exchanged
        path.write_text(text, "utf-8")                          # for the processes that tests start, too
        status = forked(work, 120 + 5 * sum(map(self.seconds, chosen)))
        path.write_text(original, "utf-8")
        # 0: all passed; 1: a test failed; 2: a module could not be imported.  All else says nothing about the mutant.
        assert status in (0, 1, 2) or status < 0, log.read_text("utf-8", "replace")
        return status == 0


def functions(old, new):
    """The functions whose code differs between two compiled modules, (old, new) each; None if what runs at import differs."""
    if old == new:
        return []
    if old.co_flags & inspect.CO_OPTIMIZED:
        return [(old, new)] if running(old) and old.co_freevars == new.co_freevars else None
    (inner, rest), (new_inner, new_rest) = map(parted, (old, new))
    if rest != new_rest or len(inner) != len(new_inner):
        return None
    pairs = [functions(*pair) for pair in zip(inner, new_inner, strict=True)]
    return None if None in pairs else sum(pairs, [])


def parted(code):
    """The code of functions and classes that a piece of code holds, and the rest of it."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return inner, code.replace(co_consts=tuple(None if constant in inner else constant for constant in code.co_consts))


def running(code):
    """The functions of this process that have this code."""
    return [thing for thing in gc.get_objects() if type(thing) is FunctionType and thing.__code__.co_name == code.co_name
            and thing.__code__.co_filename == code.co_filename and thing.__code__ == code]


def main(modules, sample=None, again=False):
    """Judge the mutants of these modules, or those that survived the last time, and write the table."""
    os.environ.update(OPENBLAS_NUM_THREADS="1", MPLBACKEND="agg")
    # Those of one floor share much of their tests, which are collected and noted once.
    for floor in [name for name in modules if "/" not in name], [name for name in modules if "/" in name]:
        work, rows = {}, {}
        for module in floor:
            path = ROOT / "autoenc" / f"{module}.py"
            number, work[module] = mutants(path.read_text("utf-8"), None if again else sample)
            rows[module] = dict(commit=commit(path), code=digest(path), mutants=number, tried=len(work[module]))
            if again:
                old = before()[0][module]
                assert old["code"] == rows[module]["code"], f"{module} is not the code that was tried: try it without --again"
                work[module] = [mutant for mutant in work[module] if mutant[0] in old["alive"]]
                rows[module]["tried"] = old["tried"]
        if floor:
            judge(work, rows)


def judge(work, rows):
    """Judge mutants, {module: [(what, source, lines)]}, and write the rows of their modules as they come to an end."""
    out, start = os.fdopen(os.dup(1), "w"), time.monotonic()

    def judged(module, alive):
        print(f"{module}: {len(work[module]) - len(alive)} of {len(work[module])} killed, {time.monotonic() - start:.0f} s", *alive,
              sep="\n    ", file=out, flush=True)
        written({module: {**rows[module], "alive": alive}})

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "tree").resolve()
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "build", "__pycache__", "*.egg-info"))
        for module in work:
            path = folder / "autoenc" / f"{module}.py"
            path.write_text(ast.unparse(ast.parse(path.read_text("utf-8"))), "utf-8")       # whose lines mutants have
        files, log = dict.fromkeys(name for module in work for name in TESTS[module]), folder.with_suffix(".log")
        status = forked(lambda: session(folder, files, Judge(folder, work, judged), log))
        assert status == 0, log.read_text("utf-8", "replace")


# The table

COLUMNS = "commit", "code", "mutants", "tried"


def before():
    """What tests/tools/MUTANTS.md says: {module: row}, and what was said of each survivor."""
    text = TABLE.read_text("utf-8") if TABLE.exists() else ""
    said = dict(re.findall(r"^(- [\w/]+: `.*`) — (.*)$", text, re.M))
    found = {}
    for module, of, code, number, tried in re.findall(r"^\| ([\w/]+) \| (\S+) \| (\w+) \| (\d+) \| (\d+) ", text, re.M):
        alive = [key.partition("`")[2][:-1] for key in said if key.startswith(f"- {module}: ")]
        found[module] = dict(commit=of, code=code, mutants=int(number), tried=int(tried), alive=alive)
    return {module: row for module, row in found.items() if module in TESTS}, said


def written(results):
    """Put results into the table; what was said of a survivor stays with it."""
    old, said = before()
    results = {module: {**old, **results}[module] for module in TESTS if module in {**old, **results}}
    rows, survivors = [], []
    for module, row in results.items():
        remarks = {f"- {module}: `{what}`": said.get(f"- {module}: `{what}`", "not looked at yet") for what in row["alive"]}
        survivors += [f"{key} — {remark}" for key, remark in remarks.items()]
        idle = sum(remark.startswith("changes no") for remark in remarks.values())
        rows.append([module, *(row[name] for name in COLUMNS), row["tried"] - len(row["alive"]), idle])
    rows.append(["all", "", "", *map(sum, zip(*(row[3:] for row in rows), strict=True))])
    lines = ["# Which mistakes the tests see", "",
             "One small mistake at a time, by `python -m tests.tools.mutants`; a mutant is killed if a test then fails. Of a module with",
             "more mutants than were tried these are a random sample. Some mutants change nothing that one could see, which is said",
             "below of each; the share is that of the killed among the others. `code` is the digest of the module that was tried.", "",
             "| module | commit | code | mutants | tried | killed | change nothing | share | of today's code? |", "|---" * 9 + "|"]
    lines += [f"| {' | '.join(map(str, row))} | {row[-2] / (row[-3] - row[-1]):.1%} | |" for row in rows]
    lines += ["", "The survivors, and why:", "", *survivors]
    TABLE.write_text(marked(MUTANTS, "\n".join(lines) + "\n"), "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.tools.mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, help="try so many mutants of each module, chosen at random")
    parser.add_argument("--again", action="store_true", help="try only the survivors that the table names")
    options = parser.parse_args()
    for name in options.modules:
        if name not in TESTS:
            parser.error(f"there is no module {name!r} to mutate, but {', '.join(TESTS)}")
    main(options.modules or [name for name in TESTS if not options.again or name in before()[0]], options.sample, options.again)
