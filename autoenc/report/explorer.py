"""The explorer: a map of a network's latent plane, two sliders, and what is decoded where one points.

The network itself is in the page (see `network`), so the picture follows the pointer, continuously, in JupyterLab as in
an exported page or a slide, with or without a kernel.  What a cell shows is HTML and nothing else; a saved
notebook holds no widget that could be dead when it is opened again.  While a kernel runs, the two sliders are ipywidgets',
and Python can listen to them.  Where no script may run, as in an untrusted notebook or on GitHub, one sees a still: what
is decoded at the points of a grid, in reading order, large z₂ on top.
"""

import io
import json
import re
from base64 import b64encode
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from html import escape
from pathlib import Path
from statistics import NormalDist

import numpy as np

from ..checks import numbers, require, whole_numbers
from ..models import Autoencoder
from ..vae import VAE
from . import needs
from .network import described, packed

TEMPLATES = Path(__file__).parent / "templates"
NEW, SURE = 3, 0.25             # a picture is new from so many pixels off, and sure if all are so far from undecided
COLOURS = "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#14213D", "#56B4E9", "#808000", "#8A8A8A", "#7A5195", "#A6761D"
SHARE = 0.005                   # of the prior that lies beyond the map, on every side
STILL = 15, 9                   # columns and rows of the still picture


def png(picture, factor=1):
    """A picture as the bytes of a PNG file with at most 256 colours, every pixel `factor` wide."""
    Image = needs("PIL.Image")
    image = Image.fromarray(np.uint8(picture))
    if picture.ndim == 3:
        image = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "png", compress_level=9)
    return file.getvalue()


def element(kind, still, alt, data, *scripts):
    """HTML: an element of class `kind` that shows the PNG `still` until its scripts, which find `data` in it, have run."""
    programme = "\n".join((TEMPLATES / script).read_text("utf-8") for script in scripts)
    style, text = (TEMPLATES / f"{kind}.css").read_text("utf-8"), json.dumps(data, separators=(",", ":"))
    return (f'<div class="{kind}" data-key="{sha256(text.encode()).hexdigest()[:16]}" data-{kind}="{escape(text)}">'
            f'<img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(still).decode()}"><style>{style}</style>'
            f'<script>(function (element) {{\n{programme}\n}})(document.currentScript.closest(".{kind}"));</script></div>')


class Explorer:
    """The latent plane of a network, under the pointer.

    networks: an `Autoencoder` without members or a `VAE`, with two latent dimensions; or a dictionary of several,
    {name: network}, among which the reader chooses; the last one is shown first.  If the names are whole numbers, they are
    epochs of one network's training, in ascending order, and there is a slider to watch it learn.
    x: the pictures whose codes the map shows, as the network takes them.
    labels: what they are: a list of strings, one for each, which makes them the *known* characters, small pictures on
    the map; or whole numbers, their classes, for which `names` has a string each; then they are dots.
    colours: of the classes, as "#0072B2"; None for ten that can be told apart.
    shape: of a picture, (height, width), if the network does not say.  start: the code at which it begins, (2,); None for
    the new character that takes most of the map, or the first code.  neurons: whether to show the hidden neurons between
    the code and the picture, of an `Autoencoder` that has some.  alt: what the map shows, for those who cannot see it.

    A decoded character is new if at least NEW of its pixels differ from every known one and all are sure: no value is
    within SURE of 0.5.  ValueError or TypeError for what makes no explorer.
    """

    def __init__(self, networks, x, labels, names=None, colours=None, shape=None, start=None, neurons=False, alt=None):
        self.networks = dict(networks) if isinstance(networks, dict) else {"": networks}
        require(self.networks, "networks", networks, "a network, or a dictionary of at least one")
        self.epochs = _epochs(list(self.networks))
        for name, network in self.networks.items():
            _two_dimensional(name, network)
        self.network = next(reversed(self.networks.values()))
        self.characters, self.neurons = names is None, neurons
        hidden = all(isinstance(network, Autoencoder) and len(network.decoder) > 1 for network in self.networks.values())
        require(neurons in (True, False), "neurons", neurons, "True or False")
        require(hidden or not neurons, "neurons", neurons, "False: these networks are no Autoencoder with hidden neurons")
        self.x, self.shape = _pictures(self.networks.values(), x, shape, self.characters)
        self.labels, self.names, self.colours = _labels(labels, names, colours, len(self.x))
        self.codes = [_encoded(network, x) for network in self.networks.values()]
        self.scale, self.limits = _axes(self.network, np.stack([mean for mean, _ in self.codes]))
        self.grid = self._grid()
        self.start = np.asarray(self._first() if start is None else self._on_the_map("start", start), float)
        require(alt is None or isinstance(alt, str) and alt, "alt", alt, "a text that describes the map")
        things = f"{len(self.x)} characters, each at its code" if self.characters else f"{len(self.x)} codes, by class"
        self.alt = alt or f"The latent plane with {things}, and the picture that is decoded at a cross."

    def __repr__(self):
        return f"Explorer: {self.alt}"

    def _grid(self):
        """Codes of the points of a grid, in reading order, for the still: (rows · columns, 2)."""
        across, up = (_codes(self.scale, limits, (np.arange(count) + 0.5) / count) for limits, count in zip(self.limits, STILL, strict=True))
        return np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype(np.float32)

    def _first(self):
        """The code at which to begin: of the new character that takes most of a fine grid, if there is one."""
        if self.characters:
            places = (np.arange(120) + 0.5) / 120
            across, up = (_codes(self.scale, limits, places) for limits in self.limits)
            codes = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
            decoded = self.network.decode(codes)
            wrong = ((decoded > 0.5)[:, None] != (self.x > 0.5)).sum(-1).min(-1)
            sure = np.abs(decoded - 0.5).min(-1)
            new = (wrong >= NEW) & (sure > SURE)
            if new.any():
                _, which, counts = np.unique(decoded[new] > 0.5, axis=0, return_inverse=True, return_counts=True)
                widest = np.flatnonzero(new)[which == counts.argmax()]
                return codes[widest[sure[widest].argmax()]]
        return self.codes[-1][0][0]

    def _on_the_map(self, name, z):
        """A code as an array; ValueError if the map does not reach it."""
        z = numbers(name, z, (2,))
        low, high = self.limits[:, 2], self.limits[:, 3]
        require(((low <= z) & (z <= high)).all(), name, z.tolist(), f"on the map, from {low.tolist()} to {high.tolist()}")
        return z

    def data(self):
        """What the page has to know, as plain values."""
        networks = []
        for (name, network), (codes, deviations) in zip(self.networks.items(), self.codes, strict=True):
            networks.append({"name": str(name), "decoder": described(network, "decoder", self.grid),
                             "codes": packed(np.float32(codes))})
            if deviations is not None:
                networks[-1]["deviations"] = packed(np.float16(deviations))
        data = {"alt": self.alt, "shape": self.shape, "networks": networks, "epochs": self.epochs,
                "neurons": bool(self.neurons), "scale": self.scale, "limits": packed(np.float32(self.limits)),
                "start": packed(np.float32(self.start)), "labels": self.labels}
        if self.characters:
            return {**data, "known": packed(np.uint8(self.x > 0.5)), "new": {"pixels": NEW, "sure": SURE}}
        return {**data, "labels": [], "classes": packed(np.uint8(self.labels)), "names": self.names, "colours": self.colours}

    def still(self):
        """What is decoded at the grid's points as one picture, large z₂ on top: a PNG."""
        height, width = self.shape
        decoded = np.clip(self.network.decode(self.grid), 0, 1).reshape(*STILL[::-1], height, width)
        decoded = 255 - 17 * np.round(15 * decoded)             # sixteen greys, for a small file
        framed = np.pad(decoded, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=225)
        return png(np.vstack([np.hstack(row) for row in framed]), 5 if height < 20 else 2)

    def html(self):
        """The explorer as an element of class ``explorer``: the still, and the network and the scripts that bring it to life."""
        alt = f"{self.alt} A still: what is decoded at {len(self.grid)} places of the plane, large z₂ on top."
        return element("explorer", self.still(), alt, self.data(), "network.js", "explorer.js")

    @cached_property
    def sliders(self):
        """ipywidgets' sliders for z₁ and z₂; where a kernel runs they are in the page, and may be read, set and observed."""
        ipywidgets = needs("ipywidgets")
        style, layout = {"description_width": "initial"}, {"width": "100%"}
        return tuple(ipywidgets.FloatSlider(value, min=low, max=high, step=(high - low) / 2000, description=name, style=style,
                                            layout=layout)
                     for value, low, high, name in zip(self.start.tolist(), *self.limits[:, 2:].T.tolist(), ("z₁", "z₂"), strict=False))

    def _repr_mimebundle_(self, include=None, exclude=None):
        html = self.html()
        with suppress(ImportError):             # without anywidget the page's own sliders stay
            self.link = _link(self.sliders, html)
        return {"text/plain": repr(self), "text/html": html}


def _link(sliders, html):
    """What connects ipywidgets' sliders with the explorer in the page."""
    import anywidget
    import traitlets
    from ipywidgets import widget_serialization

    class Link(anywidget.AnyWidget):
        _esm = TEMPLATES / "sliders.js"
        key = traitlets.Unicode().tag(sync=True)
        sliders = traitlets.Tuple().tag(sync=True, **widget_serialization)

    return Link(key=re.search('data-key="(.*?)"', html)[1], sliders=sliders)


def _two_dimensional(name, network):
    """TypeError or ValueError unless this is a single network with two latent dimensions."""
    name = f"networks[{name!r}]" if name else "networks"
    require(isinstance(network, (Autoencoder, VAE)), name, network, "an Autoencoder or a VAE", TypeError)
    require(network.parameters.ndim == 1, name, network, "a single network, as model.member(0) is one of its members")
    require(network.decoder[0].inputs == 2, name, network, "a network with two latent dimensions")


def _epochs(names):
    """Whether the names of networks are epochs.  ValueError if only some are, or if they do not ascend, or for other names."""
    epochs = [isinstance(name, int) and not isinstance(name, bool) for name in names]
    wanted = "all strings, or whole numbers in ascending order"
    require(all(epochs) or all(isinstance(name, str) for name in names), "networks' names", names, wanted)
    require(not all(epochs) or names == sorted(names), "networks' names", names, wanted)
    return all(epochs)


def _pictures(networks, x, shape, binary):
    """The pictures (n, pixels), and the shape of one, (height, width)."""
    shapes = {network.shape if isinstance(network, VAE) else (network.sizes[0],) for network in networks}
    require(len(shapes) == 1, "networks", shapes, "networks of pictures of one shape")
    own, = shapes
    x = numbers("x", x, ("n", *own), low=0, high=1)
    if shape is None:
        shape = own[:2] if len(own) == 3 else {35: (7, 5)}.get(own[0])
    require(shape is not None, "shape", shape, f"(height, width) of pictures of {x[0].size} grey pixels")
    shape = whole_numbers("shape", shape, 2)
    require(shape[0] * shape[1] == x[0].size, "shape", shape, f"(height, width) of pictures of {x[0].size} grey pixels")
    if binary:
        require(np.isin(x, (0, 1)).all(), "x", "grey pictures", "pictures of 0 and 1, or give names to their classes")
    return x.reshape(len(x), -1), list(shape)


def _labels(labels, names, colours, count):
    """Labels, names and colours as lists; labels are strings, or whole numbers that have names."""
    if names is None:
        require(colours is None, "colours", colours, "None: only classes have colours")
        return texts("labels", labels, count), None, None
    names = texts("names", names)
    labels = numbers("labels", labels, (count,), kinds="iu", low=0, high=len(names) - 1)
    missing = [name for k, name in enumerate(names) if k not in labels]
    require(not missing, "labels", f"without any {missing}", "at least one of every class that has a name")
    colours = texts("colours", COLOURS[:len(names)] if colours is None else colours, len(names))
    require(all(map(_is_colour, colours)), "colours", colours, "colours as '#0072B2'")
    return labels.tolist(), names, colours


def texts(name, values, count=None):
    """`values` as a list of `count` strings that are not empty, or of any number of them."""
    wanted = f"a list of {'at least one' if count is None else count} strings"
    require(isinstance(values, (list, tuple)) and len(values) == (count or len(values)) > 0, name, values, wanted)
    require(all(isinstance(value, str) and value for value in values), name, values, wanted)
    return list(values)


def _is_colour(text):
    return len(text) == 7 and text[0] == "#" and all(digit in "0123456789abcdefABCDEF" for digit in text[1:])


def _encoded(network, x):
    """The codes of pictures, (n, 2), and of a VAE the standard deviations of q(z given x), else None."""
    if not isinstance(network, VAE):
        return network.encode(x), None
    mean, log_var = network.encode(np.asarray(x, network.dtype))
    return mean, np.exp(log_var / 2)


def _axes(network, codes):
    """The scale of the plane's axes, and of each (centre, unit, low, high), (2, 4).

    A VAE's: equal steps are equal shares of the prior.  A bounded code's: all that it can be.  Another code's: by the
    arsinh, which spreads the crowded middle as a logarithm does; centre and unit are those of the last network.

    codes: (networks, n, 2).
    """
    if isinstance(network, VAE):
        edge = -NormalDist().inv_cdf(SHARE)
        return "normal", np.tile([0, 1, -edge, edge], (2, 1))
    bounds = {"sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1)}.get(network.settings["latent"])
    if bounds:
        return "linear", np.tile([0, 1, *bounds], (2, 1))
    centre = np.median(codes[-1], axis=0)
    unit = np.maximum(np.median(np.abs(codes[-1] - centre), axis=0) / 2, 1e-6)
    ends = np.arcsinh((np.stack([codes.min((0, 1)), codes.max((0, 1))]) - centre) / unit)
    margin = np.maximum(0.06 * (ends[1] - ends[0]), 1e-3)
    low, high = centre + unit * np.sinh(ends + margin * [[-1], [1]])
    return "arsinh", np.stack([centre, unit, low, high], axis=1)


def _codes(scale, limits, places):
    """The codes at places from 0 to 1 along an axis."""
    centre, unit, low, high = limits
    forth, back = {"linear": (float, lambda t: t), "arsinh": (np.arcsinh, np.sinh),
                   "normal": (NormalDist().cdf, np.vectorize(NormalDist().inv_cdf))}[scale]
    first, last = forth((low - centre) / unit), forth((high - centre) / unit)
    return centre + unit * back(first + np.asarray(places) * (last - first))
