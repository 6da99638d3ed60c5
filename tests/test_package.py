"""What `import autoenc` brings with it: NumPy, and nothing that draws, shows or reports."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = "matplotlib ipywidgets nbconvert nbformat tqdm threadpoolctl PIL IPython".split()


def modules_after(statement):
    """The top-level modules that a fresh Python has loaded after `statement`."""
    program = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, text=True,
                              capture_output=True).stdout.split())


def test_import_needs_numpy_alone():
    loaded = modules_after("import autoenc")
    assert "numpy" in loaded
    assert not loaded & set(HEAVY)


def test_public_names_of_the_networks_are_there():
    import autoenc
    for name in "characters noise Autoencoder SGD Momentum Adam cosine_decay pixel_errors".split():
        assert name in autoenc.__all__ and hasattr(autoenc, name)
    assert not hasattr(autoenc, "no_such_name")
