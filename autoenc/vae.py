"""The variational autoencoder: codes that are distributions, and so a latent space one can walk through.

An autoencoder gives each picture x a code, a point; between the points nothing was ever asked of the decoder, and it
draws nonsense there.  A VAE (Kingma and Welling, 2014) is a model of how pictures arise: a code z is drawn from the
*prior* p(z), the standard normal distribution N(0, I), and the decoder says how likely each picture then is, the
*likelihood* p(x|z).  The encoder gives the *approximate posterior* q(z|x), which codes a picture may have come from: a
normal distribution with a mean and a variance for each latent dimension.  Training maximises a lower bound of
log p(x), the ELBO, that is, it minimises two losses:

* reconstruction_loss: -log p(x|z) for a z drawn from q(z|x), the cross-entropy summed over a picture's pixels, and
* kl_loss: the Kullback-Leibler divergence of q(z|x) from the prior, which keeps the posteriors near to it, and wide
  enough to overlap.

total_loss is reconstruction_loss + beta · kl_loss; with beta = 1 it is -ELBO.  How does a gradient get through a
random number?  By *reparameterisation*: z = μ + exp(log_var / 2) · ε, with ε drawn from N(0, I) beside the network,
is a plain function of μ and log_var.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import get_ident

import numpy as np

from .blas import one_blas_thread
from .checks import choice, float_type, generator, number, numbers, refuse_bytes, require, whole_number, whole_numbers
from .convolutions import Conv2D, Conv2DTranspose, Flatten, Reshape
from .layers import ACTIVATIONS, Buffers, Dense, Layer, with_ones
from .losses import LOSSES
from .models import Chain, Model, TrainableChain
from .training import History, train

NAMES = ("reconstruction_loss", "kl_loss", "total_loss")
UNITS = 16                      # of the encoder's dense layer
MICRO = 8                       # pictures at a time: what one step writes is still in the cache when the next reads it


class Sample(Layer):
    """z = μ + σ · ε: a random point of each posterior, by the noise that one leaves in buffers.epsilon.

    It knows the posteriors, so it also computes their divergence from N(0, 1), summed over the rows, buffers.kl, and
    adds beta times its gradient on the way back (Kingma and Welling, appendix B); beta is in buffers.beta.

    x: means and log-variances, (rows, 2 · latent + 1), the last column ones.  y: z, (rows, latent).
    """

    def __init__(self, latent):
        self.inputs, self.outputs = 2 * latent, latent

    def prepare(self, params, x):
        mean, log_var = np.split(x[:, :-1], 2, axis=1)
        out, z = with_ones(mean)
        buffers = Buffers(x, z, out)
        buffers.mean, buffers.log_var, buffers.beta = mean, log_var, 1
        return buffers

    def prepare_backward(self, buffers, grads, dx):
        super().prepare_backward(buffers, grads, dx, dy=np.empty(buffers.y.shape, buffers.y.dtype))

    def forward(self, buffers):
        mean, log_var = buffers.mean, buffers.log_var
        deviation = np.exp(log_var / 2)                                         # σ
        buffers.y[...] = mean + deviation * buffers.epsilon                     # z = μ + σ · ε
        buffers.kl = (mean ** 2 + deviation ** 2 - 1 - log_var).sum() / 2       # KL = Σ (μ² + σ² - 1 - ln σ²) / 2
        buffers.deviation = deviation

    def backward(self, buffers):
        dz, mean, deviation, beta = buffers.dy, buffers.mean, buffers.deviation, buffers.beta
        d_mean = dz + beta * mean                                               # dz/dμ = 1, dKL/dμ = μ
        d_log_var = (dz * buffers.epsilon * deviation + beta * (deviation ** 2 - 1)) / 2    # dz/d ln σ² = ε σ / 2
        np.concatenate([d_mean, d_log_var], axis=1, out=buffers.dx)


@contextmanager
def micro_batches(layers, params, workers, loss=None):
    """Within a `with` statement: `MicroBatches` on as many threads, which then end."""
    with ThreadPoolExecutor(whole_number("workers", workers, most=256)) as pool, one_blas_thread():
        yield MicroBatches(layers, params, loss, pool.map if workers > 1 else map)


class MicroBatches:
    """A chain of layers for any number of pictures, a few at a time: what one step writes is still in the cache.

    layers, params: see `models.Chain`.  loss: a name in LOSSES, summed over the pictures, for a chain that can go back;
    None for one that goes forward.  shared: a function like `map`, by which several micro-batches are done at once.

    A micro-batch's result does not depend on who computes it, and the results come in their order: one worker or
    eight, the numbers are the same.
    """

    def __init__(self, layers, params, loss, shared):
        self.layers, self.params, self.loss, self.shared = layers, params, loss, shared
        self.chains = {}                # by thread and shape: each thread works with chains of its own

    def map(self, function, x):
        """Yield function(chain, rows) for each micro-batch, rows of x, which the chain has in its x already.

        The chain is used again for the next one: what is to last must be copied.
        """
        def one(rows):
            chain = self._chain(x[rows].shape)
            chain.x[...] = x[rows]
            with np.errstate(all="ignore"):
                return function(chain, rows)

        parts = [slice(first, first + MICRO) for first in range(0, len(x), MICRO)]
        if len(parts) == 1:
            return map(one, parts)                      # a slider moved: no time to start threads
        return self.shared(one, parts)

    def _chain(self, shape):
        """This thread's chain for micro-batches of that shape."""
        key = get_ident(), shape
        if key not in self.chains:
            x = np.empty(shape, self.params.dtype)
            if self.loss is None:
                self.chains[key] = Chain(self.layers, self.params, x)
            else:
                loss, target = partial(LOSSES[self.loss], count=1), x.reshape(len(x), -1)
                self.chains[key] = TrainableChain(self.layers, self.params, x, loss, target, np.empty_like(self.params))
        return self.chains[key]


class VAE(Model):
    """Keras' convolutional VAE: two convolutions and two dense layers to the code; one dense layer and three
    transposed convolutions back.

    latent: the number of latent dimensions.  beta: the weight of kl_loss in total_loss (Higgins and others, 2017);
    it may be changed later.  rng: where the first weights come from, or the parameters themselves, an array of
    floats, which is copied.  shape: of a picture, (height, width, channels), height and width multiples of 4.
    dtype: of parameters and results.  dense: the activation of the encoder's dense layer of 16 units.

    Raises TypeError or ValueError for numbers that make no network.
    """

    def __init__(self, latent=2, beta=1.0, rng=0, shape=(28, 28, 1), dtype=np.float32, dense="relu"):
        self.latent, self.shape = whole_number("latent", latent), whole_numbers("shape", shape, 3)
        require(self.shape[0] % 4 == self.shape[1] % 4 == 0, "shape", shape, "of height and width that are multiples of 4")
        self.dtype, self.dense = float_type(dtype), choice("dense", dense, ACTIVATIONS)
        self.beta = beta

        half = Conv2D(self.shape, 32, 3, 2, activation="relu")
        quarter = Conv2D(half.outputs, 64, 3, 2, activation="relu")
        flat = Flatten(quarter.outputs)
        self.encoder = [half, quarter, flat, Dense(flat.outputs, UNITS, dense), Dense(UNITS, 2 * self.latent)]

        wide = Dense(self.latent, flat.outputs, "relu", "rows", ones=False)
        up = Conv2DTranspose(quarter.outputs, 64, 3, 2, activation="relu")
        upper = Conv2DTranspose(up.outputs, 32, 3, 2, activation="relu")
        picture = Conv2DTranspose(upper.outputs, self.shape[2], 3, activation="sigmoid")
        logits = Conv2DTranspose(upper.outputs, self.shape[2], 3)           # the same without sigmoid, for the loss
        self.decoder = [wide, Reshape(quarter.outputs), up, upper, picture]
        self.layers = [*self.encoder, Sample(self.latent), *self.decoder[:-1], logits]
        self._initialise((), rng, self._draw)

    @property
    def settings(self):
        """What one has to call the class with, next to `rng`, to get another such network."""
        return dict(latent=self.latent, beta=self.beta, shape=self.shape, dtype=self.dtype.name, dense=self.dense)

    @property
    def beta(self):
        """The weight of kl_loss in total_loss."""
        return self._beta

    @beta.setter
    def beta(self, value):
        self._beta = number("beta", value, "a finite number, not negative", lambda value: 0 <= value < np.inf)

    def _draw(self, rng):
        """Each layer's first parameters; means and log-variances draw by themselves, as Keras has a layer for each."""
        drawn = [layer.initial(rng) for layer in self.layers]
        means, log_variances = (Dense(UNITS, self.latent).initial(rng) for _ in range(2))
        drawn[len(self.encoder) - 1] = np.hstack([means, log_variances])
        return drawn

    def _pictures(self, name, x):
        """Pictures as an array (n, *shape) of values in [0, 1]."""
        refuse_bytes(name, x)
        return numbers(name, x, ("n", *self.shape), kinds="f", dtype=self.dtype, low=0, high=1)

    def _through(self, layers, params, name, x):
        """What x, an argument of this name, becomes on its way through layers with these parameters."""
        with micro_batches(layers, params, workers=2) as batches:
            outputs = batches.map(lambda chain, rows: chain.forward().copy(), x)
            return self._finite(name, x, np.concatenate(list(outputs)))

    def encode(self, x):
        """The codes of pictures x (n, height, width, channels), values in [0, 1]: (mean, log_var), each (n, latent)."""
        heads = self._through(*self._part(self.encoder), "x", self._pictures("x", x))
        return tuple(np.split(heads, 2, axis=1))

    def features(self, x):
        """What the encoder's dense layer makes of pictures x: (n, 16), of which mean and log_var are affine maps."""
        params = self._part(self.encoder)[1][:-math.prod(self.encoder[-1].shape)]
        return self._through(self.encoder[:-1], params, "x", self._pictures("x", x))

    def decode(self, z):
        """The pictures of codes z (n, latent): (n, height, width, channels), values in [0, 1]."""
        z = numbers("z", z, ("n", self.latent), dtype=self.dtype)
        return self._through(*self._part(self.decoder), "z", with_ones(z)[0]).reshape(-1, *self.shape)

    def sample(self, n, rng=None):
        """n pictures that nobody has seen: decoded from random codes of the prior N(0, 1)."""
        return self.decode(generator(rng).standard_normal((whole_number("n", n, most=10 ** 6), self.latent)))

    def noise(self, samples, rng):
        """Random numbers ε for `samples` codes, (samples, latent); a subclass that returns zeros is an autoencoder."""
        return rng.standard_normal((samples, self.latent), np.float32).astype(self.dtype, copy=False)

    def _losses(self, batches, x, epsilon):
        """The losses of x at noise epsilon, (3,): means over its pictures, computed by these `MicroBatches`."""
        def losses_of(chain, rows):
            sample = self._sample_buffers(chain)
            sample.epsilon = epsilon[rows]
            chain.forward()
            return self._sums(chain.loss.compare(), sample.kl)

        return sum(batches.map(losses_of, x)) / len(x)                  # added up while others are computed

    def _losses_and_gradient(self, batches, x, epsilon, beta):
        """The same, and the gradient of reconstruction_loss + beta · kl_loss, like `parameters`."""
        weight = np.array(beta, self.dtype)

        def losses_and_gradient_of(chain, rows):
            sample = self._sample_buffers(chain)
            sample.epsilon, sample.beta = epsilon[rows], weight
            reconstruction = chain.loss_and_gradient()
            return self._sums(reconstruction, sample.kl), chain.grads.copy()

        losses, gradient = np.zeros(len(NAMES)), np.zeros_like(self.parameters)
        for part, part_gradient in batches.map(losses_and_gradient_of, x):
            losses += part
            gradient += part_gradient
        return losses / len(x), gradient / len(x)

    def _sample_buffers(self, chain):
        """The buffers of the sampling layer, behind the encoder."""
        return chain.links[len(self.encoder)][1]

    def _sums(self, reconstruction, kl):
        """The three losses, in the order of NAMES, in double precision."""
        return np.array([reconstruction, kl, float(reconstruction) + self.beta * float(kl)], float)

    def _named(self, losses):
        """The three losses by name; ValueError if they are not finite."""
        if not np.isfinite(losses).all():
            self._check_parameters()
            raise ValueError("parameters has values too large for this network's losses to be finite")
        return dict(zip(NAMES, losses.tolist(), strict=True))

    def evaluate(self, x, rng=0):
        """The three losses of pictures x, means over them with one random code each, by name."""
        x = self._pictures("x", x)
        epsilon = self.noise(len(x), generator(rng))
        with micro_batches(self.layers, self.parameters, 2, "bce") as batches:
            return self._named(self._losses(batches, x, epsilon))

    def loss_and_gradient(self, x, epsilon):
        """The losses of x, by name, at the noise epsilon (n, latent), and total_loss's gradient, like `parameters`."""
        x = self._pictures("x", x)
        epsilon = numbers("epsilon", epsilon, (len(x), self.latent), kinds="f", dtype=self.dtype)
        with micro_batches(self.layers, self.parameters, 2, "bce") as batches:
            losses, gradient = self._losses_and_gradient(batches, x, epsilon, self.beta)
        return self._named(losses), gradient

    def fit(self, x, epochs=30, batch_size=128, optimizer=None, workers=2, rng=0, validation=None, progress=False,
            after_epoch=lambda: None, warmup=0, memory=None):
        """Train, from the present parameters on; return the `History` of the three losses.

        x: pictures (n, height, width, channels), values in [0, 1].  epochs: how many times each is seen.
        batch_size: how many pictures a step is taken for, at most; None for all.
        optimizer: `SGD`, `Momentum` or `Adam`, which starts anew at each call; None is Adam(0.001).
        workers: how many threads share a batch; the result does not depend on it.
        rng: for the order of the pictures and the noise.
        validation: pictures whose losses are taken after each epoch, as history.val_….
        progress: show a bar.  after_epoch: a function called after each epoch.
        warmup: over how many epochs, or what fraction of one, the weight of kl_loss in the gradient rises linearly from
        0 to beta (KL annealing: Bowman and others, 2016); total_loss is with the full beta all the same.
        memory: what `optimizer.memory` of an earlier training holds, for one that goes on from there.

        Each curve is (epochs,), a mean over the epoch's pictures, each before its batch's update.  Ctrl-C leaves
        those of the finished epochs in the model's `history`.  Raises TypeError or ValueError for what cannot be
        trained, FloatingPointError when training diverges; `autoenc.training` says what the parameters are then.
        """
        x, rng = self._pictures("x", x), generator(rng)
        require(callable(after_epoch), "after_epoch", after_epoch, "a function", TypeError)
        warmup = number("warmup", warmup, "a number of epochs, not negative", lambda value: 0 <= value < np.inf)
        if validation is not None:
            validation = self._pictures("validation", validation)
        size = len(x) if batch_size is None else min(whole_number("batch_size", batch_size), len(x))
        batches_an_epoch = math.ceil(len(x) / size)
        gradient = np.empty_like(self.parameters)
        losses, validated = [], []
        seen = 0                                            # pictures since the start, for the warm-up

        def step(rows):
            nonlocal seen
            share = min(1, seen / (warmup * len(x))) if warmup else 1
            seen += len(rows)
            epsilon = self.noise(len(rows), rng)
            batch, gradient[...] = self._losses_and_gradient(batches, x[rows], epsilon, share * self.beta)
            return batch * (len(rows) * batches_an_epoch / len(x))          # for `train` averages over batches

        def epoch_done():
            if validation is not None:
                epsilon = self.noise(len(validation), generator(0))
                validated.append(self._losses(batches, validation, epsilon))
            after_epoch()

        try:
            with micro_batches(self.layers, self.parameters, workers, "bce") as batches:
                train(self.parameters, gradient, step, len(x), epochs, size, optimizer, rng, progress, epoch_done,
                      memory, losses)
        finally:
            self.history = self._history(losses, validated[:len(losses)])
        return self.history

    def _history(self, losses, validated):
        """The curves by name, of lists of the three losses of each epoch."""
        curves = dict(zip(NAMES, np.reshape(losses, (-1, len(NAMES))).T, strict=True))
        if validated:
            curves |= dict(zip([f"val_{name}" for name in NAMES], np.array(validated).T, strict=True))
        return History(**curves)

    @classmethod
    def pretrained(cls):
        """The VAE that comes with the package, trained on the 60,000 images of Fashion-MNIST."""
        return cls.load(Path(__file__).parent / "data" / "vae.npz")
