"""Models: a chain of layers, one flat vector of parameters, and what one can ask of them.

An autoencoder is two networks in a row.  The *encoder* squeezes a picture x into a few numbers, its
code z; the *decoder* makes a picture of a code again.  Trained so that what comes out is what went in,
it has to find numbers that say everything about a picture.
"""

import json
import math
from itertools import pairwise

import numpy as np

from .checks import (choice, file_name, float_type, generator, numbers, refuse_bytes, refuse_masked, require,
                     whole_number, whole_numbers)
from .layers import ACTIVATIONS, Dense, with_ones
from .losses import LOSSES
from .training import History, train


def views(layers, vector):
    """Each layer's part of a flat vector (..., total), as an array (..., *layer.shape); nothing is copied."""
    leading, ends = vector.shape[:-1], np.cumsum([math.prod(layer.shape) for layer in layers])
    parts = np.split(vector, ends[:-1], axis=-1)
    return [part.reshape(*leading, *layer.shape, copy=False) for part, layer in zip(parts, layers, strict=True)]


class Chain:
    """Layers one after another, with buffers for a fixed number of samples: for as many passes as one likes.

    layers: the first takes x, each other one what comes out of the one before.  params: their flat parameters.
    x: the array that is going to hold what goes in, as the first layer takes it (see `layers.with_ones`).
    """

    def __init__(self, layers, params, x):
        self.x, self.links = x, []
        for layer, part in zip(layers, views(layers, params), strict=True):
            buffers = layer.prepare(part, x)
            self.links.append((layer, buffers))
            x = buffers.out
        self.output = as_rows(buffers.y, params.ndim)

    def forward(self):
        """What comes out of the last layer."""
        for layer, buffers in self.links:
            layer.forward(buffers)
        return self.output


class TrainableChain(Chain):
    """A chain that can also go back: what comes out is compared with a target.

    loss: one of `autoenc.losses`.  target: the array that is going to hold the target, (rows, features), or with
    members in front.  grads: an array like `params`, where `backward` leaves the gradient.
    """

    def __init__(self, layers, params, x, loss, target, grads):
        super().__init__(layers, params, x)
        self.target, self.grads = target, grads
        dx = None                                   # nobody asks the first layer for that
        for (layer, buffers), part in zip(self.links, views(layers, grads), strict=True):
            layer.prepare_backward(buffers, part, dx)
            dx = buffers.dy
        self.loss = loss(self.output, target, as_rows(dx, params.ndim))

    def backward(self):
        """From dL/doutput, which the loss has left, to the gradient, in `grads`."""
        for layer, buffers in reversed(self.links):
            layer.backward(buffers)

    def loss_and_gradient(self):
        """The loss of what comes out; its gradient with respect to the parameters is left in `grads`."""
        self.forward()
        loss = self.loss.compare()
        self.backward()
        return loss


def as_rows(y, axes):
    """An output (..., rows, features), or pictures, as rows of numbers behind all but one of `axes`: a view."""
    return y.reshape(*y.shape[:axes], -1, copy=False)


class Model:
    """What every model can do: say its settings, be saved and be loaded again.

    A model has `settings`, what one has to call its class with, next to `rng`, to get another such network;
    `layers`, its encoder's, what is between, and its decoder's; and `parameters`, all of theirs in one flat array.
    `history` is what the last call of `fit` has written down: all its epochs, or the finished ones if Ctrl-C or
    a divergence ended it.
    """

    history = None

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    @property
    def parameters(self):
        """All parameters, (total,) or (members, total), which may be changed in place; what is assigned is copied."""
        return self._parameters

    @parameters.setter
    def parameters(self, values):
        self._parameters[...] = numbers("parameters", values, self._parameters.shape, kinds="f", dtype=self.dtype)

    def save(self, path):
        """Write the model to exactly this path: settings and parameters, no pickle, all or nothing."""
        from .files import (
            replace_arrays,  # imported only here, for it takes some milliseconds
        )

        checked = numbers("parameters", self.parameters, ("...", "n"), kinds="f")
        settings = json.dumps({"model": type(self).__name__, **self.settings})
        replace_arrays(path, settings=settings, parameters=checked)

    @classmethod
    def load(cls, path):
        """The model that `save` wrote.  ValueError for a file that is anything else, or damaged."""
        with open(file_name("path", path), "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    compressed = any(entry.compress_type for entry in arrays.zip.infolist())
                    require(not compressed, "the file", "compressed", "an archive of stored arrays")
                    settings, parameters = json.loads(str(arrays["settings"])), arrays["parameters"]
                choice("model", settings.pop("model", None), [cls.__name__])
                return cls(**settings, rng=numbers("parameters", parameters, ("...", "n"), kinds="f"))
            except Exception as error:      # damage makes zipfile, zlib, NumPy, json and settings raise nearly anything
                raise ValueError(f"{path} is not a saved {cls.__name__}, or is damaged: {error}") from None

    def _initialise(self, leading, rng, draw):
        """Set the first parameters: the arrays that draw(generator) lists, or a copy of `rng` if that is an array."""
        shape = (*leading, sum(math.prod(layer.shape) for layer in self.layers))
        require(math.prod(shape) <= 1e8, f"the number of parameters of {self}", math.prod(shape), "at most 100 million")
        if isinstance(rng, np.ndarray) and rng.dtype.kind == "f":
            require((rng.dtype, rng.shape) == (self.dtype, shape), "rng", (rng.dtype, rng.shape), (self.dtype, shape))
            refuse_masked("rng", rng)
            self._parameters = np.array(rng)            # a plain array, whatever subclass that was of
        else:
            drawn = np.concatenate(draw(generator(rng)), axis=None, dtype=self.dtype)
            self._parameters = drawn.reshape(shape)

    def _part(self, part):
        """The encoder, the decoder or all layers, and their parameters: (layers, a view of `parameters`)."""
        size = sum(math.prod(layer.shape) for layer in part)
        return part, self.parameters[..., :size] if part is self.encoder else self.parameters[..., -size:]

    def _check_parameters(self):
        """ValueError unless all parameters are finite: they can be changed in place."""
        if not np.isfinite(self.parameters).all():
            raise ValueError("parameters has values that are not finite, so nothing can be computed with them")

    def _finite(self, name, x, output):
        """`output`, which x became; ValueError, with the cause, if it is not finite: x is an argument of this name."""
        if np.isfinite(output).all():
            return output
        self._check_parameters()
        raise ValueError(f"{name} has values up to {np.abs(x).max():.3g}, too large for this network to be finite")


class Autoencoder(Model):
    """An encoder of dense layers and its mirror image, a decoder; or many of them, trained together.

    sizes: how many neurons, from the pixels to the code: (35, 30, 2) is the network 35-30-2-30-35.
    hidden, latent, output: the activations ``"linear"``, ``"tanh"``, ``"sigmoid"``, ``"relu"`` or ``"softmax"``
    of the hidden layers, of the code, and of the picture that comes out.
    members: None for one network, or how many independent ones; all they do then has one more leading axis.
    rng: where the first weights come from, whatever `np.random.default_rng` takes; member k's depend on
    (rng, k) only.  Or the parameters themselves, an array of floats, which is copied.  dtype: of all that it computes.

    Raises TypeError or ValueError for sizes, names or numbers that make no network.
    """

    def __init__(self, sizes, hidden="tanh", latent="linear", output="sigmoid", members=None, rng=None,
                 dtype=np.float32):
        self.sizes, self.dtype = whole_numbers("sizes", sizes), float_type(dtype)
        half = self.sizes[:len(self.sizes) // 2 + 1]
        mirrored = self.sizes == self.sizes[::-1] and len(set(self.sizes)) > 1
        require(not mirrored, "sizes", self.sizes,
             f"the sizes from the pixels to the code, as {half}: the decoder mirrors them")
        self.members = None if members is None else whole_number("members", members)
        self.settings = dict(sizes=self.sizes, hidden=choice("hidden", hidden, ACTIVATIONS),
                             latent=choice("latent", latent, ACTIVATIONS), output=choice("output", output, ACTIVATIONS),
                             members=self.members, dtype=self.dtype.name)
        *inner, code = pairwise(self.sizes)                     # (inputs, outputs) of each layer of the encoder
        self.encoder = [Dense(*pair, hidden) for pair in inner] + [Dense(*code, latent)]
        *inner, pixels = pairwise(reversed(self.sizes))         # and of the decoder
        self.decoder = [Dense(*pair, hidden) for pair in inner] + [Dense(*pixels, output, ones=False)]
        self.layers = self.encoder + self.decoder

        def draw(rng):
            seeds = getattr(rng.bit_generator, "seed_seq", None)
            require(seeds is not None, "rng", rng, "a seed or a generator made of one, to spawn more")
            return [layer.initial(child) for child in rng.spawn(self.members or 1) for layer in self.layers]

        self._initialise((self.members,) if self.members else (), rng, draw)

    @np.errstate(all="ignore")
    def _through(self, part, name, x):
        """What x, an argument of this name, becomes on its way through a part of the network."""
        shapes = ("n", part[0].inputs), (*self.parameters.shape[:-1], "n", part[0].inputs)
        x = numbers(name, x, *shapes, dtype=self.dtype)
        chain = Chain(*self._part(part), with_ones(x)[0])
        return self._finite(name, x, np.ascontiguousarray(chain.forward()))

    def encode(self, x):
        """The codes of pictures: (n, pixels), or (members, n, pixels), to (n, latent), with members in front if any."""
        refuse_bytes("x", x)
        return self._through(self.encoder, "x", x)

    def decode(self, z):
        """The pictures of codes: (n, latent), or (members, n, latent), to (n, pixels), with members in front if any."""
        return self._through(self.decoder, "z", z)

    def reconstruct(self, x):
        """What comes out when pictures go in: decode(encode(x))."""
        refuse_bytes("x", x)
        return self._through(self.layers, "x", x)

    def member(self, k):
        """Network k of the members, as a model of its own that shares nothing with this one."""
        require(self.members, "members", self.members, "a number: this model is a single network")
        parameters = self.parameters[whole_number("k", k, least=0, most=self.members - 1)]
        return type(self)(**{**self.settings, "members": None}, rng=parameters)

    def fit(self, x, epochs, loss="bce", optimizer=None, corrupt=None, batch_size=None, rng=None, progress=False,
            after_epoch=lambda: None):
        """Train, from the present parameters on, to reconstruct x; return the `History` of the loss.

        x: (n, pixels), or (members, n, pixels) for members that learn different pictures.
        epochs: how many times every picture is seen.  loss: ``"mse"`` or ``"bce"``, see `autoenc.losses`.
        optimizer: `SGD`, `Momentum` or `Adam`, which starts anew at each call; None is Adam(0.001).
        corrupt: a function (pictures, rng) -> corrupted pictures, called on every batch, (batch, pixels) or
        (members, batch, pixels); the target stays clean.  batch_size: None for all pictures in one batch.
        rng: for the order of the pictures, one for all members, and for `corrupt`.  progress: show a bar.
        after_epoch: a function called after each epoch.

        ``history.loss`` is (epochs,) or (epochs, members): the mean over an epoch's batches, each before
        its update.  Ctrl-C leaves that of the finished epochs in the model's `history`.  Raises TypeError or
        ValueError for what cannot be trained, FloatingPointError when training diverges; `autoenc.training`
        says what the parameters are then.
        """
        rng = generator(rng)
        layers, x = self._to_train(loss, x)
        require(corrupt is None or callable(corrupt), "corrupt", corrupt, "a function of pictures and rng", TypeError)
        require(callable(after_epoch), "after_epoch", after_epoch, "a function", TypeError)
        grads = np.empty_like(self.parameters)
        chains = {}                                         # by the size of a batch: an epoch's last may be smaller

        def step(rows):
            if len(rows) not in chains:
                chains[len(rows)] = self._prepare(layers, x[..., :len(rows), :], loss, grads, apart=corrupt is not None)
            chain = chains[len(rows)]
            if batch_size is not None:                      # else all pictures are there, in their own order
                chain.target[...] = x[..., rows, :]
            if corrupt is not None:
                self._corrupt(chain, corrupt, rng)
            return chain.loss_and_gradient()

        losses = []
        try:
            train(self.parameters, grads, step, x.shape[-2], epochs, batch_size, optimizer, rng, progress, after_epoch,
                  losses=losses)
        finally:
            self.history = History(loss=np.array(losses))
        return self.history

    def _to_train(self, loss, x):
        """The layers whose output the loss takes, and the pictures, checked for it."""
        layers, bounds = self.layers, {}
        if choice("loss", loss, LOSSES) == "bce":           # which takes logits: the last layer without its sigmoid
            require(self.settings["output"] == "sigmoid", "output", self.settings["output"], "'sigmoid' for loss 'bce'")
            last = layers[-1]
            layers, bounds = [*layers[:-1], Dense(last.inputs, last.outputs, ones=False)], dict(low=0, high=1)
        shapes = ("n", self.sizes[0]), (*self.parameters.shape[:-1], "n", self.sizes[0])
        refuse_bytes("x", x)
        return layers, numbers("x", x, *shapes, dtype=self.dtype, **bounds)

    def _prepare(self, layers, pictures, loss, grads, apart):
        """A chain for as many pictures, which are its input and its target; `apart` if these are going to differ."""
        wide, target = with_ones(pictures)
        if apart:                                           # and each member gets an input of its own
            leading = self.parameters.shape[:-1]
            wide, _ = with_ones(np.broadcast_to(target, (*leading, *target.shape[-2:])))
        return TrainableChain(layers, self.parameters, wide, LOSSES[loss], target, grads)

    def _corrupt(self, chain, corrupt, rng):
        """Put corrupted copies of the target into the chain."""
        pictures = chain.x[..., :-1]                        # without the column of ones
        clean = np.array(np.broadcast_to(chain.target, pictures.shape))
        pictures[...] = numbers("corrupt's result", corrupt(clean, rng), clean.shape, dtype=self.dtype)
