"""Trainings that cannot start, or do not end well: a clear error, and parameters that make sense."""

import linecache
import math
import os
import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

from autoenc import SGD, VAE, Adam, Autoencoder, Momentum, characters
from autoenc.training import CellOutput

X = characters("lowercase")[0]
SIZES = (35, 6, 2)


def model(members=None, **kinds):
    return Autoencoder(SIZES, members=members, rng=1, **kinds)


def spoilt(value):
    """The pictures, one pixel of them replaced."""
    x = X.copy()
    x[3, 4] = value
    return x


# Bad input

@pytest.mark.parametrize("error, name, arguments", [
    (ValueError, "sizes", dict(sizes=(35,))),
    (ValueError, "sizes", dict(sizes=35)),
    (ValueError, "sizes", dict(sizes=None)),
    (ValueError, "sizes", dict(sizes=(35, 0, 2))),
    (ValueError, "sizes", dict(sizes=(35, -6, 2))),
    (TypeError, "sizes", dict(sizes=(35, 6.0, 2))),
    (TypeError, "sizes", dict(sizes=(35, True, 2))),
    (TypeError, "sizes", dict(sizes=(35, "6", 2))),
    (ValueError, "hidden", dict(hidden="sin")),
    (ValueError, "latent", dict(latent=None)),
    (ValueError, "output", dict(output=["sigmoid"])),
    (ValueError, "members", dict(members=0)),
    (ValueError, "members", dict(members=-1)),
    (TypeError, "members", dict(members=2.0)),
    (TypeError, "members", dict(members=True)),
    (ValueError, "dtype", dict(dtype=np.int32)),
    (ValueError, "dtype", dict(dtype=np.float16)),
])
def test_a_model_that_cannot_be_is_refused(error, name, arguments):
    with pytest.raises(error, match=rf"^{name}(\[.\])? was"):
        Autoencoder(**{"sizes": SIZES, **arguments})


BAD_FITS = [
    (ValueError, "x ", dict(x=X[:, :34])),
    (ValueError, "x ", dict(x=X[0])),
    (ValueError, "x ", dict(x=X[:0])),
    (ValueError, "x ", dict(x=X[None])),
    (ValueError, "x ", dict(x=1.0)),
    (ValueError, "x ", dict(x=spoilt(math.nan))),
    (ValueError, "x ", dict(x=spoilt(math.inf), loss="mse")),
    (ValueError, "x ", dict(x=spoilt(1.01))),
    (ValueError, "x ", dict(x=spoilt(-0.01))),
    (TypeError, "x ", dict(x="pictures")),
    (TypeError, "x ", dict(x=None)),
    (TypeError, "x ", dict(x=X.astype(complex))),
    (ValueError, "loss ", dict(loss="hinge")),
    (ValueError, "loss ", dict(loss=None)),
    (ValueError, "loss ", dict(loss=["mse"])),
    (ValueError, "epochs ", dict(epochs=0)),
    (ValueError, "epochs ", dict(epochs=-3)),
    (TypeError, "epochs ", dict(epochs=2.5)),
    (TypeError, "epochs ", dict(epochs=None)),
    (ValueError, "batch_size ", dict(batch_size=0)),
    (ValueError, "batch_size ", dict(batch_size=33)),
    (TypeError, "batch_size ", dict(batch_size=8.0)),
    (TypeError, "optimizer ", dict(optimizer="adam")),
    (TypeError, "optimizer ", dict(optimizer=Adam)),
    (TypeError, "corrupt ", dict(corrupt=0.2)),
    (ValueError, "corrupt's result ", dict(corrupt=lambda x, rng: x[..., :-1])),
    (ValueError, "corrupt's result ", dict(corrupt=lambda x, rng: x[0, 0])),
    (ValueError, "corrupt's result ", dict(corrupt=lambda x, rng: x[:1])),
    (TypeError, "corrupt's result ", dict(corrupt=lambda x, rng: None)),
    (TypeError, "corrupt's result ", dict(corrupt=lambda x, rng: x + 0j)),
    (ValueError, "corrupt's result ", dict(corrupt=lambda x, rng: x * math.nan)),
    (ValueError, "corrupt's result ", dict(corrupt=lambda x, rng: x + 1e300)),
    (ValueError, "learning_rate ", dict(optimizer=SGD(-0.1))),
    (ValueError, "learning_rate ", dict(optimizer=Momentum(math.nan))),
    (ValueError, "learning_rate ", dict(optimizer=Adam([0.1, 0.1]))),
    (ValueError, "learning_rate ", dict(optimizer=Adam(np.full((3, 1), 0.1)))),
    (ValueError, "learning_rate ", dict(optimizer=Adam(lambda progress: -0.1))),
    (ValueError, "learning_rate ", dict(optimizer=SGD(lambda progress: 0.1 - 0.2 * progress), epochs=10)),
    (TypeError, "learning_rate ", dict(optimizer=SGD(lambda progress: 0.1 if progress < 0.5 else None), batch_size=9)),
]


@pytest.mark.parametrize("error, name, arguments", BAD_FITS,
                         ids=[f"{name}{number}" for number, (_, name, _) in enumerate(BAD_FITS)])
@pytest.mark.parametrize("members", [None, 3])
def test_a_training_that_cannot_be_is_refused_and_changes_nothing(error, name, arguments, members):
    ae = model(members)
    before = ae.parameters.copy()
    with pytest.raises(error, match=f"^{name}"):
        ae.fit(**{"x": X, "epochs": 4, "rng": 0, **arguments})
    np.testing.assert_array_equal(ae.parameters, before)


def test_bce_needs_probabilities():
    ae = model(output="linear")
    with pytest.raises(ValueError, match="^output was 'linear'; it must be 'sigmoid' for loss 'bce'"):
        ae.fit(X, 1)


def test_mse_takes_values_outside_zero_and_one():
    model(output="linear").fit(3 * X - 1, 2, loss="mse")


@pytest.mark.parametrize("method, name, value", [
    ("encode", "x", X[:, :2]), ("reconstruct", "x", spoilt(math.nan)), ("decode", "z", np.zeros((4, 3))),
    ("decode", "z", np.zeros((0, 2))), ("encode", "x", np.zeros((4, 4, 35))), ("decode", "z", [[math.inf, 0]]),
    ("encode", "x", np.full((4, 35), 3e38)), ("decode", "z", np.full((4, 2), 3e38)),
])
def test_what_does_not_fit_the_network_is_refused(method, name, value):
    with pytest.raises(ValueError, match=f"^{name} "):
        getattr(diverging(members=3), method)(value)


# Two at once

@pytest.mark.parametrize("make, x", [
    (lambda seed: Autoencoder(SIZES, rng=seed), X),
    (lambda seed: VAE(shape=(8, 8, 1), rng=seed), np.random.default_rng(0).random((32, 8, 8, 1)))], ids=["Autoencoder", "VAE"])
@pytest.mark.parametrize("ending", ["well", "in an error"])
def test_two_trainings_in_two_threads_do_not_disturb_each_other(make, x, ending):
    """The second begins within the first and ends after it; the first ends well, or has no learning rate at last."""
    threadpoolctl, begun, ended, seen = pytest.importorskip("threadpoolctl"), Event(), Event(), []

    def blas():
        return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]

    def first(progress):
        begun.wait(20)
        return 0.01 if progress < 0.5 or ending == "well" else None

    def second(progress):
        begun.set()
        if progress >= 0.5:
            ended.wait(20)
            seen.append(blas())
        return 0.01

    def trained(number):
        model = make(number)
        try:
            model.fit(x, 4, batch_size=16, optimizer=Adam((first, second)[number]), rng=number)
        except TypeError:
            assert (number, ending) == (0, "in an error")
        if number == 0:
            ended.set()
        return model.parameters

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = blas()
        with ThreadPoolExecutor(2) as threads:
            together = list(threads.map(trained, range(2)))
        assert blas() == before and seen == [[1] * len(before)] * 4
        for one, other in zip(together, map(trained, range(2)), strict=True):
            np.testing.assert_array_equal(one, other)
        assert blas() == before


# Trainings that end in the middle

def diverging(members=None):
    """A model of straight lines, whose squared error a large rate drives up faster than any number can follow."""
    return Autoencoder(SIZES, "linear", output="linear", members=members, rng=1)


@pytest.mark.parametrize("members, rate", [(None, 0.5), (3, 0.5), (3, [0.0, 0.5, 0.001])], ids=["one", "all", "second"])
def test_a_training_that_diverges_names_the_epoch_and_keeps_the_last_finite_parameters(members, rate):
    ae, again = diverging(members), diverging(members)
    with pytest.raises(FloatingPointError, match="diverged") as error:
        ae.fit(X, 1000, loss="mse", optimizer=SGD(rate))
    epoch = int(re.search(r"epoch (\d+)", str(error.value))[1])
    assert np.isfinite(ae.parameters).all() and np.isfinite(np.square(ae.reconstruct(X) - X).sum((-1, -2)) / len(X)).all()
    loss = again.fit(X, epoch - 2, loss="mse", optimizer=SGD(rate)).loss
    assert np.isfinite(loss).all()
    np.testing.assert_array_equal(ae.parameters, again.parameters)
    # One epoch more, and the loss of epoch `epoch` would not have been finite.
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError):
        again.fit(X, 2, loss="mse", optimizer=SGD(rate))


def test_a_training_that_diverges_with_its_last_step_says_so():
    ae = diverging()
    before = ae.parameters.copy()
    with pytest.raises(FloatingPointError, match="epoch 1;"):
        ae.fit(X, 1, loss="mse", optimizer=SGD(3e38))
    np.testing.assert_array_equal(ae.parameters, before)


def test_a_training_in_batches_that_diverges_keeps_finite_parameters():
    ae = diverging()
    with pytest.raises(FloatingPointError, match=r"epoch \d+"):
        ae.fit(X, 100, loss="mse", optimizer=SGD(0.5), batch_size=4, rng=0)
    assert np.isfinite(ae.parameters).all()


@pytest.mark.parametrize("batch_size", [None, 10])
@pytest.mark.parametrize("epoch", [1, 2, 4])
def test_ctrl_c_keeps_the_end_of_the_last_finished_epoch(epoch, batch_size):
    batches_an_epoch, calls = (1 if batch_size is None else 4), []

    def interrupted(x, rng):
        calls.append(0)
        if len(calls) == epoch * batches_an_epoch:
            raise KeyboardInterrupt
        return x

    ae, again = model(), model()
    with pytest.raises(KeyboardInterrupt):
        ae.fit(X, 6, optimizer=SGD(0.1), corrupt=interrupted, batch_size=batch_size, rng=0)
    if epoch > 1:
        again.fit(X, epoch - 1, optimizer=SGD(0.1), corrupt=lambda x, rng: x, batch_size=batch_size, rng=0)
    np.testing.assert_array_equal(ae.parameters, again.parameters)


@pytest.mark.parametrize("finished", [1, 3])
def test_ctrl_c_while_the_bar_is_drawn_keeps_the_finished_epochs(monkeypatch, finished):
    tqdm = pytest.importorskip("tqdm")

    def bar(epochs, **settings):
        yield from range(finished)
        raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "tqdm", bar)
    ae, again = model(), model()
    with pytest.raises(KeyboardInterrupt):
        ae.fit(X, 6, optimizer=SGD(0.1), progress=True)
    again.fit(X, finished, optimizer=SGD(0.1))
    np.testing.assert_array_equal(ae.parameters, again.parameters)


def test_ctrl_c_in_the_last_check_keeps_the_finished_epochs(monkeypatch):
    isfinite, ae, again = np.isfinite, model(), model()

    def interrupted(x):
        if np.shape(x) == ae.parameters.shape:
            raise KeyboardInterrupt
        return isfinite(x)

    monkeypatch.setattr(np, "isfinite", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ae.fit(X, 6, optimizer=SGD(0.1))
    monkeypatch.undo()
    again.fit(X, 5, optimizer=SGD(0.1))
    np.testing.assert_array_equal(ae.parameters, again.parameters)


@pytest.mark.parametrize("error", [RuntimeError, FloatingPointError, OverflowError])
@pytest.mark.parametrize("place", ["corrupt", "schedule", "after_epoch"])
def test_an_error_of_whatever_kind_in_a_function_that_was_given_restores_the_parameters(place, error):
    calls = []

    def broken(result):
        calls.append(0)
        if len(calls) == 4:
            raise error("broken")
        return result

    functions = {"corrupt": dict(corrupt=lambda x, rng: broken(x)), "after_epoch": dict(after_epoch=lambda: broken(None)),
                 "schedule": dict(optimizer=SGD(lambda progress: broken(0.1)))}
    ae = model()
    before = ae.parameters.copy()
    with pytest.raises(error, match="broken"):
        ae.fit(X, 9, rng=0, **functions[place])
    np.testing.assert_array_equal(ae.parameters, before)
    assert ae.history.loss.size == 0                # what was taken back has no history


class Interrupt(KeyboardInterrupt):
    """As a notebook's kernel, or a library, may raise one."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupt])
def test_the_history_of_the_finished_epochs_outlives_an_interrupt(error):
    ae, again, calls = model(), model(), []

    def interrupted():
        calls.append(0)
        if len(calls) == 4:
            raise error

    with pytest.raises(error):
        ae.fit(X, 9, optimizer=SGD(0.1), after_epoch=interrupted)
    history = again.fit(X, 4, optimizer=SGD(0.1))
    np.testing.assert_array_equal(ae.history.loss, history.loss)
    np.testing.assert_array_equal(ae.parameters, again.parameters)
    assert again.history is history


def test_a_function_is_called_after_each_epoch():
    ae, seen = model(), []
    ae.fit(X, 5, after_epoch=lambda: seen.append(ae.parameters.copy()))
    assert len(seen) == 5 and (seen[-1] == ae.parameters).all() and (seen[0] != seen[1]).any()
    with pytest.raises(TypeError, match="^after_epoch was 3"):
        ae.fit(X, 1, after_epoch=3)


@pytest.mark.parametrize("batch_size", [None, 10])
def test_an_error_in_corrupt_restores_the_parameters(batch_size):
    calls = []

    def broken(x, rng):
        calls.append(0)
        if len(calls) == 7:
            raise RuntimeError("broken")
        return x

    ae = model()
    before = ae.parameters.copy()
    with pytest.raises(RuntimeError, match="broken"):
        ae.fit(X, 9, corrupt=broken, batch_size=batch_size, rng=0)
    assert len(calls) == 7
    np.testing.assert_array_equal(ae.parameters, before)


def last_line(text):
    """What a terminal shows on the last line of `text`: each carriage return starts it anew."""
    shown = ""
    for part in text.split("\n")[-1].replace("\x1b[A", "").split("\r"):
        shown = part + shown[len(part):]
    return shown.strip()


@pytest.mark.parametrize("ending", ["well", "in divergence"])
def test_the_progress_bar_leaves_nothing_behind(capfd, monkeypatch, ending):
    pytest.importorskip("tqdm")
    monkeypatch.setenv("COLUMNS", "80")
    if ending == "well":
        model().fit(X, 5, progress=True)
    else:
        with pytest.raises(FloatingPointError):
            diverging().fit(X, 1000, loss="mse", optimizer=SGD(0.5), progress=True)
    sys.stderr.flush()
    out, err = capfd.readouterr()
    assert "epoch" in err and out == ""
    assert last_line(err) == "" and "\n" not in err


def test_without_progress_nothing_is_printed(capfd):
    model().fit(X, 5)
    assert capfd.readouterr() == ("", "")


def test_progress_does_not_change_the_training(capfd):
    pytest.importorskip("tqdm")
    quiet, shown = model(), model()
    np.testing.assert_array_equal(quiet.fit(X, 5).loss, shown.fit(X, 5, progress=True).loss)
    np.testing.assert_array_equal(quiet.parameters, shown.parameters)


@pytest.mark.parametrize("members", [None, 3])
def test_the_benchmarks_written_out_loop_is_the_same_training(members):
    from .tools.benchmark.contenders import written_out

    rate = 0.001 if members is None else np.float32([0.1, 0.01, 0.001])
    parameters, losses = written_out(members, epochs=30, rate=rate)()
    networks = Autoencoder((35, 10, 2), latent="sigmoid", members=members, rng=1)
    history = networks.fit(characters("lowercase")[0], 30, "mse", Adam(rate))
    np.testing.assert_array_equal(parameters, networks.parameters)
    np.testing.assert_array_equal(losses, history.loss)


def blas_threads():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    return [library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"]


def test_an_interrupt_at_any_line_leaves_blas_its_threads():
    """Ctrl-C at every line that `one_blas_thread` runs, one after the other."""
    from autoenc import blas

    threadpoolctl, lines = pytest.importorskip("threadpoolctl"), []
    functions = blas.one_blas_thread.__wrapped__, blas.enter, blas.leave, blas.set_threads
    places = {function.__code__ for function in functions}

    def trace(frame, event, argument):
        if frame.f_code not in places:
            return None
        # Python looks for signals where it calls or jumps, not at these words.
        if event == "line" and linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip() not in ("try:", "finally:", "with LOCK:"):
            lines.append(frame.f_lineno)
            if len(lines) == stop:
                signal.raise_signal(signal.SIGINT)
        return trace

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before, stop, interrupted = blas_threads(), 0, 0
        while True:
            stop += 1
            lines.clear()
            sys.settrace(trace)
            try:
                with blas.one_blas_thread():
                    pass
            except KeyboardInterrupt:
                interrupted += 1
            finally:
                sys.settrace(None)
            assert blas_threads() == before, f"after an interrupt at step {stop}, line {lines[-1]}"
            assert not blas.BUSY
            if len(lines) < stop:
                break
    assert interrupted >= 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_a_fork_while_another_thread_trains_can_train_too():
    stop = Event()

    def trains():
        while not stop.is_set():
            model().fit(X, 1)

    with ThreadPoolExecutor(1) as threads:
        training = threads.submit(trains)
        try:
            for _ in range(40):
                child = os.fork()
                if child == 0:
                    signal.alarm(20)                        # a deadlock ends here
                    model().fit(X, 1)
                    os._exit(0)
                assert os.waitpid(child, 0)[1] == 0
        finally:
            stop.set()
        training.result()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks on this system")
def test_a_fork_while_another_thread_trains_has_blas_s_threads_again():
    from autoenc import blas

    threadpoolctl = pytest.importorskip("threadpoolctl")
    entered, stop = Event(), Event()

    def trains():
        with blas.one_blas_thread():
            entered.set()
            stop.wait(60)

    with threadpoolctl.threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(1) as threads:
        before, training = blas_threads(), threads.submit(trains)
        try:
            assert entered.wait(60) and blas_threads() != before
            child = os.fork()
            if child == 0:
                os._exit(int(blas_threads() != before or bool(blas.BUSY)))
            assert os.waitpid(child, 0)[1] == 0
        finally:
            stop.set()
        training.result()
        assert blas_threads() == before


def test_each_thread_s_limit_is_set_and_released_again(monkeypatch):
    """threadpoolctl heeds only the thread that set a limit first, so that is released before and after."""
    from autoenc import blas

    calls = []

    class Library:
        def clear_controlling_thread(self, force):
            calls.append(("release", force))

        def set_num_threads(self, threads):
            calls.append(("set", threads))

    blas.set_threads([(Library(), 3)])
    assert calls == [("release", True), ("set", 3), ("release", True)]


def test_the_progress_bar_leaves_nothing_in_a_notebook_either():
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        "from autoenc import Autoencoder, characters\n"
        "Autoencoder((35, 6, 2), rng=1).fit(characters()[0], 200, progress=True);")])
    nbclient.NotebookClient(notebook, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [output.get("data", output.get("text")) for output in outputs] == [{"text/plain": ""}]


def test_in_a_cell_the_bar_shows_its_last_line(monkeypatch):
    pytest.importorskip("IPython")
    shown = []

    def display(data, raw, display_id):
        shown.append((data, raw))
        return SimpleNamespace(update=lambda data, raw: shown.append((data, raw)))

    monkeypatch.setattr("IPython.display.display", display)
    output = CellOutput()
    for line in "\r 50%|█████     |", "\r", "":
        output.write(line)
        output.flush()
    assert shown == [({"text/plain": text}, True) for text in ("", "50%|█████     |", "", "")]
