"""Files: written beside and renamed, so that nobody ever sees half of one; read with suspicion."""

import json
import math
import os
import tempfile
import zipfile
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import numpy as np

from .checks import file_name

UNFINISHED = ".part"        # what the name of a file ends with that is still being written


@contextmanager
def whole(path):
    """A binary file to write to; it becomes `path` only when the block ends without an error."""
    path = Path(file_name("path", path))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=UNFINISHED, delete=False) as file:
        try:
            yield file
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException as error:
            with suppress(OSError):             # what is left in its buffer may not fit either
                file.close()
            os.unlink(file.name)
            if isinstance(error, OSError) and error.errno and not error.filename:
                error.filename = str(path)      # a full disk does not say which file was too much for it
            raise


def writable(*folders):
    """Make these folders if need be; PermissionError or the like, naming the folder, unless files can be written there."""
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()


def sweep(*folders):
    """Remove what a run that was killed left unfinished in these folders."""
    for folder in folders:
        for file in Path(folder).glob(f".*{UNFINISHED}"):
            file.unlink()


def save_model(path, settings, parameters):
    """Write a model as an .npz file of two arrays: its settings as JSON text, its parameters. No pickle."""
    with whole(path) as file:
        np.savez(file, settings=np.array(json.dumps(settings)), parameters=parameters)


def load_model(path, kind):
    """Read what `save_model` wrote: (settings, parameters).  ValueError if it is anything else.

    kind: the value that ``settings["model"]`` must have.
    """
    with open(file_name("path", path), "rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                if set(archive.namelist()) != {"settings.npy", "parameters.npy"}:
                    raise ValueError("it holds other things than settings and parameters")
                settings = json.loads(str(_array(archive, "settings.npy", 10_000)))
                parameters = _array(archive, "parameters.npy", 1e9)
            if not isinstance(settings, dict) or settings.pop("model", None) != kind:
                raise ValueError("it holds another kind of model")
            if parameters.dtype.kind != "f" or not np.isfinite(parameters).all():
                raise ValueError("its parameters are not finite numbers")
        except Exception as error:      # damage makes zipfile, zlib, bz2, NumPy and json raise nearly everything
            raise ValueError(f"{path} is not a saved {kind}, or is damaged: {error}") from None
    return settings, parameters


def _array(archive, name, most):
    """An array of an archive.  It must be stored unpacked and fill its place: then nothing here outgrows the file."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most:
        raise ValueError("it would unpack to more than a model")
    data = BytesIO(archive.read(entry))
    if np.lib.format.read_magic(data) != (1, 0):
        raise ValueError("its arrays are of another version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(data)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != entry.file_size - data.tell():
        raise ValueError("its arrays are not what their headers say")
    return np.frombuffer(data.getbuffer()[data.tell():], dtype).reshape(shape, order="F" if fortran else "C")
