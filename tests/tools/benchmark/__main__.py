"""python -m tests.tools.benchmark: how fast autoenc trains, beside the frameworks that a reader might install.

Peers may live in environments of their own: name their interpreters with --peer.  Every contender is a process
that stays; in every round each of them runs once, in turn, so that a machine that slows down slows all of them.
The tables show how much longer than autoenc a peer takes: the median over the rounds, and its range.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from numpy._core._multiarray_umath import __cpu_features__
from threadpoolctl import threadpool_info

from .. import stale
from .budget import budget
from .contenders import CONTENDERS, CORES, IMAGES, LIBRARIES, TIMES, library, processes, scale

ROOT, RESULTS = Path.cwd(), Path(__file__).with_name("results.json")

# row: (title, unit, a run's seconds times this are that unit, threads)
ROWS = {
    "network": ("One network 35-10-2-10-35", "µs an epoch", lambda options: 1e6 / options.get("epochs", 1000), 1),
    "networks": ("64 of them at once", "µs an epoch and network", lambda options: 1e6 / 64 / options["epochs"], 1),
    "study": ("The learning-rate study of notebook 01, full batch, from nothing to the end", "s", lambda options: 1, CORES),
    "training": ("Training Keras' VAE, batch 128", "ms an image", lambda options: 1e3 / IMAGES, CORES),
    "point": ("Decoding one latent point", "ms", lambda options: 1e3 / TIMES[1], CORES),
    "plane": ("Decoding a plane of 30×30", "ms", lambda options: 1e3 / TIMES[900], CORES),
    "slider": ("A move of a slider, until the new picture is there", "ms", lambda options: 1e3 / 210, 1),
    "import": ("Import", "s", lambda options: 1, 1),
}

# How cost grows.  option: (row, its contenders, values of the option)
GROWTH = {
    "members": ("network", ("autoenc", "JAX, whole loop compiled"), [1, 4, 16, 64, 256, 1024]),
    "hidden": ("network", ("autoenc", "JAX, whole loop compiled"), [8, 16, 32, 64, 128, 256, 512]),
    "batch": ("training", ("autoenc", "PyTorch, channels last"), [16, 32, 64, 128, 256, 512, 1024]),
    "workers": ("training", ("autoenc",), list(range(1, CORES + 1))),
}


def environment(threads):
    """The environment variables of a process that shall use so many threads."""
    one = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    limits = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {**os.environ, "PYTHONPATH": str(ROOT), "XLA_FLAGS": one if threads == 1 else "",
            **dict.fromkeys(limits, str(threads))}


def ask(interpreter):
    """What an interpreter has installed: (Python's version, NumPy's, {library: (version, MB)})."""
    answer = subprocess.run([interpreter, "-m", "tests.tools.benchmark.contenders"], stdout=subprocess.PIPE, text=True,
                            check=True, env=environment(1))
    return json.loads(answer.stdout)


class Contender:
    """A process that runs one contender of one row when asked."""

    def __init__(self, interpreter, row, name, options):
        self.errors = tempfile.TemporaryFile("w+")         # noqa: SIM115    for as long as the process
        self.process = subprocess.Popen([interpreter, "-m", "tests.tools.benchmark.contenders", row, name, json.dumps(options)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        env=environment(ROWS[row][3]))
        self.name = name

    def run(self):
        """Seconds of one run.  RuntimeError, with the last line that it wrote, if the contender failed."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            self.errors.seek(0)
            raise RuntimeError(f"{self.name} failed: {self.errors.read().strip().splitlines()[-1:]}")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def study_seconds(interpreter, name):
    """Seconds from nothing to the end of the learning-rate study; where only a share is trained, that is scaled up."""
    start = time.perf_counter()
    contenders = [Contender(interpreter, "study", name, {}) for _ in range(processes(name))]
    with ThreadPoolExecutor() as pool:
        training = max(pool.map(Contender.run, contenders))
    for contender in contenders:
        contender.close()
    return time.perf_counter() - start + training * (scale(*CONTENDERS["study"][name]) / len(contenders) - 1)


def measure(row, interpreters, rounds, names=None, **options):
    """One row: {contender: what it took in each round, in the row's unit}; those that fail are named and left out."""
    running = {}
    for name in names or CONTENDERS[row]:
        if library(name) in interpreters:
            interpreter, settings = interpreters[library(name)], CONTENDERS[row][name][1] | options
            contender = Contender(interpreter, row, name, options)
            try:
                contender.run()         # the first run warms up
                running[name] = contender, ROWS[row][2](settings)
            except RuntimeError as error:
                print(error, file=sys.stderr)
    values = {name: [] for name in running}
    for _ in range(rounds):
        for name, (contender, factor) in running.items():
            values[name].append(contender.run() * factor)
    for contender, _ in running.values():
        contender.close()
    return values


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.tools.benchmark", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join([*ROWS, *GROWTH, 'size', 'budget'])}; all without")
    parser.add_argument("--peer", action="append", default=[], metavar="PYTHON", help="the interpreter of another environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="write results.json, RESULTS.md and the pictures in figures/")
    chosen = parser.parse_args()
    unknown = set(chosen.rows) - {*ROWS, *GROWTH, "size", "budget"}
    if unknown:
        parser.error(f"no row {min(unknown)!r}")
    from .draw import TABLE, draw, table
    interpreters, versions, sizes = {}, {}, {}
    for interpreter in [sys.executable, *chosen.peer]:
        python, numpy, found = ask(interpreter)
        for name, (version, size) in found.items():
            if name not in interpreters:
                interpreters[name], sizes[name] = interpreter, [size]
                versions[name] = f"{version} (Python {python}, NumPy {numpy})"
    versions.pop("autoenc"), versions.update(autoenc=f"Python {platform.python_version()}")
    vectors = next((name for name in ("AVX512F", "AVX2", "ASIMD") if __cpu_features__.get(name)), "none")
    kernels = {library["architecture"] for library in threadpool_info() if library["internal_api"] == "openblas"}
    machine = f"{platform.machine()}, {CORES} cores, widest vectors {vectors}, OpenBLAS' kernels for {' and '.join(sorted(kernels))}"
    machine += f"; one thread for small networks, {CORES} for the study and the VAE; load average before the measurement {os.getloadavg()[1]:.1f}"
    print(f"{machine}; {chosen.rounds} rounds")
    print("\n".join(f"* {name} {version}" for name, version in versions.items()))
    print("Not installed:", ", ".join(name for name in LIBRARIES if name not in interpreters) or "none")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}, "growth": {}}
    results["machine"], results["versions"], measured = machine, versions, stale.stamp(TABLE)

    for row in [row for row in [*ROWS, "size"] if row in (chosen.rows or [*ROWS, "size"])]:
        title, unit = ROWS[row][:2] if row in ROWS else ("Installed, with all it needs", "MB")
        if row == "study":      # from nothing, every time, and long: three rounds are enough
            values = {name: [] for name in CONTENDERS[row] if library(name) in interpreters}
            for _ in range(min(chosen.rounds, 3)):
                for name, seconds in values.items():
                    seconds.append(study_seconds(interpreters[library(name)], name))
        else:
            values = measure(row, interpreters, chosen.rounds) if row in ROWS else sizes
        results["rows"][row] = dict(title=title, unit=unit, values=values, measured=measured)
        print("\n" + table(results["rows"][row]), flush=True)
    for option in [option for option in GROWTH if option in (chosen.rows or GROWTH)]:
        row, names, numbers = GROWTH[option]
        curves = {name: [] for name in names if library(name) in interpreters}
        for number in numbers:
            more = dict(epochs=max(20, 1000 // number)) if option == "members" else {}
            for name, values in measure(row, interpreters, chosen.rounds, curves, **{option: number}, **more).items():
                curves[name].append(min(values))
        results["growth"][option] = dict(unit=ROWS[row][1], values=numbers, curves=curves, measured=measured)
        print(f"\n{option}, {ROWS[row][1]}: {numbers}\n" + "\n".join(
            f"* {name}: {', '.join(f'{value:.3g}' for value in curve)}" for name, curve in curves.items()), flush=True)
    if "budget" in (chosen.rows or ["budget"]):
        results["budget"], results["budget_measured"] = budget(), measured
        print("\n" + results["budget"])
    if chosen.write:
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        draw(results, ROOT / "figures")


if __name__ == "__main__":
    main()
