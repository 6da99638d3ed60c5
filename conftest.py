"""For pytest, in tests/ and notebooks/: cells stay in their order, and kernels know nothing of the reader's settings."""

import os
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Before plugins share out the tests.

    The cells of a notebook need one kernel, so with xdist a notebook goes to one worker as a whole.  Kernels read IPython's
    settings from an empty folder, without start-up files, and matplotlib's from matplotlib itself.
    """
    if getattr(config.option, "dist", "no") in ("load", "worksteal"):
        config.option.dist = "loadfile"
    empty = TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(empty.cleanup)
    os.environ["IPYTHONDIR"] = empty.name
    matplotlib = find_spec("matplotlib")
    if matplotlib:
        os.environ["MATPLOTLIBRC"] = str(Path(matplotlib.origin).parent / "mpl-data" / "matplotlibrc")
