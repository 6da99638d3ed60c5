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

from .checks import choice, must, whole_number, whole_numbers
from .layers import ACTIVATIONS, Dense, Layer, columns, lines, widened


class Patches(Layer):
    """What both convolutions share: where the windows of kernel (kh, kw) lie on the larger of two pictures.

    inputs: (height, width, channels).  filters: how many channels come out.  kernel, stride: a whole
    number or a pair.  padding: ``"same"`` (windows start at every stride, with zeros around the picture) or
    ``"valid"`` (only windows that lie inside).  TypeError or ValueError for what makes no layer.

    picture: what the windows lie on.  grid: how many there are, down and across.  before: the rows and columns of
    zeros in front of the picture.  padded: its height and width with all zeros around it.  size: of a patch.
    """

    def __init__(self, inputs, filters, kernel=3, stride=1, padding="same", activation="linear"):
        self.inputs, self.filters = whole_numbers("inputs", inputs, 3), whole_number("filters", filters)
        self.kernel, self.stride = whole_numbers("kernel", kernel, 2), whole_numbers("stride", stride, 2)
        valid = choice("padding", padding, ("same", "valid")) == "valid"
        self.activation = choice("activation", activation, ACTIVATIONS)
        length, window, step = np.array([self.inputs[:2], self.kernel, self.stride])        # down and across
        self.place(length, window, step, valid)
        must(min(self.grid) > 0, "kernel", kernel, f"no larger than inputs, {self.inputs}, with padding 'valid'")
        reach = np.maximum((np.array(self.grid) - 1) * step + window, self.picture[:2])
        self.before, self.padded = ((reach - self.picture[:2]) // 2).tolist(), reach.tolist()
        self.size = math.prod(self.kernel) * self.picture[2]
        self.biases, self.fans = self.filters, math.prod(self.kernel) * (self.inputs[2] + self.filters)
        # One channel: a row has few numbers, so make its columns contiguous (see layers.columns).
        self.empty = columns if self.picture[2] == 1 else lines

    def between(self, rows):
        """Pictures, a view; a step that fills `rows` from what is in them; and steps that add `rows` up to them."""
        (h, w), (kh, kw), (sh, sw), (height, width, channels) = self.grid, self.kernel, self.stride, self.picture
        cells, (top, left) = rows[:, :self.size].reshape(-1, h, w, kh, kw, channels, copy=False), self.before
        padded = np.zeros((len(cells), *self.padded, channels), rows.dtype)
        # windows[n, i, j, a, b] is padded[n, i·sh + a, j·sw + b], the same memory.
        sample, down, right, channel = padded.strides
        windows = np.ndarray(cells.shape, rows.dtype, padded, 0, (sample, sh * down, sw * right, down, right, channel))
        # Of stride × stride pixels of each window no other window has any: ⌈k/s⌉² additions, not k².
        first, *others = [[array[:, :, :, a:a + sh, b:b + sw] for array in (windows, cells)]
                          for a in range(0, kh, sh) for b in range(0, kw, sw)]
        scatter = [partial(margin.fill, 0) for margin in (padded[:, h * sh:], padded[:, :, w * sw:])]
        # To the first there is nothing to add yet: it reaches all pixels but the margins.
        scatter += [partial(np.copyto, *first), *(partial(np.add, pixels, more, pixels) for pixels, more in others)]
        return padded[:, top:top + height, left:left + width], partial(np.copyto, cells, windows), scatter


class Conv2D(Patches):
    """A convolution: each output pixel is activation(patch W + b) of the patch of input around it.

    With padding "same" ⌈height/stride⌉ rows come out.  Its parameters are one array (kh·kw·channels + 1, filters),
    the weights (kh, kw, in, out) and the bias as last row.
    """

    def place(self, length, window, step, valid):
        """The windows lie on what comes in, and each of them becomes a pixel of what comes out."""
        self.grid = (-(-(length - valid * (window - 1)) // step)).tolist()
        self.picture, self.outputs = self.inputs, (*self.grid, self.filters)
        self.dense = Dense(math.prod(self.kernel) * self.inputs[2], self.filters, self.activation, lines, ones=False)
        self.shape = self.dense.shape

    def forward(self, params, x):
        """x: (samples, *inputs).  Out comes (samples, *outputs)."""
        rows = self.empty((), len(x) * math.prod(self.grid), self.size + 1, x.dtype)
        rows[:, -1] = 1
        work, (pictures, gather, _) = self.dense.forward(params, rows), self.between(rows)
        work.steps = [partial(np.copyto, pictures, x), gather, *work.steps]
        work.out = work.y.reshape(-1, *self.outputs, copy=False)
        return work

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs).  dL/dx is (samples, *inputs)."""
        rows, steps, onward = self.dense.backward(params, work, dy.reshape(-1, self.filters, copy=False), grads)
        (pictures, _, scatter), dx = self.between(rows), np.empty((len(work.out), *self.inputs), dy.dtype)
        return dx, steps, [*onward, *scatter, partial(np.copyto, dx, pictures)]


class Conv2DTranspose(Patches):
    """A convolution run backwards: each input pixel paints a patch, and where patches overlap they add up.

    As in Keras height·stride rows come out, with padding "valid" max(kernel - stride, 0) more.
    Its parameters are one flat array: the weights (kh, kw, out, in), then the bias.
    """

    def place(self, length, window, step, valid):
        """The windows lie on what comes out, one for each pixel of what comes in."""
        outputs = length * step + valid * np.maximum(window - step, 0)
        self.picture = self.outputs = (*outputs.tolist(), self.filters)
        self.grid, self.shape = self.inputs[:2], ((math.prod(self.kernel) * self.inputs[2] + 1) * self.filters,)

    def forward(self, params, x):
        """x: (samples, *inputs), or as rows.  Out comes (samples, *outputs)."""
        weights, bias = params[:-self.filters].reshape(self.size, -1), params[-self.filters:]
        pixels, y = x.reshape(-1, self.inputs[2], copy=False), np.empty((len(x), *self.outputs), x.dtype)
        rows, biases = self.empty((), len(pixels), self.size, x.dtype), np.empty_like(y[0])
        pictures, _, scatter = self.between(rows)
        steps = [partial(np.matmul, pixels, weights.T, rows), *scatter,
                 partial(np.copyto, biases, bias),              # a whole picture is quicker to add than a pixel
                 partial(np.add, pictures, biases, y),
                 partial(ACTIVATIONS[self.activation].forward, y)]
        return SimpleNamespace(weights=weights, pixels=pixels, rows=rows, y=y, out=y, steps=steps)

    def backward(self, params, work, dy, grads):
        """dy: (samples, *outputs), or as rows.  dL/dx is (samples, *inputs)."""
        weight_grads, bias_grads = grads[:-self.filters].reshape(self.size, -1), grads[-self.filters:]
        dy, slope = dy.reshape(work.y.shape, copy=False), dy.reshape(-1, self.filters, copy=False)
        (pictures, gather, _), dx = self.between(work.rows), np.empty((len(dy), *self.inputs), dy.dtype)
        steps = [partial(ACTIVATIONS[self.activation].backward, work.y, dy, np.empty_like(dy)),
                 partial(np.copyto, pictures, dy), gather,
                 partial(np.matmul, np.ones(len(slope), dy.dtype), slope, bias_grads),
                 partial(np.matmul, work.rows.T, work.pixels, weight_grads)]
        return dx, steps, [partial(np.matmul, work.rows, work.weights, dx.reshape(work.pixels.shape))]


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
