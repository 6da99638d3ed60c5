"""Models: a chain of layers, one flat vector of parameters, and what one can ask of them.

An autoencoder is two networks in a row.  The *encoder* squeezes a picture x into a few numbers, its
code z; the *decoder* makes a picture of a code again.  Trained so that what comes out is what went in,
it has to find numbers that say everything about a picture.
"""

import math

import numpy as np

from .checks import as_samples, choice, finite, float_type, generator, numbers, positive_integer
from .layers import ACTIVATIONS, Dense, columns, widened
from .losses import LOSSES
from .optimizers import SGD, Adam
from .training import History, train


def views(layers, vector):
    """Each layer's part of a flat vector (..., total), as an array (..., *layer.shape); nothing is copied."""
    sizes = [int(np.prod(layer.shape)) for layer in layers]
    parts = np.split(vector, np.cumsum(sizes)[:-1], axis=-1)
    return [part.reshape(*vector.shape[:-1], *layer.shape, copy=False) for part, layer in zip(parts, layers)]


class Pass:
    """The buffers for one batch on its way through `layers` and back, and the way itself.

    input, target: (rows, features), or (members, rows, features) where `own_input`, `own_target` say so.
    """

    def __init__(self, layers, params, grads, loss, rows, own_input=False, own_target=False):
        leading, dtype = params.shape[:-1], params.dtype
        works = [layer.work(leading, rows, dtype, layer is layers[0], layer is layers[-1]) for layer in layers]
        parts = list(zip(layers, views(layers, params), works, views(layers, grads)))
        self.forwards = [(layer.forward, params, work) for layer, params, work, _ in parts]
        self.backwards = [(layer.backward, params, work, grads) for layer, params, work, grads in reversed(parts)]
        self.wide_input, self.input = widened(leading if own_input else (), rows, layers[0].inputs, dtype)
        self.target = columns(leading if own_target else (), rows, layers[-1].outputs, dtype)
        self.output, self.loss = works[-1].y, loss
        self.buffers = [columns(leading, rows, layers[-1].outputs, dtype) for _ in range(2)]

    def run(self):
        """The loss of what `input` and `target` hold; its gradient is left in the `grads` given before."""
        x = self.wide_input
        for forward, params, work in self.forwards:
            x = forward(params, x, work)
        value, dy = self.loss(self.output, self.target, self.buffers)
        for backward, params, work, grads in self.backwards:
            dy = backward(params, work, dy, grads)
        return value


class Model:
    """What every model can do: say its settings, be saved and come back.  It has `settings` and `parameters`."""

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def save(self, path):
        """Write the model to exactly this path: settings and parameters, no pickle, all or nothing."""
        from .files import save_model

        save_model(path, {"model": type(self).__name__, **self.settings}, self.parameters)

    @classmethod
    def load(cls, path):
        """The model that `save` wrote.  ValueError for a file that is anything else, or damaged."""
        from .files import load_model

        settings, parameters = load_model(path, cls.__name__)
        try:
            return cls._rebuilt(settings, parameters)
        except Exception as error:      # whatever nonsense the settings are
            raise ValueError(f"{path} is not a saved {cls.__name__}, or is damaged: {error}") from None

    @classmethod
    def _rebuilt(cls, settings, parameters):
        """A model with copies of these parameters, compared with its shapes before there is any room for them."""
        return cls(**settings, rng=parameters)

    def _start(self, layers, leading, rng, draw):
        """The first parameters: what draw(generator) gives, or a copy of `rng` where that is what they shall be."""
        shape = (*leading, sum(math.prod(layer.shape) for layer in layers))
        if math.prod(shape) > 1e8:
            raise ValueError(f"{self} would have over 100 million parameters")
        if not isinstance(rng, np.ndarray) or rng.dtype.kind != "f":
            return draw(generator(rng)).astype(self.dtype)
        if rng.shape != shape or rng.dtype != self.dtype:
            raise ValueError(f"rng was the parameters, {rng.dtype} of shape {rng.shape}, where {self} has {self.dtype} "
                             f"of shape {shape}")
        return rng.copy()


def fit_settings(samples, epochs, batch_size, optimizer):
    """What every `fit` is given, checked: (epochs, batch_size, optimizer); None is Adam(0.001)."""
    epochs = positive_integer("epochs", epochs)
    if batch_size is not None:
        batch_size = positive_integer("batch_size", batch_size, most=samples)
    optimizer = Adam() if optimizer is None else optimizer
    if not isinstance(optimizer, SGD):
        raise TypeError(f"optimizer was {optimizer!r}; it must be SGD, Momentum or Adam")
    return epochs, batch_size, optimizer


class Autoencoder(Model):
    """An encoder of dense layers and its mirror image, a decoder; or many of them, trained together.

    sizes: how many neurons, from the pixels to the code: (35, 30, 2) is the network 35-30-2-30-35.
    hidden, latent, output: the activations ``"linear"``, ``"tanh"``, ``"sigmoid"``, ``"relu"`` or ``"softmax"``
    of the layers between, of the code, and of the picture that comes out.
    members: None for one network, or how many independent ones; all they do then has one more leading axis.
    rng: where the first weights come from, whatever `np.random.default_rng` takes; member k's depend on
    (rng, k) only.  dtype: of parameters and results.

    Raises TypeError or ValueError for sizes, names or numbers that make no network.
    """

    def __init__(self, sizes, hidden="tanh", latent="linear", output="sigmoid", members=None, rng=None,
                 dtype=np.float32):
        if not isinstance(sizes, (tuple, list)) or len(sizes) < 2:
            raise ValueError(f"sizes was {sizes!r}; it must be at least two whole numbers, from the pixels to the code")
        self.sizes = tuple(positive_integer("sizes", size) for size in sizes)
        self.hidden, self.latent = choice("hidden", hidden, ACTIVATIONS), choice("latent", latent, ACTIVATIONS)
        self.output = choice("output", output, ACTIVATIONS)
        self.members = None if members is None else positive_integer("members", members)
        self.dtype = float_type(dtype)
        steps = list(zip(self.sizes, self.sizes[1:]))
        self.encoder = [Dense(*step, hidden) for step in steps[:-1]] + [Dense(*steps[-1], latent)]
        self.decoder = [Dense(*step[::-1], hidden) for step in steps[:0:-1]] + [Dense(*steps[0][::-1], output)]
        layers = self.encoder + self.decoder

        def draw(rng):
            starts = [np.concatenate([layer.initial(child).ravel() for layer in layers])
                      for child in rng.spawn(self.members or 1)]
            return np.array(starts if self.members else starts[0])

        self.parameters = self._start(layers, (self.members,) if self.members else (), rng, draw)

    @property
    def settings(self):
        """What one has to call `Autoencoder` with, next to `rng`, to get another such network."""
        return dict(sizes=self.sizes, hidden=self.hidden, latent=self.latent, output=self.output,
                    members=self.members, dtype=self.dtype.name)

    def _run(self, layers, params, name, x):
        x = as_samples(name, x, (layers[0].inputs,), self.dtype, self.members)
        wide, plain = widened(x.shape[:-2], x.shape[-2], x.shape[-1], self.dtype)
        plain[...] = x
        with np.errstate(all="ignore"):
            for layer, part in zip(layers, params):
                wide = layer.forward(part, wide, layer.work(self.parameters.shape[:-1], x.shape[-2], self.dtype,
                                                            last=layer is layers[-1]))
        if not np.isfinite(wide).all():
            raise ValueError(f"{name} has values up to {np.abs(x).max():.3g}, too large for this network: what comes "
                             "out is not finite")
        return np.ascontiguousarray(wide)

    @property
    def _views(self):
        parts = views(self.encoder + self.decoder, self.parameters)
        return parts[:len(self.encoder)], parts[len(self.encoder):]

    def encode(self, x):
        """The codes of pictures: (n, pixels), or (members, n, pixels), to (n, latent), with members in front if any."""
        return self._run(self.encoder, self._views[0], "x", x)

    def decode(self, z):
        """The pictures of codes: (n, latent), or (members, n, latent), to (n, pixels), with members in front if any."""
        return self._run(self.decoder, self._views[1], "z", z)

    def reconstruct(self, x):
        """What comes out when pictures go in: decode(encode(x))."""
        return self.decode(self.encode(x))

    def member(self, k):
        """Network k of the members, as a model of its own that shares nothing with this one."""
        if self.members is None:
            raise ValueError("this model is one network, without members")
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 0 <= k < self.members:
            raise ValueError(f"k was {k!r}; it must be a whole number from 0 to {self.members - 1}")
        return self._rebuilt(dict(self.settings, members=None), self.parameters[k])

    def _training_layers(self, loss):
        """The layers, and the loss as a function of their output: cross-entropy works on logits."""
        layers = self.encoder + self.decoder
        function = LOSSES[choice("loss", loss, LOSSES)]
        if loss == "bce":
            if self.output != "sigmoid":
                raise ValueError(f"loss 'bce' needs output='sigmoid', so that outputs are probabilities; "
                                 f"this model has output={self.output!r}")
            layers[-1] = Dense(layers[-1].inputs, layers[-1].outputs, "linear")
        return layers, function

    def _targets(self, x, loss):
        bounds = dict(low=0, high=1) if loss == "bce" else {}
        return as_samples("x", x, self.sizes[:1], self.dtype, self.members, **bounds)

    def loss_and_gradient(self, x, loss="bce"):
        """The loss of reconstructing x, and its gradient: a number (or one a member), and an array like `parameters`."""
        layers, function = self._training_layers(loss)
        x, grads = self._targets(x, loss), np.zeros_like(self.parameters)
        own = x.ndim == 3
        one = Pass(layers, self.parameters, grads, function, x.shape[-2], own, own)
        one.input[...] = one.target[...] = x
        return one.run(), grads

    def fit(self, x, epochs, loss="bce", optimizer=None, corrupt=None, batch_size=None, rng=None, progress=False):
        """Train, from the present parameters on, to reconstruct x; return the `History` of the loss.

        x: (n, pixels), or (members, n, pixels) for members that learn different pictures.
        epochs: how many times every picture is seen.  loss: ``"mse"`` or ``"bce"``, see `autoenc.losses`.
        optimizer: `SGD`, `Momentum` or `Adam`; None is Adam(0.001).
        corrupt: a function (pictures, rng) -> spoilt pictures, called on every batch, (batch, pixels) or
        (members, batch, pixels); the target stays clean.  batch_size: None for all pictures in one batch.
        rng: for the order of the pictures, one for all members, and for `corrupt`.  progress: show a bar.

        ``history.loss`` is (epochs,) or (epochs, members): the mean over an epoch's batches, each before
        its update.  Raises TypeError or ValueError for what cannot be trained, FloatingPointError when
        training diverges; `autoenc.training` says what the parameters are then.
        """
        layers, function = self._training_layers(loss)
        x = self._targets(x, loss)
        count, rng = x.shape[-2], generator(rng)
        epochs, batch_size, optimizer = fit_settings(count, epochs, batch_size, optimizer)
        if corrupt is not None and not callable(corrupt):
            raise TypeError(f"corrupt was {corrupt!r}; it must be a function of pictures and a generator")
        grads, own = np.zeros_like(self.parameters), x.ndim == 3
        update = optimizer.start(self.parameters, grads)

        passes = {}

        def step(rows, progress):
            size = count if rows is None else len(rows)
            fresh = size not in passes
            if fresh:
                passes[size] = Pass(layers, self.parameters, grads, function, size, own or corrupt is not None, own)
            one = passes[size]
            if fresh or rows is not None or corrupt is not None:
                one.target[...] = clean = x if rows is None else x[..., rows, :]
                one.input[...] = clean
                if corrupt is not None:
                    one.input[...] = self._spoilt(corrupt, one.input, rng)
            value = one.run()
            update(progress)
            return value

        return History(loss=train(self.parameters, step, count, epochs, batch_size, rng, progress))

    def _spoilt(self, corrupt, clean, rng):
        spoilt = numbers("corrupt", corrupt(np.ascontiguousarray(clean), rng), "a function that returns numbers")
        if spoilt.shape != clean.shape:
            raise ValueError(f"corrupt returned shape {spoilt.shape}; it must keep the shape {clean.shape}")
        return finite("corrupt", spoilt)
