"""Do the tests see a mistake?  One small mistake at a time is put into the package, and the tests are run.

    python -m tests.tools.mutants [layers losses …] [--sample 40]       hours on two cores, or forty of each module; writes tests/tools/MUTANTS.md

A mutant is a copy of the package with one operator, comparison, number, truth value or NumPy function exchanged, or one
statement left out.  It is killed if a test fails or does not come to an end.  With names of modules only those are
tried, and the rows of the others stay as they are; a sample is the same each time.
"""

import argparse
import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("MUTANTS.md")
# The modules and their tests, the likely killers first: pytest stops at the first failure.
MATHEMATICS = ["test_training.py", "test_models.py", "test_properties.py"]
TESTS = {
    "layers": ["test_layers.py", *MATHEMATICS, "test_convolutions.py"],
    "losses": ["test_losses.py", *MATHEMATICS],
    "optimizers": ["test_optimizers.py", *MATHEMATICS],
    "noise": ["test_noise.py", *MATHEMATICS],
    "convolutions": ["test_convolutions.py", "test_vae.py", "test_torch.py"],
    "vae": ["test_vae.py", "test_files.py", "test_properties.py", "test_torch.py"],
    "training": ["test_training.py", "test_vae.py", "test_models.py"],
    "blas": ["test_training.py", "test_vae.py"],
    "files": ["test_files.py", "test_studies.py", "test_command.py"],
    "report/claims": ["test_report.py"],
    "report/studies": ["test_studies.py"],
    "report/command": ["test_command.py"],
    "report/explorer": ["test_explorer.py", "test_injection.py"],
    "report/slides": ["test_slides.py", "test_decks.py"],
}

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
             ast.BitAnd: ast.BitOr, ast.FloorDiv: ast.Mult,
             ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
             ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}
OPPOSITE = {ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt}
FUNCTIONS = dict(add="subtract", subtract="add", multiply="divide", divide="multiply", maximum="minimum", square="sqrt",
                 sqrt="square", zeros="ones", max="min", cos="sin", exp="log", log="exp", tanh="sin", abs="negative",
                 negative="abs", reciprocal="square", all="any")


def changed(node):
    """The ways to change one node: (what to call it, a function that does it to a copy of the node)."""
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


def mutants(source):
    """All mutants of a module: (where and what, its source)."""
    tree = ast.parse(source)
    for place, node in enumerate(ast.walk(tree)):
        for change in changed(node):
            mutated = copy.deepcopy(tree)
            line = getattr(node, "lineno", None)
            change(list(ast.walk(mutated))[place])
            ast.fix_missing_locations(mutated)
            before, after = ast.unparse(tree).splitlines(), ast.unparse(mutated).splitlines()
            differ = [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]
            if differ and line:
                yield " → ".join(text.strip() for text in differ[0]), ast.unparse(mutated)


def survives(folder, module, source, seconds=600):
    """Whether all tests pass with this source of a module, in a copy of the tree."""
    path = folder / "autoenc" / f"{module}.py"
    original = path.read_text("utf-8")
    path.write_text(source, "utf-8")
    tests = [f"tests/{name}" for name in TESTS[module]]
    settings = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    try:
        done = subprocess.run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *tests],
                              cwd=folder, capture_output=True, text=True, timeout=seconds, env=settings)
        # 0: all passed; 1: a test failed; 2: a module could not be imported.  All else says nothing about the mutant.
        assert done.returncode in (0, 1, 2), done.stdout + done.stderr
        return done.returncode == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        path.write_text(original, "utf-8")


def main(modules, sample=None):
    """Judge the mutants of these modules: {module: (commit, how many were tried, those that survived)}."""
    workers, free, results = os.cpu_count(), SimpleQueue(), {}
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            folder = Path(temporary, str(number))
            shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", ".venv", "build", "figures", "__pycache__"))
            free.put(folder)

        def judge(module, seconds, mutant):
            """Whether one mutant, a pair of words and source, survives in the next free copy."""
            folder = free.get()
            try:
                return survives(folder, module, mutant[1], seconds)
            finally:
                free.put(folder)

        for module in modules:
            source, start = (ROOT / "autoenc" / f"{module}.py").read_text("utf-8"), time.monotonic()
            assert judge(module, 3600, ("none", ast.unparse(ast.parse(source)))), "the tests fail without any mutant"
            longest = 60 + 5 * (time.monotonic() - start)
            assert not judge(module, 3600, ("all", "raise Exception")), "the tests do not use the mutant"
            found = list(mutants(source))
            if sample and sample < len(found):
                found = random.Random(0).sample(found, sample)
            verdicts = pool.map(partial(judge, module, longest), found)
            alive = [what for (what, _), survived in zip(found, verdicts, strict=True) if survived]
            results[module] = commit, len(found), alive
            print(f"{module}: {len(found) - len(alive)} of {len(found)} killed in {time.monotonic() - start:.0f} s", *alive,
                  sep="\n    ", flush=True)
            written(results)
    return results


def before():
    """What tests/tools/MUTANTS.md says: {module: (commit, mutants, survivors)}, and what was said of each survivor."""
    text = TABLE.read_text("utf-8") if TABLE.exists() else ""
    said = dict(line.rsplit(" — ", 1) for line in text.splitlines() if line.startswith("- "))
    alive = [re.match(r"- ([\w/]+): `(.*)`$", key).groups() for key in said]
    rows = re.findall(r"^\| ([\w/]+) \| (\S+) \| (\d+) ", text, re.M)
    found = {module: (commit, int(number), [what for name, what in alive if name == module]) for module, commit, number in rows
             if module in TESTS}
    return found, said


def written(results):
    """Put results into the table; what was said of a survivor stays with it."""
    old, said = before()
    results = {module: {**old, **results}[module] for module in TESTS if module in {**old, **results}}
    rows = [(module, commit, number, number - len(alive)) for module, (commit, number, alive) in results.items()]
    rows.append(("all", "", *(sum(row[place] for row in rows) for place in (2, 3))))
    lines = ["# Which mistakes the tests see", "",
             "One small mistake at a time, by `python -m tests.tools.mutants`; a mutant is killed if a test then fails.", "",
             "| module | commit | mutants tried | killed | share |", "|---|---|---|---|---|"]
    lines += [f"| {module} | {commit} | {number} | {killed} | {killed / number:.1%} |" for module, commit, number, killed in rows]
    lines += ["", "The survivors, and why:", ""]
    for key in [f"- {module}: `{what}`" for module, (_, _, alive) in results.items() for what in alive]:
        lines.append(f"{key} — {said.get(key, 'not looked at yet')}")
    TABLE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m tests.tools.mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, help="try so many mutants of each module, chosen at random")
    options = parser.parse_args()
    for name in options.modules:
        if name not in TESTS:
            parser.error(f"there is no module {name!r} to mutate, but {', '.join(TESTS)}")
    main(options.modules or TESTS, options.sample)
