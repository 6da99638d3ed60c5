"""Files: written beside and renamed, so that nobody ever sees half of one; read with suspicion."""

import errno
import json
import os
import sys
import zipfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from secrets import token_hex

import numpy as np

from .checks import choice, file_name, numbers

UNFINISHED = ".part"        # what the name of a file ends with that is still being written


@contextmanager
def whole(path):
    """A binary file to write to; it becomes `path` only when the block ends without an error."""
    path = Path(file_name("path", path))
    unfinished = path.parent / f".{path.name}.{token_hex(4)}{UNFINISHED}"
    file = open(unfinished, "xb")
    try:
        with file:
            yield file
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)          # a full disk does not say which file was too much for it
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def replace(path, data):
    """Make these bytes the content of a file, whether or not there is one."""
    with whole(path) as file:
        file.write(data)


@contextmanager
def one_line(interrupted):
    """For a command: a file that cannot be written ends it with one line, and Ctrl-C with the line `interrupted`."""
    try:
        yield
    except OSError as error:
        sys.exit(f"Cannot write to {error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        sys.exit(interrupted)


def prepare(*folders):
    """Before work: make these folders, remove what a killed run left unfinished in them, and see that one can write.

    PermissionError or the like, which names the folder, if one cannot.
    """
    for folder in map(Path, folders):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        for file in folder.glob(f".*{UNFINISHED}"):
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
                settings = json.loads(str(_array(archive, "settings.npy", most=10_000)))
                parameters = _array(archive, "parameters.npy", most=1e9)
            choice("model", settings.pop("model", None), [kind])
            numbers("parameters", parameters, "floating-point numbers", "f")
        except Exception as error:      # damage makes zipfile, zlib, NumPy and json raise nearly everything
            raise ValueError(f"{path} is not a saved {kind}, or is damaged: {error}") from None
    return settings, parameters


def _array(archive, name, most):
    """An array of an archive: nothing is unpacked, so its bytes, which alone count, are no more than the file has."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most:
        raise ValueError("it would unpack to more than a model")
    file = BytesIO(archive.read(entry))
    np.lib.format.read_magic(file)
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    return np.frombuffer(file.getbuffer(), dtype, offset=file.tell()).reshape(shape, order="F" if fortran else "C")
