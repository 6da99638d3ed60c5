"""Models: a chain of layers, one flat vector of parameters, and what one can ask of them.

An autoencoder is two networks in a row.  The *encoder* squeezes a picture x into a few numbers, its
code z; the *decoder* makes a picture of a code again.  Trained so that what comes out is what went in,
it has to find numbers that say everything about a picture.
"""

import json
import math
from functools import cache

import numpy as np

from .checks import choice, file_name, float_type, generator, must, numbers, whole_number, whole_numbers
from .layers import ACTIVATIONS, Dense, widened
from .losses import LOSSES
from .training import History, train


def views(layers, vector):
    """Each layer's part of a flat vector (..., total), as an array (..., *layer.shape); nothing is copied."""
    parts = np.split(vector, np.cumsum([math.prod(layer.shape) for layer in layers])[:-1], axis=-1)
    return [part.reshape(*vector.shape[:-1], *layer.shape, copy=False) for part, layer in zip(parts, layers)]


class Pass:
    """The way of some samples through a chain of `layers` and back, for as often as one likes.

    params: the chain's flat parameters.  x: the array that is going to hold what goes in, as the first layer takes it
    (see `layers.widened`).  loss: a function of output and target, see `autoenc.losses`; without it there
    is no way back.  target: the array that the output, (rows, features) or with members in front, is compared
    with.  grads: an array like `params` that `run` leaves the gradient in.
    """

    def __init__(self, layers, params, x, loss=None, target=None, grads=None):
        self.x, self.target, self.grads = x, target, np.empty_like(params) if grads is None else grads
        self.works, self.ahead, self.back = [], [], []
        for layer, part in zip(layers, views(layers, params)):
            self.works.append(layer.forward(part, x))
            self.ahead += self.works[-1].steps
            x = self.works[-1].out
        self.output = self.works[-1].y.reshape(*x.shape[:params.ndim], -1, copy=False)
        if loss is not None:
            self.loss, dy = loss(self.output, target)
            parts = zip(layers, views(layers, params), self.works, views(layers, self.grads))
            for layer, part, work, grads in reversed(list(parts)):
                dy, steps, onward = layer.backward(part, work, dy, grads)
                self.back += steps + (onward if layer is not layers[0] else [])

    def forward(self):
        """What comes out of the last layer."""
        for step in self.ahead:
            step()
        return self.output

    def run(self, learn=True):
        """The loss of what comes out; to `learn` from it, its gradient by the parameters is left in `grads`."""
        self.forward()
        value = self.loss()
        for step in self.back if learn else ():
            step()
        return value


class Model:
    """What every model can do: say its settings, be saved and come back.

    A model has `settings`, what one has to call its class with, next to `rng`, to get another such network;
    `layers`, its encoder's, what is between, and its decoder's; and `parameters`, all of theirs in one flat array.
    """

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.settings.items())})"

    def save(self, path):
        """Write the model to exactly this path: settings and parameters, no pickle, all or nothing."""
        from .files import replace_arrays       # imported only here, for it takes some milliseconds

        checked = numbers("parameters", self.parameters, ("...", "n"), kinds="f")
        replace_arrays(path, settings=json.dumps({"model": type(self).__name__, **self.settings}), parameters=checked)

    @classmethod
    def load(cls, path):
        """The model that `save` wrote.  ValueError for a file that is anything else, or damaged."""
        with open(file_name("path", path), "rb") as file:
            try:
                with np.load(file, allow_pickle=False) as arrays:
                    must(not any(entry.compress_type for entry in arrays.zip.infolist()), "it", "packed", "stored")
                    settings, parameters = json.loads(str(arrays["settings"])), arrays["parameters"]
                choice("model", settings.pop("model", None), [cls.__name__])
                return cls(**settings, rng=numbers("parameters", parameters, ("...", "n"), kinds="f"))
            except Exception as error:      # damage makes zipfile, zlib, NumPy, json and settings raise nearly anything
                raise ValueError(f"{path} is not a saved {cls.__name__}, or is damaged: {error}") from None

    def _start(self, leading, rng, draw):
        """The first parameters: the arrays that draw(generator) lists, or a copy of `rng` if that is what they are."""
        shape = (*leading, sum(math.prod(layer.shape) for layer in self.layers))
        must(math.prod(shape) <= 1e8, f"the number of parameters of {self}", math.prod(shape), "at most 100 million")
        if not isinstance(rng, np.ndarray) or rng.dtype.kind != "f":
            return np.concatenate(draw(generator(rng)), axis=None, dtype=self.dtype).reshape(shape)
        must((rng.dtype, rng.shape) == (self.dtype, shape), "rng", (rng.dtype, rng.shape), (self.dtype, shape))
        return rng.copy()

    def _part(self, part):
        """The encoder, the decoder or all layers, and their parameters: (layers, a view of `parameters`)."""
        size = sum(math.prod(layer.shape) for layer in part)
        return part, self.parameters[..., :size] if part is self.encoder else self.parameters[..., -size:]

    def _finite(self, name, x, output):
        """`output`, which x became; ValueError if x, an argument of this `name`, was too large for that."""
        if not np.isfinite(output).all():
            raise ValueError(f"{name} has values up to {np.abs(x).max():.3g}, too large for this network to be finite")
        return output


class Autoencoder(Model):
    """An encoder of dense layers and its mirror image, a decoder; or many of them, trained together.

    sizes: how many neurons, from the pixels to the code: (35, 30, 2) is the network 35-30-2-30-35.
    hidden, latent, output: the activations ``"linear"``, ``"tanh"``, ``"sigmoid"``, ``"relu"`` or ``"softmax"``
    of the layers between, of the code, and of the picture that comes out.
    members: None for one network, or how many independent ones; all they do then has one more leading axis.
    rng: where the first weights come from, whatever `np.random.default_rng` takes; member k's depend on
    (rng, k) only.  Or the parameters themselves, an array of floats, which is copied.  dtype: of all that it computes.

    Raises TypeError or ValueError for sizes, names or numbers that make no network.
    """

    def __init__(self, sizes, hidden="tanh", latent="linear", output="sigmoid", members=None, rng=None,
                 dtype=np.float32):
        self.sizes, self.dtype = whole_numbers("sizes", sizes), float_type(dtype)
        self.members = None if members is None else whole_number("members", members)
        self.settings = dict(sizes=self.sizes, hidden=choice("hidden", hidden, ACTIVATIONS),
                             latent=choice("latent", latent, ACTIVATIONS), output=choice("output", output, ACTIVATIONS),
                             members=self.members, dtype=self.dtype.name)
        steps = list(zip(self.sizes, self.sizes[1:]))
        self.encoder = [Dense(*step, hidden) for step in steps[:-1]] + [Dense(*steps[-1], latent)]
        self.decoder = [Dense(*step[::-1], hidden) for step in steps[:0:-1]]
        self.decoder += [Dense(*steps[0][::-1], output, ones=False)]
        self.layers = self.encoder + self.decoder

        def draw(rng):
            must(rng.bit_generator.seed_seq is not None, "rng", rng, "a seed or a generator made of one, to spawn more")
            return [layer.initial(child) for child in rng.spawn(self.members or 1) for layer in self.layers]

        self.parameters = self._start((self.members,) if self.members else (), rng, draw)

    @np.errstate(all="ignore")
    def _through(self, part, name, x):
        shapes = ("n", part[0].inputs), (*self.parameters.shape[:-1], "n", part[0].inputs)
        x = numbers(name, x, *shapes, dtype=self.dtype)
        return self._finite(name, x, np.ascontiguousarray(Pass(*self._part(part), widened(x)[0]).forward()))

    def encode(self, x):
        """The codes of pictures: (n, pixels), or (members, n, pixels), to (n, latent), with members in front if any."""
        return self._through(self.encoder, "x", x)

    def decode(self, z):
        """The pictures of codes: (n, latent), or (members, n, latent), to (n, pixels), with members in front if any."""
        return self._through(self.decoder, "z", z)

    def reconstruct(self, x):
        """What comes out when pictures go in: decode(encode(x))."""
        return self._through(self.layers, "x", x)

    def member(self, k):
        """Network k of the members, as a model of its own that shares nothing with this one."""
        must(self.members, "members", self.members, "a number: this model is a single network")
        parameters = self.parameters[whole_number("k", k, least=0, most=self.members - 1)]
        return type(self)(**{**self.settings, "members": None}, rng=parameters)

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
        layers, bounds, leading, rng = list(self.layers), {}, self.parameters.shape[:-1], generator(rng)
        if choice("loss", loss, LOSSES) == "bce":           # which works on logits
            must(self.settings["output"] == "sigmoid", "output", self.settings["output"], "'sigmoid' for loss 'bce'")
            layers[-1], bounds = Dense(layers[-1].inputs, layers[-1].outputs, ones=False), dict(low=0, high=1)
        x = numbers("x", x, ("n", self.sizes[0]), (*leading, "n", self.sizes[0]), dtype=self.dtype, **bounds)
        must(corrupt is None or callable(corrupt), "corrupt", corrupt, "a function of pictures and rng", TypeError)
        grads, count = np.empty_like(self.parameters), x.shape[-2]

        @cache
        def batch(size):
            wide, target = widened(x[..., :size, :])
            if corrupt is not None:             # every member's pictures are spoilt in their own way
                wide, _ = widened(np.broadcast_to(target, (*leading, *target.shape[-2:])))
            return Pass(layers, self.parameters, wide, LOSSES[loss], target, grads)

        def step(rows):
            one = batch(len(rows))
            if batch_size is not None:          # else they are all there, in their own order
                one.target[...] = x[..., rows, :]
            if corrupt is not None:
                clean = np.array(np.broadcast_to(one.target, one.x[..., :-1].shape))
                one.x[..., :-1] = numbers("corrupt's result", corrupt(clean, rng), clean.shape)
            return one.run()

        return History(loss=train(self.parameters, grads, step, count, epochs, batch_size, optimizer, rng, progress))
