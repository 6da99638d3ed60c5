"""The variational autoencoder: codes that are distributions, and so a latent space one can walk through.

An autoencoder gives each picture a point; between the points nothing was ever asked of the decoder, and
it draws nonsense there.  A VAE (Kingma and Welling, 2014) gives each picture a little cloud instead, a
normal distribution with a mean and a variance for each latent dimension, and trains the decoder on
random points of it.  Its loss has two parts:

* reconstruction_loss: the cross-entropy of the decoded pixels, summed over a picture, and
* kl_loss: the Kullback-Leibler divergence of the cloud from the standard normal N(0, 1), which keeps
  the clouds close together, and wide enough to overlap.

total_loss is reconstruction_loss + beta · kl_loss.  How does a gradient get through a random number?
By *reparameterisation*: z = mean + exp(log_var / 2) · ε, with ε drawn from N(0, 1) by itself, is a plain
function of mean and log_var.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import local

import numpy as np

from .checks import as_samples, float_type, generator, number, positive_integer
from .convolutions import Conv2D, Conv2DTranspose, Flatten, Reshape, whole_numbers
from .layers import Dense, Sigmoid, widened
from .losses import bce
from .models import Model, fit_settings, views
from .training import History, one_blas_thread, train

LOSSES = ("reconstruction_loss", "kl_loss", "total_loss")
MICRO = 16                      # pictures at a time: what they need then stays in the processor's cache


class Pass:
    """The buffers for `rows` pictures on their way through a VAE and back."""

    def __init__(self, vae, rows):
        self.vae, self.rows = vae, rows
        works = [layer.work((), rows, vae.dtype, first=layer is vae.layers[0]) for layer in vae.layers]
        self.steps = list(zip(vae.layers, works, vae.weights))
        self.encoder, self.decoder = slice(len(vae.encoder)), slice(len(vae.encoder), None)
        self.wide_code, self.code = widened((), rows, vae.latent, vae.dtype)
        self.buffers = [np.empty((rows, vae.pixels), vae.dtype) for _ in range(2)]

    def _forward(self, part, x):
        for layer, work, params in self.steps[part]:
            x = layer.forward(params, x, work)
        return x

    def _backward(self, part, dy, grads):
        for (layer, work, params), grad in reversed(list(zip(self.steps[part], grads[part]))):
            dy = layer.backward(params, work, dy, grad)
        return dy

    def encode(self, x):
        """Mean and log-variance, (rows, latent) each, of the pictures' codes."""
        return np.split(self._forward(self.encoder, x)[:, :-1], 2, axis=1)

    def decode(self):
        """The logits of the pictures that belong to `self.code`, (rows, pixels)."""
        return self._forward(self.decoder, self.wide_code).reshape(self.rows, -1)

    def run(self, x, epsilon, grads=None):
        """The losses (3,) of pictures at the noise epsilon, means over them; their gradient goes into `grads`."""
        mean, log_var = self.encode(x)
        deviation = np.exp(log_var / 2)
        variance = deviation * deviation
        self.code[...] = mean + deviation * epsilon
        reconstruction, dy = bce(self.decode(), x.reshape(self.rows, -1), self.buffers)
        kl = (mean * mean + variance - 1 - log_var).sum() / (2 * self.rows)
        if grads is not None:
            dz, share = self._backward(self.decoder, dy.reshape(x.shape), grads), self.vae.beta / self.rows
            self._backward(self.encoder, np.concatenate([
                dz + share * mean, (dz * epsilon * deviation + share * (variance - 1)) / 2], axis=1), grads)
        return reconstruction, kl, reconstruction + self.vae.beta * kl


class Workers:
    """Threads that share the passes of one VAE: `map` runs them over micro-batches of pictures.

    A micro-batch's result does not depend on who computes it, and results are put together in the
    order of the pictures: so one worker or eight, the numbers are the same.
    """

    def __init__(self, vae, workers):
        self.vae, self.pool, self.own = vae, ThreadPoolExecutor(workers), local()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown(cancel_futures=True)

    def _one(self, function, part):
        rows, passes = part.stop - part.start, vars(self.own).setdefault("passes", {})     # every thread has its own
        if rows not in passes:
            passes[rows] = Pass(self.vae, rows)
        return function(passes[rows], part)

    def map(self, function, samples):
        """The list of function(pass, slice) over the micro-batches of so many samples."""
        parts = [slice(first, min(first + MICRO, samples)) for first in range(0, samples, MICRO)]
        return list(self.pool.map(partial(self._one, function), parts))

    def losses(self, x, epsilon, grads=None):
        """The losses (3,) of x, averaged over its pictures, and their gradient.

        grads: None, or an array (micro-batches, parameters) to work in.
        """
        parts = None if grads is None else views(self.vae.layers, grads)

        def one(work, part):
            micro = None if grads is None else [array[part.start // MICRO] for array in parts]
            with np.errstate(all="ignore"):
                return work.rows / len(x), work.run(x[part], epsilon[part], micro)

        shares, losses = zip(*self.map(one, len(x)))
        shares = np.array(shares, self.vae.dtype)
        return shares @ np.array(losses), None if grads is None else shares @ grads[:len(shares)]


class VAE(Model):
    """Keras' convolutional VAE: two convolutions and two dense layers to the code, and their mirror image back.

    latent: how many numbers a code has.  beta: the weight of kl_loss in total_loss (Higgins and others,
    2017).  rng: where the first weights come from.  shape: of a picture, (height, width, channels), height
    and width multiples of 4.  dtype: of parameters and results.

    Raises TypeError or ValueError for numbers that make no network.
    """

    def __init__(self, latent=2, beta=1.0, rng=0, shape=(28, 28, 1), dtype=np.float32):
        self.latent, self.shape = positive_integer("latent", latent), whole_numbers("shape", shape, 3)
        self.beta = number("beta", beta, "a finite number, not negative", lambda value: 0 <= value < np.inf)
        if self.shape[0] % 4 or self.shape[1] % 4:
            raise ValueError(f"shape was {shape!r}; its height and width must be multiples of 4")
        self.dtype, self.pixels = float_type(dtype), math.prod(self.shape)
        half = Conv2D(self.shape, 32, 3, 2, activation="relu")
        quarter = Conv2D(half.outputs, 64, 3, 2, activation="relu")
        flat = Flatten(quarter.outputs)
        self.encoder = [half, quarter, flat, Dense(flat.outputs, 16, "relu"), Dense(16, 2 * self.latent)]
        up = Conv2DTranspose(quarter.outputs, 64, 3, 2, activation="relu")
        upper = Conv2DTranspose(up.outputs, 32, 3, 2, activation="relu")
        self.decoder = [Dense(self.latent, flat.outputs, "relu"), Reshape(quarter.outputs), up, upper,
                        Conv2DTranspose(upper.outputs, self.shape[2], 3)]      # its sigmoid: `bce`, or `decode`
        self.layers = self.encoder + self.decoder

        def draw(rng):
            starts = [layer.initial(rng) for layer in self.layers]
            heads = [Dense(16, self.latent).initial(rng) for _ in ("mean", "log_var")]    # Keras has two layers here
            starts[len(self.encoder) - 1] = np.concatenate(heads, axis=1)
            return np.concatenate([start.ravel() for start in starts])

        self.parameters = self._start(self.layers, (), rng, draw)
        self.weights = views(self.layers, self.parameters)

    @property
    def settings(self):
        """What one has to call `VAE` with, next to `rng`, to get another such network."""
        return dict(latent=self.latent, beta=self.beta, shape=self.shape, dtype=self.dtype.name)

    def _pictures(self, name, x):
        return as_samples(name, x, self.shape, self.dtype, kinds="f", low=0, high=1)

    def _codes(self, name, z):
        return as_samples(name, z, (self.latent,), self.dtype, kinds="f")

    def _map(self, function, samples):
        with one_blas_thread():
            if samples <= MICRO:                            # a slider moved: no time to start threads
                return function(Pass(self, samples), slice(samples))
            with Workers(self, 2) as threads:
                return np.concatenate(threads.map(function, samples), axis=-2)

    def encode(self, x):
        """The codes of pictures x (n, height, width, channels), values in [0, 1]: (mean, log_var), each (n, latent)."""
        x = self._pictures("x", x)
        return tuple(self._map(lambda work, part: np.array(work.encode(x[part])), len(x)))

    def decode(self, z):
        """The pictures of codes z (n, latent): (n, height, width, channels), values in [0, 1]."""
        z = self._codes("z", z)

        def one(work, part):
            work.code[...] = z[part]
            with np.errstate(all="ignore"):
                logits = work.decode().copy()
            Sigmoid.forward(logits, None)
            return logits
        pictures = self._map(one, len(z)).reshape(-1, *self.shape)
        if np.isnan(pictures).any():
            raise ValueError(f"z has values up to {np.abs(z).max():.3g}, too large for this network")
        return pictures

    def sample(self, n, rng=None):
        """n pictures that nobody has seen: decoded from random codes of the prior N(0, 1)."""
        return self.decode(generator(rng).standard_normal((positive_integer("n", n, most=10 ** 6), self.latent)))

    def noise(self, samples, rng):
        """The random numbers ε of that many codes, (samples, latent).  A network without them is an autoencoder."""
        return rng.standard_normal((samples, self.latent), np.float32).astype(self.dtype, copy=False)

    def evaluate(self, x, rng=0, workers=2):
        """The three losses of pictures x, means over them with one random code each, by name."""
        x, epsilon = self._pictures("x", x), self.noise(len(x), generator(rng))
        with one_blas_thread(), Workers(self, positive_integer("workers", workers, most=256)) as threads:
            return dict(zip(LOSSES, map(float, threads.losses(x, epsilon)[0])))

    def loss_and_gradient(self, x, epsilon):
        """The losses of x, by name, at the noise epsilon (n, latent), and total_loss's gradient, like `parameters`."""
        x, epsilon = self._pictures("x", x), self._codes("epsilon", epsilon)
        if len(epsilon) != len(x):
            raise ValueError(f"epsilon has {len(epsilon)} rows; it must have one for each of the {len(x)} of x")
        with one_blas_thread(), Workers(self, 1) as threads:
            grads = np.empty((-(-len(x) // MICRO), self.parameters.size), self.dtype)
            losses, gradient = threads.losses(x, epsilon, grads)
        return dict(zip(LOSSES, map(float, losses))), gradient

    def fit(self, x, epochs=30, batch_size=128, optimizer=None, workers=2, rng=0, validation=None, progress=False,
            after_epoch=None):
        """Train, from the present parameters on; return the `History` of the three losses.

        x: pictures (n, height, width, channels), values in [0, 1].  epochs: how many times each is seen.
        batch_size: how many pictures a step is taken for, None for all.
        optimizer: `SGD`, `Momentum` or `Adam`; None is Adam(0.001).  workers: how many threads share a batch;
        the result does not depend on it.  rng: for the order of the pictures and the noise.
        validation: pictures whose losses are taken after each epoch, as history.val_….
        after_epoch: a function called then.  progress: show a bar.

        Each curve is (epochs,), a mean over the epoch's pictures, each before its batch's update.  Raises
        TypeError or ValueError for what cannot be trained, FloatingPointError when training diverges;
        `autoenc.training` says what the parameters are then.
        """
        x = self._pictures("x", x)
        epochs, batch_size, optimizer = fit_settings(len(x), epochs, batch_size, optimizer)
        batch_size = batch_size or len(x)
        workers, rng = positive_integer("workers", workers, most=256), generator(rng)
        if after_epoch is not None and not callable(after_epoch):
            raise TypeError(f"after_epoch was {after_epoch!r}; it must be a function")
        validation = None if validation is None else self._pictures("validation", validation)
        gradient, validated = np.empty_like(self.parameters), []
        grads = np.empty((-(-batch_size // MICRO), gradient.size), self.dtype)
        update, batches = optimizer.start(self.parameters, gradient), -(-len(x) // batch_size)

        def step(rows, progress):
            losses, gradient[...] = threads.losses(x[rows], self.noise(len(rows), rng), grads)
            update(progress)
            return losses * (len(rows) * batches / len(x))      # `train` averages over batches: a mean over pictures

        def epoch_done():
            if validation is not None:
                noise = self.noise(len(validation), np.random.default_rng(0))
                validated.append(threads.losses(validation, noise)[0])
            if after_epoch is not None:
                after_epoch()

        with Workers(self, workers) as threads:
            curves = train(self.parameters, step, len(x), epochs, batch_size, rng, progress, epoch_done)
        history = dict(zip(LOSSES, curves.T))
        if validation is not None:
            history.update(zip((f"val_{name}" for name in LOSSES), np.array(validated).T))
        return History(**history)

    @classmethod
    def pretrained(cls):
        """The VAE that comes with the package, trained on the 60,000 images of Fashion-MNIST."""
        return cls.load(Path(__file__).parent / "data" / "vae.npz")
