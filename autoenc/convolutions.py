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
from types import SimpleNamespace

import numpy as np

from .checks import choice, whole_number
from .layers import ACTIVATIONS, Dense, Layer, columns, lines, widened

BLOCK = 8                       # pictures that a transposed convolution paints at a time


def whole_numbers(name, value, count):
    """`value`, `count` whole numbers (for two of them one may stand for both), as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != count:
        raise ValueError(f"{name} was {value!r}; it must be {count} whole numbers")
    return tuple(whole_number(name, number) for number in values)


class Patches:
    """Where the windows of kernel (kh, kw) lie on a picture (height, width, channels).

    grid: how many there are, down and across.  before: the rows and columns of zeros in front of the
    picture.  padded: its height and width with all zeros around it, in whole strides.
    """

    def __init__(self, picture, kernel, stride, padding):
        self.picture, self.kernel, self.stride = picture, kernel, stride
        self.size = math.prod(kernel) * picture[2]
        axes = [self._axis(*axis, padding) for axis in zip(picture, kernel, stride)]
        self.grid, self.before, self.padded = zip(*axes)

    @staticmethod
    def _axis(length, kernel, stride, padding):
        windows = -(-length // stride) if padding == "same" else (length - kernel) // stride + 1
        reach = max((windows - 1) * stride + kernel, length)
        return windows, (reach - length) // 2, -(-reach // stride) * stride

    def work(self, samples, dtype, ones=False, rows=None):
        """Buffers, and views of them, to gather from or scatter to `samples` pictures.

        ones: widen the rows by a column of ones.  rows: use these again, for what is nearby is quick.
        """
        (h, w), (kh, kw), (sh, sw), channels = self.grid, self.kernel, self.stride, self.picture[2]
        padded = np.zeros((samples, *self.padded, channels), dtype)
        top, left = self.before
        # One channel: a row has few numbers, so make its columns contiguous (see layers.columns).
        count, width = samples * h * w, self.size + ones
        if rows is None:
            rows = (columns if channels == 1 else lines)((), count, width, dtype)
            rows[:, self.size:] = 1
        cells = rows[:, :self.size].reshape(samples, h, w, kh, kw, channels, copy=False)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, (1, 2))[:, ::sh, ::sw]
        windows = windows[:, :h, :w].transpose(0, 1, 2, 4, 5, 3)
        # In blocks of stride × stride pixels a window covers whole blocks: ⌈k/s⌉² additions, not k².
        blocks = padded.reshape(samples, self.padded[0] // sh, sh, self.padded[1] // sw, sw, channels).swapaxes(2, 3)
        pieces = [(blocks[:, a:a + h, b:b + w, :kh - a * sh, :kw - b * sw],
                   cells[:, :, :, a * sh:(a + 1) * sh, b * sw:(b + 1) * sw])
                  for a in range(-(-kh // sh)) for b in range(-(-kw // sw))]
        return SimpleNamespace(inside=padded[:, top:top + self.picture[0], left:left + self.picture[1]], rows=rows,
                               cells=cells, windows=windows, pieces=pieces,
                               margins=[padded[:, h * sh:], padded[:, :, w * sw:]])

    @staticmethod
    def gather(work, picture):
        """Fill work.rows from pictures (samples, height, width, channels)."""
        np.copyto(work.inside, picture)
        np.copyto(work.cells, work.windows)

    @staticmethod
    def scatter(work):
        """Add work.rows up to pictures; returns them, a view (samples, height, width, channels)."""
        for margin in work.margins:
            margin.fill(0)
        (pixels, cells), *others = work.pieces      # the first reach every pixel that any reach, but for the margins
        np.copyto(pixels, cells)
        for pixels, cells in others:
            np.add(pixels, cells, out=pixels)
        return work.inside


class Conv2D(Layer):
    """A convolution: each output pixel is activation(patch W + b) of the patch of input around it.

    inputs: (height, width, channels).  filters: how many channels come out.  kernel, stride: a whole
    number or a pair.  padding: ``"same"`` (⌈height/stride⌉ rows come out, zeros around the picture) or
    ``"valid"`` (only windows that lie inside).  Its parameters are one array (kh·kw·channels + 1, filters),
    the weights (kh, kw, in, out) and the bias as last row.  Raises ValueError for what makes no layer.
    """

    def __init__(self, inputs, filters, kernel=3, stride=1, padding="same", activation="linear"):
        self.inputs, self.filters = whole_numbers("inputs", inputs, 3), whole_number("filters", filters)
        self.kernel, self.stride = whole_numbers("kernel", kernel, 2), whole_numbers("stride", stride, 2)
        self.padding = choice("padding", padding, ("same", "valid"))
        self.activation = ACTIVATIONS[choice("activation", activation, ACTIVATIONS)]
        window = math.prod(self.kernel)
        self.biases, self.fans = self.filters, window * (self.inputs[2] + self.filters)
        self._plan(activation)

    def _plan(self, activation):
        self.patches = Patches(self.inputs, self.kernel, self.stride, self.padding)
        if min(self.patches.grid) < 1:
            raise ValueError(f"kernel was {self.kernel}; with padding 'valid' it must fit into inputs {self.inputs}")
        self.outputs = (*self.patches.grid, self.filters)
        self.dense = Dense(self.patches.size, self.filters, activation)
        self.shape = self.dense.shape

    def work(self, leading, samples, dtype, first=False, last=False):
        ahead = self.patches.work(samples, dtype, ones=True)
        work = self.dense.work((), len(ahead.rows), dtype, first, True, lines)
        work.ahead, work.back = ahead, None if first else self.patches.work(samples, dtype, rows=work.dx)
        return work

    def forward(self, params, x, work):
        """x: (samples, *inputs).  Returns (samples, *outputs)."""
        self.patches.gather(work.ahead, x)
        return self.dense.forward(params, work.ahead.rows, work).reshape(-1, *self.outputs)

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs), overwritten.  Returns dL/dx, (samples, *inputs), and fills `grads`."""
        if self.dense.backward(params, work, dy.reshape(-1, self.filters), grads) is not None:
            return self.patches.scatter(work.back)


class Conv2DTranspose(Conv2D):
    """A convolution run backwards: each input pixel paints a patch, and where patches overlap they add up.

    Arguments as `Conv2D`'s; with "same" height·stride rows come out, with "valid" as many as the
    patches cover.  Its parameters are one flat array: the weights (kh, kw, out, in), then the bias.
    """

    def _plan(self, activation):
        height, width = (length * stride + (self.padding == "valid") * max(kernel - stride, 0)
                         for length, kernel, stride in zip(self.inputs, self.kernel, self.stride))
        self.outputs = (height, width, self.filters)
        self.patches = Patches(self.outputs, self.kernel, self.stride, self.padding)
        self.shape = (self.patches.size * self.inputs[2] + self.filters,)

    def _split(self, params):
        return params[:-self.filters].reshape(self.patches.size, self.inputs[2]), params[-self.filters:]

    def work(self, leading, samples, dtype, first=False, last=False):
        blocks = [slice(start, min(start + BLOCK, samples)) for start in range(0, samples, BLOCK)]
        buffers = {count: self._buffers(count, dtype) for count in {block.stop - block.start for block in blocks}}
        return SimpleNamespace(y=np.empty((samples, *self.outputs), dtype), dx=np.empty((samples, *self.inputs), dtype),
                               blocks=[(block, buffers[block.stop - block.start]) for block in blocks])

    def _buffers(self, samples, dtype):
        """For so many pictures at a time: all that is painted and read again soon should stay in the cache."""
        ahead, scratch = self.patches.work(samples, dtype), np.empty((samples, *self.outputs), dtype)
        return SimpleNamespace(ahead=ahead, back=self.patches.work(samples, dtype, rows=ahead.rows), scratch=scratch,
                               painted=ahead.inside.reshape(samples, self.outputs[0], -1, copy=False),
                               ones=np.ones(scratch.size // self.filters, dtype), grads=np.empty(self.shape, dtype))

    def forward(self, params, x, work):
        weights, bias = self._split(params)
        work.x, bias = x, np.tile(bias, self.outputs[1])                        # whole rows are quicker to add to
        for block, buffers in work.blocks:
            np.matmul(x[block].reshape(-1, self.inputs[2]), weights.T, out=buffers.ahead.rows)
            self.patches.scatter(buffers.ahead)
            np.add(buffers.painted, bias, out=work.y[block].reshape(buffers.painted.shape))
            self.activation.forward(work.y[block], buffers.scratch)
        return work.y

    def backward(self, params, work, dy, grads):
        dy, (weights, _) = dy.reshape(work.y.shape), self._split(params)
        grads.fill(0)
        for block, buffers in work.blocks:
            self.activation.backward(work.y[block], dy[block], buffers.scratch)
            self.patches.gather(buffers.back, dy[block])
            rows, (weight_grads, bias_grads) = buffers.back.rows, self._split(buffers.grads)
            np.matmul(buffers.ones, dy[block].reshape(-1, self.filters), out=bias_grads)
            np.matmul(rows.T, work.x[block].reshape(-1, self.inputs[2]), out=weight_grads)
            np.matmul(rows, weights, out=work.dx[block].reshape(-1, self.inputs[2]))
            grads += buffers.grads
        return work.dx


class Flatten(Layer):
    """From pictures (samples, *inputs) to rows for a Dense layer, (samples, features + 1), the last column ones."""

    def __init__(self, inputs):
        self.inputs, self.outputs = tuple(inputs), math.prod(inputs)

    def forward(self, params, x, work):
        """x: (samples, *inputs).  Returns (samples, features + 1)."""
        return widened(x.reshape(-1, self.outputs))[0]

    def backward(self, params, work, dy, grads):
        """dy: (samples, features).  Returns dL/dx, (samples, *inputs)."""
        return dy.reshape(-1, *self.inputs)


class Reshape(Layer):
    """The way back: from the rows of a Dense layer, (samples, features + 1), to pictures (samples, *outputs)."""

    def __init__(self, outputs):
        self.inputs, self.outputs = math.prod(outputs), tuple(outputs)

    def forward(self, params, x, work):
        """x: (samples, features + 1).  Returns (samples, *outputs)."""
        return x[:, :-1].reshape(-1, *self.outputs)

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs).  Returns dL/dx, (samples, features)."""
        return dy.reshape(-1, self.inputs)
