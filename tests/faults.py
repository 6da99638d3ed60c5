"""What is lost if the power goes out?  Nothing: both long commands are killed at random moments, again and again.

    python -m tests.faults [kills]          fifty kills of each command, about a quarter of an hour; writes tests/FAULTS.md

The report here is a notebook of two cells with a figure, which comes in two versions; the training is six epochs on three
hundred pictures.  After each kill every committed file must be, byte for byte, that of an undisturbed run: the one before or
the one that was killed.  The next run must succeed and sweep up.
"""

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = "notebooks/01_short.ipynb", "figures/short.png"
REPORT = [sys.executable, "-m", "autoenc", "--update"]
TRAINING = [sys.executable, "-c", """
import sys
from autoenc.fashion import fashion_mnist
from autoenc.pretrain import train_pretrained
(pictures, _), _ = fashion_mnist(sample=True)
train_pretrained(pictures[:300], pictures[300:400], sys.argv[1], epochs=6)
"""]
ERROR = [sys.executable, "-c", TRAINING[2].replace("train_pretrained(p", "try:\n    train_pretrained(p")
         + "except OSError as error:\n    sys.exit(f'{error}')"]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


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
    (folder / "README.md").write_text("A short report")
    text = json.dumps(dict(cells=[title, *cells], nbformat=4, nbformat_minor=5, metadata=dict(kernelspec=dict(
        name="python3", display_name="Python 3", language="python"))))
    (folder / FILES[0]).write_text(text)


def undisturbed(command, folder, **settings):
    start = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment(), **settings)
    return time.monotonic() - start


def killed(command, folder, after):
    """Start a command, kill it `after` so many seconds; whether it was still running."""
    process = subprocess.Popen(command, cwd=folder, env=environment(), start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return True


def contents(folder, names):
    return {name: (folder / name).read_bytes() for name in names if (folder / name).exists()}


def moment(kill, seconds):
    """A random moment: every other one in the last fifth, when files are written."""
    return random.uniform(0.8 * seconds if kill % 2 else 0, seconds)


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
        if not killed(REPORT, folder, moment(done, seconds)):
            assert contents(folder, FILES) == reference[version]
            continue
        done += 1
        now = contents(folder, FILES)
        assert now[FILES[0]] in (edited, reference[version][FILES[0]]), "the notebook is neither the old nor the new one"
        assert now[FILES[1]] in (old[FILES[1]], reference[version][FILES[1]]), "the figure is neither the old nor the new one"
        both = [now[FILES[0]] == reference[version][FILES[0]], now[FILES[1]] == reference[version][FILES[1]]]
        counts["new" if all(both) else "between" if any(both) else "old"] += 1
        for path in folder.glob("build/slides/*.html"):
            assert path.read_text().rstrip().endswith("</html>"), "half a deck"
        counts["unfinished"] += len([*folder.glob("**/.*.part")]) > 0
        undisturbed(REPORT, folder)
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
        if killed(command, folder, moment(done, seconds)):
            done += 1
            counts["checkpoint"] += (folder / "vae.checkpoint.npz").exists()
            counts["unfinished"] += len([*folder.glob(".*.part")]) > 0
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


def refused(command, folder, what, **settings):
    """The one line that a command says when it cannot write; it must leave what was there, and nothing else."""
    before = {path: path.read_bytes() for path in folder.glob("[!b]*/*") if path.is_file()}
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, **settings)
    said = done.stderr.strip().splitlines()
    assert done.returncode and "Traceback" not in done.stderr, done.stderr
    assert before == {path: path.read_bytes() for path in folder.glob("[!b]*/*") if path.is_file()}, what
    assert not [*folder.glob("**/.*.part")], "half a file is left"
    return said[-1].replace(str(folder), "FOLDER")


def small_files():
    """No file may grow beyond 4 kB, which to a program is the same as a full disk, only with another name."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def main(kills):
    random.seed(0)
    lines = ["# What is left after a fault", "", f"By `python -m tests.faults`, {kills} kills (SIGKILL) of each command at random moments.", ""]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        counts = kill_report(folder, kills)
        lines.append(f"- `python -m autoenc --update`: {kills} kills; {counts['old']} left all files of the run before, "
                     f"{counts['new']} all of the new run, {counts['between']} new and old ones side by side, each of them whole; "
                     f"{counts['unfinished']} left an unfinished file under a hidden name. "
                     f"{kills} of {kills} next runs succeeded, with the bytes of an undisturbed run, and swept up.")
        print(lines[-1], flush=True)
        lines += ["- full disk: `" + refused(REPORT, folder, "full disk", preexec_fn=small_files) + "`"]
        shutil.rmtree(folder / "build")
        (folder / "build").write_text("in the way, which stops even root")
        lines += ["- folder that cannot be written: `" + refused(REPORT, folder, "unwritable") + "`"]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        counts = kill_training(folder, kills)
        lines.append(f"- training of the VAE (`train_pretrained`): {kills} kills, {counts['checkpoint']} of them behind a checkpoint, "
                     f"{counts['unfinished']} left an unfinished file under a hidden name; {counts['ended'] + 1} trainings were "
                     "gone on with to their end, all with the bytes of one that was never interrupted.")
        print(lines[-1], flush=True)
        training = [*ERROR, str(folder / "weights" / "vae.npz")]
        (folder / "weights").mkdir()
        lines += ["- full disk: `" + refused(training, folder, "full disk", preexec_fn=small_files) + "`"]
        (folder / "weights").rmdir()
        (folder / "weights").write_text("in the way")
        lines += ["- folder that cannot be written: `" + refused(training, folder, "unwritable") + "`"]
    return lines


if __name__ == "__main__":
    kills = int(sys.argv[1]) if sys.argv[1:] else 50
    lines = main(kills)
    print(*lines, sep="\n")
    if kills >= 50:
        (ROOT / "tests" / "FAULTS.md").write_text("\n".join(lines) + "\n")
