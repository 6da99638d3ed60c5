"""What `import autoenc` brings with it: NumPy, and nothing that draws, shows or reports."""

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parent.parent


def modules_after(statement):
    """The top-level modules that a fresh Python has loaded after `statement`."""
    program = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True, text=True,
                              capture_output=True).stdout.split())


def test_import_needs_numpy_alone():
    brought = modules_after("import autoenc") - modules_after("import numpy.random") - sys.stdlib_module_names
    assert brought == {"autoenc"}


def test_every_public_name_is_there():
    names = {}
    exec("from autoenc import *", names)
    assert names.keys() - {"__builtins__"} == {
        "characters", "pixel_errors", "noise", "Autoencoder", "SGD", "Momentum", "Adam", "cosine_decay",
        "VAE", "fashion_mnist", "Explorer", "claim", "recorded"}
    assert not hasattr(sys.modules["autoenc"], "no_such_name")


def code_lines(path):
    """How many lines of a module are neither blank nor a comment nor a docstring."""
    source, docstrings, code = path.read_text("utf-8"), set(), set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            docstrings |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - docstrings)


def test_the_readme_says_how_many_lines_of_code_there_are():
    said = re.search(r"([\d,]+) lines of code", (ROOT / "README.md").read_text("utf-8"))[1]
    assert int(said.replace(",", "")) == sum(map(code_lines, (ROOT / "autoenc").glob("*.py")))
