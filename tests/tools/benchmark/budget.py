"""Where the time of training goes, part by part, on one thread: python -m tests.tools.benchmark budget.

Each layer, the loss and the optimiser are timed from outside while a training runs, and set beside what their
multiplications would take in one large matrix product, the quickest that the processor can do.
"""

import math
import time
from functools import partial
from unittest import mock

import numpy as np

from autoenc import VAE, Adam, Autoencoder, losses
from autoenc.convolutions import Conv2DTranspose
from autoenc.blas import one_blas_thread

from .contenders import garments, pixels


def spent(layers, fit, steps):
    """Microseconds a step, by part: {name: [forward, backward]}; what no part took is "the rest"."""
    times = {}

    def timed(name, function, way=0):
        def call(*arguments, **options):
            start = time.perf_counter()
            result = function(*arguments, **options)
            times.setdefault(name, [0, 0])[way] += (time.perf_counter() - start) * 1e6 / steps
            return result
        return call

    def watched(loss):
        class Watched(loss):
            compare = timed("loss", loss.compare)
        return Watched

    for number, layer in enumerate(layers, 1):
        name = f"{number} {type(layer).__name__}"
        layer.forward, layer.backward = timed(name, layer.forward), timed(name, layer.backward, 1)
    optimizer = Adam()
    optimizer.step = timed("Adam", optimizer.step)
    with mock.patch.dict(losses.LOSSES, {name: watched(loss) for name, loss in losses.LOSSES.items()}):
        start = time.perf_counter()
        fit(optimizer)
        total = (time.perf_counter() - start) * 1e6 / steps
    times["the rest"] = [total - sum(map(sum, times.values())), 0]
    return times


def multiplications(layer, samples):
    """Multiplications and additions of a layer's forward pass."""
    if not math.prod(layer.shape):
        return 0
    if not hasattr(layer, "grid"):
        return 2 * samples * layer.inputs * layer.outputs
    others = layer.inputs[2] if isinstance(layer, Conv2DTranspose) else layer.filters
    return 2 * samples * math.prod(layer.grid) * layer.size * others


def peak(size=1024, times=20):
    """Multiplications and additions a microsecond in large matrix products, on one thread."""
    a, b, c = np.random.default_rng(0).random((3, size, size), np.float32)
    best = math.inf
    for _ in range(times):
        start = time.perf_counter()
        np.matmul(a, b, out=c)
        best = min(best, time.perf_counter() - start)
    return 2 * size ** 3 / best / 1e6


def table(title, layers, samples, times, speed):
    """A budget as a Markdown table."""
    total = sum(map(sum, times.values()))
    products = {f"{number} {type(layer).__name__}": multiplications(layer, samples) * (2 if number == 1 else 3) / speed
                for number, layer in enumerate(layers, 1)}           # forward, dL/dparameters, dL/dx, which the first has not
    lines = [f"| {title} | forward, µs | backward, µs | share | its multiplications alone, µs |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {ahead:.3g} | {back:.3g} | {(ahead + back) / total:.0%} | {products.get(name, 0):.3g} |"
              for name, (ahead, back) in times.items()]
    return "\n".join([*lines, f"| all | {total:.3g} | | | {sum(products.values()):.3g} |"])


def budget():
    """Where the time goes in a small network, with 32 pictures and with one, in 64 and 1024 of them, and in the VAE, as Markdown tables."""
    tables = []
    with one_blas_thread():
        speed = peak()
        for members, pictures, epochs in (None, pixels(), 5000), (None, pixels()[:1], 5000), (64, pixels(), 500), (1024, pixels(), 50):
            network = Autoencoder((35, 10, 2), latent="sigmoid", members=members, rng=1)
            layers, title = network.layers, "One network" if members is None else f"{members} networks"
            fit = partial(network.fit, pictures, epochs, "mse")
            times = spent(layers, fit, epochs)
            tables.append(table(f"{title}, an epoch of {len(pictures)}", layers, len(pictures) * (members or 1), times, speed))
        model, x = VAE(), garments()[:1280]
        times = spent(model.layers, lambda optimizer: model.fit(x, 1, 128, optimizer, workers=1), len(x))
        tables.append(table("The VAE, batch 128, a picture", model.layers, 1, times, speed))
    return "\n\n".join([f"Large matrix products: {speed / 1e3:.3g} billion operations a second on one thread.", *tables])
