"""Training: the loop over epochs and batches that every model shares.

A model brings a function `step(rows)` that computes the losses on the samples with those indices, and their
gradient.  This module calls it often enough, in a fresh random order in each epoch, has the optimiser move the
parameters, writes down the losses, and sees to it that whatever happens on the way leaves the model with
parameters that make sense:

* an error in the middle: as they were before training,
* a loss that is no longer finite: the last ones whose loss was, and an error that names the epoch,
* Ctrl-C: those at the end of the last finished epoch.
"""

import math
from contextlib import contextmanager
from functools import cache
from threading import Lock
from types import SimpleNamespace

import numpy as np

from .checks import must, whole_number
from .optimizers import SGD, Adam

LOCK, BEFORE = Lock(), []           # how many threads BLAS has is one number for the process


class History(SimpleNamespace):
    """The losses of a training: one array (epochs, ...) for each name."""


@cache
def _libraries():
    """The controllers of the BLAS libraries, NumPy's among them; to find them takes as long as a slider's move."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


def _limit(libraries):
    """Set the threads of BLAS libraries: pairs of a library's controller and a number."""
    for library, number in libraries:
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)     # threadpoolctl 3.8 ignores, without a word, all but the thread that came first
        library.set_num_threads(number)
        release(force=True)


@contextmanager
def one_blas_thread():
    """Within: matrix products on one thread each.  Small ones are quicker so, and come out the same anywhere.

    Of several trainings at once, in threads, each puts what it finds on a stack, and whichever ends takes back
    what lies on top: one thread, until the last ends and takes back what the first found.
    """
    with LOCK:
        BEFORE.append([(library, library.get_num_threads()) for library in _libraries()])
        _limit((library, 1) for library in _libraries())
    try:
        yield
    finally:
        with LOCK:
            _limit(BEFORE.pop())


def train(params, grads, step, samples, epochs, batch_size, optimizer, rng, progress, after_epoch=lambda: None):
    """Call `step` and move the parameters, on every batch of every epoch; return the losses, averaged over each epoch.

    params, grads: the model's flat parameters, moved in place, and where `step` leaves their gradient.
    samples: how many there are.  batch_size: None is all of them in one batch, in their own order.
    optimizer: None is Adam(0.001).  rng: a generator, for the order.  progress: show a bar with tqdm, which
    is gone at the end.  after_epoch: a function called after each epoch.

    Returns an array (epochs, *losses' shape).  TypeError or ValueError, before any work, for settings that
    make no training; FloatingPointError where it diverges.
    """
    epochs = whole_number("epochs", epochs)
    size = samples if batch_size is None else whole_number("batch_size", batch_size, most=samples)
    optimizer = Adam() if optimizer is None else optimizer
    must(isinstance(optimizer, SGD), "optimizer", optimizer, "SGD, Momentum or Adam", TypeError)
    update, order, bar, losses = optimizer.start(params, grads), np.arange(samples), range(epochs), []
    batches = [order[first:first + size] for first in range(0, samples, size)]      # views: to shuffle it shuffles them
    if progress:
        from tqdm.auto import tqdm
        bar = tqdm(bar, unit="epoch", leave=False)
    finite = finished = before = params.copy()          # nobody writes into them, so one array may be all three
    try:
        with one_blas_thread(), np.errstate(all="ignore"):
            for epoch in bar:
                if batch_size is not None:
                    rng.shuffle(order)
                loss = 0
                for number, rows in enumerate(batches, epoch * len(batches)):
                    loss = loss + step(rows)
                    update(number / (epochs * len(batches)))
                losses.append(loss / len(batches))
                good = np.isfinite(loss).all() if np.ndim(loss) else math.isfinite(loss)         # `math` is quicker
                finite = finished if good else finite       # the loss is that of what there was before the epoch
                if not good or epoch == epochs - 1 and not np.isfinite(params).all():
                    raise FloatingPointError(f"training diverged in epoch {epoch + 1}; the last finite parameters stay")
                finished = params.copy()
                after_epoch()
    except BaseException as error:
        params[...] = {KeyboardInterrupt: finished, FloatingPointError: finite}.get(type(error), before)
        raise
    return np.array(losses)
