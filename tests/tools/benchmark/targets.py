"""Time to a good result: python -m tests.tools.benchmark.targets [character …] [--peer PYTHON] [--rounds 3] [--write]

What somebody waits for is not an epoch but a result.  Each contender is a fresh process that imports its library, builds
a network, compiles what it can, trains, and looks every so many steps whether the target is reached.  The seconds of the
whole process are its time.  Everybody runs with this report's recipe, and with what tutorials of the library use: Adam at
its default of 0.001, for as long as it takes.

    character    35-40-2-40-35, one network: all 32 characters with at most one wrong pixel
    characters   the same with 64 networks, each from an initialisation of its own: all of them
    denoiser     35-192-35 with softmax between: at most 1.02 times the Bayes risk where a fifth of the pixels is flipped
    vae          Keras' convolutional VAE on 60,000 pictures: the test loss that its defaults have after 30 epochs

In every round each contender runs once, in turn.  The table has medians, ranges, and the ratio to autoenc's median.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from .__main__ import environment
from .contenders import CORES, keras_networks, keras_on, keras_reconstruction, library
from .contenders import pixels as lowercase

TABLE = Path(__file__).with_name("TARGETS.md")
P, ENOUGH = 0.2, 1.02                   # of the denoiser: the share of flipped pixels; the multiple of the Bayes risk that is good
LIMIT = {"character": 40_000, "characters": 40_000, "denoiser": 60_000, "vae": 30}      # steps, or epochs, before one gives up
EVERY = {"character": 100, "characters": 100, "denoiser": 500, "vae": 1}                # so often one looks
RECIPES = {"this report's": {"character": (0.02, 3000), "characters": (0.02, 3000), "denoiser": (0.02, 6000), "vae": (0.004, 3)},
           "defaults": dict.fromkeys(LIMIT, (0.001, None))}          # a learning rate, and the steps of its cosine decay


def rate_at(rate, decay):
    """The learning rate as a function of the step: constant, or from `rate` down to 0 after `decay` steps."""
    return lambda step: rate if decay is None else rate * (1 + math.cos(math.pi * min(step / decay, 1))) / 2


def flips_at(steps):
    """The share of flipped pixels as a function of the step: P, or from 0 up to 0.3 and down to P within `steps`."""
    return lambda step: P if steps is None else float(np.interp(step / steps, [0, 0.2, 0.92], [0, 0.3, P]))


def recorded(name):
    """The results of a study that a notebook has recorded."""
    study = json.loads(Path("notebooks", "recorded", f"{name}.json").read_text("utf-8"))
    return study["results"] if "results" in study else study["cases"]


def bayes_risk():
    """The wrong pixels that must remain where a share P is flipped, from notebook 02."""
    return next(at["result"]["posterior mean"]["risk"] for at in recorded("rules") if at["case"]["p"] == P)


def wanted_loss():
    """The test loss that Keras' defaults have after 30 epochs, the median of three seeds, from notebook 03."""
    return statistics.median(losses[-1] for losses in recorded("keras")["val_loss"])


class Reached(Exception):
    """The target is reached."""


class Judge:
    """What is asked of the networks of a target: `asked`, the pictures, and `look`, which raises Reached if they are good."""

    def __init__(self, target):
        self.target, self.steps = target, 0
        self.asked = self.clean = lowercase()
        if target == "denoiser":
            from autoenc import characters, noise
            self.risk = bayes_risk()
            self.clean = characters("uppercase")[0]
            self.asked = noise.flip(np.tile(self.clean, (320, 1)), P, rng=np.random.default_rng(1))
            differ = self.asked.sum(1, keepdims=True) + self.clean.sum(1) - 2 * self.asked @ self.clean.T
            likelihood = (P / (1 - P)) ** (differ - differ.min(1, keepdims=True))
            self.mean = likelihood @ self.clean / likelihood.sum(1, keepdims=True)      # the posterior mean of each picture

    def look(self, outputs, steps):
        """outputs: (…, pictures, 35), above 0.5 for ink."""
        self.steps, black = steps, np.asarray(outputs) > 0.5
        if self.target == "denoiser":
            wrong = np.where(black, 1 - self.mean, self.mean).sum(-1).mean()            # expected, given the pictures
            if wrong <= ENOUGH * self.risk:
                raise Reached
        elif (black != (self.clean > 0.5)).sum(-1).max() <= 1:
            raise Reached


# The contenders for the small networks: each trains until the judge raises Reached, or to the limit.

def autoenc_small(judge, target, rate, decay):
    from autoenc import Adam, Autoencoder, cosine_decay, noise
    optimizer, steps = Adam(cosine_decay(rate) if decay else rate), decay or LIMIT[target]
    seen = iter(range(1, steps + 1))

    def look():
        step = next(seen)
        if step % EVERY[target] == 0:
            judge.look(network.reconstruct(judge.asked), step)

    if target == "denoiser":
        network, flips = Autoencoder((35, 192), latent="softmax", output="linear", rng=None), flips_at(decay)
        network.parameters[:36 * 192] *= 5
        levels = map(flips, range(steps))
        network.fit(np.tile(judge.clean, (8, 1)), steps, "mse", optimizer, after_epoch=look,
                    corrupt=lambda x, rng: noise.flip(x, next(levels), rng=rng))
    else:
        network = Autoencoder((35, 40, 2), latent="linear", members=64 if target == "characters" else None, rng=None)
        network.fit(judge.clean, steps, "bce", optimizer, after_epoch=look)


def jax_small(judge, target, rate, decay):
    import jax
    import jax.numpy as jnp
    noisy = target == "denoiser"
    sizes = (35, 192, 35) if noisy else (35, 40, 2, 40, 35)
    hidden = [jax.nn.softmax] if noisy else [jnp.tanh, lambda v: v, jnp.tanh]
    members, x = 64 if target == "characters" else 1, jnp.asarray(np.tile(judge.clean, (8, 1)) if noisy else judge.clean)

    def start(key):
        steps = list(zip(sizes, sizes[1:], strict=False))
        weights = [jax.nn.initializers.glorot_uniform()(one, step) for one, step in zip(jax.random.split(key, len(steps)), steps, strict=True)]
        return [(weight * 5 if noisy and not k else weight, jnp.zeros(weight.shape[1])) for k, weight in enumerate(weights)]

    def forward(params, y):
        for (weights, bias), activation in zip(params, [*hidden, lambda v: v], strict=True):
            y = activation(y @ weights + bias)
        return y

    def loss(params, key, flips):
        if noisy:
            y = forward(params, jnp.abs(x - jax.random.bernoulli(key, flips, x.shape)))
            return ((y - x) ** 2).sum(1).mean()
        logits = forward(params, x)
        return (jnp.logaddexp(0, logits) - x * logits).sum(1).mean()

    def step(carry, settings):
        params, first, second, key = carry
        number, rate, flips = settings
        key, one = jax.random.split(key)
        grads = jax.grad(loss)(params, one, flips)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
        scale1, scale2 = 1 - 0.9 ** number, 1 - 0.999 ** number
        params = jax.tree.map(lambda p, m, v: p - rate * (m / scale1) / (jnp.sqrt(v / scale2) + 1e-8), params, first, second)
        return (params, first, second, key), None

    keys = jax.random.split(jax.random.PRNGKey(int.from_bytes(os.urandom(3), "little")), members)
    params = jax.vmap(start)(keys)
    zeros = jax.tree.map(jnp.zeros_like, params)
    carry = params, zeros, zeros, keys
    advance = jax.jit(jax.vmap(lambda carry, settings: jax.lax.scan(step, carry, settings)[0], (0, None)))
    outputs = jax.jit(jax.vmap(forward, (0, None)))
    for done in range(0, decay or LIMIT[target], EVERY[target]):
        numbers = np.arange(done, done + EVERY[target])
        settings = (numbers + 1.0, np.vectorize(rate_at(rate, decay))(numbers), np.vectorize(flips_at(decay))(numbers))
        carry = advance(carry, tuple(jnp.asarray(part, jnp.float32) for part in settings))
        y = outputs(carry[0], jnp.asarray(judge.asked))
        judge.look(y if noisy else y > 0, done + EVERY[target])


def torch_small(judge, target, rate, decay, compiled=False):
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits
    noisy, members = target == "denoiser", 64 if target == "characters" else 1
    sizes = (35, 192, 35) if noisy else (35, 40, 2, 40, 35)
    hidden = [partial(torch.softmax, dim=-1)] if noisy else [torch.tanh, torch.nn.Identity(), torch.tanh]
    x, asked = torch.tensor(np.tile(judge.clean, (8, 1)) if noisy else judge.clean), torch.tensor(judge.asked)
    params = []
    for k, (inputs, outputs) in enumerate(zip(sizes, sizes[1:], strict=False)):
        limit = (6 / (inputs + outputs)) ** 0.5 * (5 if noisy and not k else 1)
        params += [torch.empty(members, inputs, outputs).uniform_(-limit, limit), torch.zeros(members, 1, outputs)]
    params = [one.requires_grad_() for one in params]

    def forward(y):
        y = y.expand(members, *y.shape[-2:])
        for weights, bias, activation in zip(params[::2], params[1::2], [*hidden, torch.nn.Identity()], strict=True):
            y = activation(torch.baddbmm(bias, y, weights))
        return y

    def loss(seen):
        y = forward(seen)
        if noisy:
            return ((y - x) ** 2).sum() / len(x)
        return binary_cross_entropy_with_logits(y, x.expand_as(y), reduction="sum") / len(x)

    loss = torch.compile(loss) if compiled else loss
    optimizer, flips, rates = torch.optim.Adam(params, rate, fused=True), flips_at(decay), rate_at(rate, decay)
    for step in range(decay or LIMIT[target]):
        for group in optimizer.param_groups:
            group["lr"] = rates(step)
        optimizer.zero_grad()
        loss((x - (torch.rand_like(x) < flips(step)).float()).abs() if noisy else x).backward()
        optimizer.step()
        if (step + 1) % EVERY[target] == 0:
            with torch.no_grad():
                y = forward(asked)
            judge.look(y if noisy else y > 0, step + 1)


def keras_small(judge, target, rate, decay, backend="jax"):
    keras = keras_on(backend)
    layers, noisy = keras.layers, target == "denoiser"

    class Flip(layers.Layer):
        def build(self, shape):
            self.share, self.seeds = self.add_weight(trainable=False, initializer="zeros"), keras.random.SeedGenerator()

        def call(self, x, training=False):
            if not training:
                return x
            flipped = keras.random.uniform(keras.ops.shape(x), seed=self.seeds) < self.share
            return keras.ops.abs(x - keras.ops.cast(flipped, x.dtype))

    flip, initial = Flip(), keras.initializers.VarianceScaling(25, "fan_avg", "uniform")       # five times Glorot's
    stack = [flip, layers.Dense(192, "softmax", kernel_initializer=initial), layers.Dense(35)] if noisy else [
        layers.Dense(40, "tanh"), layers.Dense(2), layers.Dense(40, "tanh"), layers.Dense(35)]
    network = keras.Sequential([keras.Input((35,)), *stack])
    schedule = keras.optimizers.schedules.CosineDecay(rate, decay) if decay else rate

    def loss(x, y):
        if noisy:
            return keras.ops.sum((x - y) ** 2, -1)
        return 35 * keras.losses.binary_crossentropy(x, y, from_logits=True)

    every, flips = EVERY[target], flips_at(decay)
    network.compile(keras.optimizers.Adam(schedule), loss, steps_per_execution=min(50, every))
    copies = np.tile(judge.clean, ((8 if noisy else 1) * every, 1))
    for done in range(0, decay or LIMIT[target], every):
        if noisy:
            flip.share.assign(flips(done))
        network.fit(copies, copies, batch_size=len(copies) // every, epochs=1, shuffle=False, verbose=0)
        y = np.asarray(network(judge.asked))
        judge.look(y if noisy else y > 0, done + every)


def sklearn_small(judge, target, rate, decay):
    """Its regressor knows squared error only, one activation for all hidden layers, and a constant rate."""
    import warnings

    from sklearn.neural_network import MLPRegressor
    warnings.simplefilter("ignore")
    every = EVERY[target]
    network = MLPRegressor(hidden_layer_sizes=(40, 2, 40), activation="tanh", batch_size=32, max_iter=every, tol=0, alpha=0, warm_start=True,
                           learning_rate_init=rate, n_iter_no_change=every)
    for done in range(0, LIMIT[target], every):
        network.fit(judge.clean, judge.clean)
        judge.look(network.predict(judge.asked), done + every)


# The contenders for the VAE.

def garments(sample):
    from autoenc import fashion_mnist
    (train, _), (test, _) = fashion_mnist(sample=sample)
    return train, test


def autoenc_vae(judge, target, rate, decay, sample=False):
    from autoenc import VAE, Adam, cosine_decay
    train, test = garments(sample)
    vae, wanted = VAE(dense="tanh" if decay else "relu", rng=None), wanted_loss()

    def look():
        judge.steps += 1
        if vae.evaluate(test)["total_loss"] <= wanted:
            raise Reached

    vae.fit(train, decay or LIMIT[target], 128, Adam(cosine_decay(rate) if decay else rate), rng=None, after_epoch=look)


def keras_vae(judge, target, rate, decay, backend="tensorflow", sample=False):
    keras = keras_on(backend)
    train, test = garments(sample)
    vae, _ = keras_networks(keras, "tanh" if decay else "relu")
    steps = -(-len(train) // 128)
    schedule = keras.optimizers.schedules.CosineDecay(rate, decay * steps) if decay else rate
    vae.compile(keras.optimizers.Adam(schedule), keras_reconstruction(keras))
    for _ in range(decay or LIMIT[target]):
        vae.fit(train, train, 128, verbose=0)
        judge.steps += 1
        if vae.evaluate(test, test, 128, verbose=0) <= wanted_loss():
            raise Reached


SMALL = {"autoenc": autoenc_small, "JAX": jax_small, "PyTorch": torch_small, "PyTorch, compiled": partial(torch_small, compiled=True)}
CONTENDERS = {
    "character": {**SMALL, "Keras on JAX": keras_small, "Keras on TensorFlow": partial(keras_small, backend="tensorflow"),
                  "scikit-learn": sklearn_small},
    "characters": SMALL,
    "denoiser": {**SMALL, "Keras on JAX": keras_small, "Keras on TensorFlow": partial(keras_small, backend="tensorflow")},
    "vae": {"autoenc": autoenc_vae, "Keras on TensorFlow": keras_vae, "Keras on JAX": partial(keras_vae, backend="jax")},
}


def run(target, name, recipe):
    """Train until the target is reached or the recipe ends: {reached, steps}."""
    judge = Judge(target)
    try:
        CONTENDERS[target][name](judge, target, *RECIPES[recipe][target])
    except Reached:
        return dict(reached=True, steps=judge.steps)
    return dict(reached=False, steps=judge.steps)


def race(interpreter, target, name, recipe):
    """The same in a fresh process, and the seconds of all of it."""
    threads = environment(CORES if target == "vae" else 1) | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    answer = subprocess.run([interpreter, "-m", "tests.tools.benchmark.targets", "--one", target, name, recipe],
                            capture_output=True, text=True, env=threads)
    seconds = time.perf_counter() - start
    if answer.returncode:
        raise RuntimeError(f"{name}, {target}, {recipe}: {answer.stderr.strip().splitlines()[-1:]}")
    return json.loads(answer.stdout.splitlines()[-1]) | dict(seconds=seconds)


def row(name, recipe, runs, ours):
    """One line of a table: name, recipe, median seconds and their range, times autoenc's, reached, steps."""
    seconds = [one["seconds"] for one in runs]
    middle = statistics.median(seconds)
    steps = statistics.median(one["steps"] for one in runs)
    reached = sum(one["reached"] for one in runs)
    return (f"| {name} | {recipe} | {middle:.2f} [{min(seconds):.2f}, {max(seconds):.2f}] | {middle / ours:.2f} | "
            f"{reached} of {len(runs)} | {steps:.0f} |")


def table(target, found):
    """The runs of a target as Markdown: {(name, recipe): runs}."""
    ours = min(statistics.median(one["seconds"] for one in runs) for (name, _), runs in found.items() if name == "autoenc")
    lines = [f"### {target}\n", "| contender | recipe | seconds, median and range | times autoenc's | reached | steps |",
             "|---|---|---|---|---|---|"]
    return "\n".join(lines + [row(*key, runs, ours) for key, runs in found.items()])


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.tools.benchmark.targets", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(LIMIT)}; all without")
    parser.add_argument("--peer", default=sys.executable, metavar="PYTHON", help="the interpreter that has the other libraries")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write TARGETS.md")
    parser.add_argument("--one", nargs=3, metavar=("TARGET", "NAME", "RECIPE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(run(*chosen.one)))
        return
    if unknown := set(chosen.targets) - set(LIMIT):
        parser.error(f"no target {min(unknown)!r}")
    tables = []
    for target in chosen.targets or LIMIT:
        found = {}
        for _ in range(chosen.rounds):
            for name in CONTENDERS[target]:
                interpreter = sys.executable if library(name) == "autoenc" else chosen.peer
                for recipe in RECIPES:
                    if name == "scikit-learn" and recipe != "defaults":
                        continue
                    try:
                        found.setdefault((name, recipe), []).append(race(interpreter, target, name, recipe))
                    except RuntimeError as error:
                        print(error, file=sys.stderr)
        tables.append(table(target, {key: runs for key, runs in found.items() if runs}))
        print("\n" + tables[-1], flush=True)
    if chosen.write:
        TABLE.write_text(f"{__doc__.strip()}\n\n" + "\n\n".join(tables) + "\n")


if __name__ == "__main__":
    main()
