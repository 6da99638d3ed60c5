"""The committed notebooks on other processors and other versions: strict nbval for each cell of a matrix.

    python -m tests.tools.matrix                              this environment; every kernel that runs here, one and two BLAS threads
    python -m tests.tools.matrix --short                      two kernels on one thread, for CI; writes no file
    python -m tests.tools.matrix --python 3.10 --oldest       an environment of its own in build/, with the oldest NumPy and matplotlib
                                                        that requirements.txt allows; without --oldest the newest
    ... [--cores Haswell,Prescott] [--threads 1,2] [--jobs 2] [01 02]       parts of it, two cells at a time

OPENBLAS_CORETYPE chooses which of OpenBLAS' kernels run, as if on that processor; on those from before AVX, NumPy's own
vector code is switched off too.  A row of tests/tools/MATRIX.md says what really ran.  Its second table is the margin of every
claim: what was measured, over all rows.  Results are kept in build/ for as long as the code that they describe stays the
same (see `stale`).
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import stale

ROOT = Path(__file__).parents[2]
TABLE, RESULTS = Path(__file__).with_name("MATRIX.md"), ROOT / "build" / "matrix" / "results.json"
CORES, SHORT = "SkylakeX,Haswell,Sandybridge,Nehalem,Prescott", "Haswell,Nehalem"
BEFORE_AVX = {"Nehalem", "Prescott"}
CLAIMS = "AUTOENC_MATRIX_CLAIMS"        # by this environment variable the tests are asked to write claims down, and where
COLUMNS = "Python", "NumPy", "matplotlib", "system", "kernel", "NumPy's vectors", "BLAS threads"
LOOK = """
import json, os, platform, matplotlib, numpy, threadpoolctl
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
for n in range(280, 320):           # an instruction that this processor lacks ends it here, or a kernel's own mistake
    if not (numpy.ones((n, n), "f4") @ numpy.ones((n, n), "f4") == n).all():
        os.abort()
blas = [library.get("architecture") or library["internal_api"] for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"] or ["unknown"]
print(json.dumps([platform.python_version(), numpy.__version__, matplotlib.__version__, platform.system(), blas[0],
                  [name for name in __cpu_dispatch__ if __cpu_features__[name]]]))
"""


# Within the tests of a notebook this file is a plugin of pytest

def pytest_runtest_teardown(item):
    """Write down what the claims of a notebook's cell measured."""
    if CLAIMS in os.environ:
        with open(os.environ[CLAIMS], "a") as file:
            for output in getattr(item, "test_outputs", None) or []:
                if "claim" in output.get("metadata", {}):
                    print(json.dumps(output["metadata"]["claim"]), file=file)


# The environments

def interpreter(name):
    """The path of a Python, from a path or a version like 3.10, on the search path or pyenv's."""
    found = [name, shutil.which(name), shutil.which(f"python{name}"),
             *sorted(map(str, Path.home().glob(f".pyenv/versions/{name}.*/bin/python")))]
    for path in filter(None, found):
        if Path(path).is_file() and not subprocess.run([path, "--version"], capture_output=True).returncode:
            return path
    sys.exit(f"There is no Python {name!r} here")


def environment(python, oldest):
    """The Python of an environment in build/, made with this one, with the oldest or the newest packages."""
    version = subprocess.run([python, "-c", "import sys; print('{}.{}'.format(*sys.version_info))"],
                             capture_output=True, text=True, check=True).stdout.strip()
    folder = RESULTS.parent / f"{version}-{'oldest' if oldest else 'newest'}"
    inside, complete = folder / ("Scripts" if os.name == "nt" else "bin") / "python", folder / "complete"
    wanted = (ROOT / "requirements.txt").read_text().replace("-e .\n", "")
    if oldest:
        wanted = re.sub(r"^(numpy|matplotlib)>=(.*)$", r"\1==\2.*", wanted, flags=re.M)
    if not complete.exists() or complete.read_text() != wanted:
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        (folder / "requirements.txt").write_text(wanted)
        subprocess.run([inside, "-m", "pip", "install", "--quiet", "-r", folder / "requirements.txt"], check=True)
        complete.write_text(wanted)
    return str(inside)


def machine(python, core, threads):
    """The environment variables for a kernel, and what they really give: the values of COLUMNS, or None if it is broken.

    Some crash, or never end, in one process of two only: they are tried more than once.
    """
    settings = {**os.environ, "OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    for _ in range(6):
        try:
            looked = subprocess.run([python, "-c", LOOK], env=settings, capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired:
            return settings, None
        if looked.returncode < 0:
            return settings, None
        if looked.returncode:
            sys.exit(f"{python} cannot be used:\n{looked.stderr}")
        *found, vectors = json.loads(looked.stdout)
        if core in BEFORE_AVX:
            settings.setdefault("NPY_DISABLE_CPU_FEATURES", " ".join(vectors))
    return settings, (*found, vectors[-1] if vectors else "baseline", str(threads))


# The cells

def digest(path):
    """A digest of a notebook as it is committed, and of the code of the networks."""
    return f"{hashlib.sha256(path.read_bytes()).hexdigest()[:16]} {stale.digest(*(ROOT / module for module in stale.NETWORKS))}"


def tried(python, path, settings, what):
    """Strict nbval of a notebook: a dictionary of its digest, the cells that differ, and the claims."""
    start, log = time.monotonic(), RESULTS.parent / f"claims-{'-'.join(what[:2] + what[4:])}-{path.stem}.jsonl".replace(" ", "")
    log.unlink(missing_ok=True)
    done = subprocess.run([python, "-m", "pytest", "-q", "-vv", "-p", "no:cacheprovider", "-p", "tests.tools.matrix", str(path)], cwd=ROOT,
                          env={**settings, CLAIMS: str(log)}, capture_output=True, text=True)
    differ = sorted(map(int, re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.M))) or ([-1] if done.returncode else [])
    verdict = f"DIFFERS in cells {differ}" if differ else "same"
    print(" | ".join([*what, f"{path.name[:2]} {verdict}", f"{time.monotonic() - start:.0f} s"]), flush=True)
    if differ:
        plain = re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)
        plain = re.sub(r"^.*\b\d+ (passed|failed)\b.*$", "", plain[plain.find("= FAILURES"):], flags=re.M)   # nobody's summary but CI's
        print(*[line for line in plain.splitlines() if line.strip()][:200], sep="\n", flush=True)
    claims = [json.loads(line) for line in log.read_text().splitlines()]
    return dict(digest=digest(path), differ=differ, claims=claims)


# The report

def written(results):
    """tests/tools/MATRIX.md, from all results of the notebooks as they are now."""
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    now = {path.name: digest(path) for path in notebooks}
    rows, bounds = [], {}
    for row, found in sorted(results.items()):
        found = {name: result for name, result in found.items() if now.get(name) == result["digest"]}
        cells = [("same" if not found[name]["differ"] else "DIFFERS") if name in found else "" for name in now]
        if any(cells):
            rows.append(row.split("|") + cells)
        for name, result in found.items():
            for claim in result["claims"]:
                bounds.setdefault((name, claim["claim"], claim["required"]), []).append(claim["measured"])
    lines = ["# Where the notebooks came out the same", "",
             "Strict nbval of the committed notebooks, by `python -m tests.tools.matrix`. A kernel is OpenBLAS', for processors of that",
             "name; NumPy's vectors are the processor's instructions that NumPy itself then used. A kernel is left out where its bare",
             "products crash, never end or come out wrong.", "",
             stale.stamp("tests/tools/MATRIX.md"), "",
             "| " + " | ".join([*COLUMNS, *(name[:2] for name in now)]) + " |", "|---" * (len(COLUMNS) + len(now)) + "|",
             *("| " + " | ".join(row) + " |" for row in rows), "", "## What every claim measured there", "",
             "| notebook | claim | required | smallest | largest |", "|---|---|---|---|---|"]
    for (name, text, required), values in sorted(bounds.items(), key=lambda bound: bound[0][0]):
        ends = ["yes", "yes"] if required == "true" and all(values) else [f"{end:.4g}" for end in (min(values), max(values))]
        lines.append("| " + " | ".join([name[:2], text.replace("|", r"\|"), required, *ends]) + " |")
    TABLE.write_text("\n".join(lines) + "\n")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m tests.tools.matrix", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", default=[""])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--python")
    parser.add_argument("--oldest", action="store_true")
    parser.add_argument("--cores")
    parser.add_argument("--threads")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args(arguments)
    notebooks = [path for path in sorted((ROOT / "notebooks").glob("*.ipynb")) if path.name.startswith(tuple(options.notebook))]
    if not notebooks:
        sys.exit(f"No notebook begins with any of {options.notebook}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    python = environment(interpreter(options.python), options.oldest) if options.python else sys.executable
    cores, threads = (options.cores or (SHORT if options.short else CORES)), options.threads or ("1" if options.short else "1,2")
    if options.short and os.environ.get("OPENBLAS_CORETYPE"):
        cores = options.cores = os.environ["OPENBLAS_CORETYPE"]     # a machine that has to choose one knows why
        print(f"OPENBLAS_CORETYPE is set here, and CI leaves it: {cores} alone", flush=True)
    cells = {}
    for number in threads.split(","):
        for core in cores.split(","):
            settings, what = machine(python, core, number)
            if what is None:
                print(f"{core}: its bare products crash, never end or are wrong here; not run", flush=True)
            elif what in cells:
                print(f"{core}: runs as {what[4]} here; not run twice", flush=True)
            else:
                cells[what] = settings
    if len({what[4] for what in cells}) < 2 and not options.cores:
        sys.exit("Less than two kernels run here: that is no matrix")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    # the longest notebooks first, so that no worker is left with one at the end
    work = [(what, path) for path in reversed(notebooks) for what in cells]
    with ThreadPoolExecutor(options.jobs) as workers:
        outcomes = workers.map(lambda cell: tried(python, cell[1], cells[cell[0]], cell[0]), work)
        same = True
        for (what, path), outcome in zip(work, outcomes, strict=True):
            same &= not outcome["differ"]
            results.setdefault("|".join(what), {})[path.name] = outcome
            if not options.short:
                RESULTS.write_text(json.dumps(results))
                written(results)
    print("The notebooks came out the same everywhere" if same else "Some cells DIFFER", flush=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
