"""The committed notebooks on other processors and other versions: strict nbval for each cell of a matrix.

    python -m tests.matrix                                      this environment; four core types, one and two BLAS threads
    python -m tests.matrix --short                              two core types and the first notebook, for CI; writes no file
    python -m tests.matrix --python python3.10 --oldest         an environment of its own in build/, the oldest versions that
                                                                requirements.txt allows; without --oldest the newest
    ... [--cores Haswell,Zen] [--threads 1,2] [01 02]           parts of it

A row of tests/MATRIX.md is written as soon as it is known; rows of other environments stay.  OPENBLAS_CORETYPE chooses
which of OpenBLAS' kernels run, as if on that processor; a row says which ones really did.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "tests" / "MATRIX.md"
CORES = "Haswell,Zen,SkylakeX,Nehalem"
LOOK = """
import platform, matplotlib, numpy, threadpoolctl
blas = [library.get("architecture") for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]
print(platform.python_version(), numpy.__version__, matplotlib.__version__, platform.system(), blas[0], sep=" | ")
"""
HEAD = """# Where the notebooks came out the same

Strict nbval of the committed notebooks, by `python -m tests.matrix`; cores are OpenBLAS' kernels for that processor.

| Python | NumPy | matplotlib | system | core | BLAS threads | notebooks |
|---|---|---|---|---|---|---|
"""


def environment(python, oldest):
    """The Python of an environment in build/, made with this one, with the oldest or the newest packages."""
    name = f"{Path(python).name}-{'oldest' if oldest else 'newest'}"
    folder = ROOT / "build" / "matrix" / name
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "complete").exists():
        wanted = (ROOT / "requirements.txt").read_text().replace("-e .\n", "")
        if oldest:
            wanted = re.sub(r"^(numpy|matplotlib)>=(.*)$", r"\1==\2.*", wanted, flags=re.M)
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        (folder / "requirements.txt").write_text(wanted)
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "-r", folder / "requirements.txt"], check=True)
        (folder / "complete").touch()
    return str(inside)


def cell(python, notebooks, core, threads):
    """Run one cell of the matrix: (its row, whether all notebooks came out the same)."""
    settings = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    versions = subprocess.run([python, "-c", LOOK], env=settings, capture_output=True, text=True, check=True).stdout.strip()
    verdicts = []
    for path in notebooks:
        start = time.monotonic()
        done = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)], cwd=ROOT, env=settings,
                              capture_output=True, text=True)
        verdicts.append(f"{path.name[:2]} {'same' if done.returncode == 0 else 'DIFFERS'}")
        print(f"{versions} | {threads} | {verdicts[-1]} | {time.monotonic() - start:.0f} s", flush=True)
        if done.returncode:
            print(done.stdout[-4000:], done.stderr[-2000:], flush=True)
    return f"| {versions} | {threads} | {', '.join(verdicts)} |", not any("DIFFERS" in verdict for verdict in verdicts)


def written(row):
    """Put a row into the table, in place of an older one of the same cell."""
    rows = [line for line in TABLE.read_text().splitlines() if re.match(r"\| \d", line)] if TABLE.exists() else []
    key = row.split(" | ")[:-1]
    rows = [line for line in rows if line.split(" | ")[:-1] != key] + [row]
    TABLE.write_text(HEAD + "".join(f"{line}\n" for line in sorted(rows)))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", default=[""])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--python")
    parser.add_argument("--oldest", action="store_true")
    parser.add_argument("--cores", default=CORES)
    parser.add_argument("--threads", default="1,2")
    options = parser.parse_args(arguments)
    notebooks = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name.startswith(tuple(options.notebook))]
    if options.short:
        notebooks, options.cores, options.threads = notebooks[:1], "Haswell,Nehalem", "1"
    if not notebooks:
        sys.exit(f"No notebook begins with any of {options.notebook}")
    python = environment(options.python, options.oldest) if options.python else sys.executable
    same = True
    for threads in options.threads.split(","):
        for core in options.cores.split(","):
            row, well = cell(python, notebooks, core, threads)
            same &= well
            if not options.short:
                written(row)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
