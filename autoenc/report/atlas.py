"""The explorer: two sliders and the picture that belongs to their positions.

It needs one function, `render(a, b)`, that makes a picture of two values.  In a running notebook the
sliders call it as they move.  In an exported page there is no Python to call: there the explorer is an
*atlas*, one image with the pictures of all positions side by side, and a few lines of JavaScript that
cut the right one out.  Where even scripts are forbidden, the atlas itself is what one sees.

Pictures are small arrays of pixels; this module also has what is needed to compose them without a
plotting library, which would be too slow for a slider: `enlarged` and `write`.
"""

import io
import json
from base64 import b64encode
from contextlib import suppress
from html import escape
from pathlib import Path

import numpy as np

from ..characters import FONT, HEIGHT, WIDTH, glyph
from ..checks import must, number, numbers

SCRIPT = Path(__file__).parent / "templates" / "atlas.js"
ZOOM = 4                        # how many screen pixels a pixel takes


def enlarged(picture, factor):
    """A picture (h, w, ...) with every pixel drawn as a square of factor × factor."""
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def write(picture, text, top, left):
    """Write `text` into a picture (h, w) or (h, w, 3), in place and black, in the report's own 7×5 characters."""
    for column, code in zip(range(left, picture.shape[1], WIDTH + 1), text.encode("ascii", "replace")):
        ink = glyph(code if code in FONT else ord("?")).reshape(HEIGHT, WIDTH) > 0
        window = picture[top:top + HEIGHT, column:column + WIDTH]
        window[ink[:window.shape[0], :window.shape[1]]] = 0


def png(picture, factor=1):
    """A picture as the bytes of a PNG file with at most 256 colours, every pixel `factor` wide."""
    from PIL import Image

    image = Image.fromarray(np.uint8(picture))
    if picture.ndim == 3:
        image = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    file = io.BytesIO()
    image.save(file, "png", compress_level=1 if factor > 1 else 9)
    return file.getvalue()


class Atlas:
    """Two sliders that choose what `render` draws.

    render: a function of one value of each axis that returns a uint8 picture, (h, w) grey or (h, w, 3).
    x, y: a pair (label, values) for each slider; values are a list or an array of at most 1000 numbers or strings.
    alt: what the picture shows, for those who cannot see it.

    Its atlas is made at once, in which row j, column i is the picture of y[j] and x[i]; ValueError or TypeError
    if it cannot be.  The last expression of a notebook cell, an explorer shows itself.
    """

    def __init__(self, render, x, y, alt):
        must(callable(render), "render", render, "a function of two values", TypeError)
        must(isinstance(alt, str) and alt, "alt", alt, "a text that describes the picture")
        self.render, self.x, self.y, self.alt = render, _axis("x", x), _axis("y", y), alt
        rows = [[render(a, b) for a in self.x[1]] for b in self.y[1]]
        shapes = ("y", "x", "h", "w"), ("y", "x", "h", "w", 3)
        pictures = numbers("what render returned for every y and x", rows, *shapes, kinds="u", low=0, high=255)
        self.atlas = np.vstack([np.hstack(row) for row in np.uint8(pictures)])

    def __repr__(self):
        return f"Explorer: {self.alt}. Two sliders: {self.x[0]}, {self.y[0]}."

    def widget(self):
        """The live explorer, of ipywidgets: an image above two sliders."""
        import ipywidgets as widgets

        x, y = [widgets.SelectionSlider(options=list(zip(texts, values)), index=len(values) // 2, description=label,
                                        layout={"width": "32em"}, style={"description_width": "9em"})
                for label, values, texts in (self.x, self.y)]
        image = widgets.Image(format="png")
        for slider in x, y:
            widgets.dlink((slider, "value"), (image, "value"), lambda _: png(self.render(x.value, y.value), ZOOM))
        return widgets.VBox([image, x, y])

    def html(self):
        """The explorer without Python: an element of class ``explorer`` with the atlas and what drives it."""
        axes = "".join(f' data-{name}-label="{escape(label)}" data-{name}="{escape(json.dumps(texts))}"'
                       for name, (label, _, texts) in (("x", self.x), ("y", self.y)))
        return (f'<div class="explorer"{axes} data-zoom="{ZOOM}"><img alt="{escape(self.alt)}" '
                f'src="data:image/png;base64,{b64encode(png(self.atlas)).decode()}">'
                f"<script>{SCRIPT.read_text()}</script></div>")

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {**self.widget()._repr_mimebundle_(), "text/plain": repr(self), "text/html": self.html()}


def _axis(name, axis):
    """(label, values, how each is shown) of a slider; ValueError unless there is a label and values to be shown."""
    wanted = "a pair: a label and from one to 1000 finite numbers or strings"
    with suppress(TypeError, ValueError):
        label, values = axis
        if isinstance(label, str) and not isinstance(values, str) and 1 <= len(values) <= 1000:
            texts = [value if isinstance(value, str) else f"{number(name, value, wanted, np.isfinite):.3g}"
                     for value in values]
            return label, values, texts
    raise ValueError(f"{name} was {axis!r}; it must be {wanted}")
