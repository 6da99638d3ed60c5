"""The tools that measure: whether a table is of the code as it is, and whether a mutant is what it says."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import stale

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("table", [*stale.TABLES, stale.MUTANTS], ids=lambda table: table.name)
def test_a_table_says_so_if_it_is_older_than_the_code_and_only_then(table):
    text = (ROOT / table).read_text("utf-8")
    assert re.search(stale.ROW if table == stale.MUTANTS else stale.STAMP, text, re.M), f"{table} does not say what it measured"
    assert stale.marked(table, text) == text, (
        f"{table} says too much or too little about its age. `python -m tests.tools.stale` mends what it says"
        + (f", and `{stale.TABLES[table][1]}` measures it again." if table in stale.TABLES else
           ", and `python -m tests.tools.mutants MODULE` measures a row again."))


SOURCE = '''
"""What the module does."""
import math

class Sum:
    """Adds."""

    def add(self, a, b=1, *more, sign=-1):
        """a + b, and more."""
        return f"{a + b:.{sign}f}" if more else {"sum": a + b}     # why
'''


def of(folder, source):
    (folder / "module.py").write_text(source, "utf-8")
    return stale.digest(folder / "module.py")


def test_a_digest_is_of_what_the_code_does_and_not_of_its_words(tmp_path):
    before = of(tmp_path, SOURCE)
    assert re.fullmatch("[0-9a-f]{12}", before)
    for old, new in [("# why", "# because"), ("Adds.", "It adds."), ('"""a + b, and more."""\n', "\n"), ('"sum"', "'sum'"), ("\n\n", "\n\n\n")]:
        assert SOURCE.replace(old, new) != SOURCE and of(tmp_path, SOURCE.replace(old, new)) == before
    for old, new in [("a + b}", "a - b}"), ("b=1", "b=2"), ("b=1", "b=True"), ("b=1", "b=None"), ("sign=-1", "sign"), ('"sum"', '"Sum"'),
                     (":.{sign}f", ""), ("import math", "from math import pi"), ("if more", "if not more"), ("*more", "more")]:
        assert SOURCE.replace(old, new) != SOURCE and of(tmp_path, SOURCE.replace(old, new)) != before


def test_a_digest_of_a_notebook_is_of_its_code_cells(tmp_path):
    def of_cells(*cells):
        cells = ", ".join(f'{{"cell_type": "{kind}", "source": ["{source}"], "outputs": []}}' for kind, source in cells)
        (tmp_path / "01.ipynb").write_text(f'{{"cells": [{cells}]}}', "utf-8")
        return stale.digest(tmp_path)

    before = of_cells(("markdown", "Words."), ("code", "x = 1"), ("code", "%matplotlib inline"))
    assert of_cells(("markdown", "Other words."), ("code", "x = 1   # why"), ("code", "%matplotlib inline")) == before
    assert of_cells(("markdown", "Words."), ("code", "x = 2"), ("code", "%matplotlib inline")) != before
    assert of_cells(("markdown", "Words."), ("code", "x = 1"), ("code", "%matplotlib widget")) != before


def test_every_python_computes_the_same_digest(tmp_path):
    module = ROOT / "tests" / "tools" / "stale.py"
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.tools.stale import digest; print(digest({str(module)!r}))"
    pythons = {path for version in ("3.10", "3.11", "3.12", "3.13", "3.14") if (path := shutil.which(f"python{version}"))}
    for python in pythons | {sys.executable}:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True)
        if "not found" not in done.stderr:          # a shim of pyenv's, without the Python behind it
            assert done.stdout.strip() == stale.digest(module), done.stderr


def test_an_old_table_is_marked_and_a_new_one_is_not():
    table = stale.TOOLS / "FAULTS.md"
    new = f"# Title\n\n{stale.stamp(table)}\n\n| a table |\n"
    assert stale.marked(table, new) == new
    old = new.replace(stale.now(table), "0123456789ab")
    said = stale.marked(table, old)
    assert said.startswith(old.partition("\n\n|")[0] + "\n\n**Older than the code**: ") and said.endswith("\n\n| a table |\n")
    assert f"`{stale.TABLES[table][1]}`" in said
    assert stale.marked(table, said) == said, "once is enough"
    assert stale.marked(table, said.replace("0123456789ab", stale.now(table))) == new, "it is measured again"


def test_a_row_of_the_mutants_is_marked_by_itself():
    noise = stale.digest(ROOT / "autoenc" / "noise.py")
    text = (f"| noise | abc1234 | {noise} | 45 | 45 | 45 | 100.0% | |\n| report/claims | abc1234 | {noise} | 45 | 40 | 39 | 97.5% | |\n"
            f"| gone | abc1234 | {noise} | 45 | 45 | 45 | 100.0% | |\n| all | | | 90 | 85 | 84 | 99% | |\n")
    lines = stale.marked(stale.MUTANTS, text).splitlines()
    assert ["**older than the code** |" in line for line in lines] == [False, True, True, False]
    assert stale.marked(stale.MUTANTS, "\n".join(lines)) == "\n".join(lines)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_commit_is_dirty_if_what_was_measured_has_changed_and_unknown_outside_of_git(monkeypatch, tmp_path):
    monkeypatch.setattr(stale, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert stale.commit("one.py") == "unknown"
    for name in "one.py", "two.py":
        (tmp_path / name).touch()
    settings = "-c", "user.name=one", "-c", "user.email=one@example.org", "-c", "commit.gpgsign=false"
    for words in ["init", "-q"], ["add", "."], [*settings, "commit", "-q", "-m", "first", "--no-verify"]:
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "two.py").write_text("2")
    assert re.fullmatch("[0-9a-f]{7,}", stale.commit("one.py"))
    assert stale.commit("one.py", "two.py") == stale.commit("one.py") + "-dirty"


mutants = None if sys.platform == "win32" else pytest.importorskip("tests.tools.mutants")
forks = pytest.mark.skipif(mutants is None, reason="Windows does not fork")
MODULE = '''
def least(values, bound):
    """1 + 1: words."""
    if bound < 0:
        raise ValueError(f"bound was {bound + 1}")
    return max(min(values.reshape(-1)), bound) + 2
'''


@forks
def test_a_mutant_has_one_mistake_and_none_that_changes_only_what_an_error_says():
    number, found = mutants.mutants(MODULE)
    assert number == len(found)
    before = ast.unparse(ast.parse(MODULE)).splitlines()
    for what, text, lines in found:
        differ = [number for number, pair in enumerate(zip(before, text.splitlines(), strict=True), 1) if pair[0] != pair[1]]
        assert set(differ) == lines and len(differ) == 1 and "→" in what
    changes = [what.partition(" → ")[2] for what, _, _ in found]
    assert changes == ["if bound <= 0:", "if bound >= 0:", "return max(min(values.reshape(-1)), bound) - 2", "if bound < 1:",
                       "return max(min(values.reshape(-1)), bound) + 3", "return max(min(values.reshape(+1)), bound) + 2"]
    assert mutants.mutants(MODULE, 3) == (number, mutants.mutants(MODULE, 3)[1]) and len(mutants.mutants(MODULE, 3)[1]) == 3


@forks
def test_only_what_runs_at_import_cannot_be_exchanged(tmp_path):
    def pairs(name, old, new):
        old, new = (compile(text, str(tmp_path / name), "exec") for text in (old, new))
        exec(old, names := {})
        return mutants.functions(old, new), names

    source = "limit = 3\ndef first(x, y=1):\n    return [x + limit for _ in range(y)]\nclass Second:\n    size = 2\n    def third(self):\n        return 7\n"
    (pair,), names = pairs("1.py", source, source.replace("x + limit", "x - limit"))
    function, = mutants.running(pair[0])
    assert function is names["first"]
    function.__code__ = pair[1]
    assert names["first"](1) == [-2]
    (pair,), names = pairs("2.py", source, source.replace("return 7", "return 8"))
    assert mutants.running(pair[0]) == [names["Second"].third]
    for old, new in ("limit = 3", "limit = 4"), ("y=1", "y=2"), ("size = 2", "size = 3"):
        assert pairs("3.py", source, source.replace(old, new))[0] is None


@forks
def test_a_fork_that_hangs_is_killed_with_what_it_started():
    assert mutants.forked(lambda: 0) == 0 and mutants.forked(lambda: 1) == 1
    assert mutants.forked(lambda: 1 / 0) == 3
    hangs = "import time; time.sleep(1000)"
    assert mutants.forked(lambda: subprocess.run([sys.executable, "-c", hangs]).returncode, 0.5) == -9
