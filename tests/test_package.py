"""What `import autoenc` brings with it: NumPy, and nothing that draws, shows or reports."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def modules_after(statement):
    """The top-level modules that a fresh Python has loaded after `statement`."""
    program = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True, text=True,
                              capture_output=True).stdout.split())


def test_import_needs_numpy_alone():
    brought = modules_after("import autoenc") - modules_after("import numpy.random") - sys.stdlib_module_names
    assert brought == {"autoenc"}


def test_every_public_name_is_there():
    names = {}
    exec("from autoenc import *", names)
    assert names.keys() - {"__builtins__"} == {
        "characters", "pixel_errors", "noise", "Autoencoder", "SGD", "Momentum", "Adam", "cosine_decay",
        "VAE", "fashion_mnist", "Explorer", "claim", "recorded"}
    assert not hasattr(sys.modules["autoenc"], "no_such_name")
