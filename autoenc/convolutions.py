"""Convolutions: a small dense layer that looks at every patch of a picture.

A picture is an array (height, width, channels).  Lay a window of kernel × kernel pixels over it, move
it `stride` pixels at a time, and write each *patch* it sees as one row: then a convolution is a Dense
layer from those rows to the channels of a smaller picture.  All the work is one matrix product, which
computers are best at; around it, `Patches` knows two ways between a picture and its rows.

    gather     picture -> rows     copy what each window sees
    scatter    rows -> picture     the transpose: add each row back where its window was

`Conv2D` gathers on its way forward, and so scatters on its way back; `Conv2DTranspose` scatters
forward, which makes a small picture large, and gathers on its way back.  Everything follows Keras:
channels last, weights (kh, kw, in, out) and, transposed, (kh, kw, out, in), and with padding "same" the
odd pixel of padding after the picture, not before (Dumoulin and Visin, 2016, draw all of this).
"""

import math
from functools import partial
from types import SimpleNamespace

import numpy as np

from .checks import choice, whole_number, whole_numbers
from .layers import ACTIVATIONS, Dense, Layer, columns, lines, widened


class Patches:
    """Where the windows of kernel (kh, kw) lie on a picture (height, width, channels).

    grid: how many there are, down and across.  before: the rows and columns of zeros in front of the
    picture.  padded: its height and width with all zeros around it.
    """

    def __init__(self, picture, kernel, stride, padding):
        self.picture, self.kernel, self.stride = picture, kernel, stride
        self.size = math.prod(kernel) * picture[2]
        length, window, step = np.array([picture[:2], kernel, stride])          # down and across
        grid = -(-length // step) if padding == "same" else (length - window) // step + 1
        reach = np.maximum((grid - 1) * step + window, length)
        self.grid, self.before, self.padded = np.array([grid, (reach - length) // 2, reach]).tolist()

    def rows(self, samples, dtype, ones=False):
        """An array for the patches of so many pictures, one a row; with a last column of `ones` if wanted."""
        # One channel: a row has few numbers, so make its columns contiguous (see layers.columns).
        empty = columns if self.picture[2] == 1 else lines
        rows = empty((), samples * math.prod(self.grid), self.size + ones, dtype)
        rows[:, self.size:] = 1
        return rows

    def _views(self, rows):
        """Room for pictures with zeros around, the pictures in it, its windows, and `rows` in the windows' shape."""
        (h, w), (sh, sw), (top, left), (height, width, channels) = self.grid, self.stride, self.before, self.picture
        cells = rows[:, :self.size].reshape(-1, h, w, *self.kernel, channels, copy=False)
        padded = np.zeros((len(cells), *self.padded, channels), rows.dtype)
        # windows[n, i, j, a, b] is padded[n, i·sh + a, j·sw + b], the same memory.
        sample, down, right, channel = padded.strides
        windows = np.ndarray(cells.shape, rows.dtype, padded, 0, (sample, sh * down, sw * right, down, right, channel))
        return padded, padded[:, top:top + height, left:left + width], windows, cells

    def gather(self, pictures, rows):
        """Steps that fill `rows` from pictures (samples, height, width, channels)."""
        _, inside, windows, cells = self._views(rows)
        return [partial(np.copyto, inside, pictures), partial(np.copyto, cells, windows)]

    def scatter(self, rows):
        """Pictures, a view, and steps that add `rows` up to them."""
        (padded, inside, *arrays), (h, w), (kh, kw), (sh, sw) = self._views(rows), self.grid, self.kernel, self.stride
        # Of stride × stride pixels of each window no other window has any: ⌈k/s⌉² additions, not k².
        first, *others = [[array[:, :, :, a:a + sh, b:b + sw] for array in arrays]
                          for a in range(0, kh, sh) for b in range(0, kw, sw)]
        steps = [partial(margin.fill, 0) for margin in (padded[:, h * sh:], padded[:, :, w * sw:])]
        steps += [partial(np.copyto, *first)]           # nothing to add to yet: it reaches all pixels but the margins
        return inside, steps + [partial(np.add, pixels, more, pixels) for pixels, more in others]


class Conv2D(Layer):
    """A convolution: each output pixel is activation(patch W + b) of the patch of input around it.

    inputs: (height, width, channels).  filters: how many channels come out.  kernel, stride: a whole
    number or a pair.  padding: ``"same"`` (⌈height/stride⌉ rows come out, zeros around the picture) or
    ``"valid"`` (only windows that lie inside).  Its parameters are one array (kh·kw·channels + 1, filters),
    the weights (kh, kw, in, out) and the bias as last row.  TypeError or ValueError for what makes no layer.
    """

    def __init__(self, inputs, filters, kernel=3, stride=1, padding="same", activation="linear"):
        self.inputs, self.filters = whole_numbers("inputs", inputs, 3), whole_number("filters", filters)
        self.kernel, self.stride = whole_numbers("kernel", kernel, 2), whole_numbers("stride", stride, 2)
        self.padding = choice("padding", padding, ("same", "valid"))
        self.activation = choice("activation", activation, ACTIVATIONS)
        window = math.prod(self.kernel)
        self.biases, self.fans = self.filters, window * (self.inputs[2] + self.filters)
        self._plan()

    def _plan(self):
        self.patches = Patches(self.inputs, self.kernel, self.stride, self.padding)
        if min(self.patches.grid) < 1:
            raise ValueError(f"kernel was {self.kernel}; with padding 'valid' it must fit into inputs {self.inputs}")
        self.outputs = (*self.patches.grid, self.filters)
        self.dense = Dense(self.patches.size, self.filters, self.activation, lines, ones=False)
        self.shape = self.dense.shape

    def forward(self, params, x):
        """x: (samples, *inputs).  Out comes (samples, *outputs)."""
        rows = self.patches.rows(len(x), x.dtype, ones=True)
        work = self.dense.forward(params, rows)
        work.steps = self.patches.gather(x, rows) + work.steps
        work.out = work.y.reshape(-1, *self.outputs, copy=False)
        return work

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs).  dL/dx is (samples, *inputs)."""
        rows, steps, onward = self.dense.backward(params, work, dy.reshape(-1, self.filters, copy=False), grads)
        (pictures, scatter), dx = self.patches.scatter(rows), np.empty((len(work.out), *self.inputs), dy.dtype)
        return dx, steps, [*onward, *scatter, partial(np.copyto, dx, pictures)]


class Conv2DTranspose(Conv2D):
    """A convolution run backwards: each input pixel paints a patch, and where patches overlap they add up.

    Arguments as `Conv2D`'s; as in Keras height·stride rows come out, with "valid" max(kernel - stride, 0) more.
    Its parameters are one flat array: the weights (kh, kw, out, in), then the bias.
    """

    def _plan(self):
        height, width = (length * stride + (self.padding == "valid") * max(kernel - stride, 0)
                         for length, kernel, stride in zip(self.inputs, self.kernel, self.stride))
        self.outputs = (height, width, self.filters)
        self.patches = Patches(self.outputs, self.kernel, self.stride, self.padding)
        self.shape = (self.patches.size * self.inputs[2] + self.filters,)

    def _split(self, params):
        return params[:-self.filters].reshape(self.patches.size, self.inputs[2]), params[-self.filters:]

    def forward(self, params, x):
        """x: (samples, *inputs).  Out comes (samples, *outputs)."""
        (weights, bias), pixels = self._split(params), x.reshape(-1, self.inputs[2], copy=False)
        y, rows = np.empty((len(x), *self.outputs), x.dtype), self.patches.rows(len(x), x.dtype)
        biases, scratch, (pictures, scatter) = np.empty_like(y[0]), np.empty_like(y), self.patches.scatter(rows)
        steps = [partial(np.matmul, pixels, weights.T, rows), *scatter,
                 partial(np.copyto, biases, bias),              # a whole picture is quicker to add than a pixel
                 partial(np.add, pictures, biases, y),
                 partial(ACTIVATIONS[self.activation].forward, y, scratch[:1])]
        return SimpleNamespace(pixels=pixels, rows=rows, y=y, out=y, scratch=scratch, steps=steps)

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs), or as rows.  dL/dx is (samples, *inputs)."""
        (weights, _), (weight_grads, bias_grads) = self._split(params), self._split(grads)
        dy, slope = dy.reshape(work.y.shape, copy=False), dy.reshape(-1, self.filters, copy=False)
        dx = np.empty((len(dy), *self.inputs), dy.dtype)
        steps = [partial(ACTIVATIONS[self.activation].backward, work.y, dy, work.scratch),
                 *self.patches.gather(dy, work.rows),
                 partial(np.matmul, np.ones(len(slope), dy.dtype), slope, bias_grads),
                 partial(np.matmul, work.rows.T, work.pixels, weight_grads)]
        return dx, steps, [partial(np.matmul, work.rows, weights, dx.reshape(work.pixels.shape))]


class Flatten(Layer):
    """From pictures (samples, *inputs) to rows for a Dense layer, (samples, features + 1), the last column ones."""

    def __init__(self, inputs):
        self.inputs, self.outputs = tuple(inputs), math.prod(inputs)

    def forward(self, params, x):
        out, features = widened(x.reshape(len(x), -1))
        return SimpleNamespace(y=features, out=out, steps=[partial(np.copyto, features, x.reshape(features.shape))])

    def backward(self, params, work, dy, grads):
        dx = np.empty((len(dy), *self.inputs), dy.dtype)
        return dx, [], [partial(np.copyto, dx.reshape(dy.shape), dy)]


class Reshape(Layer):
    """The way back: from rows (samples, features) to pictures (samples, *outputs), the same memory.

    What comes before it must be a Dense layer of `lines` that adds no column of ones.
    """

    def __init__(self, outputs):
        self.inputs, self.outputs = math.prod(outputs), tuple(outputs)

    def forward(self, params, x):
        y = x.reshape(len(x), *self.outputs, copy=False)
        return SimpleNamespace(y=y, out=y, steps=[])

    def backward(self, params, work, dy, grads):
        return dy.reshape(len(dy), -1), [], []
