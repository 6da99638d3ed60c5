"""Fashion-MNIST: 70,000 small grey pictures of garments, in ten classes (Xiao, Rasul and Vollgraf, 2017).

The four files are looked for where they may already be, and downloaded once if they are nowhere.  They
are in the IDX format: a header that says of which type and shape the numbers are, then the numbers.  A
header could lie, so nothing is read or allocated that is larger than what the true files hold, and the
content's SHA-256 decides.  (Zalando Research publishes the data under the MIT licence.)
"""

import gzip
import hashlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from .checks import file_name

LABELS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
VARIABLE = "AUTOENC_FASHION_MNIST"
URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
SAMPLE = Path(__file__).parent / "data" / "fashion_sample.npz"

# name: (shape, MD5 of the published .gz file, SHA-256 of its content; Debian compressed them anew)
FILES = {
    "train-images-idx3-ubyte.gz": ((60000, 28, 28), "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                                   "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    "train-labels-idx1-ubyte.gz": ((60000,), "25c81989df183df01b3e8a0aad5dffbe",
                                   "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    "t10k-images-idx3-ubyte.gz": ((10000, 28, 28), "bef4ecab320f06d8554ea6380940ec79",
                                  "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    "t10k-labels-idx1-ubyte.gz": ((10000,), "bb300cfdad3c16e7a12a480ee83cd310",
                                  "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
}


def _advice(problem):
    return (f"{problem}.  Three ways to good files: on Debian or Ubuntu, `apt install dataset-fashion-mnist`; or put "
            f"the four .gz files of {URL} into a folder and name it, with the argument folder or the environment "
            f"variable {VARIABLE}; or, with a network, `pip install pooch`, and leave out folder and variable, to have "
            "them downloaded once.  fashion_mnist(sample=True) needs none of this")


def read_idx(path, shape, sha256):
    """The uint8 array of a gzipped IDX file that must have this shape and SHA-256.  ValueError if it has not."""
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)        # 8: unsigned bytes
    size = len(header) + int(np.prod(shape))
    try:
        with gzip.open(path) as file:
            content = file.read(size + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(_advice(f"{path} is damaged or cut off: {error}")) from None
    if not content.startswith(header):
        raise ValueError(_advice(f"{path} is not an IDX file of unsigned bytes of shape {shape}"))
    if len(content) != size:
        more = "more" if len(content) > size else f"{size - len(content)} fewer"
        raise ValueError(_advice(f"{path} has {more} bytes than its header says"))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(_advice(f"{path} does not hold Fashion-MNIST: its content has another check sum"))
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _find(folder):
    """The paths of the four files; downloads them where nothing else is left."""
    named = file_name("folder", folder) if folder is not None else os.environ.get(VARIABLE)
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets" / "fashion-mnist"
    for place in [Path(named)] if named else [Path("/usr/share/datasets/fashion-mnist"), keras]:
        paths = [place / name for name in FILES]
        if all(path.is_file() for path in paths):
            return paths
        if named:
            missing = next(path for path in paths if not path.is_file())
            raise FileNotFoundError(_advice(f"there is no file {missing}"))
    path = "pooch"
    try:
        import pooch
        path = pooch.os_cache("autoenc")
        return [Path(pooch.retrieve(URL + name, f"md5:{md5}", name, path)) for name, (_, md5, _) in FILES.items()]
    except (OSError, ValueError, ImportError) as error:
        raise FileNotFoundError(_advice(f"Fashion-MNIST is not on this machine, and downloading it into {path} "
                                        f"failed: {error}")) from None


def _pictures(images):
    return np.multiply(images[..., None], np.float32(1 / 255), dtype=np.float32)


def draw_sample(images, labels, each):
    """The first `each` pictures of every class, in their order in the set: how the shipped sample was drawn."""
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[:each] for label in range(len(LABELS))]))
    return images[chosen], labels[chosen]


def write_sample(folder=None, path=SAMPLE):
    """Write the sample that comes with the package: 500 training and 100 test pictures of every class."""
    from .files import whole
    arrays = [read_idx(path, shape, sha) for path, (shape, _, sha) in zip(_find(folder), FILES.values())]
    with whole(path) as file:
        np.savez_compressed(file, **dict(zip(("train", "train_labels", "test", "test_labels"),
                                             (*draw_sample(*arrays[:2], 500), *draw_sample(*arrays[2:], 100)))))


def fashion_mnist(folder=None, sample=False):
    """((train, train_labels), (test, test_labels)): pictures (n, 28, 28, 1) float32 in [0, 1], labels (n,) uint8.

    folder: where the four .gz files are; None for the folder that the environment variable
    AUTOENC_FASHION_MNIST names, else Debian's, Keras' cache, or a download (by pooch, into its cache).
    sample: True for the 5,000 and 1,000 pictures, as many of every class, that come with the package.
    60,000 and 10,000 otherwise.  Raises FileNotFoundError if there are no files to be had and ValueError
    for a file that is not what it should be; the message names it and says where to get a good one.
    """
    if sample:
        with np.load(SAMPLE, allow_pickle=False) as arrays:
            train, train_labels, test, test_labels = (arrays[name] for name in
                                                      ("train", "train_labels", "test", "test_labels"))
    else:
        train, train_labels, test, test_labels = (read_idx(path, shape, sha) for path, (shape, _, sha)
                                                  in zip(_find(folder), FILES.values()))
    return (_pictures(train), train_labels), (_pictures(test), test_labels)
