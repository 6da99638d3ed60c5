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
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .checks import choice, whole_number, whole_numbers
from .layers import ACTIVATIONS, Dense, Layer, columns, lines, widened

BLOCK = 8                       # pictures that a transposed convolution paints at a time


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
        # windows[n, i, j, a, b] is padded[n, i·sh + a, j·sw + b], the same memory (sliding_window_view takes longer).
        sample, *step = padded.strides
        windows = as_strided(padded, (samples, h, w, kh, kw, channels), (sample, sh * step[0], sw * step[1], *step))
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
        patches = self.patches.work(len(x), x.dtype, ones=True)
        work = self.dense.forward(params, patches.rows)
        work.steps.insert(0, partial(self.patches.gather, patches, x))
        work.out = work.y.reshape(-1, *self.outputs, copy=False)
        return work

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs).  dL/dx is (samples, *inputs)."""
        rows, steps, onward = self.dense.backward(params, work, dy.reshape(-1, self.filters, copy=False), grads)
        patches, dx = self.patches.work(len(work.out), dy.dtype, rows=rows), np.empty((len(work.out), *self.inputs), dy.dtype)
        return dx, steps, [*onward, partial(self.patches.scatter, patches), partial(np.copyto, dx, patches.inside)]


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

    def _blocks(self, samples, dtype):
        """Slices of so few pictures that what is painted stays in the cache until it is read again; buffers for each."""
        @cache
        def buffers(count):
            ahead = self.patches.work(count, dtype)
            return SimpleNamespace(ahead=ahead, back=self.patches.work(count, dtype, rows=ahead.rows),
                                   scratch=np.empty((count, *self.outputs), dtype))

        starts = range(0, samples, BLOCK)
        return [(slice(start, start + BLOCK), buffers(min(BLOCK, samples - start))) for start in starts]

    def forward(self, params, x):
        (weights, bias), y = self._split(params), np.empty((len(x), *self.outputs), x.dtype)
        work = SimpleNamespace(x=x, y=y, out=y, blocks=self._blocks(len(x), x.dtype))
        biases = np.empty(self.outputs, x.dtype)                        # a whole picture is quicker to add than a pixel
        work.steps = [partial(np.copyto, biases, bias)]
        for block, buffers in work.blocks:
            part = y[block]
            work.steps += [partial(np.matmul, x[block].reshape(-1, self.inputs[2]), weights.T, buffers.ahead.rows),
                           partial(self.patches.scatter, buffers.ahead),
                           partial(np.copyto, part, buffers.ahead.inside),
                           partial(np.add, part, biases, part),
                           partial(ACTIVATIONS[self.activation].forward, part, buffers.scratch[:1])]
        return work

    def backward(self, params, work, dy, grads):
        dx, (weights, _), dy = np.empty_like(work.x), self._split(params), dy.reshape(work.y.shape)
        block_grads = np.empty_like(grads)
        (weight_grads, bias_grads), steps = self._split(block_grads), [partial(grads.fill, 0)]
        for block, buffers in work.blocks:
            x, slope, rows = (part[block].reshape(-1, part.shape[-1]) for part in (work.x, dy, dx))
            steps += [partial(ACTIVATIONS[self.activation].backward, work.y[block], dy[block], buffers.scratch),
                      partial(self.patches.gather, buffers.back, dy[block]),
                      partial(np.matmul, np.ones(len(slope), slope.dtype), slope, bias_grads),
                      partial(np.matmul, buffers.back.rows.T, x, weight_grads),
                      partial(np.matmul, buffers.back.rows, weights, rows),
                      partial(np.add, grads, block_grads, grads)]
        return dx, steps, []            # dx is in steps: the next block uses these rows again


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
