"""Files: written beside and renamed, so that nobody ever sees half of one; read with suspicion."""

import errno
import json
import os
import sys
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from zipfile import ZIP_STORED

import numpy as np

from .checks import choice, file_name, numbers

UNFINISHED = ".part"        # what the name of a file ends with that is still being written


def replace(path, data):
    """Make these bytes the content of a file, all of them or none, whether or not there is one."""
    path = Path(file_name("path", path))
    unfinished = path.parent / f".{path.name}.{token_hex(4)}{UNFINISHED}"
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    except OSError as error:
        error.filename = str(path)      # not that of a file that nobody has heard of; a full disk names none at all
        raise
    finally:
        if os.path.exists(unfinished):
            os.unlink(unfinished)


def replace_arrays(path, **arrays):
    """Make these arrays the content of an .npz file."""
    file = BytesIO()
    np.savez(file, **arrays)
    replace(path, file.getvalue())


@contextmanager
def one_line(interrupted):
    """For a command: a file that cannot be written ends it with one line, and Ctrl-C with the line `interrupted`."""
    try:
        yield
    except OSError as error:
        sys.exit(f"Cannot write to {error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit(interrupted)


def prepare(*folders):
    """Before work: make these folders, see that one can write there, and remove what a killed run left unfinished."""
    for folder in map(Path, folders):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        for file in folder.glob(f".*.{'[0-9a-f]' * 8}{UNFINISHED}"):
            file.unlink()


def save_model(path, settings, parameters):
    """Write a model as an .npz file of two arrays: its settings as JSON text, its parameters. No pickle."""
    replace_arrays(path, settings=json.dumps(settings), parameters=numbers("parameters", parameters, ("...", "n"), kinds="f"))


def load_model(path, kind):
    """The model of the class `kind` that was saved to a file.  ValueError if the file is anything else, or damaged."""
    with open(file_name("path", path), "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                if any(entry.compress_type != ZIP_STORED for entry in arrays.zip.infolist()):
                    raise ValueError("it would unpack to more than it is")
                settings, parameters = json.loads(str(arrays["settings"])), arrays["parameters"]
            choice("model", settings.pop("model", None), [kind.__name__])
            return kind(**settings, rng=numbers("parameters", parameters, ("...", "n"), kinds="f"))
        except Exception as error:      # damage makes zipfile, zlib, NumPy and json raise nearly everything, settings too
            raise ValueError(f"{path} is not a saved {kind.__name__}, or is damaged: {error}") from None
