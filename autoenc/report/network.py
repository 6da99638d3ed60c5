"""The network in the page: what a model's layers are and the numbers in them, written so that JavaScript can read it.

A page has no Python, so the page itself has to be able to compute what a network answers.  This module writes a network
as a *description*, a dictionary of plain values that becomes JSON: of each layer what it is and how large, and all
weights in one array.  `templates/network.js` reads it and knows the same layers.

Arrays travel as base64, the 64 letters in which bytes can stand in a text.  A weight takes two bytes (float16, three
digits) where that is good enough, and four (float32) where it is not: it is tried out on inputs that the caller gives.
(Three digits can change a pixel by 0.018 in a network of characters and by 0.003 in the VAE of garments.)
"""

import math
from base64 import b64encode

import numpy as np

from ..checks import choice, numbers, require
from ..convolutions import Conv2D, Conv2DTranspose, Flatten, Reshape
from ..layers import ACTIVATIONS, Dense
from ..models import Autoencoder, views
from ..vae import VAE, Sample

CLOSE = 5e-4            # how much rounding to float16 may change any output
KINDS = {Dense: "dense", Conv2D: "convolution", Conv2DTranspose: "transposed", Flatten: "reshape", Reshape: "reshape",
         Sample: "mean"}
PARTS = "encoder", "decoder", "whole"


def packed(array):
    """An array as plain values: its type, its shape, and its bytes as base64."""
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<"))            # the order in which browsers' processors read bytes
    return {"type": array.dtype.name, "shape": list(array.shape), "data": b64encode(little).decode()}


def described(model, part, probes):
    """One network, or a part of it, as plain values: {"layers": [...], "weights": a packed array}.

    model: an `Autoencoder` without members, or a `VAE`.  part: ``"encoder"`` (of a VAE the mean of q(z given x), then its
    log-variance), ``"decoder"``, or ``"whole"``, from a picture to its reconstruction (a VAE's, from the mean).
    probes: inputs (n, ...) of that part.  If weights rounded to float16 change an output there by more than CLOSE, they
    are written as float32.

    Raises TypeError or ValueError for anything else, for layers that `network.js` does not know and for parameters that
    are not finite.
    """
    require(isinstance(model, (Autoencoder, VAE)), "model", model, "an Autoencoder or a VAE", TypeError)
    choice("part", part, PARTS)
    parameters = numbers("the network's parameters", model.parameters, ("...", "n"), kinds="f")
    require(parameters.ndim == 1, "model", model, "a single network, as model.member(0) is one of its members")
    layers = {"encoder": model.encoder, "decoder": model.decoder, "whole": _whole(model)}[part]
    size = sum(math.prod(layer.shape) for layer in layers)
    weights = parameters[-size:] if part == "decoder" else parameters[:size]
    rounded = _rounded(model, part, weights, probes)
    ordered = [_ordered(layer, array) for layer, array in zip(layers, views(layers, rounded), strict=True)]
    return {"layers": [_layer(layer) for layer in layers], "weights": packed(np.concatenate(ordered))}


def answer(model, part, x):
    """What this part of a model makes of x, an array (n, numbers)."""
    if part == "decoder":
        output = model.decode(x)
    elif isinstance(model, Autoencoder):
        output = model.encode(x) if part == "encoder" else model.reconstruct(x)
    else:
        mean, log_var = model.encode(x)
        output = np.hstack([mean, log_var]) if part == "encoder" else model.decode(mean)
    return output.reshape(len(x), -1)


def _whole(model):
    """The layers from a picture to its reconstruction.  A VAE's latent layer passes on the mean."""
    between = [Sample(model.latent)] if isinstance(model, VAE) else []
    return [*model.encoder, *between, *model.decoder]


def _layer(layer):
    """A layer as plain values.  ValueError if `network.js` knows no such layer."""
    require(type(layer) in KINDS, "a layer", layer, f"one of {', '.join(kind.__name__ for kind in KINDS)}")
    values = {"kind": KINDS[type(layer)], "inputs": layer.inputs, "outputs": layer.outputs}
    if hasattr(layer, "activation"):
        values["activation"] = _activation(layer.activation)
    if isinstance(layer, (Conv2D, Conv2DTranspose)):
        values |= {"kernel": layer.kernel, "stride": layer.stride, "before": layer.before}
    return values


def _ordered(layer, array):
    """A layer's parameters in the order of `network.js`: weights with the outputs last, then biases."""
    if not isinstance(layer, Conv2DTranspose):
        return array.ravel()
    (rows, columns), channels, filters = layer.kernel, layer.inputs[2], layer.outputs[2]
    weights, bias = array[:-filters].reshape(rows, columns, filters, channels), array[-filters:]
    return np.concatenate([weights.swapaxes(2, 3).ravel(), bias])


def _activation(activation):
    """The name of an activation, which layers hold as a name or as a class."""
    names = [name for name, known in ACTIVATIONS.items() if activation in (name, known)]
    require(names, "an activation", activation, f"one of {', '.join(map(repr, ACTIVATIONS))}")
    return names[0]


def _rounded(model, part, weights, probes):
    """The weights as float16 if that is good enough, else as float32."""
    with np.errstate(over="ignore"):
        half = weights.astype(np.float16)
    if not np.isfinite(half).all():
        return weights.astype(np.float32)
    everything = model.parameters.copy()
    where = slice(-len(half), None) if part == "decoder" else slice(len(half))
    everything[where] = half
    rounded = type(model)(**model.settings, rng=everything)
    change = np.abs(answer(rounded, part, probes) - answer(model, part, probes)).max()
    return half if change <= CLOSE else weights.astype(np.float32)
