"""Files: written beside and renamed, so that nobody ever sees half of one; read with suspicion."""

import json
import os
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def whole(path):
    """A binary file to write to; it becomes `path` only when the block ends without an error."""
    path = Path(path)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def save_model(path, settings, parameters):
    """Write a model as an .npz file of two arrays: its settings as JSON text, its parameters. No pickle."""
    with whole(path) as file:
        np.savez(file, settings=np.array(json.dumps(settings)), parameters=parameters)


def load_model(path, kind):
    """Read what `save_model` wrote: (settings, parameters).  ValueError if it is anything else.

    kind: the value that ``settings["model"]`` must have.
    """
    with open(path, "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            if set(sizes) != {"settings.npy", "parameters.npy"}:
                raise ValueError("it holds other things than settings and parameters")
            if sizes["settings.npy"] > 10_000 or sizes["parameters.npy"] > 1e9:
                raise ValueError("it would unpack to more than a model")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                settings, parameters = json.loads(str(arrays["settings"])), arrays["parameters"]
            if not isinstance(settings, dict) or settings.pop("model", None) != kind:
                raise ValueError("it holds another kind of model")
            if parameters.dtype.kind != "f" or not np.isfinite(parameters).all():
                raise ValueError("its parameters are not finite numbers")
        except Exception as error:      # damage makes zipfile, zlib, bz2, NumPy and json raise nearly everything
            raise ValueError(f"{path} is not a saved {kind}, or is damaged: {error}") from None
    return settings, parameters
