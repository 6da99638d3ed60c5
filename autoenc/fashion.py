"""Fashion-MNIST: 70,000 small grey pictures of garments, in ten classes (Xiao, Rasul and Vollgraf, 2017).

The four files are looked for where they may already be, and downloaded once if they are nowhere.  They
are in the IDX format: a header that says of which shape the numbers are, then the numbers, one byte each.
A file's header is believed only after the SHA-256 of the whole has shown that it is the genuine one, and
never is more unpacked than the genuine one holds.  (Zalando Research publishes the data under the MIT
licence.)
"""

import gzip
import hashlib
import json
import os
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from .checks import file_name

LABELS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
VARIABLE = "AUTOENC_FASHION_MNIST"
URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
DATA = Path(__file__).parent / "data"

ADVICE = ("Three ways to good files: `apt install dataset-fashion-mnist` on Debian or Ubuntu; a folder with the four "
          f".gz files of {URL}, named by argument folder or environment variable {VARIABLE}; or, with a network "
          "and neither of them, `pip install pooch`, for a download.  fashion_mnist(sample=True) needs none of this")

# name: {"md5": of the .gz file as published, "bytes", "sha256": of what is in it, for Debian compressed it anew}
FILES = json.loads((DATA / "fashion_files.json").read_text())


def _find(folder):
    """The paths of the four files, which need not exist in a folder that was named; downloads what is nowhere."""
    named = os.environ.get(VARIABLE) if folder is None else file_name("folder", folder)
    if named:
        return [Path(named, name) for name in FILES]
    debian = Path("/usr/share/datasets/fashion-mnist")
    if debian.is_dir():
        return [debian / name for name in FILES]
    import pooch

    cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "datasets", "fashion-mnist")
    return [Path(pooch.retrieve(URL + name, f"md5:{file['md5']}", name, cache)) for name, file in FILES.items()]


def _read(path):
    """The uint8 array that one of the four files holds.  ValueError if it is not the true one."""
    true = FILES[path.name]
    content = b""
    with suppress(EOFError, gzip.BadGzipFile, zlib.error), gzip.open(path) as file:
        content = file.read(true["bytes"] + 1)              # not more, however much there is
    if hashlib.sha256(content).hexdigest() != true["sha256"]:
        raise ValueError(f"{path} is damaged, cut off, or another file: its content has a wrong check sum")
    axes = content[3]                                       # the header: two zeros, the type, how many axes there are,
    shape = np.frombuffer(content, ">u4", axes, offset=4)   # and how long each of them is
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def fashion_mnist(folder=None, sample=False):
    """((train, train_labels), (test, test_labels)): pictures (n, 28, 28, 1) float32 in [0, 1], labels (n,) uint8.

    folder: where the four .gz files are; None for the folder that the environment variable
    AUTOENC_FASHION_MNIST names, else Debian's, or Keras' cache, into which pooch downloads what is missing.
    sample: True for the 5,000 and 1,000 pictures that come with the package, the first 500 and the first
    100 of every class, in their order in the set; 60,000 and 10,000 otherwise.  Raises FileNotFoundError
    if there are no files to be had and ValueError for a file that is not what it should be; the message
    names it and says where to get a good one.
    """
    if sample:
        with np.load(DATA / "fashion_sample.npz") as file:
            train, train_labels, test, test_labels = file.values()
    else:
        try:
            train, train_labels, test, test_labels = map(_read, _find(folder))
        except (OSError, ImportError, ValueError) as error:
            kind = ValueError if isinstance(error, ValueError) else FileNotFoundError
            raise kind(f"Fashion-MNIST could not be loaded: {error}.  {ADVICE}") from None
    scale = np.float32(1 / 255)
    return (train[..., None] * scale, train_labels), (test[..., None] * scale, test_labels)
