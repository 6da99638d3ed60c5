"""The package on its own: what `import autoenc` brings with it, what a bare installation can do, and what the archives hold."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from autoenc.report import how_to_install


ROOT = Path(__file__).parent.parent


def modules_after(statement):
    """The top-level modules that a fresh Python has loaded after `statement`."""
    program = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True, text=True,
                              capture_output=True).stdout.split())


def test_import_needs_numpy_alone():
    brought = modules_after("import autoenc") - modules_after("import numpy.random") - sys.stdlib_module_names
    assert brought == {"autoenc"}


BARE = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"numpy", "threadpoolctl", "autoenc"} | sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nothing())
"""


def bare(program, *arguments):
    """What a Python that has nothing but NumPy and threadpoolctl does: exit status, stdout, stderr."""
    done = subprocess.run([sys.executable, "-c", BARE + program, *arguments], cwd=ROOT, text=True, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def test_numpy_and_threadpoolctl_are_enough_for_every_public_name_and_for_training():
    program = """
from autoenc import *
pixels, labels = characters("digits")
networks = Autoencoder((35, 10, 2), members=2, rng=0)
networks.fit(pixels, epochs=2, optimizer=Adam(cosine_decay(0.01)), corrupt=lambda x, rng: noise.flip(x, 0.1, rng=rng), rng=0)
(pictures, _), _ = fashion_mnist(sample=True)
vae = VAE(rng=0)
vae.fit(pictures[:128], epochs=1, rng=0)
print(vae.decode([[0, 0]]).shape, Explorer.__name__, claim.__name__, recorded.__name__)
"""
    assert bare(program) == (0, "(1, 28, 28, 1) Explorer claim recorded\n", "")


@pytest.mark.parametrize("program", [
    "import runpy; runpy.run_module('autoenc', run_name='__main__')",
    "from autoenc import claim; claim('it works', True)",
    "from autoenc.report import needs; needs('matplotlib.pyplot')", "from autoenc.report import plots"])
def test_what_is_missing_is_named_with_the_line_that_installs_it(program):
    status, _, said = bare(program)
    last = said.strip().splitlines()[-1]
    assert status == 1 and re.search(r"\w+ is not installed, and the report needs it: .* -m pip install ", last)
    assert ("Traceback" in said) == ("runpy" not in program)
    assert not {"pytest", "nbval", "hypothesis"} & set(re.findall(r'"(\w+)', last)), "which the report does not need"


def test_the_line_that_installs_names_what_is_missing_and_nothing_else(monkeypatch):
    monkeypatch.setattr("autoenc.report._is_installed", lambda name: name not in {"matplotlib", "sphinx-revealjs", "pytest"})
    line = how_to_install("matplotlib")
    assert re.fullmatch(r'matplotlib is not installed, and the report needs it: \S+ -m pip install "matplotlib>=3\.9" '
                        r'"sphinx-revealjs>=3\.1"', line)


def test_the_line_without_metadata_is_that_of_the_readme(monkeypatch):
    def unknown(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.requires", unknown)
    assert how_to_install("tqdm").endswith("-m pip install -r requirements.txt")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11 there is no tomllib")
def test_the_user_s_card_lists_what_pyproject_does():
    import tomllib
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [line for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines[0] == "-e ." and sorted(lines[1:]) == sorted(project["dependencies"] + extras["report"] + extras["test"])
    assert {line.partition(">")[0] for line in project["dependencies"]} == {"numpy", "threadpoolctl"}


def test_the_constraints_know_a_version_of_each_of_them_that_is_new_enough():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {}
    for name, version in re.findall(r"^([\w.-]+)==(\d+(?:\.\d+)*)", "\n".join(lines), re.M):
        pinned.setdefault(name.lower(), []).append(tuple(map(int, version.split("."))))
    for name, least in re.findall(r"^([\w-]+)>=([\d.]+)$", (ROOT / "requirements.txt").read_text("utf-8"), re.M):
        assert all(version >= tuple(map(int, least.split("."))) for version in pinned[name])


def test_the_sdist_has_what_its_tests_need_and_the_wheel_its_data(tmp_path):
    pytest.importorskip("setuptools", "68", reason="setuptools is not installed: pip install setuptools")
    ignored = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, tmp_path / "tree", ignore=ignored)
    program = "from setuptools import build_meta as b; print(b.build_sdist('..')); print(b.build_wheel('..'))"
    names = subprocess.run([sys.executable, "-c", program], cwd=tmp_path / "tree", check=True, text=True,
                           capture_output=True).stdout.splitlines()
    sdist, = [name for name in names if name.endswith(".tar.gz")]
    with tarfile.open(tmp_path / sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    shutil.copytree(ROOT, tmp_path / "again", ignore=ignored)
    wanted = {path.relative_to(tmp_path / "again").as_posix() for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert wanted - held == set()
    wheel, = (tmp_path / name for name in os.listdir(tmp_path) if name.endswith(".whl"))
    installed = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in wanted if name.startswith("autoenc/")} - installed == set()
    assert all(name.startswith(("autoenc/", "autoenc-")) for name in installed)


def test_every_public_name_is_there():
    names = {}
    exec("from autoenc import *", names)
    assert names.keys() - {"__builtins__"} == {
        "characters", "pixel_errors", "noise", "Autoencoder", "SGD", "Momentum", "Adam", "cosine_decay",
        "VAE", "fashion_mnist", "Explorer", "claim", "recorded"}
    assert not hasattr(sys.modules["autoenc"], "no_such_name")
