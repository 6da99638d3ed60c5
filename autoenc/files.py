"""Files: written beside and renamed, so that nobody ever sees half of one."""

import errno
import os
import stat
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from secrets import token_hex

import numpy as np

from .checks import file_name

UNFINISHED = ".part"        # what the name of a file ends with that is still being written


def replace(path, data):
    """Make these bytes the content of a file, all of them or none, whether or not there is one.

    A symlink stays, and the file that it leads to is replaced.  A file keeps its mode; other hard links to it keep
    the old content.  OSError for what is there and is no file, as a folder or a device, which could not be renamed to.
    """
    path = Path(file_name("path", path))
    target = path.resolve()
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        wrong = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(wrong, "it is no ordinary file, and stays as it is", str(path))
    unfinished = target.parent / f".{target.name}.{token_hex(4)}{UNFINISHED}"
    try:
        unfinished.write_bytes(data)
        if mode is not None:
            os.chmod(unfinished, stat.S_IMODE(mode))
        os.replace(unfinished, target)
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
        raise SystemExit(f"Cannot write to {error.filename or 'a file'}: {error.strerror or error}") from None
    except KeyboardInterrupt:
        raise SystemExit(interrupted) from None


def prepare(*folders):
    """Before work: make these folders, see that one can write there, and remove what a killed run left unfinished."""
    for folder in map(Path, folders):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        for file in folder.glob(f".*.{'[0-9a-f]' * 8}{UNFINISHED}"):
            file.unlink()
