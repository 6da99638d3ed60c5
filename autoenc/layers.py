"""Layers: a network is a chain of functions, and each knows how to go forward and how to go back.

A layer is *pure*: it knows its shapes and keeps no arrays.  The arrays that it works on, its *buffers*, are made
once, for a fixed number of samples, and are used again in every step of a training:

    buffers = layer.prepare(params, x)              the arrays for the way forward, y among them
    layer.prepare_backward(buffers, grads, dx)      those for the way back
    layer.forward(buffers)                          computes y from x
    layer.backward(buffers)                         computes dL/dparams and dL/dx from dL/dy, and may overwrite dL/dy

Layers are connected by the arrays that they share: the `out` of one is the `x` of the next, and the `dx` of that is
the `dy` of the first.  So nothing has to be made, looked up or transposed between two steps of a training, and two
threads or sixty-four networks can share one layer, each with buffers of its own.

Two conventions make everything here short and quick:

* **Leading axes.**  Rows are samples.  In front of them there may be an axis of *members*, that is
  of independent networks: `np.matmul` broadcasts over it, and so trains them all at once.
* **A column of ones.**  x W + b is [x 1] [W; b]: with one more column, always 1, the bias becomes one more row of
  the weights.  Dense layers hand each other arrays with that column, and so a forward pass is one product, and the
  gradient of weights *and* bias is another.

In comments, L is the loss, φ an activation, and · a product element by element.
"""

import numpy as np

HALF, ONE = np.array(0.5, np.float32), np.array(1, np.float32)       # NumPy is slower with Python's own numbers


def empty_matrices(leading, rows, features, dtype, contiguous="columns"):
    """An uninitialised array (*leading, rows, features), of which ``"columns"`` or ``"rows"`` are contiguous in memory.

    There are more samples than features in a small network: long columns keep the processor's vector units busy
    where short rows would not (a third of the time of a training step).  With many features rows are as good.
    """
    if contiguous == "rows":
        return np.empty((*leading, rows, features), dtype)
    return np.empty((*leading, features, rows), dtype).mT


def with_ones(x):
    """A pair: a copy of x, (..., rows, features), with one more column, of ones; and its view without that column."""
    *leading, rows, features = x.shape
    wide = empty_matrices(leading, rows, features + 1, x.dtype)
    wide[..., :-1] = x
    wide[..., -1] = 1
    return wide, wide[..., :-1]


# Activations y = φ(z).  `forward` turns z into y, in place; `backward` turns dL/dy into dL/dz = dL/dy · φ′(z), in
# place, from y; `scratch` is an array like them that it may use.

class Linear:
    """y = z, so φ′(z) = 1: there is nothing to do on either way."""

    @staticmethod
    def forward(z):
        pass

    @staticmethod
    def backward(y, dy, scratch):
        pass


class Tanh:
    """y = tanh(z), so φ′(z) = 1 - y²."""

    @staticmethod
    def forward(z):
        np.tanh(z, z)

    @staticmethod
    def backward(y, dy, scratch):
        slope = np.square(y, scratch)
        np.subtract(ONE, slope, slope)          # φ′(z) = 1 - y²
        dy *= slope


class Sigmoid:
    """y = 1 / (1 + exp(-z)), so φ′(z) = y (1 - y).  exp(-z) may overflow, to infinity: y is then 0, rightly."""

    @staticmethod
    def forward(z):
        np.negative(z, z)
        np.exp(z, z)
        z += ONE
        np.divide(ONE, z, z)                    # quicker than `reciprocal`

    @staticmethod
    def backward(y, dy, scratch):
        slope = np.subtract(ONE, y, scratch)
        slope *= y                              # φ′(z) = y (1 - y)
        dy *= slope


class Relu:
    """y = max(z, 0), so φ′(z) is 1 where y > 0, and 0 elsewhere."""

    @staticmethod
    def forward(z):
        zeros = np.zeros_like(z[:1])            # NumPy is three times quicker with an array than with one number
        np.maximum(z, zeros, out=z)

    @staticmethod
    def backward(y, dy, scratch):
        dy *= y > 0


class Softmax:
    """y_i = exp(z_i) / Σ_j exp(z_j), so dL/dz_i = y_i (dL/dy_i - Σ_j y_j dL/dy_j)."""

    @staticmethod
    def forward(z):
        z -= z.max(-1, keepdims=True)           # changes nothing but that exp cannot overflow
        np.exp(z, z)
        z /= z.sum(-1, keepdims=True)

    @staticmethod
    def backward(y, dy, scratch):
        products = np.multiply(y, dy, scratch)
        dy -= products.sum(-1, keepdims=True)
        dy *= y


ACTIVATIONS = {"linear": Linear, "tanh": Tanh, "sigmoid": Sigmoid, "relu": Relu, "softmax": Softmax}


class Buffers:
    """The arrays that a layer works on, made once.

    x: what comes in.  y: what forward computes.  out: what the next layer takes: y, perhaps with a column of ones.
    dy: where the next layer, or the loss, leaves dL/dy.  grads: where backward leaves dL/dparams.
    dx: where it leaves dL/dx, or None for the first layer of a chain, of which nobody asks that.
    A layer adds others that it needs.
    """

    def __init__(self, x, y, out=None):
        self.x, self.y, self.out = x, y, y if out is None else out


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
        limit = np.sqrt(6 / self.fans)
        weights = rng.uniform(-limit, limit, np.prod(self.shape) - self.biases)
        return np.concatenate([weights, np.zeros(self.biases)]).reshape(self.shape)

    def prepare(self, params, x):
        """The `Buffers` for the way forward with these parameters, from what will be in x."""
        raise NotImplementedError

    def prepare_backward(self, buffers, grads, dx, dy=None):
        """Add the arrays for the way back; dy only by layers that have a reason to choose it."""
        buffers.grads, buffers.dx = grads, dx
        buffers.dy = np.empty_like(buffers.y) if dy is None else dy


class Dense(Layer):
    """y = φ(x W + b): every output looks at every input.

    Its parameters are one array (inputs + 1, outputs): the weights W, and the bias b as last row.
    activation: φ, a name in ACTIVATIONS.  contiguous: how its arrays lie in memory, see `empty_matrices`.
    ones: whether `out` has a column of ones, for a Dense layer after this one; without it the outputs of many
    members are one piece of memory, which is quicker.

    x: (..., rows, inputs + 1), its last column ones.  y: (..., rows, outputs).  out: the same, or with the ones.
    """

    def __init__(self, inputs, outputs, activation="linear", contiguous="columns", ones=True):
        self.inputs, self.outputs, self.activation = inputs, outputs, ACTIVATIONS[activation]
        self.contiguous, self.ones = contiguous, ones
        self.shape, self.biases, self.fans = (inputs + 1, outputs), outputs, inputs + outputs

    def prepare(self, params, x):
        leading, rows = params.shape[:-2], x.shape[-2]
        y = empty_matrices(leading, rows, self.outputs, x.dtype, self.contiguous)
        if self.ones:
            out, y = with_ones(y)
            buffers = Buffers(x, y, out)
        else:
            buffers = Buffers(x, y)
        # `dot` starts quicker than `matmul`, but knows no members.
        buffers.product = np.matmul if leading or self.contiguous == "rows" else np.dot
        buffers.weights = params[..., :-1, :]
        buffers.params_t, buffers.x_t, buffers.y_t = params.mT, x.mT, y.mT
        return buffers

    def prepare_backward(self, buffers, grads, dx):
        super().prepare_backward(buffers, grads, dx)
        buffers.scratch = np.empty_like(buffers.dy)
        buffers.dz = buffers.dy                         # the same memory: the one is turned into the other
        buffers.dz_t = buffers.dz.mT
        if dx is not None:
            buffers.dx_t = dx.mT
            # `dot` only writes into an array that is one piece of memory, in order; `matmul` into any.
            buffers.dx_product = buffers.product if buffers.dx_t.flags.c_contiguous else np.matmul

    def forward(self, buffers):
        # Written transposed, zᵀ = [W; b]ᵀ [x 1]ᵀ, for then the columns, which are contiguous, are filled one by one.
        product = buffers.product
        product(buffers.params_t, buffers.x_t, buffers.y_t)                     # z = x W + b
        self.activation.forward(buffers.y)                                      # y = φ(z)

    def backward(self, buffers):
        self.activation.backward(buffers.y, buffers.dy, buffers.scratch)        # dL/dz = dL/dy · φ′(z)
        product = buffers.product
        product(buffers.x_t, buffers.dz, buffers.grads)                         # dL/dW = xᵀ dL/dz, dL/db = 1ᵀ dL/dz
        if buffers.dx is not None:
            product = buffers.dx_product
            product(buffers.weights, buffers.dz_t, buffers.dx_t)                # dL/dx = dL/dz Wᵀ
