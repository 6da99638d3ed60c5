"""What is lost if the power goes out?  Nothing: both long commands are killed at random moments, again and again.

    python -m tests.tools.faults [kills]          fifty kills of each command, about a quarter of an hour; writes tests/tools/FAULTS.md

The report here is a notebook of two cells with a figure, which comes in two versions; the training is six epochs on three
hundred pictures.  After each kill every committed file must be, byte for byte, that of an undisturbed run: the one before or
the one that was killed; whatever has a proper name in build/ must be whole.  The next run must succeed and sweep up.  Full
disks (small ones in memory, where one may mount them; else a limit on the size of files) and folders that cannot be
written must each give one line, and leave everything as it was.
"""

import json
import math
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np

from .stale import stamp

ROOT = Path(__file__).parents[2]
FILES = "notebooks/01_short.ipynb", "figures/short.png"
REPORT = [sys.executable, "-m", "autoenc", "--update"]
TRAINING = [sys.executable, "-c", """
import sys
from autoenc.fashion import fashion_mnist
from autoenc.pretrain import train_pretrained
(pictures, _), _ = fashion_mnist(sample=True)
train_pretrained(pictures[:300], pictures[300:400], sys.argv[1], epochs=6)
"""]
# The command itself, on pictures of noise: in a copy of the package, into whose data/ it writes.
PRETRAIN = [sys.executable, "-c", """
import runpy
import numpy as np
from autoenc import fashion
pictures = np.random.default_rng(0).random((400, 28, 28, 1), np.float32)
fashion.fashion_mnist = lambda *_: ((pictures[:300], None), (pictures[300:], None))
runpy.run_module("autoenc.pretrain", run_name="__main__")
"""]


WEIGHTS = BytesIO()             # older ones, which are small
np.savez(WEIGHTS, parameters=np.ones(3))
WEIGHTS = WEIGHTS.getvalue()


def environment(root=ROOT):
    return {**os.environ, "PYTHONPATH": str(root)}


def report(folder, version):
    """A report of one notebook in `folder`, whose sources, and so its outputs, are those of a version."""
    cells = [["%matplotlib inline\n", "import matplotlib.pyplot as plt\n", "from autoenc import claim\n",
              f"claim('version {version} is above zero', {version}, at_least=1)"],
             ["plt.plot([1, 2]);\n", f"plt.title('version {version}');"]]
    cells = [dict(cell_type="code", id=f"c{place}", execution_count=None, outputs=[], source=source,
                  metadata=dict(tags=["figure:short"] if place else [])) for place, source in enumerate(cells)]
    title = dict(cell_type="markdown", id="title", metadata=dict(slideshow=dict(slide_type="slide")), source="# A short report")
    for name in "notebooks", "figures":
        (folder / name).mkdir(exist_ok=True)
    (folder / "README.md").write_text("A short report\n<!-- headlines -->\n<!-- end of headlines -->\n")
    text = json.dumps(dict(cells=[title, *cells], nbformat=4, nbformat_minor=5, metadata=dict(kernelspec=dict(
        name="python3", display_name="Python 3", language="python"))))
    (folder / FILES[0]).write_text(text)


def undisturbed(command, folder, **settings):
    start = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment(), **settings)
    return time.monotonic() - start


def killed(command, folder, after=None, watched=None):
    """Start a command and kill it after so many seconds, or as soon as a file is begun in a folder; whether it still ran."""
    process = subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = math.inf if after is None else time.monotonic() + after
    while time.monotonic() < end and not (watched and any(watched.glob(".*.part"))):
        if process.poll() is not None:
            return False
        time.sleep(0.0002 if watched else 0.01)
    os.killpg(process.pid, 9)
    return process.wait() == -9


def contents(folder, names):
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def assert_whole(folder):
    """Nothing in a folder, but what has a hidden name, is half a file."""
    for path in folder.rglob("*.*"):
        if path.name.startswith("."):
            continue
        data = path.read_bytes()
        if path.suffix == ".html":
            assert data.rstrip().endswith(b"</html>"), f"half a deck: {path}"
        elif path.suffix == ".png":
            assert data.endswith(b"IEND\xaeB`\x82"), f"half a figure: {path}"
        elif path.suffix in (".ipynb", ".json"):
            json.loads(data)
        elif path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:       # every array's checksum is compared
                assert all(array.size for array in arrays.values()), path


def moment(kill, seconds, *folders):
    """When to kill: at a random moment, or, every other time, when a file is begun in one of these folders."""
    return dict(watched=random.choice(folders)) if kill % 2 else dict(after=random.uniform(0, seconds))


def kill_report(folder, kills):
    """Kill `python -m autoenc --update`; the number of kills that left files of the old and of the new run."""
    sources, reference, seconds = {}, {}, 0
    for version in 1, 2:
        report(folder, version)
        seconds = undisturbed(REPORT, folder)
        sources[version], reference[version] = (folder / FILES[0]).read_bytes(), contents(folder, FILES)
    counts = dict(old=0, new=0, between=0, unfinished=0)
    done, version = 0, 2
    while done < kills:
        version = 3 - version
        old = reference[3 - version]
        # the notebook's sources become those of the other version, as if somebody had edited it
        report(folder, version)
        edited = (folder / FILES[0]).read_bytes()
        places = [folder / place for place in ("build/notebooks", "build/figures", "build/slides", "build/pages", "notebooks", "figures")]
        if not killed(REPORT, folder, **moment(done, seconds, *places)):
            assert contents(folder, FILES) == reference[version]
            continue
        done += 1
        now = contents(folder, FILES)
        assert now[FILES[0]] in (edited, reference[version][FILES[0]]), "the notebook is neither the old nor the new one"
        assert now[FILES[1]] in (old[FILES[1]], reference[version][FILES[1]]), "the figure is neither the old nor the new one"
        both = [now[FILES[0]] == reference[version][FILES[0]], now[FILES[1]] == reference[version][FILES[1]]]
        counts["new" if all(both) else "between" if any(both) else "old"] += 1
        assert_whole(folder)
        counts["unfinished"] += len([*folder.glob("**/.*.part")]) > 0
        seconds = undisturbed(REPORT, folder)
        assert contents(folder, FILES) == reference[version], "the next run made something else"
        assert not [*folder.glob("**/.*.part")], "the next run did not sweep up"
    return counts


def kill_training(folder, kills):
    """Kill the training of the VAE; the number of kills that found a checkpoint, and of trainings that came to their end."""
    names = "vae.npz", "vae.json"
    command = [*TRAINING, str(folder / "vae.npz")]
    seconds = undisturbed(command, folder)
    reference, counts, done = contents(folder, names), dict(checkpoint=0, ended=0, unfinished=0), 0
    for name in names:
        (folder / name).unlink()
    while done < kills:
        if killed(command, folder, **moment(done, seconds, folder)):
            done += 1
            counts["checkpoint"] += (folder / "vae.checkpoint.npz").exists()
            counts["unfinished"] += len([*folder.glob(".*.part")]) > 0
            assert_whole(folder)
            assert all(reference[name] == data for name, data in contents(folder, names).items()), "a damaged file"
        else:
            assert contents(folder, names) == reference, "interrupted and gone on, the training gave other weights"
            assert {path.name for path in folder.iterdir()} == set(names), "something is left over"
            counts["ended"] += 1
            for name in names:
                (folder / name).unlink()
    undisturbed(command, folder)
    assert contents(folder, names) == reference and {path.name for path in folder.iterdir()} == set(names)
    return counts


def refused(command, folder, root=ROOT, may_succeed=False, **settings):
    """The one line that a command says when it cannot write; files under their names must stay, and no half ones be left."""
    def kept():
        return {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file() and "build" not in path.parts
                and path.name not in ("vae.npz", "vae.json") and "checkpoint" not in path.name}

    before, weights = kept(), contents(folder, ("autoenc/data/vae.npz", "autoenc/data/vae.json"))
    done = subprocess.run(command, cwd=folder, env=environment(root), capture_output=True, text=True, **settings)
    said = done.stderr.strip().splitlines()
    if may_succeed and not done.returncode:
        return None
    assert done.returncode and said and "Traceback" not in done.stderr, done.stderr or "no error at all"
    assert said[-1].startswith("Cannot write to "), said[-1]
    assert before == kept() and weights == contents(folder, weights), "a file was changed"
    assert not [*folder.glob("**/.*.part")], "half a file is left"
    assert_whole(folder)
    return "`" + re.sub(r"\S+?(?=/(build|autoenc)\b)|(?<=/)tmp\w{8}(?=:)", "…", said[-1]) + "`"


def small_files():
    """No file may grow beyond 4 kB, which to a program is the same as a full disk, only with another name."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@contextmanager
def disk(folder, kilobytes):
    """A file system of so many kilobytes, in memory; False where one may not mount it."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


def unwritable():
    """What both commands say of full disks and of folders that cannot be written: a list of lines."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        report(folder, 1)
        lines.append(f"- report, files limited to 4 kB: {refused(REPORT, folder, preexec_fn=small_files)}")
        shutil.rmtree(folder / "build")
        (folder / "build").write_text("in the way, which stops even root")
        lines.append(f"- report, folder that cannot be written: {refused(REPORT, folder)}")
    said = []
    for step in range(30):                      # until all fits
        kilobytes = round(24 * 1.25 ** step)
        with tempfile.TemporaryDirectory() as folder, disk(folder, kilobytes) as mounted:
            if not mounted:
                break
            report(Path(folder), 1)
            said.append(refused(REPORT[:-1], Path(folder), may_succeed=True))
            if said[-1] is None:
                break
    lines += [f"- report, full disk: {line}" for line in dict.fromkeys(said) if line]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(ROOT / "autoenc", folder / "autoenc", ignore=shutil.ignore_patterns("__pycache__"))
        lines.append(f"- training, files limited to 4 kB: {refused(PRETRAIN, folder, folder, preexec_fn=small_files)}")
        data = folder / "autoenc" / "data"
        small = {path.name: path.read_bytes() for path in data.iterdir() if path.stat().st_size < 10_000}
        with disk(data, 200) as mounted:
            if mounted:
                for name, content in {**small, "vae.npz": WEIGHTS}.items():
                    (data / name).write_bytes(content)
                lines.append(f"- training, full disk: {refused(PRETRAIN, folder, folder)}")
                subprocess.run(["mount", "-o", "remount,ro", data], check=True)
            else:
                data.chmod(0o555)
            lines.append(f"- training, folder that cannot be written: {refused(PRETRAIN, folder, folder)}")
    return lines


def main(kills):
    """Try it all; the lines of tests/tools/FAULTS.md, which are the same for every run that goes well."""
    random.seed(0)
    lines = ["# What is left after a fault", "", "By `python -m tests.tools.faults`; whatever is said here was checked, each time.", "",
             stamp("tests/tools/FAULTS.md"), "", *unwritable()]
    print(*lines, sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        counts = kill_report(Path(folder), kills)
        print(f"{kills} kills of the report: {counts}", flush=True)
        assert counts["old"] and counts["between"] and counts["unfinished"], "no kill while files were written"
    lines.append(f"- `python -m autoenc --update`, killed (SIGKILL) {kills} times, half of them at random moments, half while a file was "
                 "being written: every file whole, notebook and figure each that of the run before or of the one that was killed; "
                 f"{kills} of {kills} next runs succeeded, with the bytes of an undisturbed run, and swept up.")
    with tempfile.TemporaryDirectory() as folder:
        counts = kill_training(Path(folder), kills)
        print(f"{kills} kills of the training: {counts}", flush=True)
        assert counts["checkpoint"] and counts["unfinished"], "no kill behind a checkpoint, or while files were written"
    lines.append(f"- training of the VAE (`train_pretrained`), killed {kills} times likewise: every file whole; started again it goes on "
                 "from its checkpoint and ends with the bytes of a training that was never interrupted.")
    return lines


if __name__ == "__main__":
    kills = int(sys.argv[1]) if sys.argv[1:] else 50
    lines = main(kills)
    if kills >= 50:
        Path(__file__).with_name("FAULTS.md").write_text("\n".join(lines) + "\n")
