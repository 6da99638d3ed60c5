"""Training: the loop over epochs and batches that every model shares.

A model brings a function `step(rows)` that computes the losses on the samples with those indices, and their
gradient.  This module calls it often enough, in a fresh random order in each epoch, has the optimiser move the
parameters, writes down the losses, and sees to it that whatever happens on the way leaves the model with
parameters that make sense:

* a loss that is no longer finite: the last parameters whose loss was, and a `Diverged` that names the epoch,
* Ctrl-C: those at the end of the last finished epoch,
* any other error: as they were before training.
"""

import math
import sys
from types import SimpleNamespace

import numpy as np

from .blas import one_blas_thread
from .checks import require, whole_number
from .optimizers import SGD, Adam


class History(SimpleNamespace):
    """The losses of a training: one array (epochs, ...) for each name."""


class Diverged(FloatingPointError):
    """The loss, or the parameters, are no longer finite numbers."""


class CellOutput:
    """A file that shows the last line written to it in the cell of a notebook that is running, and can be empty again.

    So a bar of tqdm's leaves nothing there, however the notebook is saved or exported.
    """

    def __init__(self):
        from IPython.display import display

        self.handle = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, line):
        self.handle.update({"text/plain": line.strip()}, raw=True)

    def flush(self):
        """Nothing waits to be written."""


def progress_bar(epochs):
    """The numbers of the epochs, with a bar of tqdm's that is gone at the end."""
    from tqdm import tqdm

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    file = CellOutput() if hasattr(shell, "kernel") else sys.stderr
    return tqdm(range(epochs), unit="epoch", leave=False, file=file)


def finite(values):
    """Whether all values, a number or an array, are finite; `math` is quicker for a number."""
    return bool(np.isfinite(values).all()) if np.ndim(values) else math.isfinite(values)


def train(params, grads, step, samples, epochs, batch_size, optimizer, rng, progress, after_epoch=lambda: None,
          memory=None, losses=None):
    """Call `step` and move the parameters, on every batch of every epoch; return the losses, averaged over each epoch.

    params, grads: the model's flat parameters, moved in place, and where `step` leaves their gradient.
    samples: how many there are.  batch_size: None is all of them in one batch, in their own order.
    optimizer: None is Adam(0.001).  rng: a generator, for the order.  progress: show a bar with tqdm, which
    is gone at the end.  after_epoch: a function called after each epoch.  memory: of the optimiser, from an earlier
    training, see `SGD.prepare`.  losses: a list that gets those of each epoch as soon as it is finished, and which
    is empty after an error that takes the training back.

    Returns an array (epochs, *losses' shape).  TypeError or ValueError, before any work, for settings that
    make no training; Diverged, a FloatingPointError, where it diverges.
    """
    epochs = whole_number("epochs", epochs)
    size = samples if batch_size is None else whole_number("batch_size", batch_size, most=samples)
    optimizer = Adam() if optimizer is None else optimizer
    require(isinstance(optimizer, SGD), "optimizer", optimizer, "SGD, Momentum or Adam", TypeError)
    buffers = optimizer.prepare(params, grads, memory)

    order = np.arange(samples)
    batches = [order[first:first + size] for first in range(0, samples, size)]      # views: to shuffle it shuffles them
    steps = epochs * len(batches)
    losses = [] if losses is None else losses

    before = params.copy()
    finished = before           # the parameters at the end of the last finished epoch
    measured = before           # the last parameters of which a finite loss is known
    try:
        with one_blas_thread(), np.errstate(all="ignore"):
            for epoch in progress_bar(epochs) if progress else range(epochs):
                if batch_size is not None:
                    rng.shuffle(order)
                loss = 0
                for batch, rows in enumerate(batches, epoch * len(batches)):
                    loss = loss + step(rows)
                    optimizer.step(buffers, batch / steps)
                good = finite(loss)
                if good:
                    measured = finished         # for the loss is that of what there was before the epoch
                last = epoch == epochs - 1
                if not good or last and not finite(params):
                    raise Diverged(f"training diverged in epoch {epoch + 1}; the last finite parameters stay")
                losses.append(loss / len(batches))
                finished = params.copy()
                after_epoch()
    except KeyboardInterrupt:
        params[...] = finished
        raise
    except Diverged:
        params[...] = measured
        raise
    except BaseException:
        params[...] = before
        losses.clear()
        raise
    return np.array(losses)
