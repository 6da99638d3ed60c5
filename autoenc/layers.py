"""Layers: a network is a chain of functions, and each knows how to go forward and how to go back.

A layer is *pure*.  It knows its shapes and nothing else: parameters, inputs and gradients are arrays that
are handed to it, so two threads or sixty-four networks can share one layer.  It is asked once what it is
going to do with these arrays, and answers with *steps*, functions that need no arguments, such as
partial(np.dot, a, b, c), which puts the product of a and b into c each time it is called:

    work = layer.forward(params, x)             work.steps turn what is in x by then into the layer's output, work.y
    dx, steps, onward = layer.backward(params, work, dy, grads)       steps turn dL/dy into dL/dparams, in grads, and
                                                `onward` then into dL/dx, in dx, which nobody asks of the first layer

The arrays stay where they are, so training is a list of such steps that is run again and again; nothing has
to be made, looked up or turned over in between.  What the next layer takes is work.out: pictures, or rows with
a last column of ones.  The way back may overwrite dy.

Two conventions make everything here short and quick:

* **Leading axes.**  Rows are samples.  In front of them there may be an axis of *members*, that is
  of independent networks: `np.matmul` broadcasts over it, and so trains them all at once.
* **A column of ones.**  x W + b is [x 1] [W; b]: with one more column, always 1, the bias becomes
  one more row of the weights.  Dense layers hand each other such widened arrays, and so a forward
  pass is one product and the gradient of weights *and* bias is another.
"""

from functools import partial
from types import SimpleNamespace

import numpy as np


def columns(leading, rows, features, dtype):
    """An uninitialised array (*leading, rows, features) whose columns are contiguous in memory.

    There are more samples than features in a small network: long columns keep the processor's
    vector units busy where short rows would not (a third of the time of a training step).
    """
    return np.empty((*leading, features, rows), dtype).mT


def lines(leading, rows, features, dtype):
    """The same with contiguous rows, for there are many features or neighbours to be read with them."""
    return np.empty((*leading, rows, features), dtype)


def widened(x):
    """A pair: a copy of x, (..., rows, features), with one more column, of ones; and its view without that."""
    *leading, rows, features = x.shape
    wide = columns(leading, rows, features + 1, x.dtype)
    wide[..., :-1], wide[..., -1] = x, 1
    return wide, wide[..., :-1]


# Activations.  `forward` turns z into y in place; `backward` turns dL/dy into dL/dz in place, from y; `scratch` is
# an array like them for what lies between.
# A class holds the two functions together, nothing more.
# Constants are arrays, for NumPy is slower with numbers; where a result goes is its functions' last argument.

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)

class Linear:
    """y = z: nothing to do on either way"""
    forward = backward = lambda *arrays: None


class Tanh:
    """y = tanh(z), so dy/dz = 1 - y²"""
    def forward(z):
        np.tanh(z, z)

    def backward(y, dy, scratch):
        dy *= np.subtract(ONE, np.square(y, scratch), scratch)


class Sigmoid:
    """y = 1 / (1 + exp(-z)), so dy/dz = y (1 - y).  exp(-z) may overflow, to infinity: y is then 0, rightly"""
    def forward(z):
        np.exp(np.negative(z, z), z)
        z += ONE
        np.divide(ONE, z, z)            # quicker than `reciprocal`

    def backward(y, dy, scratch):
        dy *= np.multiply(y, np.subtract(ONE, y, scratch), scratch)


class Relu:
    """y = max(z, 0), against an array of zeros: NumPy is three times quicker there than with one number"""
    def forward(z):
        np.maximum(z, np.zeros_like(z[:1]), out=z)

    def backward(y, dy, scratch):
        dy *= y > 0


class Softmax:
    """y_i = exp(z_i) / Σ_j exp(z_j), so dL/dz_i = y_i (dL/dy_i - Σ_j y_j dL/dy_j)"""
    def forward(z):
        z -= z.max(-1, keepdims=True)
        np.exp(z, z)
        z /= z.sum(-1, keepdims=True)

    def backward(y, dy, scratch):
        dy -= np.multiply(y, dy, scratch).sum(-1, keepdims=True)
        dy *= y


ACTIVATIONS = {"linear": Linear, "tanh": Tanh, "sigmoid": Sigmoid, "relu": Relu, "softmax": Softmax}


class Layer:
    """What layers share: `inputs` and `outputs`, a sample's shape before and after, features or a picture's.

    shape: of its parameters, one array; without any (0,).  biases: how many of them, the last, are biases.
    fans: how many inputs a single output looks at, plus how many outputs look at a single input.
    """

    shape, biases, fans = (0,), 0, 1

    def __repr__(self):
        return f"{type(self).__name__}({self.inputs} -> {self.outputs})"

    def initial(self, rng):
        """Fresh parameters: biases zero, weights U(-a, a), a = sqrt(6 / fans) (Glorot and Bengio, 2010, eq. 16)."""
        limit, weights = np.sqrt(6 / self.fans), np.prod(self.shape) - self.biases
        return np.concatenate([rng.uniform(-limit, limit, weights), np.zeros(self.biases)]).reshape(self.shape)


class Dense(Layer):
    """y = activation(x W + b): every output looks at every input.

    Its parameters are one array (inputs + 1, outputs): the weights W, and the bias b as last row.
    empty: `columns` or `lines`, how its arrays lie in memory.  ones: whether what comes out has a column of ones, for
    a Dense layer after this one; without it many members' outputs are one piece of memory, which is quicker.
    """

    def __init__(self, inputs, outputs, activation="linear", empty=columns, ones=True):
        self.inputs, self.outputs, self.activation = inputs, outputs, ACTIVATIONS[activation]
        self.empty, self.ones = empty, ones
        self.shape, self.biases, self.fans = (inputs + 1, outputs), outputs, inputs + outputs

    def _product(self, params):
        return np.matmul if params.ndim > 2 or self.empty is lines else np.dot      # `dot` starts quicker

    def forward(self, params, x):
        """x: (..., rows, inputs + 1), its last column ones.  Out comes (..., rows, outputs + 1), too, if `ones`."""
        y = self.empty(params.shape[:-2], x.shape[-2], self.outputs, x.dtype)
        out, y = widened(y) if self.ones else (y, y)
        steps = [partial(self._product(params), params.mT, x.mT, y.mT),     # turned over: `dot` fills whole rows
                 partial(self.activation.forward, y)]
        return SimpleNamespace(x=x, y=y, out=out, steps=steps)

    def backward(self, params, work, dy, grads):
        """dy: (..., rows, outputs).  dL/dx is (..., rows, inputs)."""
        product, dx = self._product(params), self.empty(params.shape[:-2], dy.shape[-2], self.inputs, dy.dtype)
        steps = [partial(self.activation.backward, work.y, dy, np.empty_like(dy)),
                 partial(product, work.x.mT, dy, grads)]
        return dx, steps, [partial(product, params[..., :-1, :], dy.mT, dx.mT)]
