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

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from threading import get_ident
from types import SimpleNamespace

import numpy as np

from .checks import choice, float_type, generator, must, number, numbers, whole_number, whole_numbers
from .convolutions import Conv2D, Conv2DTranspose, Flatten, Reshape
from .layers import ACTIVATIONS, Dense, Layer, columns, lines, widened
from .losses import LOSSES
from .models import Model, Pass
from .training import History, one_blas_thread, train

NAMES = ("reconstruction_loss", "kl_loss", "total_loss")
MICRO = 8                       # pictures at a time: what one step writes is still in the cache when the next reads it


class Sample(Layer):
    """z = mean + exp(log_var / 2) · ε: a random point of every cloud, by the noise that one leaves in work.epsilon.

    It knows the clouds, so it also has their divergence from N(0, 1), summed over the rows, work.kl, and
    adds work.beta times its gradient on the way back (Kingma and Welling, appendix B).
    """

    def __init__(self, latent):
        self.inputs, self.outputs = 2 * latent, latent

    def forward(self, params, x):
        """x: means and log-variances, (rows, 2 · latent + 1), the last column ones.  Out comes (rows, latent + 1)."""
        mean, log_var = np.split(x[:, :-1], 2, axis=1)
        out, z = widened(mean)
        work = SimpleNamespace(y=z, out=out, mean=mean, beta=np.array(1, mean.dtype))

        def draw():
            work.deviation = np.exp(log_var / 2)
            work.kl = (mean ** 2 + work.deviation ** 2 - 1 - log_var).sum() / 2
            z[...] = mean + work.deviation * work.epsilon

        work.steps = [draw]
        return work

    def backward(self, params, work, dz, grads):
        """dz: (rows, latent).  dL/dx is (rows, 2 · latent)."""
        dx = columns((), len(dz), self.inputs, dz.dtype)

        def blame():
            dlog_var = (dz * work.epsilon * work.deviation + work.beta * (work.deviation ** 2 - 1)) / 2
            np.concatenate([dz + work.beta * work.mean, dlog_var], axis=1, out=dx)

        return dx, [], [blame]


@contextmanager
def micro_batches(count, layers, params, loss=None):
    """Within: a function run(function, x).  It cuts x into micro-batches of rows, slices, and yields, of each, what
    function(pass, rows) returns; the pass has its rows of x already.  It is used again for the next: what is to last
    must be copied.

    `count` threads share the micro-batches, each with passes of its own through `layers`, which end in a `loss`, summed
    over the pictures, if it has a name.
    A micro-batch's result does not depend on who computes it, and the results come in their order: one worker or
    eight, the numbers are the same.
    """
    @cache
    def own(thread, shape):
        x = np.empty(shape, params.dtype)
        return Pass(layers, params, x, loss and partial(LOSSES[loss], count=1), x.reshape(len(x), -1))

    def run(function, x):
        def one(rows):
            micro = own(get_ident(), x[rows].shape)
            micro.x[...] = x[rows]
            with np.errstate(all="ignore"):
                return function(micro, rows)

        parts = [slice(first, first + MICRO) for first in range(0, len(x), MICRO)]
        share = pool.map if count > 1 and len(parts) > 1 else map       # a slider moved: no time to start threads
        return share(one, parts)

    with ThreadPoolExecutor(whole_number("workers", count, most=256)) as pool, one_blas_thread():
        yield run


class VAE(Model):
    """Keras' convolutional VAE: two convolutions and two dense layers to the code; one dense layer and three
    transposed convolutions back.

    latent: how many numbers a code has.  beta: the weight of kl_loss in total_loss (Higgins and others,
    2017).  dense: the activation of the encoder's dense layer of 16.  rng: where the first weights come from, or the parameters themselves, an array of floats, which is copied.
    shape: of a picture, (height, width, channels), height and width multiples of 4.  dtype: of parameters and results.

    Raises TypeError or ValueError for numbers that make no network.
    """

    def __init__(self, latent=2, beta=1.0, rng=0, shape=(28, 28, 1), dtype=np.float32, dense="relu"):
        self.latent, self.shape = whole_number("latent", latent), whole_numbers("shape", shape, 3)
        self.beta = number("beta", beta, "a finite number, not negative", lambda value: 0 <= value < np.inf)
        must(self.shape[0] % 4 == self.shape[1] % 4 == 0, "shape", shape, "of height and width that are multiples of 4")
        self.dtype, self.dense = float_type(dtype), choice("dense", dense, ACTIVATIONS)
        half = Conv2D(self.shape, 32, 3, 2, activation="relu")
        quarter = Conv2D(half.outputs, 64, 3, 2, activation="relu")
        flat = Flatten(quarter.outputs)
        self.encoder = [half, quarter, flat, Dense(flat.outputs, 16, dense), Dense(16, 2 * self.latent)]
        up = Conv2DTranspose(quarter.outputs, 64, 3, 2, activation="relu")
        upper = Conv2DTranspose(up.outputs, 32, 3, 2, activation="relu")
        self.decoder = [Dense(self.latent, flat.outputs, "relu", lines, ones=False), Reshape(quarter.outputs),
                        up, upper, Conv2DTranspose(upper.outputs, self.shape[2], 3, activation="sigmoid")]
        logits = Conv2DTranspose(upper.outputs, self.shape[2], 3)                       # which is what the loss takes
        self.layers = [*self.encoder, Sample(self.latent), *self.decoder[:-1], logits]
        self.settings = dict(latent=self.latent, beta=self.beta, shape=self.shape, dtype=self.dtype.name, dense=self.dense)

        def draw(rng):
            starts = [layer.initial(rng) for layer in self.layers]
            heads = [Dense(16, self.latent).initial(rng) for _ in ("mean", "log_var")]      # Keras has two layers here
            starts[len(self.encoder) - 1] = np.hstack(heads)
            return starts

        self.parameters = self._start((), rng, draw)

    def _pictures(self, name, x):
        return numbers(name, x, ("n", *self.shape), kinds="f", dtype=self.dtype, low=0, high=1)

    def _through(self, part, name, x):
        with micro_batches(2, *self._part(part)) as run:
            return self._finite(name, x, np.concatenate(list(run(lambda micro, rows: micro.forward().copy(), x))))

    def encode(self, x):
        """The codes of pictures x (n, height, width, channels), values in [0, 1]: (mean, log_var), each (n, latent)."""
        return tuple(np.split(self._through(self.encoder, "x", self._pictures("x", x)), 2, axis=1))

    def features(self, x):
        """What the encoder's dense layer of 16 makes of pictures x: (n, 16), of which mean and log_var are linear."""
        return self._through(self.encoder[:-1], "x", self._pictures("x", x))

    def decode(self, z):
        """The pictures of codes z (n, latent): (n, height, width, channels), values in [0, 1]."""
        z = numbers("z", z, ("n", self.latent), kinds="f", dtype=self.dtype)
        return self._through(self.decoder, "z", widened(z)[0]).reshape(-1, *self.shape)

    def sample(self, n, rng=None):
        """n pictures that nobody has seen: decoded from random codes of the prior N(0, 1)."""
        return self.decode(generator(rng).standard_normal((whole_number("n", n, most=10 ** 6), self.latent)))

    def noise(self, samples, rng):
        """Random numbers ε for `samples` codes, (samples, latent); a subclass that returns zeros is an autoencoder."""
        return rng.standard_normal((samples, self.latent), np.float32).astype(self.dtype, copy=False)

    def _losses(self, run, x, epsilon, learn=False, ramp=1):
        """The losses of x, (3,), and their gradient if there is something to `learn`: means over its pictures.

        ramp: the part of beta that the gradient is taken with.
        """
        beta = np.array(ramp * self.beta, self.dtype)

        def one(micro, rows):
            sample = micro.works[len(self.encoder)]
            sample.epsilon, sample.beta = epsilon[rows], beta
            reconstruction, divergence = float(micro.run(learn)), float(sample.kl)
            losses = reconstruction, divergence, reconstruction + self.beta * divergence
            return losses, micro.grads.copy() if learn else 0

        losses, gradient = np.zeros(len(NAMES)), np.zeros_like(self.parameters) if learn else 0
        for part, slope in run(one, x):         # added up while others are computed
            losses += part
            gradient += slope
        return losses / len(x), gradient / len(x)

    def _measured(self, x, epsilon, learn=False):
        """The same by name, with threads of its own."""
        with micro_batches(2, self.layers, self.parameters, "bce") as run:
            losses, gradient = self._losses(run, x, epsilon, learn)
        return dict(zip(NAMES, losses.tolist())), gradient

    def evaluate(self, x, rng=0):
        """The three losses of pictures x, means over them with one random code each, by name."""
        x = self._pictures("x", x)
        return self._measured(x, self.noise(len(x), generator(rng)))[0]

    def loss_and_gradient(self, x, epsilon):
        """The losses of x, by name, at the noise epsilon (n, latent), and total_loss's gradient, like `parameters`."""
        x = self._pictures("x", x)
        epsilon = numbers("epsilon", epsilon, (len(x), self.latent), kinds="f", dtype=self.dtype)
        return self._measured(x, epsilon, learn=True)

    def fit(self, x, epochs=30, batch_size=128, optimizer=None, workers=2, rng=0, validation=None, progress=False,
            after_epoch=lambda: None, warmup=0):
        """Train, from the present parameters on; return the `History` of the three losses.

        x: pictures (n, height, width, channels), values in [0, 1].  epochs: how many times each is seen.
        batch_size: how many pictures a step is taken for, None for all.
        optimizer: `SGD`, `Momentum` or `Adam`; None is Adam(0.001).  workers: how many threads share a batch;
        the result does not depend on it.  rng: for the order of the pictures and the noise.
        validation: pictures whose losses are taken after each epoch, as history.val_….
        after_epoch: a function called then.  progress: show a bar.
        warmup: over how many epochs, or what fraction of one, beta rises linearly from 0 (KL annealing, Bowman and
        others, 2016); total_loss is taken at the full beta all the same.

        Each curve is (epochs,), a mean over the epoch's pictures, each before its batch's update.  Raises
        TypeError or ValueError for what cannot be trained, FloatingPointError when training diverges;
        `autoenc.training` says what the parameters are then.
        """
        x, rng, validated = self._pictures("x", x), generator(rng), []
        must(callable(after_epoch), "after_epoch", after_epoch, "a function", TypeError)
        if validation is not None:
            validation = self._pictures("validation", validation)
        warmup = number("warmup", warmup, "a number of epochs, not negative", lambda value: 0 <= value < np.inf)
        gradient, size = np.empty_like(self.parameters), len(x) if batch_size is None else batch_size
        seen = 0                                    # pictures since the start

        def step(rows):
            nonlocal seen
            ramp = min(1, seen / (warmup * len(x))) if warmup else 1
            seen += len(rows)
            losses, gradient[...] = self._losses(run, x[rows], self.noise(len(rows), rng), learn=True, ramp=ramp)
            return losses * (len(rows) * -(-len(x) // size) / len(x))       # for `train` averages over batches

        def epoch_done():
            if validation is not None:
                validated.append(self._losses(run, validation, self.noise(len(validation), generator(0)))[0])
            after_epoch()

        with micro_batches(workers, self.layers, self.parameters, "bce") as run:
            curves = train(self.parameters, gradient, step, len(x), epochs, size, optimizer, rng, progress, epoch_done)
        names = (*NAMES, *(f"val_{name}" for name in NAMES))
        return History(**dict(zip(names, [*curves.T, *np.array(validated).T])))

    @classmethod
    def pretrained(cls):
        """The VAE that comes with the package, trained on the 60,000 images of Fashion-MNIST."""
        return cls.load(Path(__file__).parent / "data" / "vae.npz")
