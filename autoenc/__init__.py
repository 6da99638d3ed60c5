"""autoenc: autoencoders small enough to read, in NumPy.

    from autoenc import characters, Autoencoder, Adam, cosine_decay, pixel_errors

    pixels, labels = characters("lowercase")
    ae = Autoencoder((35, 30, 2), rng=7)
    ae.fit(pixels, epochs=3000, optimizer=Adam(cosine_decay(0.01)))
    pixel_errors(ae.reconstruct(pixels), pixels)

The rest, from the VAE to the explorer, is imported only when used; `import autoenc` needs NumPy alone.
"""

from . import noise
from .characters import characters, pixel_errors
from .models import Autoencoder
from .optimizers import SGD, Adam, Momentum, cosine_decay

_LATER = {"VAE": "vae", "fashion_mnist": "fashion", "Explorer": "report.explorer",
          "claim": "report.claims", "recorded": "report.studies"}

__all__ = ["characters", "noise", "Autoencoder", "SGD", "Momentum", "Adam", "cosine_decay", "pixel_errors", *_LATER]


def __getattr__(name):
    if name in _LATER:
        from importlib import import_module
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
