"""python -m autoenc: run the report.

Executes the notebooks in order, each in a fresh kernel, and gathers into build/ what they made: the
executed notebooks, their figures, pages to read and HTML slides.  The committed files stay as they are,
unless one asks for --update: then notebooks and figures are replaced, and the table of results in
README.md.
"""

import argparse
import os
import re
import sys
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib
import matplotlib.font_manager  # noqa: F401    builds its font cache here, not loudly inside a notebook
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from ..files import one_line, prepare, replace
from . import pages
from .claims import cell
from .studies import JOBS, RERUN

NOTEBOOKS, FIGURES, BUILD, README = Path("notebooks"), Path("figures"), Path("build"), Path("README.md")

TABLE = r"(?s)(<!-- headlines -->).*(<!-- end of headlines -->)"
# What a notebook says about its language: without a version, which would differ, but with all that exporters ask for.
LANGUAGE = dict(name="python", file_extension=".py", mimetype="text/x-python", nbconvert_exporter="python",
                pygments_lexer="ipython3")


# One notebook

def run(path):
    """Run a notebook from the top in a fresh kernel, and write it, its figures, its page and its slides into build/.

    Returns it and None, or it as far as it came (None if it cannot be read) and what went wrong, and where: whatever that
    is, it is the failure of this notebook.  Only files that cannot be written end the command.
    """
    for old in BUILD / "slides" / f"{path.stem}.slides.html", BUILD / "pages" / f"{path.stem}.html":
        old.unlink(missing_ok=True)             # which would be taken for what this run has made
    try:
        notebook = read(path)
    except Exception as error:
        return None, failed(path, "cannot be read", error)
    failure = execute(notebook, path)
    try:
        pictures = figures(notebook)
    except Exception as error:
        pictures = {}
        failure = failure or failed(path, "its figures cannot be gathered", error)
    if not failure:
        try:
            pages.export(notebook, path, BUILD)
        except ValueError as error:
            failure = f"{path.name}: FAILED to be exported: {error}"
    write(BUILD, path, notebook, pictures)
    return notebook, failure


def read(path):
    """A notebook, without what an earlier run knew of its widgets and its Python."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = LANGUAGE
    return notebook


def execute(notebook, path):
    """Run the cells of a notebook; None, or why one failed: then it is the notebook's last."""
    client, place = NotebookClient(notebook, kernel_name="python3", record_timing=False, startup_timeout=300), 0
    with TemporaryDirectory(ignore_cleanup_errors=True) as empty, open(BUILD / f"{path.stem}.log", "w", encoding="utf-8") as log:
        try:
            with client.setup_kernel(stderr=log, cwd=str(path.parent), env=surroundings(empty)):
                for place, one in enumerate(tqdm(notebook.cells, path.name, unit="cell")):
                    client.execute_cell(one, place)
        except Exception as error:
            del notebook.cells[place + 1:]                      # which hold what an earlier run has left
            number = client.code_cells_executed
            return failed(path, f"in code cell {number}" if number else "before its first cell", error)
    return None


def surroundings(empty):
    """The environment of a kernel: IPython's settings come from an empty folder, matplotlib's from itself, not from the reader."""
    variables = {**os.environ, "IPYTHONDIR": empty, "MATPLOTLIBRC": str(Path(matplotlib.get_data_path(), "matplotlibrc"))}
    variables.pop("MPLBACKEND", None)
    return variables


def failed(path, where, error):
    """What is said of a notebook when something went wrong."""
    if isinstance(error, CellExecutionError):
        why = f"{error.ename}: {error.evalue}"
    elif isinstance(error, DeadKernelError):
        why = "the kernel died"
    else:
        why = f"{type(error).__name__}: {error}"
    return f"{path.name}: FAILED {where}: {why}"


def figures(notebook):
    """The pictures of the cells that have a tag figure:NAME, as {NAME: bytes}."""
    pictures = {}
    for one in notebook.cells:
        for tag in one.metadata.get("tags", []):
            name = tag.removeprefix("figure:")
            if name == tag:
                continue
            if not re.fullmatch(r"[\w-]+", name):
                raise ValueError(f"the tag {tag!r} must name its figure with letters, digits, _ and - alone")
            for output in one.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    pictures[name] = b64decode(output.data["image/png"])
    return pictures


def write(folder, path, notebook, pictures):
    """Write a notebook and its pictures to their places in a folder."""
    text = nbformat.writes(notebook) + "\n"
    replace(folder / path, text.encode("utf-8", "backslashreplace"))        # half a pair of surrogates is \ud83d in JSON
    for name, picture in pictures.items():
        replace(folder / FIGURES / f"{name}.png", picture)


# What they claim and record

def studies(paths):
    """The names of the recorded studies of notebooks."""
    return {name for path in paths for name in re.findall(r'recorded\(\\?[\'"](\w+)', path.read_text("utf-8", "replace"))}


def results(notebooks, tag=None):
    """What {path: notebook} claim, in all cells or in those with a tag, as a table in Markdown."""
    rows = [["part", "holds", "measured", "claimed", "what"]]
    for path, notebook in notebooks.items():
        for claim in claims(notebook, tag):
            holds = "yes" if claim["holds"] else "NO"
            rows.append([path.name[:2], holds, shown(claim), str(claim["required"]), cell(claim["claim"])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=False)][:-1] + [3]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)


def shown(claim):
    """What a claim measured, as a reader sees it; notebooks of older versions have the bare number."""
    measured = claim.get("shown", claim.get("measured"))
    return f"{measured:.4g}" if isinstance(measured, float) else str(measured)


def claims(notebook, tag=None):
    """What a notebook claims, in all cells or in those with a tag: the metadata of its outputs."""
    found = []
    for one in notebook.cells:
        if tag is None or tag in one.metadata.get("tags", []):
            said = [output.get("metadata", {}).get("claim") for output in one.get("outputs", [])]
            found += [claim for claim in said if isinstance(claim, dict) and {"claim", "holds", "required"} <= claim.keys()]
    return found


# The command

def options_of(arguments, files):
    """The options of the command, with `paths`, the notebooks that are to be run, and `studies`, those to be run anew."""
    parser = argparse.ArgumentParser("python -m autoenc", description=__doc__.partition("\n")[2])
    numbers = [path.name[:2] for path in files]
    parser.add_argument("notebook", nargs="*", help=f"the numbers of notebooks, of {', '.join(numbers)}; all without")
    parser.add_argument("--update", action="store_true", help="replace the committed notebooks, figures and results")
    parser.add_argument("--rerun", nargs="*", metavar="STUDY",
                        help="compute the recorded studies anew, all (which can take hours) or those of these names")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="compute the cases of a study in N processes")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs was {options.jobs}; it must be at least 1")
    rerun = options.rerun or []
    chosen = options.notebook + [name for name in rerun if name in numbers]         # after --rerun, too
    for name in chosen:
        if name not in numbers:
            parser.error(f"invalid choice: {name!r} is not the number of a notebook, of {', '.join(numbers)}")
    options.paths = [path for path in files if path.name[:2] in chosen or not chosen]
    names = [name for name in rerun if name not in numbers]
    known = studies(options.paths)
    for name in names:
        if name not in known:
            parser.error(f"invalid choice: {name!r} is not the name of a study, of {', '.join(sorted(known))}")
    options.studies = "" if options.rerun is None else " ".join(names) or "all"
    return options


@one_line("Interrupted; no file is damaged, and the same command starts anew")
def main(arguments=None):
    """Run the command: None, or what failed; SystemExit with one line if a file cannot be written."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")        # some terminals have no −, and none of them may lose the table
    files = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    options = options_of(arguments, files)
    if not files:
        sys.exit(f"No notebooks in {NOTEBOOKS.resolve()}, which should be beside README.md")
    prepare(BUILD / NOTEBOOKS, BUILD / FIGURES, BUILD / "slides", BUILD / "pages", NOTEBOOKS, FIGURES, NOTEBOOKS / "recorded")
    os.environ[RERUN] = options.studies
    os.environ[JOBS] = str(options.jobs)
    if options.update:
        others = readable(files)
        readme = readme_with_markers()
    notebooks, failures = zip(*map(run, options.paths), strict=True)
    executed = {path: notebook for path, notebook in zip(options.paths, notebooks, strict=True) if notebook}
    print(results(executed))
    try:
        pages.index(BUILD, executed)
    except (ValueError, TypeError, KeyError, AttributeError) as error:      # what pages make of a notebook that is none
        failures = *failures, f"{BUILD}/index.html: FAILED: {type(error).__name__}: {error}"
    print(f"Open {BUILD}/index.html: it leads to pages, slides and executed notebooks; the figures are beside it")
    if options.update and not any(failures):
        for path, notebook in executed.items():
            write(Path(), path, notebook, figures(notebook))
        headlines = results({**others, **executed}, "headline")
        replace(README, re.sub(TABLE, lambda found: f"{found[1]}\n{headlines}\n{found[2]}", readme).encode())
    return "\n".join(filter(None, failures)) or None


def readable(files):
    """Before --update: all notebooks, {path: notebook}, for the table has the claims of those that are not run, too."""
    notebooks = {}
    for path in files:
        try:
            notebooks[path] = read(path)
        except Exception as error:
            sys.exit(f"{failed(path, 'cannot be read', error)}; nothing was replaced")
    return notebooks


def readme_with_markers():
    """Before --update: the text of README.md, which must have a place for the table of results."""
    try:
        text = README.read_text("utf-8")
    except (OSError, ValueError) as error:
        sys.exit(f"{README} cannot be read: {error}; nothing was replaced")
    if not re.search(TABLE, text):
        sys.exit(f"{README} has no lines <!-- headlines --> and <!-- end of headlines -->, between which the table of results "
                 "belongs; nothing was replaced")
    return text
