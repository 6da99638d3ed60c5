"""python -m tests.benchmark: how fast the small networks train, beside the frameworks a reader might install.

Peers that are not installed are named and left out.  They belong in an environment of their own; see the
README.  Every round measures each contender once, in turn, so that a machine that slows down slows all of them;
the table shows the median ratio to autoenc over the rounds, and its range.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")     # one thread for everybody: the networks are tiny
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np  # noqa: E402

from autoenc import Adam, Autoencoder, characters  # noqa: E402

SIZES = 35, 10, 2, 10, 35
PIXELS = characters("lowercase")[0]


def ours(members, epochs):
    networks = Autoencoder(SIZES[:3], latent="sigmoid", members=members, rng=1)
    networks.fit(PIXELS, epochs, loss="mse", optimizer=Adam(0.001))


def torch_networks(fused, members, epochs):
    """One network of PyTorch; there is no everyday way to train many at once."""
    import torch

    torch.set_num_threads(1)
    parts = []
    for k, step in enumerate(zip(SIZES, SIZES[1:])):
        parts += [torch.nn.Linear(*step), torch.nn.Sigmoid() if k % 2 else torch.nn.Tanh()]
    network = torch.nn.Sequential(*parts)
    optimizer, x = torch.optim.Adam(network.parameters(), 0.001, fused=fused), torch.tensor(PIXELS)
    for _ in range(epochs):
        optimizer.zero_grad()
        ((network(x) - x) ** 2).sum(1).mean().backward()
        optimizer.step()


def jax_networks():
    """A function (members, epochs) that trains with everything compiled; compile time is not counted."""
    import functools

    import jax
    import jax.numpy as jnp

    def loss(params, x):
        h = x
        for k, (weights, bias) in enumerate(params):
            h = (jax.nn.sigmoid if k % 2 else jnp.tanh)(h @ weights + bias)
        return ((h - x) ** 2).sum(1).mean()

    def start(key):
        keys = jax.random.split(key, len(SIZES) - 1)
        return [(jax.nn.initializers.glorot_uniform()(k, step), jnp.zeros(step[1]))
                for k, step in zip(keys, zip(SIZES, SIZES[1:]))]

    def train(params, epochs):
        def epoch(number, carry):
            params, first, second, losses = carry
            value, grads = jax.value_and_grad(loss)(params, PIXELS)
            first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, grads)
            second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, grads)
            scale1, scale2 = 1 - 0.9 ** (number + 1.0), 1 - 0.999 ** (number + 1.0)
            params = jax.tree.map(lambda p, m, v: p - 0.001 * (m / scale1) / (jnp.sqrt(v / scale2) + 1e-8),
                                  params, first, second)
            return params, first, second, losses.at[number].set(value)

        zeros = jax.tree.map(jnp.zeros_like, params)
        return jax.lax.fori_loop(0, epochs, epoch, (params, zeros, zeros, jnp.zeros(epochs)))

    compiled = {}

    def run(members, epochs):
        key = jax.random.PRNGKey(0)
        params = start(key) if members is None else jax.vmap(start)(jax.random.split(key, members))
        if (members, epochs) not in compiled:
            one = functools.partial(train, epochs=epochs)
            compiled[members, epochs] = jax.jit(one if members is None else jax.vmap(one)).lower(params).compile()
        jax.block_until_ready(compiled[members, epochs](params))
    return run


def contenders():
    """The contenders that are installed, {name: (function, can train many at once)}, and the names of the missing."""
    found, missing = {"autoenc": (ours, True)}, []
    try:
        import torch
        found[f"PyTorch {torch.__version__}, fused Adam"] = (lambda *a: torch_networks(True, *a), False)
        found[f"PyTorch {torch.__version__}, eager"] = (lambda *a: torch_networks(False, *a), False)
    except ImportError:
        missing.append("PyTorch")
    try:
        import jax
        found[f"JAX {jax.__version__}, whole loop compiled"] = (jax_networks(), True)
    except ImportError:
        missing.append("JAX")
    return found, missing


def measure(found, members, epochs, rounds):
    """Microseconds an epoch and network, for every contender and round, measured in turn."""
    seconds = {name: [] for name, (_, many) in found.items() if many or members is None}
    for number in range(rounds + 1):
        for name, values in seconds.items():
            start = time.perf_counter()
            found[name][0](members, epochs)
            values.append((time.perf_counter() - start) / epochs / (members or 1) * 1e6)
    return {name: values[1:] for name, values in seconds.items()}      # the first round warms up


def import_seconds(module, rounds):
    """Seconds of a fresh Python process that imports `module`."""
    values = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
        values.append(time.perf_counter() - start)
    return values


def slider_seconds(rounds):
    """Seconds of kernel time that a move of a latent slider takes, or None without ipywidgets and Pillow."""
    try:
        from autoenc.explorer import Explorer, enlarged
        network, moves = Autoencoder((35, 40, 2), rng=1), 21 * rounds
        explorer = Explorer(lambda a, b: enlarged(np.uint8(255 * network.decode([[a, b]])).reshape(7, 5), 16),
                            x=("x", np.arange(21)), y=("y", np.arange(21)), alt="a character")
        slider = explorer.widget().children[1]
    except ImportError:
        return None
    start = time.perf_counter()
    for move in range(moves):
        slider.index = move % 21
    return (time.perf_counter() - start) / moves


def table(title, unit, values):
    print(f"\n| {title} | {unit}, median | ratio to autoenc (range) |\n|---|---|---|")
    for name, mine in values.items():
        ratios = [a / b for a, b in zip(mine, values["autoenc"])]
        print(f"| {name} | {statistics.median(mine):.3g} | {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found, missing = contenders()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} cores, one thread each; "
          f"{rounds} rounds; not installed: {', '.join(missing) or 'none'}")
    table("one network 35-10-2-10-35, full batch, Adam", "µs an epoch", measure(found, None, 1000, rounds))
    table("64 of them at once", "µs an epoch and network", measure(found, 64, 200, rounds))
    imports = {"autoenc": import_seconds("autoenc", rounds), "NumPy alone": import_seconds("numpy", rounds)}
    table("import", "seconds", imports)
    seconds = slider_seconds(rounds)
    print("\nA slider's move: " + (f"{1000 * seconds:.1f} ms" if seconds else "not measured, ipywidgets or Pillow is missing"))


if __name__ == "__main__":
    main()
