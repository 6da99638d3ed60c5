"""Convolutions: a small dense layer that looks at every patch of a picture.

A picture is an array (height, width, channels).  Lay a window of kernel × kernel pixels over it, move
it `stride` pixels at a time, and write each *patch* it sees as one row: then a convolution is a Dense
layer from those rows to the channels of a smaller picture.  All the work is one matrix product, which
computers are best at; around it there are two ways between a picture and its rows.

    gather     picture -> rows     copy what each window sees (elsewhere: im2col)
    scatter    rows -> picture     the transpose: add each row back where its window was (elsewhere: col2im)

`Conv2D` gathers on its way forward, and so scatters on its way back; `Conv2DTranspose` scatters
forward, which makes a small picture large, and gathers on its way back.  Everything follows Keras:
channels last, weights (kh, kw, in, out) and, transposed, (kh, kw, out, in), and with padding "same" the
odd pixel of padding after the picture, not before (Dumoulin and Visin, 2016, draw all of this).
"""

import math

import numpy as np

from .checks import choice, require, whole_number, whole_numbers
from .layers import ACTIVATIONS, Buffers, Dense, Layer, empty_matrices, with_ones


class Patches:
    """A number of pictures and their patches as rows, connected: the arrays of `gather` and `scatter`.

    For a grid of h × w windows of kh × kw pixels that begin sh rows and sw columns apart:

        pictures  (n, height, width, c)      a view into padded, without the zeros around
        padded    (n, H, W, c)               ┌─────────────────┐
                                             │ ┌─── kw ───┐    │   the window of the grid's row i and column j
        windows   (n, h, w, kh, kw, c)       │ │          │    │   begins at row i·sh and column j·sw of padded:
                                             │ kh  (i, j) │    │
                                             │ │          │    │   windows[n, i, j, a, b] is
                                             │ └──────────┘    │   padded[n, i·sh + a, j·sw + b], the same memory
                                             └─────────────────┘
        cells     (n, h, w, kh, kw, c)       a view of rows: each patch has memory of its own
        rows      (n·h·w, kh·kw·c, …)        may have more columns behind, as a column of ones

    convolution: the layer that knows the sizes.  rows: as above.
    """

    def __init__(self, convolution, rows):
        (h, w), (kh, kw), (sh, sw) = convolution.grid, convolution.kernel, convolution.stride
        height, width, channels = convolution.picture
        top, left = convolution.before
        self.cells = rows[:, :convolution.size].reshape(-1, h, w, kh, kw, channels, copy=False)
        padded = np.zeros((len(self.cells), *convolution.padded, channels), rows.dtype)
        self.pictures = padded[:, top:top + height, left:left + width]
        sample, down, right, channel = padded.strides
        strides = sample, sh * down, sw * right, down, right, channel
        self.windows = np.ndarray(self.cells.shape, rows.dtype, padded, strides=strides)

        # Windows overlap, but the blocks of sh × sw pixels at the same place (a, b) of all windows do not: they lie
        # side by side.  So rows are added block by block, ⌈kh/sh⌉ · ⌈kw/sw⌉ additions instead of kh · kw.
        blocks = [np.s_[:, :, :, a:a + sh, b:b + sw] for a in range(0, kh, sh) for b in range(0, kw, sw)]
        self.blocks = [(self.windows[block], self.cells[block]) for block in blocks]
        # The first block of all windows covers all pixels but these margins.
        self.below, self.beside = padded[:, h * sh:], padded[:, :, w * sw:]

    def gather(self):
        """Pictures to rows: copy what each window sees."""
        np.copyto(self.cells, self.windows)

    def scatter(self):
        """Rows to pictures: where windows overlap, their patches add up."""
        self.below.fill(0)
        self.beside.fill(0)
        pixels, patches = self.blocks[0]
        np.copyto(pixels, patches)                      # the first block finds nothing to be added to
        for pixels, patches in self.blocks[1:]:
            pixels += patches


class Convolution(Layer):
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
        self.activation = ACTIVATIONS[choice("activation", activation, ACTIVATIONS)]
        self.picture, self.grid = self.lay_windows(valid)
        require(min(self.grid) > 0, "kernel", kernel, f"no larger than inputs, {self.inputs}, with padding 'valid'")
        size, padded = np.array(self.picture[:2]), np.maximum(self.picture[:2], self._reach())
        self.padded, self.before = tuple(padded.tolist()), tuple(((padded - size) // 2).tolist())
        self.size = math.prod(self.kernel) * self.picture[2]
        self.biases, self.fans = self.filters, math.prod(self.kernel) * (self.inputs[2] + self.filters)
        # One channel: a row has few numbers, so its columns are made contiguous (see `layers.empty_matrices`).
        self.contiguous = "columns" if self.picture[2] == 1 else "rows"

    def lay_windows(self, valid):
        """The picture that the windows lie on, and the grid of windows: ((height, width, channels), (h, w))."""
        raise NotImplementedError

    def _reach(self):
        """How many rows and columns there are from the beginning of the first window to the end of the last."""
        grid, kernel, stride = np.array([self.grid, self.kernel, self.stride])
        return (grid - 1) * stride + kernel


class Conv2D(Convolution):
    """A convolution: each output pixel is φ(patch W + b) of the patch of input around it.

    With padding "same" ⌈height/stride⌉ rows come out.  Its parameters are one array (kh·kw·channels + 1, filters),
    the weights (kh, kw, in, out) and the bias as last row.

    x: (n, *inputs).  y: (n, *outputs).  Between them: patches as rows (n·h·w, kh·kw·channels + 1), the last
    column ones, through a Dense layer, to rows (n·h·w, filters), which are y.
    """

    def __init__(self, inputs, filters, kernel=3, stride=1, padding="same", activation="linear"):
        super().__init__(inputs, filters, kernel, stride, padding, activation)
        self.dense = Dense(self.size, self.filters, activation, "rows", ones=False)
        self.shape, self.outputs = self.dense.shape, (*self.grid, self.filters)

    def lay_windows(self, valid):
        """The windows lie on what comes in, and each of them becomes a pixel of what comes out."""
        length, kernel, stride = np.array([self.inputs[:2], self.kernel, self.stride])
        places = length - kernel + 1 if valid else length               # where a window may begin
        grid = -(-places // stride)                                     # rounded up
        return self.inputs, tuple(grid.tolist())

    def prepare(self, params, x):
        rows = empty_matrices((), len(x) * math.prod(self.grid), self.size + 1, x.dtype, self.contiguous)
        rows[:, -1] = 1
        dense = self.dense.prepare(params, rows)
        buffers = Buffers(x, dense.y.reshape(len(x), *self.outputs, copy=False))
        buffers.dense, buffers.patches = dense, Patches(self, rows)
        return buffers

    def prepare_backward(self, buffers, grads, dx):
        d_rows = None
        if dx is not None:
            d_rows = empty_matrices((), len(buffers.dense.x), self.size, dx.dtype, "rows")
            buffers.d_patches = Patches(self, d_rows)
        self.dense.prepare_backward(buffers.dense, grads, d_rows)
        super().prepare_backward(buffers, grads, dx, dy=buffers.dense.dy.reshape(buffers.y.shape, copy=False))

    def forward(self, buffers):
        np.copyto(buffers.patches.pictures, buffers.x)
        buffers.patches.gather()
        self.dense.forward(buffers.dense)                           # y = φ(patch W + b), for each patch

    def backward(self, buffers):
        self.dense.backward(buffers.dense)                          # dL/dW, dL/db and dL/dpatch
        if buffers.dx is not None:
            buffers.d_patches.scatter()                             # a pixel gets what all its patches got
            np.copyto(buffers.dx, buffers.d_patches.pictures)


class Conv2DTranspose(Convolution):
    """A convolution run backwards: each input pixel paints a patch, and where patches overlap they add up.

    As in Keras height·stride rows come out, with padding "valid" max(kernel - stride, 0) more.
    Its parameters are one flat array: the weights (kh, kw, out, in), then the bias.

    x: (n, *inputs), of which each pixel is a row: pixels, (n·h·w, channels).  y: (n, *outputs).  Between them:
    patches as rows, (n·h·w, kh·kw·filters).  The weights are used as a matrix W, (kh·kw·filters, channels).
    """

    def __init__(self, inputs, filters, kernel=3, stride=1, padding="same", activation="linear"):
        super().__init__(inputs, filters, kernel, stride, padding, activation)
        self.outputs, self.shape = self.picture, ((self.size * self.inputs[2] + self.filters),)

    def lay_windows(self, valid):
        """The windows lie on what comes out, one for each pixel of what comes in."""
        length, kernel, stride = np.array([self.inputs[:2], self.kernel, self.stride])
        picture = length * stride
        if valid:
            picture += np.maximum(kernel - stride, 0)
        return (*picture.tolist(), self.filters), self.inputs[:2]

    def prepare(self, params, x):
        buffers = Buffers(x, np.empty((len(x), *self.outputs), x.dtype))
        buffers.weights, buffers.bias = self._matrix_and_bias(params)
        buffers.pixels = x.reshape(-1, self.inputs[2], copy=False)
        buffers.rows = empty_matrices((), len(buffers.pixels), self.size, x.dtype, self.contiguous)
        buffers.patches = Patches(self, buffers.rows)
        buffers.biases = np.empty(self.outputs, x.dtype)
        return buffers

    def prepare_backward(self, buffers, grads, dx):
        super().prepare_backward(buffers, grads, dx)
        buffers.scratch = np.empty_like(buffers.dy)
        buffers.dz = buffers.dy                                     # the same memory: the one is turned into the other
        buffers.dz_pixels = buffers.dz.reshape(-1, self.filters, copy=False)
        buffers.d_rows = buffers.rows                               # which nobody needs any more by then
        buffers.d_patches = Patches(self, buffers.d_rows)
        buffers.ones = np.ones(len(buffers.dz_pixels), buffers.dz.dtype)
        buffers.weight_grads, buffers.bias_grads = self._matrix_and_bias(grads)
        buffers.dx_pixels = None if dx is None else dx.reshape(buffers.pixels.shape, copy=False)

    def _matrix_and_bias(self, params):
        """Views of parameters, or of their gradient: the matrix (kh·kw·filters, channels) and the bias (filters,)."""
        return params[:-self.filters].reshape(self.size, -1, copy=False), params[-self.filters:]

    def forward(self, buffers):
        np.matmul(buffers.pixels, buffers.weights.T, buffers.rows)              # patch = pixel Wᵀ
        buffers.patches.scatter()
        np.copyto(buffers.biases, buffers.bias)                                 # quicker to add than a single pixel's
        np.add(buffers.patches.pictures, buffers.biases, buffers.y)             # z = Σ patches + b
        self.activation.forward(buffers.y)                                      # y = φ(z)

    def backward(self, buffers):
        self.activation.backward(buffers.y, buffers.dy, buffers.scratch)        # dL/dz = dL/dy · φ′(z)
        np.copyto(buffers.d_patches.pictures, buffers.dz)
        buffers.d_patches.gather()                                              # dL/dpatch
        np.matmul(buffers.ones, buffers.dz_pixels, buffers.bias_grads)          # dL/db = 1ᵀ dL/dz
        np.matmul(buffers.d_rows.T, buffers.pixels, buffers.weight_grads)       # dL/dW = (dL/dpatch)ᵀ pixel
        if buffers.dx is not None:
            np.matmul(buffers.d_rows, buffers.weights, buffers.dx_pixels)       # dL/dpixel = dL/dpatch W


class Flatten(Layer):
    """From pictures (n, *inputs) to rows for a Dense layer, (n, features + 1), the last column ones."""

    def __init__(self, inputs):
        self.inputs, self.outputs = tuple(inputs), math.prod(inputs)

    def prepare(self, params, x):
        rows = x.reshape(len(x), -1)
        out, y = with_ones(rows)
        buffers = Buffers(x, y, out)
        buffers.rows = rows
        return buffers

    def prepare_backward(self, buffers, grads, dx):
        super().prepare_backward(buffers, grads, dx, dy=empty_matrices((), *buffers.y.shape, buffers.y.dtype))
        buffers.dx_rows = None if dx is None else dx.reshape(buffers.dy.shape, copy=False)

    def forward(self, buffers):
        np.copyto(buffers.y, buffers.rows)

    def backward(self, buffers):
        if buffers.dx is not None:
            np.copyto(buffers.dx_rows, buffers.dy)


class Reshape(Layer):
    """The way back: from rows (n, features) to pictures (n, *outputs), the same memory, so there is nothing to do.

    What comes before it must be a Dense layer of contiguous rows that adds no column of ones.
    """

    def __init__(self, outputs):
        self.inputs, self.outputs = math.prod(outputs), tuple(outputs)

    def prepare(self, params, x):
        return Buffers(x, x.reshape(len(x), *self.outputs, copy=False))

    def prepare_backward(self, buffers, grads, dx):
        dy = None if dx is None else dx.reshape(buffers.y.shape, copy=False)
        super().prepare_backward(buffers, grads, dx, dy)

    def forward(self, buffers):
        pass

    def backward(self, buffers):
        pass
