"""The contenders: the same training, written for each library the way its users would write it.

A function here prepares everything, compiles if its library can, and returns a function of no arguments
that does the work to be timed; `CONTENDERS` says which of them compete in which row.  Each contender lives
in a process of its own, `python -m tests.tools.benchmark.contenders ROW NAME OPTIONS`, which answers every line
of input with the seconds that one run took.
"""

import functools
import importlib.metadata
import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

# Which distributions a library needs; a contender's name begins with its library's.
LIBRARIES = {"autoenc": ["numpy", "threadpoolctl"], "scikit-learn": ["scikit-learn"], "JAX": ["jax"], "PyTorch": ["torch"],
             "Keras on JAX": ["keras", "jax"], "Keras on PyTorch": ["keras", "torch"], "Keras on TensorFlow": ["keras", "tensorflow_cpu"]}
STUDY = dict(rates=(0.1, 0.01, 0.001, 0.0001), starts=32, epochs=20_000)        # notebook 01's, full batch
IMAGES, CORES = 4096, os.cpu_count()
MFLOP = 39.9      # of the VAE's training, an image: 6.66 million multiplications, as many additions, forward and twice back
TIMES = {1: 20, 900: 1}      # how often a run decodes so many points


def pixels():
    from autoenc import characters
    return characters("lowercase")[0]


def garments():
    from autoenc import fashion_mnist
    return fashion_mnist(sample=True)[0][0][:IMAGES]


def sizes(hidden):
    return 35, hidden, 2, hidden, 35


# Small networks 35-h-2-h-35: tanh, logistic, tanh, logistic; squared error of a character; full batch; Adam.

def autoenc_small(hidden=10, members=None, epochs=1000, rate=0.001):
    from autoenc import Adam, Autoencoder
    x, networks = pixels(), Autoencoder((35, hidden, 2), latent="sigmoid", members=members, rng=1)
    return lambda: networks.fit(x, epochs, "mse", Adam(rate))


def written_out(members=None, epochs=1000, rate=0.001):
    """The same in one loop over arrays that are all there, with nothing but NumPy's functions in it."""
    from autoenc import Autoencoder
    from autoenc.layers import empty_matrices, with_ones
    from autoenc.models import views
    from autoenc.blas import one_blas_thread
    networks = Autoencoder((35, 10, 2), latent="sigmoid", members=members, rng=1)
    params, grads, move, first, second = networks.parameters, *(np.zeros_like(networks.parameters) for _ in range(4))
    leading, count, product = params.shape[:-1], 32, np.dot if members is None else np.matmul
    rate = np.reshape(rate, (-1, 1)) if np.ndim(rate) else rate
    one, double, beta1, beta2, floor = (np.array(number, np.float32) for number in (1, 2 / count, 0.9, 0.999, 0))
    wide, target = with_ones(pixels())
    x, below, ahead, back = wide, None, [], []
    for layer, weights, slopes in zip(networks.layers, views(networks.layers, params), views(networks.layers, grads), strict=True):
        out = y = empty_matrices(leading, count, layer.outputs, np.float32)
        if layer.ones:
            out, y = with_ones(y)
        dy, scratch, tanh = np.empty_like(y), np.empty_like(y), layer.activation.__name__ == "Tanh"
        ahead.append((tanh, y, weights.mT, x.mT, y.mT))
        back.insert(0, (tanh, y, dy, scratch, x.mT, slopes, weights[..., :-1, :], dy.mT, below))
        x, below = out, dy.mT
    error = back[0][2]
    flat = error.mT.reshape(*leading, -1)

    def run():
        losses = []
        with one_blas_thread(), np.errstate(all="ignore"):
            for step in range(1, epochs + 1):
                for tanh, y, weights, inputs, outputs in ahead:
                    product(weights, inputs, outputs)
                    if tanh:
                        np.tanh(y, y)
                    else:
                        np.negative(y, y), np.exp(y, y), np.add(y, one, y), np.divide(one, y, y)
                np.subtract(y, target, error)
                losses.append(np.vecdot(flat, flat) / count)
                np.multiply(error, double, error)
                for tanh, y, dy, scratch, inputs, slopes, weights, turned, below in back:
                    if tanh:
                        np.square(y, scratch), np.subtract(one, scratch, scratch)
                    else:
                        np.subtract(one, y, scratch), np.multiply(scratch, y, scratch)
                    np.multiply(dy, scratch, dy)
                    product(inputs, dy, slopes)
                    if below is not None:
                        product(weights, turned, below)
                scale1, scale2 = (1 - 0.9) / (1 - 0.9 ** step), math.sqrt((1 - 0.999) / (1 - 0.999 ** step))
                floor[...] = 1e-8 / scale2
                np.multiply(first, beta1, first), np.add(first, grads, first), np.square(grads, move)
                np.multiply(second, beta2, second), np.add(second, move, second), np.sqrt(second, move)
                np.add(move, floor, move), np.divide(first, move, move)
                np.multiply(move, rate * (scale1 / scale2), move), np.subtract(params, move, params)
        return params, np.array(losses)
    return run


def torch_small(hidden=10, members=None, epochs=1000, rate=0.001, fused=False, compiled=False):
    import torch
    x, leading = torch.tensor(pixels()), () if members is None else (members,)

    class Layer(torch.nn.Module):       # torch.nn.Linear, but many at once where there are members
        def __init__(self, inputs, outputs, activation):
            super().__init__()
            limit, self.activation = (6 / (inputs + outputs)) ** 0.5, activation
            self.weights = torch.nn.Parameter(torch.empty(*leading, inputs, outputs).uniform_(-limit, limit))
            self.bias = torch.nn.Parameter(torch.zeros(*leading, 1, outputs))

        def forward(self, x):
            return self.activation(self.bias + x @ self.weights if members is None else
                                   torch.baddbmm(self.bias, x.expand(members, *x.shape[-2:]), self.weights))

    def loss(network):
        return ((network(x) - x) ** 2).sum((-2, -1)).mul(1 / len(x))

    loss = torch.compile(loss) if compiled else loss
    network = torch.nn.Sequential(*(Layer(*step, torch.sigmoid if k % 2 else torch.tanh)
                                    for k, step in enumerate(zip(sizes(hidden), sizes(hidden)[1:], strict=False))))

    def run():
        optimizer, losses = torch.optim.Adam(network.parameters(), rate, fused=fused), torch.empty(epochs, *leading)
        for epoch in range(epochs):
            optimizer.zero_grad()
            value = loss(network)
            value.sum().backward()
            optimizer.step()
            losses[epoch] = value.detach()
        return losses
    return run


def jax_small(hidden=10, members=None, epochs=1000, rate=0.001, whole=True):
    """whole: the whole loop is one compiled program, else one epoch is."""
    import jax
    import jax.numpy as jnp
    x = pixels()

    def start(key):
        return [(jax.nn.initializers.glorot_uniform()(k, step), jnp.zeros(step[1]))
                for k, step in zip(jax.random.split(key, 4), zip(sizes(hidden), sizes(hidden)[1:], strict=False), strict=False)]

    def loss(params):
        y = x
        for k, (weights, bias) in enumerate(params):
            y = (jax.nn.sigmoid if k % 2 else jnp.tanh)(y @ weights + bias)
        return ((y - x) ** 2).sum(1).mean()

    def epoch(number, carry):
        params, first, second, losses, rate = carry
        value, grads = jax.value_and_grad(loss)(params)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
        scale1, scale2 = 1 - 0.9 ** (number + 1.0), 1 - 0.999 ** (number + 1.0)
        params = jax.tree.map(lambda p, m, v: p - rate * (m / scale1) / (jnp.sqrt(v / scale2) + 1e-8), params, first, second)
        return params, first, second, losses.at[number].set(value), rate

    def loop(carry):
        return jax.lax.fori_loop(0, epochs, epoch, carry)

    def begin(key, rate):
        params = start(key)
        zeros = jax.tree.map(jnp.zeros_like, params)
        return params, zeros, zeros, jnp.zeros(epochs), rate

    keys, rates = jax.random.split(jax.random.PRNGKey(0), members or 1), jnp.broadcast_to(rate, (members or 1,))
    carry = begin(keys[0], rates[0]) if members is None else jax.vmap(begin)(keys, rates)
    if whole:
        compiled = jax.jit(loop if members is None else jax.vmap(loop)).lower(carry).compile()
        return lambda: jax.block_until_ready(compiled(carry))
    compiled = jax.jit(epoch).lower(0, carry).compile()
    return lambda: jax.block_until_ready(functools.reduce(lambda carry, number: compiled(number, carry), range(epochs), carry))


def keras_on(backend):
    os.environ["KERAS_BACKEND"] = backend
    import keras
    return keras


def keras_small(backend, hidden=10, epochs=50, rate=0.001, steps_per_execution=None):
    """steps_per_execution: take all epochs for one of Keras' own and compile so many steps into one, for speed."""
    keras, x = keras_on(backend), pixels()
    network = keras.Sequential([keras.Input((35,))] + [keras.layers.Dense(size, "sigmoid" if k % 2 else "tanh")
                                                       for k, size in enumerate(sizes(hidden)[1:])])
    network.compile(keras.optimizers.Adam(rate), loss=lambda a, b: keras.ops.mean(keras.ops.sum((a - b) ** 2, -1)),
                    steps_per_execution=steps_per_execution or 1)
    if steps_per_execution:
        x, epochs = np.tile(x, (epochs, 1)), 1
    return lambda: network.fit(x, x, batch_size=32, epochs=epochs, shuffle=False, verbose=0)


def sklearn_small(hidden=10, epochs=1000, rate=0.001):
    """scikit-learn knows one activation for all hidden layers, and a linear output."""
    import warnings

    from sklearn.neural_network import MLPRegressor
    warnings.simplefilter("ignore")         # that it has not converged
    x = pixels()
    network = MLPRegressor(hidden_layer_sizes=sizes(hidden)[1:-1], activation="tanh", batch_size=32, max_iter=epochs, tol=0, alpha=0,
                           learning_rate_init=rate, n_iter_no_change=epochs, shuffle=False)
    return lambda: network.fit(x, x)


def study(small, members=STUDY["starts"], epochs=STUDY["epochs"], all_rates=False, **options):
    """The learning-rate study: four rates, 32 starts each.  all_rates: all at once; members None: a share of one network."""
    if all_rates:
        return small(members=4 * members, rate=np.repeat(np.float32(STUDY["rates"]), members), epochs=epochs, **options)
    if members is None:
        return small(epochs=epochs, **options)
    runs = [small(members=members, rate=rate, epochs=epochs, **options) for rate in STUDY["rates"]]
    return lambda: [run() for run in runs]


# Keras' convolutional VAE, two latent dimensions: one epoch of training, or decoding.

def autoenc_vae(points=None, batch=128, workers=CORES):
    from autoenc import VAE
    vae, x = VAE(), garments()
    if points:
        z = np.random.default_rng(0).standard_normal((points, 2))
        return lambda: [vae.decode(z) for _ in range(TIMES[points])]
    return lambda: vae.fit(x, 1, batch_size=batch, workers=workers)


def vae_steps():
    """The steps of that training and nothing around them: every core passes one micro-batch through, again and again."""
    from concurrent.futures import ThreadPoolExecutor

    from autoenc import VAE
    from autoenc.blas import one_blas_thread
    from autoenc.losses import BinaryCrossEntropy
    from autoenc.models import TrainableChain
    from autoenc.vae import MICRO
    vae, x = VAE(), garments()[:MICRO]
    chains = [TrainableChain(vae.layers, vae.parameters, x, functools.partial(BinaryCrossEntropy, count=1),
                             x.reshape(MICRO, -1), np.empty_like(vae.parameters)) for _ in range(CORES)]
    for chain in chains:
        sample = chain.links[len(vae.encoder)][1]
        sample.epsilon, sample.beta = vae.noise(MICRO, np.random.default_rng(0)), np.float32(1)

    def again(chain):
        for _ in range(IMAGES // MICRO // CORES):
            chain.loss_and_gradient()

    def run():
        with one_blas_thread(), ThreadPoolExecutor(CORES) as pool:
            list(pool.map(again, chains))
    return run


def torch_vae(points=None, batch=128, channels_last=False, compiled=False):
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits
    layout = torch.channels_last if channels_last else torch.contiguous_format

    class Layout(nn.Module):
        def forward(self, x):
            return x.contiguous(memory_format=layout)

    encoder = nn.Sequential(nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(),
                            nn.Linear(3136, 16), nn.ReLU(), nn.Linear(16, 4))
    decoder = nn.Sequential(nn.Linear(2, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), Layout(),
                            nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), nn.ReLU(),
                            nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 3, 1, 1))
    networks = nn.ModuleList([encoder, decoder]).to(memory_format=layout)
    if points:
        z = torch.randn(points, 2)
        return torch.no_grad()(lambda: [decoder(z).sigmoid().numpy() for _ in range(TIMES[points])])

    def loss(x, epsilon):
        mean, log_var = encoder(x).chunk(2, 1)
        logits = decoder(mean + torch.exp(log_var / 2) * epsilon)
        return (binary_cross_entropy_with_logits(logits, x, reduction="sum")
                - (1 + log_var - mean ** 2 - log_var.exp()).sum() / 2) / len(x)

    loss = torch.compile(loss) if compiled else loss
    x = torch.tensor(garments()).permute(0, 3, 1, 2).contiguous(memory_format=layout)
    optimizer = torch.optim.Adam(networks.parameters(), fused=True)

    def run():
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss(x[rows], torch.randn(len(rows), 2)).backward()
            optimizer.step()
    return run


def keras_networks(keras, dense="relu"):
    """Keras' example: the whole VAE, and its decoder; dense: the activation of the encoder's dense layer."""
    layers, ops = keras.layers, keras.ops

    class Code(layers.Layer):
        """Draws a code, and adds kl_loss to the model's loss."""
        def __init__(self):
            super().__init__()
            self.seeds = keras.random.SeedGenerator(1)

        def call(self, inputs):
            mean, log_var = inputs
            self.add_loss(ops.mean(ops.sum(ops.exp(log_var) + mean ** 2 - 1 - log_var, 1)) / 2)
            return mean + ops.exp(log_var / 2) * keras.random.normal(ops.shape(mean), seed=self.seeds)

    decoder = keras.Sequential([
        keras.Input((2,)), layers.Dense(3136, "relu"), layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(64, 3, 2, "same", activation="relu"),
        layers.Conv2DTranspose(32, 3, 2, "same", activation="relu"),
        layers.Conv2DTranspose(1, 3, 1, "same", activation="sigmoid")])
    picture = keras.Input((28, 28, 1))
    h = layers.Conv2D(32, 3, 2, "same", activation="relu")(picture)
    h = layers.Dense(16, dense)(layers.Flatten()(layers.Conv2D(64, 3, 2, "same", activation="relu")(h)))
    return keras.Model(picture, decoder(Code()([layers.Dense(2)(h), layers.Dense(2)(h)]))), decoder


def keras_reconstruction(keras):
    """The loss that Keras' example calls so: the cross-entropy summed over pixels, its mean over pictures."""
    return lambda a, b: keras.ops.mean(keras.ops.sum(keras.losses.binary_crossentropy(a, b), (1, 2)))


def keras_vae(backend, points=None, batch=128):
    keras = keras_on(backend)
    vae, decoder = keras_networks(keras)
    if points:
        z = np.random.default_rng(0).standard_normal((points, 2))
        return lambda: [decoder.predict(z, verbose=0) for _ in range(TIMES[points])]
    vae.compile("adam", loss=keras_reconstruction(keras))
    x = garments()
    return lambda: vae.fit(x, x, batch_size=batch, verbose=0)


def peak(size=2048):
    """As many floating-point operations as the VAE's epoch needs, in nothing but large matrix products."""
    a, b, c = np.random.default_rng(0).random((3, size, size), np.float32)
    products = round(IMAGES * MFLOP * 1e6 / (2 * size ** 3))
    return lambda: [np.matmul(a, b, out=c) for _ in range(products)]


def slider(moves=210):
    """Moves of a latent slider, up to the new picture in the page, in a browser without a window."""
    from playwright.sync_api import sync_playwright

    from autoenc import Autoencoder, Explorer, characters
    from tests.browser import FLAGS, chromium
    pixels, labels = characters("lowercase")
    browser = sync_playwright().start().chromium.launch(executable_path=chromium(), args=FLAGS)
    page = browser.new_page()
    page.set_content(Explorer(Autoencoder((35, 40, 2), rng=1), pixels, labels).html())
    page.wait_for_timeout(5000)                 # the map is drawn

    def run():
        page.evaluate("""moves => {
          const slider = document.querySelector(".explorer input[type=range]");
          for (let move = 0; move < moves; move++) {
            slider.value = 50 * (move % 21);
            slider.dispatchEvent(new Event("input"));
          }
        }""", moves)
    return run


def importing(module):
    """A fresh process that imports a library."""
    return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)


def per_backend(function, **options):
    """The same on Keras' three backends."""
    backends = {"TensorFlow": "tensorflow", "PyTorch": "torch", "JAX": "jax"}
    return {f"Keras on {name}": (function, dict(backend=backend, **options)) for name, backend in backends.items()}


CONTENDERS = {
    "network": {
        "autoenc": (autoenc_small, {}),
        "NumPy, written out in one loop": (written_out, {}),
        "JAX, whole loop compiled": (jax_small, {}),
        "JAX, one epoch compiled": (jax_small, dict(whole=False)),
        "PyTorch, fused Adam": (torch_small, dict(fused=True)),
        "PyTorch, eager": (torch_small, {}),
        "PyTorch, compiled, fused Adam": (torch_small, dict(compiled=True, fused=True)),
        "scikit-learn": (sklearn_small, {}),
        **per_backend(keras_small, epochs=50),
        "Keras on TensorFlow, 50 steps an execution": (keras_small, dict(backend="tensorflow", epochs=1000, steps_per_execution=50)),
        "Keras on JAX, 50 steps an execution": (keras_small, dict(backend="jax", epochs=1000, steps_per_execution=50)),
    },
    "networks": {
        "autoenc": (autoenc_small, dict(members=64, epochs=200)),
        "NumPy, written out in one loop": (written_out, dict(members=64, epochs=200)),
        "JAX, vmap, whole loop compiled": (jax_small, dict(members=64, epochs=200)),
        "PyTorch, by hand with baddbmm, fused Adam": (torch_small, dict(members=64, epochs=200, fused=True)),
        "PyTorch, by hand with baddbmm, compiled, fused Adam": (torch_small, dict(members=64, epochs=200, fused=True, compiled=True)),
    },
    "study": {
        "autoenc": (study, dict(small=autoenc_small, all_rates=True)),
        "NumPy, written out in one loop": (study, dict(small=written_out, all_rates=True)),
        "JAX, vmap, whole loop compiled": (study, dict(small=jax_small, all_rates=True)),
        "autoenc, in two processes": (study, dict(small=autoenc_small, all_rates=True, members=STUDY["starts"] // 2)),
        "JAX, vmap, in two processes": (study, dict(small=jax_small, all_rates=True, members=STUDY["starts"] // 2)),
        "PyTorch, by hand with baddbmm, fused Adam": (study, dict(small=torch_small, fused=True, epochs=2000)),
        "PyTorch, fused Adam, one after the other": (study, dict(small=torch_small, fused=True, members=None, epochs=2000)),
        "scikit-learn, one after the other": (study, dict(small=sklearn_small, members=None, epochs=2000)),
        **{f"{name}, one after the other": (study, dict(small=keras_small, members=None, epochs=100, **options))
           for name, (_, options) in per_backend(None).items()},
    },
    "training": {
        "autoenc": (autoenc_vae, {}),
        "NumPy, the steps alone": (vae_steps, {}),
        "bare matrix products": (peak, {}),
        "PyTorch, channels last": (torch_vae, dict(channels_last=True)),
        "PyTorch, contiguous": (torch_vae, {}),
        "PyTorch, channels last, compiled": (torch_vae, dict(channels_last=True, compiled=True)),
        **per_backend(keras_vae),
    },
    **{row: {
        "autoenc": (autoenc_vae, dict(points=points)),
        "PyTorch, channels last": (torch_vae, dict(points=points, channels_last=True)),
        "PyTorch, contiguous": (torch_vae, dict(points=points)),
        **per_backend(keras_vae, points=points),
    } for row, points in (("point", 1), ("plane", 900))},
    "slider": {"autoenc": (slider, {})},
    "import": {"autoenc": (importing, dict(module="autoenc")),
               "NumPy alone": (importing, dict(module="numpy")),
               "scikit-learn": (importing, dict(module="sklearn.neural_network")),
               "JAX": (importing, dict(module="jax")), "PyTorch": (importing, dict(module="torch")),
               **{name: (importing, dict(module=f"os; os.environ['KERAS_BACKEND'] = {options['backend']!r}; import keras"))
                  for name, (_, options) in per_backend(None).items()}},
}


def processes(name):
    """How many processes do the work of a contender, each its share of it."""
    return 2 if name.endswith("in two processes") else 1


def scale(function, options):
    """How much of the learning-rate study's training a contender leaves to extrapolation, as a factor."""
    networks = (options.get("members", STUDY["starts"]) or 1 / 4) * 4
    return 128 * STUDY["epochs"] / networks / options.get("epochs", STUDY["epochs"]) if function is study else 1


def library(name):
    return max((library for library in LIBRARIES if name.startswith(library)), key=len, default="autoenc")


def closure(names):
    """The installed distributions that these need, themselves included: {name: distribution}."""
    found, wanted = {}, list(names)
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name not in found:
            try:
                found[name] = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            wanted += [re.match(r"[\w.-]+", line)[0] for line in found[name].requires or () if "extra ==" not in line]
    return found


def installed():
    """The libraries that this interpreter has: {name: (version, MB on disk with all that it needs)}."""
    result = {}
    for name, needs in LIBRARIES.items():
        found = closure(needs)
        if set(needs) <= {name.replace("-", "_") for name in found} | set(found):
            files = {Path(file.locate()) for each in found.values() for file in each.files or ()}
            if name == "autoenc":
                files |= set((Path(__file__).parents[3] / "autoenc").rglob("*"))
            size = sum(path.stat().st_size for path in files if path.is_file() and path.suffix != ".pyc")
            result[name] = " + ".join(found[need.replace("_", "-")].version for need in needs), size / 1e6
    return result


def main(row=None, name=None, options="{}"):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)       # whatever a library prints goes elsewhere
    if row is None:
        print(json.dumps([sys.version.split()[0], np.__version__, installed()]), file=answers)
        return
    function, settings = CONTENDERS[row][name]
    run = function(**settings | json.loads(options))
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
