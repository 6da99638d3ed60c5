"""Files from strangers: whatever is in one, loading it takes little time and memory, runs nothing, and names the file."""

import errno
import io
import json
import math
import os
import pickle
import stat
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from autoenc import VAE, Autoencoder
from autoenc.files import UNFINISHED, one_line, prepare, replace, replace_arrays

MODELS = {"Autoencoder": Autoencoder((5, 3, 2), rng=0), "VAE": VAE(shape=(4, 4, 1), rng=0)}
COUNT = MODELS["Autoencoder"].parameters.size
LITTLE = 8_000_000          # bytes: what Python, zipfile and json need by themselves, and a good deal more


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def npy(array=None, shape=None, dtype="<f4", order=False):
    """The bytes of an .npy file: of an array, or a header of another shape and no content."""
    file = io.BytesIO()
    if array is not None:
        np.lib.format.write_array(file, np.asarray(array), (1, 0))
    else:
        np.lib.format.write_array_header_1_0(file, dict(shape=shape, descr=dtype, fortran_order=order))
    return file.getvalue()


def archive(path, packing=zipfile.ZIP_STORED, **parts):
    with zipfile.ZipFile(path, "w", packing) as file:
        for name, content in parts.items():
            file.writestr(f"{name}.npy", content)
    return path


def settings(model, /, **changes):
    return npy(json.dumps({"model": type(model).__name__, **model.settings, **changes}))


def assert_refused(model, path, little=LITTLE):
    """A ValueError that names the file, within two seconds and a few megabytes."""
    start = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"is not a saved {type(model).__name__}") as error:
            type(model).load(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(error.value)
    assert most < little + path.stat().st_size and time.monotonic() - start < 2


def test_the_crafting_itself_makes_good_files(model, tmp_path):
    path = archive(tmp_path / "good", settings=settings(model), parameters=npy(model.parameters))
    np.testing.assert_array_equal(type(model).load(path).parameters, model.parameters)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("place", ["settings", "parameters"])
def test_a_bomb_is_not_unpacked(model, tmp_path, packing, place):
    """20 MB of zeros in a few kilobytes; once more with a directory that says it were just what is needed."""
    good = dict(settings=settings(model), parameters=npy(model.parameters))
    bomb = {**good, place: npy(shape=(5_000_000,)) + bytes(20_000_000)}
    path = archive(tmp_path / "bomb", packing, **bomb)
    assert_refused(model, path)
    honest = (len(bomb[place])).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(honest, len(good[place]).to_bytes(4, "little")))
    assert_refused(model, path)


@pytest.mark.parametrize("header", [
    npy(shape=(10 ** 12,)), npy(shape=(2 ** 62, 2)), npy(shape=(10 ** 9,), dtype="<f8"), npy(shape=(-1, -COUNT)),
    npy(shape=(0,)), npy(shape=(1,), dtype="<U400000000"), npy(shape=(5,), dtype="O"), npy(shape=(3,), dtype="<f4,O"),
    npy(shape=(COUNT,), dtype=[("a", "<f4"), ("b", "O")]), npy(shape=(5, COUNT // 5), order=True),
    b"\x93NUMPY\x02\x00" + (2 ** 32 - 1).to_bytes(4, "little"), b"\x93NUMPY\x01\x00\xff\xff{", b"", b"\x80\x04."],
    ids=range(14))
@pytest.mark.parametrize("place", ["settings", "parameters"])
@pytest.mark.parametrize("content", [0, 4 * COUNT])
def test_a_header_that_lies_is_refused(model, tmp_path, header, place, content):
    """NumPy asks for as much memory as a header says; the system gives only what is written to: at once, so, and nothing."""
    good = dict(settings=settings(model), parameters=npy(model.parameters))
    assert_refused(model, archive(tmp_path / "lie", **{**good, place: header + bytes(content)}), little=math.inf)


HUGE = {"Autoencoder": [dict(sizes=[10 ** 9, 10 ** 9]), dict(sizes=[9000, 5000]), dict(members=10 ** 9), dict(sizes=[2] * 3000),
                        dict(sizes=[10 ** 400, 2]), dict(sizes=[5, 3.0, 2]), dict(sizes={"5": 2})],
        "VAE": [dict(latent=10 ** 12), dict(shape=[4 * 10 ** 9, 4, 1]), dict(shape=[400, 400, 1]), dict(beta=10 ** 400),
                dict(beta=float("nan")), dict(shape=[4, 4]), dict(shape="444")]}
NONSENSE = [dict(rng=1), dict(dtype="O"), dict(dtype=["f4"]), dict(dtype="(2,f4"), dict(dtype=">f4"), dict(dtype=None), dict(more=1),
            dict(model=["VAE"]), dict(parameters=3), dict(self=1)]


@pytest.mark.parametrize("kind, changes", [(kind, changes) for kind in MODELS for changes in HUGE[kind] + NONSENSE], ids=str)
def test_settings_of_a_network_that_is_enormous_or_none_are_refused_before_it_is_made(kind, changes, tmp_path):
    model = MODELS[kind]
    assert_refused(model, archive(tmp_path / "huge", settings=settings(model, **changes), parameters=npy(model.parameters)))


@pytest.mark.parametrize("text", ["[" * 9000, "{}", "null", '"x"', "{\"model\": {}}", "9" * 5000, "\ud800", "NaN"])
def test_settings_that_are_none_are_refused(model, tmp_path, text):
    array = npy(np.array(text))
    assert_refused(model, archive(tmp_path / "none", settings=array, parameters=npy(model.parameters)))


@pytest.mark.parametrize("change", [
    lambda p: p[:-1], lambda p: p.astype(">f4"), lambda p: p.astype("f8"), lambda p: p.astype("f2"), lambda p: p.view("i4"),
    lambda p: p > 0, lambda p: p[None], lambda p: p + 0j, lambda p: p * np.nan,
    lambda p: np.where(np.arange(p.size) == 3, np.inf, p), lambda p: p.astype("S4"), lambda p: p[:0]])
def test_parameters_of_another_kind_are_refused(model, tmp_path, change):
    assert_refused(model, archive(tmp_path / "other", settings=settings(model), parameters=npy(change(model.parameters))))


def test_a_pickle_is_not_run(model, tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "was run").mkdir, ()

    good, trap = dict(settings=settings(model), parameters=npy(model.parameters)), pickle.dumps(Trap())
    for place in good:
        for content in trap, npy(shape=(), dtype="O") + trap:
            assert_refused(model, archive(tmp_path / "trap", **{**good, place: content}))
    (tmp_path / "trap").write_bytes(trap)
    assert_refused(model, tmp_path / "trap")
    assert not (tmp_path / "was run").exists()


@pytest.mark.parametrize("path", [None, 0, True, 1.5, b"model", "a\0b", ["model"]], ids=repr)
def test_a_path_that_is_none_is_named(model, path):
    for call in model.save, type(model).load:
        with pytest.raises(TypeError, match="^path was"):
            call(path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    made = tmp_path / "above" / "made"
    prepare(made)
    prepare(made)
    assert not list(made.iterdir())
    monkeypatch.setattr("os.access", lambda folder, mode: False)        # nothing is forbidden to root
    with pytest.raises(PermissionError) as error:
        prepare(made)
    assert error.value.filename == str(made)


def test_what_a_killed_run_left_unfinished_is_swept_up_and_nothing_else(tmp_path):
    kept = {"kept", "model", f".film.mkv{UNFINISHED}"}              # somebody else's download
    for name in kept | {f".model.01ab23cd{UNFINISHED}"}:
        (tmp_path / name).write_text("half a mod")
    prepare(tmp_path)
    assert set(os.listdir(tmp_path)) == kept


def test_a_file_that_cannot_be_put_into_its_place_is_named_and_nothing_is_left(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)) as error:
        replace(tmp_path / "file", b"new")
    assert error.value.filename == str(tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"old"


def test_arrays_come_back_from_their_file(tmp_path):
    arrays = dict(one=np.arange(6.0).reshape(2, 3), two=np.float32([0.5]))
    replace_arrays(tmp_path / "file.npz", **arrays)
    with np.load(tmp_path / "file.npz") as loaded:
        assert loaded.files == [*arrays]
        for name, array in arrays.items():
            np.testing.assert_array_equal(loaded[name], array, strict=True)


@pytest.mark.parametrize("error, line", [
    (OSError(errno.EACCES, "Permission denied", "there"), "Cannot write to there: Permission denied"),
    (OSError(errno.ENOSPC, "No space left on device"), "Cannot write to a file: No space left on device"),
    (OSError("timed out"), "Cannot write to a file: timed out"), (KeyboardInterrupt(), "Interrupted")], ids=repr)
def test_a_command_ends_with_one_line(error, line):
    with pytest.raises(SystemExit, match=f"^{line}$"), one_line("Interrupted"):
        raise error
    with pytest.raises(ValueError, match="another mistake"), one_line("Interrupted"):
        raise ValueError("another mistake")
    with one_line("Interrupted"):
        line = "all is well"
    assert line == "all is well"


# What is there already

def test_a_symlink_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(Path("folder") / "file")
    replace(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "folder" / "file").read_bytes() == b"new"
    (tmp_path / "dangling").symlink_to("nothing yet")
    replace(tmp_path / "dangling", b"new")
    assert (tmp_path / "nothing yet").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "folder", "link", "nothing yet"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other modes")
def test_a_file_keeps_its_mode_and_a_new_one_gets_the_usual(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    os.chmod(tmp_path / "file", 0o640)
    replace(tmp_path / "file", b"new")
    replace(tmp_path / "fresh", b"new")
    (tmp_path / "usual").write_bytes(b"new")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640
    assert (tmp_path / "fresh").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_other_hard_links_keep_the_old_content(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    os.link(tmp_path / "file", tmp_path / "other")
    replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new" and (tmp_path / "other").read_bytes() == b"old"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_what_is_no_file_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in "pipe", "folder":
        with pytest.raises(OSError, match="no ordinary file") as error:
            replace(tmp_path / name, b"new")
        assert error.value.filename == str(tmp_path / name)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode) and sorted(os.listdir(tmp_path)) == ["folder", "pipe"]


def test_what_a_killed_run_has_left_is_swept_and_nothing_else(tmp_path, monkeypatch):
    """The name that `replace` gives an unfinished file is one that `prepare` knows."""
    monkeypatch.setattr(os, "replace", lambda source, target: None)
    monkeypatch.setattr(os, "unlink", lambda path: None)            # as if killed before it could clean up
    replace(tmp_path / "file", b"new")
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 1 and left[0].startswith(".file.") and left[0].endswith(UNFINISHED)
    (tmp_path / f".other{UNFINISHED}").write_bytes(b"")
    monkeypatch.undo()
    prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f".other{UNFINISHED}"]
