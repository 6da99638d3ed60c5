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

from .files import one_line, prepare, replace
from .report import RERUN
from .slides import OfflineSlides

NOTEBOOKS, FIGURES, BUILD, README = Path("notebooks"), Path("figures"), Path("build"), Path("README.md")

TABLE = r"(?s)(<!-- headlines -->).*(<!-- end of headlines -->)"


def chosen(names):
    """The notebooks whose file names begin with one of `names`; SystemExit if none begins so."""
    files = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    for name in names:
        if not any(file.name.startswith(name) for file in files):
            sys.exit(f"No notebook begins with {name!r}; in {NOTEBOOKS.resolve()}, which should be beside README.md, "
                     f"there are: {', '.join(file.name for file in files) or 'none'}")
    return [file for file in files if file.name.startswith(tuple(names))]


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


def write(folder, path, notebook):
    """Write a notebook, and the pictures of its cells that have a tag figure:NAME, to their places in a folder."""
    replace(folder / path, (nbformat.writes(notebook) + "\n").encode())
    for cell in notebook.cells:
        for tag in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                if tag.startswith("figure:") and "image/png" in output.get("data", {}):
                    picture = folder / FIGURES / f"{tag.removeprefix('figure:')}.png"
                    replace(picture, b64decode(output.data["image/png"]))


def claims(cells):
    """What cells claim: a list of the dictionaries that `autoenc.report.claim` leaves."""
    return [output.metadata["claim"] for cell in cells for output in cell.get("outputs", [])
            if "claim" in output.get("metadata", {})]


def headlines():
    """README's table of results, as Markdown: the claims of the committed notebooks' cells with the tag headline."""
    rows = ["| part | claim | must be | measured |", "|---|---|---|---|"]
    for path in chosen([""]):
        cells = [cell for cell in nbformat.read(path, 4).cells if "headline" in cell.metadata.get("tags", [])]
        part = f"| [{path.name[:2]}]({path.as_posix()}) "
        rows += [part + "| {claim} | {required} | {measured:.4g} |".format(**claim) for claim in claims(cells)]
    return "\n".join(rows)


@one_line("Interrupted; no file is damaged, and the same command starts anew")
def main(arguments=None):
    """Run the command: None, or what failed; SystemExit with one line if a file cannot be written."""
    parser = argparse.ArgumentParser("python -m autoenc", description=__doc__.partition("\n")[2])
    parser.add_argument("notebook", nargs="*", default=[""], help="how notebooks' names begin, like 01; all without")
    parser.add_argument("--update", action="store_true", help="replace the committed notebooks, figures and results")
    parser.add_argument("--rerun", action="store_true", help="compute the recorded studies anew (can take an hour)")
    options = parser.parse_args(arguments)
    paths = chosen(options.notebook)
    folders = [BUILD / NOTEBOOKS, BUILD / FIGURES, BUILD / "slides"]
    folders += [NOTEBOOKS, FIGURES] if options.update else []
    folders += [NOTEBOOKS / "recorded"] if options.rerun else []
    prepare(*folders)
    os.environ[RERUN] = "yes" if options.rerun else ""
    executed, failures = zip(*map(run, paths))
    print("holds   measured  required          claim")
    for claim in claims(cell for notebook in executed for cell in notebook.cells):
        print("{holds!s:5}  {measured:9.4g}  {required:16}  {claim}".format(**claim))
    print(f"Executed notebooks, figures and slides are in {BUILD}/")
    if options.update and not any(failures):
        for path, notebook in zip(paths, executed):
            write(Path(), path, notebook)
        text = README.read_text("utf-8")
        replace(README, re.sub(TABLE, lambda found: f"{found[1]}\n{headlines()}\n{found[2]}", text).encode())
    return "\n".join(filter(None, failures)) or None


if __name__ == "__main__":
    sys.exit(main())
