"""python -m autoenc: run the report.

Executes the notebooks in order, each in a fresh kernel, and gathers into build/ what they made: the
executed notebooks, their figures and the HTML slides.  The committed files stay as they are, unless one
asks for --update.
"""

import argparse
import os
import re
import shutil
import sys
import time
from base64 import b64decode
from pathlib import Path

from .files import sweep, whole, writable
from .report import RERUN

ROOT = Path.cwd()
NOTEBOOKS, FIGURES, BUILD = ROOT / "notebooks", ROOT / "figures", ROOT / "build"


def chosen(names):
    """The notebooks whose file names begin with `names`, all of them without any; SystemExit if there is none."""
    files = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    if not files:
        sys.exit(f"No notebooks in {NOTEBOOKS}: run this in the folder that holds README.md.")
    unknown = [name for name in names if not any(file.name.startswith(name) for file in files)]
    if unknown:
        sys.exit(f"No notebook begins with {unknown[0]!r}; there are: {', '.join(file.name for file in files)}")
    return [file for file in files if not names or any(file.name.startswith(name) for name in names)]


def execute(path):
    """A notebook, run from the top in a fresh kernel, and the number of the cell that failed, or None."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from tqdm import tqdm

    notebook, failed, begun = nbformat.read(path, as_version=4), None, []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with open(BUILD / "kernel.log", "a") as log, tqdm(total=len(code), desc=path.name, unit="cell", leave=False) as bar:
        client = NotebookClient(notebook, timeout=None, kernel_name="python3", store_widget_state=False,
                                resources={"metadata": {"path": str(path.parent)}},
                                on_cell_execute=lambda cell, **_: begun.append(cell),
                                on_cell_executed=lambda **_: bar.update())
        try:
            client.execute(stderr=log)
        except (CellExecutionError, DeadKernelError) as error:
            failed = 1 + next(k for k, cell in enumerate(code) if cell is begun[-1])
            why = "the kernel died" if isinstance(error, DeadKernelError) else f"{error.ename}: {error.evalue}"
            bar.write(f"{path.name}, code cell {failed}: {why}", sys.stderr)
    notebook.metadata.pop("widgets", None)
    for cell in code:
        cell.metadata.pop("execution", None)     # times of day, which would change with every run
    notebook.metadata.language_info = {"name": "python"}
    return notebook, failed


def figures(notebook):
    """The figures of a notebook: {file name: PNG bytes}, for every cell with a tag figure:NAME."""
    found = {}
    for cell in notebook.cells:
        names = [tag.removeprefix("figure:") for tag in cell.metadata.get("tags", []) if tag.startswith("figure:")]
        images = [output.data["image/png"] for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
        found.update((f"{name}.png", b64decode(image)) for name, image in zip(names, images))
    return found


def claims(notebook):
    """What the notebook claims: a list of the dictionaries that `autoenc.report.claim` leaves."""
    return [output.metadata["claim"] for cell in notebook.cells for output in cell.get("outputs", [])
            if "claim" in output.get("metadata", {})]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(data)


def run(path):
    """Run one notebook and write what it made into build/; return (name, claims, seconds, failed cell)."""
    import nbformat

    from .slides import OfflineSlides

    start = time.monotonic()
    notebook, failed = execute(path)
    seconds = time.monotonic() - start
    write(BUILD / "notebooks" / path.name, (nbformat.writes(notebook) + "\n").encode())
    if failed is None:
        for name, data in figures(notebook).items():
            write(BUILD / "figures" / name, data)
        html, _ = OfflineSlides().from_notebook_node(notebook, {"metadata": {"name": path.stem, "path": path.parent}})
        write(BUILD / "slides" / f"{path.stem}.slides.html", html.encode())
    return path.name, claims(notebook), seconds, failed


def summary(results):
    """The table of all claims, and how long each notebook took."""
    rows = [("claim", "required", "measured", "holds")] + [
        (claim["claim"], claim["required"], f"{claim['measured']:.4g}" if claim["required"] != "true" else "",
         "yes" if claim["holds"] else "NO") for _, found, _, _ in results for claim in found]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())
    for name, _, seconds, failed in results:
        print(f"{name}: {seconds:.0f} s" + (f", FAILED in code cell {failed}" if failed else ""))


def main(arguments=None):
    """Run the command; SystemExit with one line if a file cannot be written."""
    try:
        return report(arguments)
    except OSError as error:
        sys.exit(f"Cannot write to {error.filename}: {error.strerror}")


def report(arguments):
    parser = argparse.ArgumentParser(prog="python -m autoenc", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", help="how the names of the notebooks to run begin, like 01; all without")
    parser.add_argument("--update", action="store_true", help="replace the committed notebooks and figures by the new ones")
    parser.add_argument("--rerun", nargs="?", const="all", metavar="STUDY,STUDY",
                        help="compute the recorded studies anew, or those named (all of them can take an hour)")
    options = parser.parse_args(arguments)
    paths = chosen(options.notebook)
    studies = set(re.findall(r"recorded\(\W+(\w+)", "".join(path.read_text("utf-8") for path in paths)))
    unknown = set(options.rerun.split(",")) - studies - {"all"} if options.rerun else ()
    if unknown:
        sys.exit(f"No notebook to run has a study {min(unknown)!r}; there are: {', '.join(sorted(studies))}")
    if (BUILD / "figures").exists():
        shutil.rmtree(BUILD / "figures")
    for folder in "notebooks", "figures", "slides":
        writable(BUILD / folder, *[ROOT / folder] if options.update and folder != "slides" else [])
        sweep(BUILD / folder, ROOT / folder)
    (BUILD / "kernel.log").write_text("")
    if options.rerun:
        os.environ[RERUN] = options.rerun
        (NOTEBOOKS / "recorded").mkdir(exist_ok=True)
    import matplotlib.font_manager      # builds matplotlib's font cache here, not loudly inside a notebook  # noqa: F401
    results = [run(path) for path in paths]
    summary(results)
    if any(failed for *_, failed in results):
        return 1
    print(f"Executed notebooks, figures and slides are in {BUILD.relative_to(ROOT)}/")
    if options.update:
        for path in paths:
            write(path, (BUILD / "notebooks" / path.name).read_bytes())
        made = {path.name: path.read_bytes() for path in (BUILD / "figures").glob("*.png")}
        for name, data in made.items():
            write(FIGURES / name, data)
        shown = (ROOT / "README.md").read_text("utf-8")
        for path in FIGURES.glob("*.png"):
            if path.name not in made and path.name not in shown and not options.notebook:
                path.unlink()       # no notebook makes it any more
    return 0


if __name__ == "__main__":
    sys.exit(main())
