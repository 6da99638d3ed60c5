"""Plots: how the report draws things, so that the same thing looks the same everywhere.

Every function draws on axes it is given.  Ink is dark, paper is white, and a wrong pixel is vermilion:
full where there is ink too much, pale where ink is missing.  The colours are Okabe and Ito's, which
colour-blind readers can tell apart.
"""

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from .characters import HEIGHT, WIDTH
from .explorer import png

BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY = (
    "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#8A8A8A")
COLOURS = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY]
INK, PAPER, EXTRA, MISSING = (np.array(to_rgb(colour)) for colour in ("#14213D", "#FFFFFF", VERMILION, "#F9C9A6"))

STYLE = {"figure.dpi": 100, "font.size": 15, "axes.titlesize": 16, "axes.titleweight": "bold",
         "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
         "figure.constrained_layout.use": True, "lines.linewidth": 2, "font.family": "DejaVu Sans"}


def figure(rows=1, columns=1, size=(10, 4), **options):
    """A figure in the report's style and its axes: (figure, axes)."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=size, **options)


def show(fig, alt):
    """Show a figure with a description for those who cannot see it, and close it.

    The PNG carries no date and no version, so the same figure is the same bytes, and at most 256 colours.
    """
    from IPython.display import display
    from PIL import Image

    drawn = io.BytesIO()
    fig.savefig(drawn, format="png")
    plt.close(fig)
    image = png(np.array(Image.open(drawn).convert("RGB")))
    display({"image/png": image, "text/plain": f"Figure: {alt}"}, raw=True, metadata={"image/png": {"alt": alt}})


def pictures(pixels, target=None):
    """Pictures in colour, from paper to ink: characters (n, 35) or images (n, h, w, 1), in [0, 1], to (n, h, w, 3).

    With a `target` of the same shape, pixels are black or white (at 0.5), and wrong ones are marked.
    """
    pixels = np.asarray(pixels, float)
    height, width = (HEIGHT, WIDTH) if pixels.ndim == 2 else pixels.shape[1:3]
    grey = np.clip(pixels.reshape(len(pixels), height, width, 1), 0, 1)
    colour = PAPER + (INK - PAPER) * (grey if target is None else grey > 0.5)
    if target is not None:
        on, wanted = grey[..., 0] > 0.5, np.reshape(target, grey.shape[:3]) > 0.5
        colour[on & ~wanted], colour[~on & wanted] = EXTRA, MISSING
    return colour


def mosaic(images, columns, gap=1):
    """Images (n, h, w, 3) side by side, `columns` to a row, on light grey: one image."""
    n, height, width, _ = images.shape
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 0.88)
    for k, image in enumerate(images):
        top, left = gap + k // columns * (height + gap), gap + k % columns * (width + gap)
        sheet[top:top + height, left:left + width] = image
    return sheet


def draw_pictures(ax, pixels, target=None, columns=16, title=None):
    """Characters or images as a sheet; with a `target`, wrong pixels are marked."""
    ax.imshow(mosaic(pictures(pixels, target), columns), interpolation="nearest")
    ax.set_axis_off()
    if title:
        ax.set_title(title)


def name_rows(ax, names):
    """Write names beside the rows of a sheet of pictures."""
    height = ax.get_ylim()[0] / len(names)
    for row, name in enumerate(names):
        ax.annotate(name, (0, (row + 0.5) * height), xytext=(-8, 0), textcoords="offset points", ha="right", va="center")


def draw_curves(ax, x, curves):
    """Curves over many networks, each with its name at its end: {name: values}, values (len(x), networks).

    A line is the median network, the band around it reaches from the 10th to the 90th percentile.
    Values of shape (len(x),) are drawn as they are, with a mark at each.
    """
    ends = {}
    for (name, values), colour in zip(curves.items(), COLOURS):
        values = np.asarray(values)
        if values.ndim == 2:
            low, values, high = np.percentile(values, [10, 50, 90], axis=-1)
            ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, values, "o-" if len(x) < 20 else "-", color=colour)
        ends[name] = values[-1], colour
    name_ends(ax, x[-1], ends)


def name_ends(ax, x, ends):
    """Write names at x, {name: (y, colour)}, as near to their y as they can be without touching each other."""
    ax.figure.draw_without_rendering()
    line = 1.25 * plt.rcParams["font.size"] * ax.figure.dpi / 72        # the height of a line of text, on the canvas
    free = -np.inf
    for name, (y, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        height = ax.transData.transform((x, y))[1]
        free = max(free + line, height)
        ax.annotate(str(name), (x, y), xytext=(6, (free - height) * 72 / ax.figure.dpi), textcoords="offset points",
                    color=colour, va="center", fontweight="bold", annotation_clip=False)


def draw_codes(ax, codes, pixels, zoom=2.2, title=None):
    """The latent plane: every character as a small picture at its code."""
    ax.plot(*np.transpose(codes), ".", color=GREY, markersize=1)
    for code, image in zip(codes, pictures(pixels)):
        framed = np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=0.88)
        ax.add_artist(AnnotationBbox(OffsetImage(framed, zoom=zoom, interpolation="nearest"), code, frameon=False))
    ax.margins(0.12)
    ax.set(xlabel="latent $z_1$", ylabel="latent $z_2$")
    if title:
        ax.set_title(title)


def draw_network(ax, sizes, picture):
    """A network as bars of neurons, `sizes` tall, between a character and its copy."""
    gap, bar, middle = 14, 3.5, max(sizes) / 2
    image = pictures([picture])[0]
    for centre, name in ((-gap, "$x$"), (len(sizes) * gap, "$x'$")):
        ax.imshow(image, extent=(centre - 5, centre + 5, middle - 7, middle + 7), interpolation="nearest")
        ax.text(centre, middle - 8, name, ha="center", va="top")
    for k, size in enumerate(sizes):
        code = size == min(sizes)
        ax.bar(k * gap, size, bar, middle - size / 2, color=VERMILION if code else BLUE)
        ax.text(k * gap, middle - size / 2 - 1, size, ha="center", va="top", fontweight="bold")
        if k:
            left, right, before = (k - 1) * gap + bar / 2, k * gap - bar / 2, sizes[k - 1]
            ax.fill([left, right, right, left], middle + np.array([before, size, -size, -before]) / 2,
                    color=GREY, alpha=0.25, linewidth=0)
    half = len(sizes) // 2
    for place, name in ((half / 2, "encoder"), (len(sizes) - 1 - half / 2, "decoder")):
        ax.text(place * gap, 2 * middle + 2, name, ha="center", color=BLUE, fontweight="bold")
    ax.text(half * gap, middle + 3, "code $z$", ha="center", color=VERMILION, fontweight="bold")
    ax.set(xlim=(-gap - 6, (len(sizes)) * gap + 6), ylim=(-5, 2 * middle + 6))
    ax.set_axis_off()
