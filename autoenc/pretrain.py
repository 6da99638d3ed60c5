"""How the trained VAE that comes with the package was trained: `python -m autoenc.pretrain [FILE]`.

Without a name of a FILE it writes the weights into the checkout of the report where it is called.  After each epoch
a checkpoint is written beside the result: parameters, the optimiser's memory and curves.  Started again, the command
goes on from it, and the result is the same as without the interruption.
"""

import json
import sys
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
    path, vae = Path(path), VAE(rng=seed)
    settings = dict(epochs=epochs, rate=rate, schedule="cosine decay to 0", optimizer="Adam",
                    batch_size=batch_size, seed=seed, train=len(train), test=len(test))
    prepare(path.parent)
    checkpoint = path.with_suffix(".checkpoint.npz")
    memory = Adam().memory(vae.parameters)                  # which outlives a `fit`
    curves = go_on(checkpoint, settings, vae, memory) if checkpoint.exists() else {}
    schedule = cosine_decay(rate)

    for epoch in range(len(curves.get("total_loss", ())), epochs):
        optimizer = Adam(lambda progress, epoch=epoch: schedule((epoch + progress) / epochs))
        history = vae.fit(train, 1, batch_size, optimizer, workers, rng=(seed, epoch), validation=test, memory=memory)
        for name, curve in vars(history).items():
            curves.setdefault(name, []).append(round(float(curve[0]), 4))
        replace_arrays(checkpoint, state=json.dumps([settings, curves]), parameters=vae.parameters,
                       sums=np.stack([memory.first, memory.second]), steps=memory.steps)
        print(f"epoch {epoch + 1} of {epochs}:", {name: curve[-1] for name, curve in curves.items()}, flush=True)

    vae.save(path)
    replace(path.with_suffix(".json"), json.dumps(dict(settings=settings, curves=curves), indent=1).encode())
    checkpoint.unlink(missing_ok=True)
    return vae


def go_on(checkpoint, settings, vae, memory):
    """Put what a checkpoint holds into the VAE and the optimiser's memory; return the curves up to it."""
    with np.load(checkpoint, allow_pickle=False) as saved:
        before, curves = json.loads(str(saved["state"]))
        if before != settings:
            raise ValueError(f"{checkpoint} is of another training, {before}; remove it to start anew")
        vae.parameters = saved["parameters"]
        memory.first, memory.second = saved["sums"]
        memory.steps = int(saved["steps"])
    return curves


def main(arguments):
    """Run the command, with the words after its name."""
    if len(arguments) > 1 or arguments[:1] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    path = Path(arguments[0]) if arguments else Path("autoenc", "data", "vae.npz")
    if not arguments and not path.exists():
        sys.exit(f"There is no {path} here, as in a checkout of the report; name a file to write")
    (pictures, _), (unseen, _) = fashion_mnist()
    with one_line("Interrupted; the same command goes on from the last finished epoch"):
        train_pretrained(pictures, unseen, path)


if __name__ == "__main__":
    main(sys.argv[1:])
