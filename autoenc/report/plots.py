"""Plots: how the report draws things, so that the same thing looks the same everywhere.

Every function draws on axes it is given.  Ink is dark, paper is white, and a wrong pixel is vermilion, as
nothing else is: full where there is ink too much, pale where ink is missing.  The colours are Okabe and Ito's, with
a dark blue for their black, which colour-blind readers can tell apart.
"""

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.colors import to_rgb
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from ..characters import HEIGHT, WIDTH
from .explorer import png

BLUE, PURPLE, GREEN, ORANGE, SKY, DARK = COLOURS = "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9", "#14213D"
GREY = "#8A8A8A"
INK, PAPER, EXTRA, MISSING = (np.array(to_rgb(colour)) for colour in (DARK, "#FFFFFF", "#D55E00", "#F9C9A6"))

LIGHT = 0.88                    # the grey of what separates pictures

STYLE = {"figure.dpi": 150, "font.size": 15, "axes.titlesize": 16, "axes.titleweight": "bold",
         "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
         "figure.constrained_layout.use": True, "lines.linewidth": 2, "font.family": "DejaVu Sans"}


def figure(rows=1, columns=1, size=(10, 4), **options):
    """A figure in the report's style and its axes: (figure, axes)."""
    plt.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=size, **options)


def show(fig, alt):
    """Show a figure with a description for those who cannot see it, and close it.

    The PNG carries no date and no version, so the same figure is the same bytes, and at most 256 colours.  It is
    shown at 100 pixels an inch, and has 150, for projectors and good screens.
    """
    fig.canvas.draw()
    image = png(np.array(fig.canvas.buffer_rgba())[..., :3])
    plt.close(fig)
    display({"image/png": image, "text/plain": f"Figure: {alt}"}, raw=True,
            metadata={"image/png": {"alt": alt, "width": round(100 * fig.get_figwidth())}})


def pictures(pixels, target=None):
    """Pictures in colour, from paper to ink: characters (n, 35) or images (n, h, w, 1), in [0, 1], to (n, h, w, 3).

    With a `target` of the same shape, pixels are black or white (at 0.5), and wrong ones are marked.
    """
    pixels = np.asarray(pixels, float)
    grey = pixels.reshape(-1, HEIGHT, WIDTH) if pixels.ndim == 2 else pixels[..., 0]
    grey = np.clip(grey, 0, 1) if target is None else grey > 0.5
    colour = PAPER + (INK - PAPER) * grey[..., None]
    if target is not None:
        wanted = np.reshape(target, grey.shape) > 0.5
        colour[grey & ~wanted], colour[~grey & wanted] = EXTRA, MISSING
    return colour


def draw_pictures(ax, pixels, target=None, columns=16, title=""):
    """Characters or images as a sheet, `columns` to a row; with a `target`, wrong pixels are marked."""
    images = pictures(pixels, target)
    images = np.pad(images, ((0, -len(images) % columns), (0, 1), (0, 1), (0, 0)), constant_values=LIGHT)
    sheet = np.vstack([np.hstack(row) for row in images.reshape(-1, columns, *images.shape[1:])])
    ax.imshow(np.pad(sheet, ((1, 0), (1, 0), (0, 0)), constant_values=LIGHT), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)


def name_rows(ax, names):
    """Write names beside the rows of a sheet of pictures."""
    high = ax.get_ylim()[0] / len(names)
    for row, name in enumerate(names):
        ax.annotate(name, (0, (row + 0.5) * high), xytext=(-8, 0), textcoords="offset points", ha="right", va="center")


def draw_curves(ax, x, curves):
    """Up to six curves over many networks, each with its name at its end: {name: values}, values (len(x), networks).

    A line is the median network, the band around it reaches from the 10th to the 90th percentile.
    Values of shape (len(x),) are those of one network, without a band.  Fewer than 20 points get a mark each.
    """
    ends = {}
    for (name, values), colour in zip(curves.items(), COLOURS):
        low, median, high = np.percentile(np.reshape(values, (len(x), -1)), [10, 50, 90], axis=1)
        ax.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, median, "o-" if len(x) < 20 else "-", color=colour)
        ends[name] = median[-1], colour
    name_ends(ax, x[-1], ends)


def name_ends(ax, x, ends):
    """Write names at x, {name: (y, colour)}, as near to their y as they can be without touching each other."""
    ax.figure.draw_without_rendering()
    free = -np.inf                                                  # heights are in points, as those of letters
    for name, (y, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        height = ax.transData.transform((x, y))[1] * 72 / ax.figure.dpi
        free = max(free + 1.25 * plt.rcParams["font.size"], height)
        ax.annotate(str(name), (x, y), xytext=(6, free - height), textcoords="offset points",
                    color=colour, va="center", fontweight="bold", annotation_clip=False)


def draw_codes(ax, codes, pixels, zoom=2.2, title=""):
    """The latent plane: every character as a small picture at its code."""
    ax.plot(*np.transpose(codes), ".", color=GREY, markersize=1)
    for code, image in zip(codes, pictures(pixels)):
        framed = np.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=LIGHT)
        ax.add_artist(AnnotationBbox(OffsetImage(framed, zoom=zoom, interpolation="nearest"), code, frameon=False))
    ax.set(xlabel="latent $z_1$", ylabel="latent $z_2$", title=title, xmargin=0.12, ymargin=0.12)
