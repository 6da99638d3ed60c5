"""The playground: noise to turn up, pixels to click, and what a denoiser answers, beside what it could know.

The denoising network is in the page, as an explorer's is (see `network`).  Bayes' rule is short enough to be computed
there, too: for characters whose pixels are flipped with probability p, all equally probable at first, the posterior
probability of a character is proportional to (1 - p)^(n - d) p^d, where d of its n pixels differ from those received.
"""

import numpy as np

from ..characters import HEIGHT, WIDTH
from ..checks import generator, number, numbers, require
from ..models import Autoencoder
from .explorer import element, png, texts
from .network import described, packed

EXAMPLES = 16                   # noisy characters in the still


class Playground:
    """A denoiser that answers while one draws.

    network: a single `Autoencoder` that takes characters.  pixels: the known ones, (n, 35), of 0 and 1; labels: a list of
    n strings.  p: the noise at which it begins, up to 0.5.  rng: for the draws, whatever `np.random.default_rng` takes; it
    begins with the most noise, of some thousand draws, from which the network still reconstructs all pixels.
    alt: what it shows, for those who cannot see it.  ValueError or TypeError for anything else.
    """

    def __init__(self, network, pixels, labels, p=0.2, rng=0, alt=None):
        require(isinstance(network, Autoencoder), "network", network, "an Autoencoder", TypeError)
        require(network.parameters.ndim == 1, "network", network, "a single network, as model.member(0) is one of its members")
        require(network.sizes[0] == HEIGHT * WIDTH, "network", network, f"one that takes {HEIGHT * WIDTH} pixels")
        self.network, self.pixels = network, numbers("pixels", pixels, ("n", HEIGHT * WIDTH))
        require(np.isin(self.pixels, (0, 1)).all(), "pixels", "grey", "0 and 1")
        self.labels = texts("labels", labels, len(self.pixels))
        self.p = number("p", p, "a probability up to 0.5", lambda value: 0 <= value <= 0.5)
        require(alt is None or isinstance(alt, str) and alt, "alt", alt, "a text that describes the playground")
        self.alt = alt or "A noisy character, pixels to click, and what the network and Bayes' rule make of it."
        self.draws = generator(rng).random((40, *self.pixels.shape), np.float32)
        self.noisy = np.where(self.draws < self.p, 1 - self.pixels, self.pixels).astype(np.float32)

    def __repr__(self):
        return f"Playground: {self.alt}"

    @property
    def first(self):
        """The draw with the most noise from which the network reconstructs all pixels: (draw, character)."""
        output = self.network.reconstruct(self.noisy.reshape(-1, HEIGHT * WIDTH)).reshape(self.noisy.shape)
        right = ((output > 0.5) == (self.pixels > 0.5)).all(-1)
        flipped = (self.draws < self.p).sum(-1)
        return np.unravel_index(np.where(right, flipped, -1).argmax(), right.shape)

    def data(self):
        """What the page has to know, as plain values."""
        draw, character = self.first
        return {"alt": self.alt, "shape": [HEIGHT, WIDTH], "p": self.p, "labels": self.labels,
                "character": packed(np.uint8([character])),         # packed, for it may differ between processors
                "known": packed(np.uint8(self.pixels)), "draw": packed(self.draws[draw, character]),
                "network": described(self.network, "whole", self.noisy[0])}

    def still(self):
        """Some noisy characters above what the network makes of them, as one picture: a PNG."""
        noisy = self.noisy[0, :EXAMPLES]
        rows = [255 * (1 - np.clip(row, 0, 1)).reshape(-1, HEIGHT, WIDTH) for row in (noisy, self.network.reconstruct(noisy))]
        framed = [np.hstack(np.pad(row, [(0, 0), (1, 1), (1, 1)], constant_values=225)) for row in rows]
        return png(np.vstack(framed), 6)

    def html(self):
        """An element of class ``playground``: the still, and the network and the scripts that bring it to life."""
        alt = f"{self.alt} A still: noisy characters above, the network's answers below."
        return element("playground", self.still(), alt, self.data(), "network.js", "playground.js")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": repr(self), "text/html": self.html()}
