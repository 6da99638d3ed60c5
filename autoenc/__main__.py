"""python -m autoenc: run the report.

Executes the notebooks in order, each in a fresh kernel, and gathers into build/ what they made: the
executed notebooks, their figures and the HTML slides.  The committed files stay as they are, unless one
asks for --update: then notebooks and figures are replaced, and the table of results in README.md.
"""

import argparse
import os
import re
import sys
import time
from base64 import b64decode
from pathlib import Path

import matplotlib.font_manager  # noqa: F401    builds its font cache here, not loudly inside a notebook
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tqdm import tqdm

from .files import one_line, replace, sweep, writable
from .report import RERUN
from .slides import OfflineSlides

NOTEBOOKS, FIGURES, BUILD, README = Path("notebooks"), Path("figures"), Path("build"), Path("README.md")

TABLE = r"(?s)(<!-- headlines -->).*(<!-- end of headlines -->)"


def chosen(names):
    """The notebooks whose file names begin with `names`, all of them without any; SystemExit if there is none."""
    files = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    if not files:
        sys.exit("There are no notebooks here; run this in the folder that holds README.md")
    for name in names:
        if not any(file.name.startswith(name) for file in files):
            sys.exit(f"No notebook begins with {name!r}; there are: {', '.join(file.name for file in files)}")
    return [file for file in files if file.name.startswith(tuple(names))]


def execute(path):
    """A notebook, run from the top in a fresh kernel, and "code cell N: why" if one failed, the last that was run."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = {"name": "python"}        # JupyterLab writes down its version too
    code = [place for place, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", record_timing=False,
                            resources={"metadata": {"path": str(path.parent)}})
    with open(BUILD / f"{path.stem}.log", "w") as log, client.setup_kernel(stderr=log):
        for number, place in enumerate(tqdm(code, path.name, unit="cell", leave=False), 1):
            try:
                client.execute_cell(notebook.cells[place], place)
            except CellExecutionError as error:
                return notebook, f"code cell {number}: {error.ename}: {error.evalue}"
            except DeadKernelError:
                return notebook, f"code cell {number}: the kernel died"
    return notebook, None


def figures(notebook):
    """The figures of a notebook: {file name: PNG bytes}, for every cell with a tag figure:NAME."""
    return {f"{tag.removeprefix('figure:')}.png": b64decode(output.data["image/png"])
            for cell in notebook.cells for tag in cell.metadata.get("tags", []) if tag.startswith("figure:")
            for output in cell.get("outputs", []) if "image/png" in output.get("data", {})}


def claims(notebook):
    """What the notebook claims: a list of the dictionaries that `autoenc.report.claim` leaves."""
    return [output.metadata["claim"] for cell in notebook.cells for output in cell.get("outputs", [])
            if "claim" in output.get("metadata", {})]


def headlines():
    """README's table of results, as Markdown: the claims of the committed notebooks' cells with the tag headline."""
    rows = ["| part | claim | must be | measured |", "|---|---|---|---|"]
    for path in chosen([""]):
        notebook = nbformat.read(path, as_version=4)
        notebook.cells = [cell for cell in notebook.cells if "headline" in cell.metadata.get("tags", [])]
        rows += [f"| [{path.name[:2]}]({path.as_posix()}) | {claim['claim']} | {claim['required']} "
                 f"| {claim['measured']:.4g} |" for claim in claims(notebook)]
    return "\n".join(rows)


def run(path):
    """Run one notebook: (its claims, {path: bytes} of itself and its figures, a line that says if it failed)."""
    start = time.monotonic()
    notebook, failure = execute(path)
    print(f"{path.name}: {time.monotonic() - start:.0f} s" + (f", FAILED in {failure}" if failure else ""))
    made = {path: (nbformat.writes(notebook) + "\n").encode()}
    if not failure:
        made |= {FIGURES / name: data for name, data in figures(notebook).items()}
        html, _ = OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})
        replace(BUILD / "slides" / f"{path.stem}.slides.html", html.encode())
    for place, data in made.items():
        replace(BUILD / place, data)
    return claims(notebook), made, failure and f"{path.name}: FAILED in {failure}"


def table(claims):
    """Print what was claimed, what that requires, what was measured, and whether it holds."""
    width = max((len(claim["claim"]) for claim in claims), default=5)
    print(f"{'claim':{width}}  {'required':16}  {'measured':>9}  holds")
    for claim in claims:
        measured = "" if claim["required"] == "true" else f"{claim['measured']:.4g}"
        print(f"{claim['claim']:{width}}  {claim['required']:16}  {measured:>9}  {'yes' if claim['holds'] else 'NO'}")


def main(arguments=None):
    """Run the command: None, or what failed; SystemExit with one line if a file cannot be written."""
    with one_line("Interrupted; no file is damaged, and the same command starts anew"):
        return report(arguments)


def report(arguments):
    parser = argparse.ArgumentParser("python -m autoenc", description=__doc__.partition("\n")[2])
    parser.add_argument("notebook", nargs="*", default=[""], help="how notebooks' names begin, like 01; all without")
    parser.add_argument("--update", action="store_true", help="replace the committed notebooks, figures and results")
    parser.add_argument("--rerun", nargs="?", const="all", default="", metavar="STUDY,STUDY",
                        help="compute the recorded studies anew, or those named (all of them can take an hour)")
    options = parser.parse_args(arguments)
    paths = chosen(options.notebook)
    studies = {"", "all", *re.findall(r"recorded\(\W+(\w+)", "".join(path.read_text("utf-8") for path in paths))}
    for name in options.rerun.split(","):
        if name not in studies:
            sys.exit(f"No notebook to run has a study {name!r}; there are: {', '.join(sorted(studies - {''}))}")
    folders = [BUILD / NOTEBOOKS, BUILD / FIGURES, BUILD / "slides"]
    folders += [NOTEBOOKS, FIGURES] if options.update else []
    folders += [NOTEBOOKS / "recorded"] if options.rerun else []
    writable(*folders)
    sweep(*folders)
    os.environ[RERUN] = options.rerun
    results = [run(path) for path in paths]
    table([claim for claims, _, _ in results for claim in claims])
    print(f"Executed notebooks, figures and slides are in {BUILD}/")
    failures = [failure for _, _, failure in results if failure]
    if options.update and not failures:
        for _, made, _ in results:
            for place, data in made.items():
                replace(place, data)
        text = README.read_text("utf-8")
        replace(README, re.sub(TABLE, lambda found: f"{found[1]}\n{headlines()}\n{found[2]}", text).encode())
    return "\n".join(failures) or None


if __name__ == "__main__":
    sys.exit(main())
