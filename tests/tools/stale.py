"""Which of the measured tables are older than the code that they describe?

    python -m tests.tools.stale         says it, and writes it into the tables themselves

Benchmark, matrix, faults and mutants take hours, and the benchmark a quiet machine, so nobody measures them again for each
change; but nobody should take an old figure for one of today, either.  So each table, and each row of MUTANTS.md, names the
commit at which it was measured and the digest of the code that it describes.  Where the code has another digest by now, the
table must say so itself, in a line that a reader cannot miss; `python -m tests.tools.stale` writes that line, and takes it
away again from a table that is new.  A test fails as long as a table says too little or too much.  It could simply fail for
what is old; then a change of one line in a layer would cost hours of a quiet machine, or the test, which would be switched
off.

A digest is made from the syntax, without comments, docstrings and layout, and needs no git, so it works in an unpacked
archive, too.
"""

import ast
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOLS = Path("tests", "tools")
NETWORKS = [Path("autoenc", f"{name}.py") for name in ("characters", "noise", "layers", "losses", "optimizers", "convolutions", "blas",
                                                       "training", "models", "vae")]
BENCHMARK = [*NETWORKS, TOOLS / "benchmark" / "contenders.py"]
# What each table describes, and the command that measures it again.
TABLES = {
    TOOLS / "MATRIX.md": ([*NETWORKS, Path("notebooks")], "python -m tests.tools.matrix"),
    TOOLS / "FAULTS.md": ([Path("autoenc", "files.py"), Path("autoenc", "pretrain.py"), Path("autoenc", "report", "command.py"),
                           TOOLS / "faults.py"], "python -m tests.tools.faults"),
    TOOLS / "benchmark" / "RESULTS.md": (BENCHMARK, "python -m tests.tools.benchmark --write"),
    TOOLS / "benchmark" / "HASWELL.md": (BENCHMARK, "OPENBLAS_CORETYPE=Haswell python -m tests.tools.benchmark"),
    TOOLS / "benchmark" / "ANOTHER_MACHINE.md": (BENCHMARK, "python -m tests.tools.benchmark"),
}
MUTANTS = TOOLS / "MUTANTS.md"
STAMP = r"^Measured at commit (\S+), of code (\w+)\.$"
OLDER = r"\n\n\*\*Older than the code\*\*: [^\n]*$"
ROW = r"^\| ([\w/]+) \| (\S+) \| ([0-9a-f]{12}) \|(.*)\|([^|]*)\|$"


# What code is

def digest(*paths):
    """Twelve hexadecimal digits for what some code does: of its syntax, without comments, docstrings and layout.

    paths: modules; notebooks, of which the code cells count; folders of notebooks.  The same in every version of Python.
    """
    files = [file for path in map(Path, paths) for file in (sorted(path.glob("*.ipynb")) if path.is_dir() else [path])]
    parts = [_code(part) for file in files for part in _sources(file)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def _sources(path):
    """The pieces of code in a file."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return [text]
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def _code(source):
    """A piece of code as nested lists; as it stands if it is not Python alone."""
    try:
        return _tree(ast.parse(source))
    except SyntaxError:
        return source


def _tree(node):
    """A node of a syntax tree as nested lists of names and values, without docstrings, and without what is empty."""
    if isinstance(node, list):
        return [_tree(part) for part in node]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = dict(ast.iter_fields(node))
    body = fields.get("body")
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0].value, "value", None), str):
        fields["body"] = body[1:]
    return [type(node).__name__, *([name, _tree(value)] for name, value in fields.items() if value is not None and value != [])]


# What tables say

def commit(*paths):
    """The commit of the checkout, with -dirty if these files of it have changed since; "unknown" outside of git."""
    if not shutil.which("git"):
        return "unknown"
    head, changes = (subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout.strip()
                     for words in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", *map(str, paths)]))
    return head + "-dirty" * bool(changes) if head else "unknown"


def now(table):
    """The digest of the code that a table describes, as it is now."""
    return digest(*(ROOT / path for path in TABLES[Path(table)][0]))


def stamp(table):
    """The line that a table gets when it is measured, as it must stand in it; table: a path in TABLES."""
    return f"Measured at commit {commit(*TABLES[Path(table)][0])}, of code {now(table)}."


def marked(table, text):
    """The text of a table with a line, or in MUTANTS.md a word, where it is older than the code, and there alone."""
    if Path(table) == MUTANTS:
        def row(found):
            path = ROOT / "autoenc" / f"{found[1]}.py"
            new = path.exists() and digest(path) == found[3]
            return f"| {found[1]} | {found[2]} | {found[3]} |{found[4]}| {'' if new else '**older than the code** '}|"

        return re.sub(ROW, row, text, flags=re.M)
    code, command = now(table), TABLES[Path(table)][1]

    def line(found):
        if found[2] == code:
            return found[0]
        return (f"{found[0]}\n\n**Older than the code**: what is measured here has changed since, and these are its old figures; "
                f"`{command}` measures it again.")

    return re.sub(STAMP, line, re.sub(OLDER, "", text, flags=re.M), flags=re.M)


def main():
    for table in *TABLES, MUTANTS:
        text = (ROOT / table).read_text("utf-8")
        said = marked(table, text)
        print(f"{table.as_posix()}: {'older than the code, in whole or in part' if 'lder than the code**' in said else 'of the code as it is'}")
        if said != text:
            (ROOT / table).write_text(said, "utf-8")


if __name__ == "__main__":
    main()
