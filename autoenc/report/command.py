"""python -m autoenc: run the report.

Executes the notebooks in order, each in a fresh kernel, and gathers into build/ what they made: the
executed notebooks, their figures and the HTML slides.  The committed files stay as they are, unless one
asks for --update: then notebooks and figures are replaced, and the table of results in README.md.
"""

import argparse
import os
import re
import sys
from base64 import b64decode
from pathlib import Path

import matplotlib.font_manager  # noqa: F401    builds its font cache here, not loudly inside a notebook
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from ..files import one_line, prepare, replace
from .claims import cell
from .slides import OfflineSlides
from .studies import JOBS, RERUN

NOTEBOOKS, FIGURES, BUILD, README = Path("notebooks"), Path("figures"), Path("build"), Path("README.md")

TABLE = r"(?s)(<!-- headlines -->).*(<!-- end of headlines -->)"


def run(path):
    """Run a notebook from the top in a fresh kernel, and write it, its figures and its slides into build/.

    Returns it and None, or it as far as it came and why its last cell failed; then there are no slides.
    """
    notebook, failure = nbformat.read(path, as_version=4), None
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}        # JupyterLab writes down its version too
    client = NotebookClient(notebook, kernel_name="python3", record_timing=False)
    with open(BUILD / f"{path.stem}.log", "w") as log, client.setup_kernel(stderr=log, cwd=str(path.parent)):
        try:
            for place, cell in enumerate(tqdm(notebook.cells, path.name, unit="cell")):
                client.execute_cell(cell, place)
        except (CellExecutionError, DeadKernelError) as error:
            why = f"{error.ename}: {error.evalue}" if isinstance(error, CellExecutionError) else "the kernel died"
            failure = f"{path.name}: FAILED in code cell {client.code_cells_executed}: {why}"
            del notebook.cells[place + 1:]                      # which hold what an earlier run has left
    if not failure:
        html, _ = OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})
        replace(BUILD / "slides" / f"{path.stem}.slides.html", html.encode())
    write(BUILD, path, notebook)
    return notebook, failure


def studies(paths):
    """The names of the recorded studies of notebooks."""
    return {name for path in paths for name in re.findall(r'recorded\(\\?[\'"](\w+)', path.read_text("utf-8"))}


def write(folder, path, notebook):
    """Write a notebook, and the pictures of its cells that have a tag figure:NAME, to their places in a folder."""
    replace(folder / path, (nbformat.writes(notebook) + "\n").encode())
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                if tag.startswith("figure:") and "image/png" in output.get("data", {}):
                    picture = folder / FIGURES / f"{tag.removeprefix('figure:')}.png"
                    replace(picture, b64decode(output.data["image/png"]))


def table(notebooks, tag=None):
    """What {path: notebook} claim, in all cells or in those with a tag, as a table in Markdown."""
    rows = [["part", "holds", "measured", "claimed", "what"]]
    for path, notebook in notebooks.items():
        for claim in claims(notebook, tag):
            holds = "yes" if claim["holds"] else "NO"
            measured = claim.get("shown") or f"{claim['measured']:.4g}"         # which notebooks of old versions lack
            rows.append([path.name[:2], holds, measured, claim["required"], cell(claim["claim"])])
    widths = [max(map(len, column)) for column in zip(*rows)][:-1] + [3]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join("| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows)


def claims(notebook, tag=None):
    """What a notebook claims, in all cells or in those with a tag: the metadata of its outputs."""
    cells = [cell for cell in notebook.cells if tag is None or tag in cell.metadata.get("tags", [])]
    return [output.metadata["claim"] for cell in cells for output in cell.get("outputs", [])
            if "claim" in output.get("metadata", {})]


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
    files = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    options = options_of(arguments, files)
    if not files:
        sys.exit(f"No notebooks in {NOTEBOOKS.resolve()}, which should be beside README.md")
    prepare(BUILD / NOTEBOOKS, BUILD / FIGURES, BUILD / "slides", NOTEBOOKS, FIGURES, NOTEBOOKS / "recorded")
    os.environ[RERUN] = options.studies
    os.environ[JOBS] = str(options.jobs)
    notebooks, failures = zip(*map(run, options.paths))
    executed = dict(zip(options.paths, notebooks))
    print(f"{table(executed)}\nExecuted notebooks, figures and slides are in {BUILD}/")
    if options.update and not any(failures):
        for path, notebook in executed.items():
            write(Path(), path, notebook)
        headlines = table({path: nbformat.read(path, as_version=4) for path in files}, "headline")
        text = README.read_text("utf-8")
        replace(README, re.sub(TABLE, lambda found: f"{found[1]}\n{headlines}\n{found[2]}", text).encode())
    return "\n".join(filter(None, failures)) or None

