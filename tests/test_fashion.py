"""Fashion-MNIST: found, checked, refused; nothing here needs the data set or a network."""

import gzip
import hashlib
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from autoenc import fashion, fashion_mnist

ADVICE = "(?s){}.*apt install dataset-fashion-mnist.*AUTOENC_FASHION_MNIST.*pip install pooch.*sample=True"


def idx(array, shape=None):
    """The bytes of an IDX file; `shape` for a header that lies."""
    shape = array.shape if shape is None else shape
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + array.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder with four small files that are taken for the true ones."""
    rng, files = np.random.default_rng(0), {}
    for name, shape in zip(fashion.FILES, [(60, 28, 28), (60,), (10, 28, 28), (10,)], strict=True):
        content = idx(rng.integers(0, 10 if shape[1:] == () else 256, shape, np.uint8))
        (tmp_path / name).write_bytes(gzip.compress(content))
        files[name] = {"md5": hashlib.md5((tmp_path / name).read_bytes()).hexdigest(),
                       "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    monkeypatch.setattr(fashion, "FILES", files)
    monkeypatch.delenv(fashion.VARIABLE, raising=False)
    return tmp_path


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine without the data set and without a network."""
    pooch = pytest.importorskip("pooch")
    is_dir = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda self: is_dir(self) and not str(self).startswith("/usr/share/datasets"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv(fashion.VARIABLE, raising=False)

    def unreachable(self, url, output_file, *_, **__):
        Path(str(output_file)).write_bytes(b"half a file") if isinstance(output_file, str) else output_file.write(b"half")
        raise OSError("network is unreachable")
    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", unreachable)
    return pooch


def test_folder_and_variable(small, monkeypatch):
    (train, train_labels), (test, test_labels) = fashion_mnist(small)
    assert train.shape == (60, 28, 28, 1) and test.shape == (10, 28, 28, 1) and train.dtype == np.float32
    assert train.min() == 0 and train.max() == 1 and train_labels.dtype == np.uint8 and test_labels.shape == (10,)
    monkeypatch.setenv(fashion.VARIABLE, str(small))
    assert (fashion_mnist()[0][0] == train).all()


def test_keras_cache(small, nowhere, tmp_path):
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    for name in fashion.FILES:
        (small / name).rename(cache / name)
    assert fashion_mnist()[0][0].shape == (60, 28, 28, 1)


@pytest.mark.parametrize("spoil", [
    lambda data: data[:len(data) // 2],                                             # cut off
    lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],                  # a bit turned in the archive
    lambda data: b"<html>not found</html>", lambda data: b"",
    lambda data: gzip.compress(gzip.decompress(data)[:-1]),                         # one pixel short
    lambda data: gzip.compress(gzip.decompress(data) + b"\0"),                      # one too many
    lambda data: gzip.compress(gzip.decompress(data)[:-1] + b"\7"),                 # another pixel
    lambda data: gzip.compress(idx(np.zeros((60, 28, 28), "u1"), (2 ** 31, 28, 28))),   # the header lies
    lambda data: gzip.compress(b"\0\0\x0d\3" + gzip.decompress(data)[4:])])         # of another type
def test_damaged_files_are_refused_and_named(small, spoil):
    path = small / "train-images-idx3-ubyte.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=ADVICE.format(path.name)):
        fashion_mnist(small)


def test_a_bomb_is_not_unpacked(small):
    path = small / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + bytes(20_000_000), 1))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=ADVICE.format(path.name)):
            fashion_mnist(small)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_the_true_files_have_their_true_sizes():
    pixels = {"train": 60000, "t10k": 10000}
    for name, true in fashion.FILES.items():
        images = pixels[name.split("-")[0]]
        assert true["bytes"] == (16 + images * 784 if "images" in name else 8 + images)


def test_a_missing_file_is_named(small):
    (small / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(FileNotFoundError, match=ADVICE.format("t10k-images")):
        fashion_mnist(small)
    with pytest.raises(FileNotFoundError, match=ADVICE.format("nothing-here")):
        fashion_mnist(small / "nothing-here")


def test_nothing_and_no_network(nowhere, tmp_path):
    with pytest.raises(FileNotFoundError, match=ADVICE.format("network is unreachable")):
        fashion_mnist()
    assert not [path for path in (tmp_path / "keras").rglob("*") if path.is_file()]       # nothing half-written
    assert fashion_mnist(sample=True)[0][0].shape == (5000, 28, 28, 1)


def test_cache_that_cannot_be_written(nowhere, tmp_path):
    (tmp_path / "keras").write_text("a file where a folder should be")
    with pytest.raises(FileNotFoundError, match=ADVICE.format("keras")):
        fashion_mnist()


def test_what_is_nowhere_is_downloaded_once(small, nowhere, monkeypatch):
    asked = []

    def download(self, url, output_file, *_, **__):
        asked.append(url)
        Path(str(output_file)).write_bytes((small / url.removeprefix(fashion.URL)).read_bytes())
    monkeypatch.setattr(nowhere.HTTPDownloader, "__call__", download)
    for _ in range(2):
        assert (fashion_mnist()[0][0] == fashion_mnist(small)[0][0]).all()
    assert asked == [fashion.URL + name for name in fashion.FILES]


def test_download_that_is_not_the_file(nowhere, tmp_path, monkeypatch):
    def other(self, url, output_file, *_, **__):
        Path(str(output_file)).write_bytes(b"something else")
    monkeypatch.setattr(nowhere.HTTPDownloader, "__call__", other)
    with pytest.raises(ValueError, match=ADVICE.format("hash")):
        fashion_mnist()
    assert not [path for path in (tmp_path / "keras").rglob("*") if path.is_file()]


def test_without_pooch(nowhere, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(FileNotFoundError, match=ADVICE.format("pooch")):
        fashion_mnist()


def test_sample():
    (train, train_labels), (test, test_labels) = fashion_mnist(sample=True)
    assert train.shape == (5000, 28, 28, 1) and test.shape == (1000, 28, 28, 1) and train.dtype == np.float32
    assert train.min() == 0 and train.max() == 1 and train_labels.dtype == test_labels.dtype == np.uint8
    assert (np.bincount(train_labels) == 500).all() and (np.bincount(test_labels) == 100).all()
    assert (fashion.DATA / "fashion_sample.npz").stat().st_size <= 3_000_000


def test_sample_was_drawn_as_documented():
    if not Path("/usr/share/datasets/fashion-mnist").is_dir():
        pytest.skip("the whole data set is not on this machine")
    for (images, labels), (some, some_labels), each in zip(fashion_mnist(), fashion_mnist(sample=True), (500, 100), strict=True):
        first = np.sort(np.concatenate([np.flatnonzero(labels == label)[:each] for label in range(10)]))
        assert (images[first] == some).all() and (labels[first] == some_labels).all()
