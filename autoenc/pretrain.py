"""How the trained VAE that comes with the package was trained: `python -m autoenc.pretrain`.

After each epoch a checkpoint is written beside the result, parameters and optimiser's memory and curves,
and started again the command goes on from it: the result is the same as without the interruption.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np

from .fashion import DATA, fashion_mnist
from .files import one_line, prepare, replace, replace_arrays
from .optimizers import Adam, cosine_decay
from .vae import VAE


def train_pretrained(train, test, path=DATA / "vae.npz", epochs=30, rate=0.002, batch_size=128, seed=0, workers=2):
    """Train a VAE as in `VAE.pretrained()`, to `path`, and its curves to a .json beside it; return it.

    train, test: pictures (n, 28, 28, 1).  rate: Adam's, which falls to 0 along a cosine.  An epoch's order
    and noise depend on (seed, epoch) only.  ValueError for a checkpoint of another training.
    """
    path, settings = Path(path), dict(epochs=epochs, rate=rate, schedule="cosine decay to 0", optimizer="Adam",
                                      batch_size=batch_size, seed=seed, train=len(train), test=len(test))
    checkpoint, vae, curves = path.with_suffix(".checkpoint.npz"), VAE(rng=seed), {}
    prepare(path.parent)
    sums, schedule = np.zeros((2, vae.parameters.size), vae.dtype), cosine_decay(rate)
    if checkpoint.exists():
        with np.load(checkpoint, allow_pickle=False) as saved:
            before, curves = json.loads(str(saved["state"]))
            if before != settings:
                raise ValueError(f"{checkpoint} is of another training, {before}; remove it to start anew")
            vae.parameters[...], sums[...] = saved["parameters"], saved["sums"]
    for epoch in range(len(curves.get("total_loss", ())), epochs):
        optimizer = Adam(lambda progress: schedule((epoch + progress) / epochs))
        steps = epoch * -(-len(train) // batch_size)
        optimizer.start = partial(optimizer.start, sums=sums, steps=steps)      # its memory outlives a `fit`
        history = vae.fit(train, 1, batch_size, optimizer, workers, rng=(seed, epoch), validation=test)
        for name, curve in vars(history).items():
            curves.setdefault(name, []).append(round(float(curve[0]), 4))
        replace_arrays(checkpoint, state=json.dumps([settings, curves]), parameters=vae.parameters, sums=sums)
        print(f"epoch {epoch + 1} of {epochs}:", {name: curve[-1] for name, curve in curves.items()}, flush=True)
    vae.save(path)
    replace(path.with_suffix(".json"), json.dumps(dict(settings=settings, curves=curves), indent=1).encode())
    checkpoint.unlink(missing_ok=True)
    return vae


if __name__ == "__main__":
    (pictures, _), (unseen, _) = fashion_mnist()
    with one_line("Interrupted; the same command goes on from the last finished epoch"):
        train_pretrained(pictures, unseen)
