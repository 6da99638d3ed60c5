"""Plots: how the report draws things, so that the same thing looks the same everywhere.

Every function draws on axes it is given.  Ink is dark, paper is white, and a wrong pixel is vermilion, as
nothing else is: full where there is ink too much, a hollow frame where ink is missing.  The colours are Okabe and
Ito's, with a dark blue for their black, which colour-blind readers can tell apart; words in these colours are darker
than the lines they name, as dark as words must be.  Letters are those of the slides and pages, Source Sans Pro.

A figure has the size of its place on a slide (`SIZES`), so that nothing is shrunk: 100 pixels of a slide that is 1280
wide are an inch, and 15.3 points, the size of the letters, are 21 pixels.  Nothing of a reader's own matplotlib
settings reaches it: from `figure` to `show` the settings are matplotlib's defaults and `STYLE`.
"""

from contextlib import ExitStack
from html import escape
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt  # noqa: F401  for notebooks: plots.plt
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.text import Text

from ..characters import HEIGHT, WIDTH
from ..checks import choice, number, numbers, require, whole_number
from . import publish
from .explorer import png
from .typeface import FILES

BLUE, PURPLE, GREEN, ORANGE, SKY, DARK = COLOURS = "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9", "#14213D"
GREY = "#8A8A8A"
INK, PAPER, EXTRA, MISSING = (np.array(to_rgb(colour)) for colour in (DARK, "#FFFFFF", "#D55E00", "#DB7433"))

LIGHT = 0.88                    # the grey of what separates pictures

# Tints for the cells of a plane, each unlike its neighbours for colour-blind readers too; none looks like vermilion.
TINTS = "#A6CFE8", "#F7E49B", "#B4DEC3", "#E5C6DC", "#D6D6D6", "#F2D0A4", "#DDEAA6", "#B9BCE6"

# Places on a slide, in inches of 100 pixels.
SIZES = {"wide": (11.52, 4.1),          # below a title and two lines of text
         "tall": (11.52, 5.3),          # below a title alone
         "half": (5.56, 5.3),           # beside as much text, or beside another half
         "most": (7.4, 5.3),            # two thirds, beside a few words
         "strip": (11.52, 1.9),         # two rows of sixteen characters
         "hero": (6.2, 6.2)}            # on the first slide, beside its title

POINTS = 72 / 100               # a pixel of a slide
SMALLEST = 18                   # pixels of a slide: smaller letters cannot be read from the last row

STYLE = {"figure.dpi": 150, "font.size": 15.3, "axes.titlesize": 16.5, "axes.titleweight": "bold",
         "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
         "figure.constrained_layout.use": True, "lines.linewidth": 2.5, "lines.markersize": 7,
         "axes.linewidth": 1.2, "axes.edgecolor": "#555555", "xtick.color": "#333333", "ytick.color": "#333333",
         "font.family": ["Report", "Report symbols"],
         "mathtext.fontset": "custom", "mathtext.fallback": "stixsans", "mathtext.rm": "Report",
         "mathtext.it": "Report:italic", "mathtext.bf": "Report:bold", "mathtext.sf": "Report", "mathtext.cal": "Report:italic", "mathtext.tt": "Report symbols"}

# The typeface gets a name of its own, so that no other version of it that a machine may have takes its place.
for _file, _style, _weight in FILES:
    font_manager.fontManager.ttflist.append(font_manager.FontEntry(
        fname=str(_file), name="Report", style=_style, variant="normal", weight=_weight, stretch="normal", size="scalable"))
for _name, _weight in (("DejaVuSans.ttf", 400), ("DejaVuSans-Bold.ttf", 700)):          # Greek, arrows, what else it lacks
    font_manager.fontManager.ttflist.append(font_manager.FontEntry(
        fname=str(Path(matplotlib.get_data_path(), "fonts", "ttf", _name)), name="Report symbols", style="normal",
        variant="normal", weight=_weight, stretch="normal", size="scalable"))

_reader = ExitStack()            # while a figure is drawn: what brings back the reader's own settings


def figure(rows=1, columns=1, size=(10, 4), kind=None, **options):
    """A figure in the report's style and its axes: (figure, axes), to be shown by `show`.

    kind: the name of a place on a slide (see `SIZES`), instead of a `size` in inches of 100 pixels.
    options: those of matplotlib's `subplots`, as width_ratios or sharey.
    """
    rows, columns = whole_number("rows", rows), whole_number("columns", columns)
    size = SIZES[choice("kind", kind, SIZES)] if kind is not None else size
    width, height = numbers("size", size, (2,), low=0.1, high=100)
    _reader.close()                             # in case the figure before was never shown
    _reader.enter_context(matplotlib.rc_context())
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE)
    fig = Figure(figsize=(width, height))
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **options)


def show(fig, alt):
    """Show a figure with a description for those who cannot see it; the reader's own settings hold again.

    The PNG carries no date and no version, so the same figure is the same bytes, and at most 256 colours.  It is
    shown at 100 pixels an inch, and has 150, for projectors and good screens.  ValueError for words in small letters.
    """
    require(isinstance(fig, Figure), "fig", fig, "a figure", TypeError)
    require(isinstance(alt, str) and alt, "alt", alt, "a text that describes the figure")
    fig.canvas.draw()                           # which writes the numbers at the axes
    for text in fig.findobj(lambda part: isinstance(part, Text) and part.get_visible() and part.get_text().strip()):
        size = text.get_fontsize() / POINTS
        if size < SMALLEST:
            raise ValueError(f"the letters of {text.get_text()!r} are {size:.1f} pixels of a slide; they must be at least {SMALLEST}, "
                             f"which is a font size of {SMALLEST * POINTS:.0f}, to be read from the last row")
    image = png(np.array(fig.canvas.buffer_rgba())[..., :3])
    _reader.close()
    publish({"image/png": image, "text/plain": f"Figure: {alt}"},
            {"image/png": {"alt": alt, "width": round(100 * fig.get_figwidth())}})


def big_number(value, words):
    """Show a result as large as it deserves: a short text, as "1000 of 1000", and the words that say of what."""
    require(isinstance(value, str) and 0 < len(value) <= 20, "value", value, "a text of at most 20 letters")
    require(isinstance(words, str) and words, "words", words, "a text that says what the number is")
    publish({"text/plain": f"{value}: {words}",
             "text/html": f'<p class="big-number"><strong style="display: block; font-size: 3em; line-height: 1.1">'
                          f'{escape(value)}</strong> {escape(words)}</p>'})


def contrast(colour, ground="white"):
    """The contrast of two colours as the WCAG measure it, from 1 (none) to 21 (black on white)."""
    def luminance(colour):
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    dark, light = sorted((luminance(colour), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def readable(colour):
    """A colour for words on white: the same hue, as dark as words must be, at a contrast of 4.5 or more."""
    darker = np.array(to_rgb(colour))
    while contrast(darker) < 4.5:
        darker = darker * 0.98
    return to_hex(darker)


def pictures(pixels, target=None, factor=1):
    """Pictures in colour, from paper to ink: characters (n, 35) or images (n, h, w, 1), in [0, 1], to (n, h, w, 3).

    Images with three channels, (n, h, w, 3), are in colour already, and only cut to [0, 1].
    With a `target` of the same shape, pixels are black or white (at 0.5), and wrong ones are marked.
    factor: every pixel becomes a square of that many; from 4 on, an ink that is missing is a hollow frame.
    """
    shapes = ("n", HEIGHT * WIDTH), ("n", "h", "w", 1), ("n", "h", "w", 3)
    pixels = numbers("pixels", pixels, *shapes, dtype=float)
    factor = whole_number("factor", factor)
    colourful = pixels.ndim == 4 and pixels.shape[-1] == 3
    if colourful and target is not None:
        raise ValueError("target was given with pixels in colour; it must be None, for only black and white can be wrong")
    if colourful:
        return _enlarged(np.clip(pixels, 0, 1), factor)
    grey = pixels.reshape(-1, HEIGHT, WIDTH) if pixels.ndim == 2 else pixels[..., 0]
    if target is None:
        return _enlarged(PAPER + (INK - PAPER) * np.clip(grey, 0, 1)[..., None], factor)
    wanted = numbers("target", target, pixels.shape, dtype=float).reshape(grey.shape) > 0.5
    drawn = grey > 0.5
    missing = ~drawn & wanted
    colour = PAPER + (INK - PAPER) * drawn[..., None]
    colour[drawn & ~wanted] = EXTRA
    colour[missing] = MISSING
    colour = _enlarged(colour, factor)
    if factor >= 4:
        place = np.arange(factor)
        edge = round(factor / 4)
        inside = (place >= edge) & (place < factor - edge)
        colour[_enlarged(missing, factor)] = EXTRA
        colour[_enlarged(missing, factor) & np.tile(np.outer(inside, inside), missing.shape[1:])] = PAPER
    return colour


def _enlarged(images, factor):
    """Images (n, h, w, ...) with every pixel as a square of factor × factor."""
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def draw_pictures(ax, pixels, target=None, columns=16, title=""):
    """Characters or images as a sheet, `columns` to a row; with a `target`, wrong pixels are marked.

    pixels, target: as `pictures` takes them.
    """
    _axes(ax)
    columns = whole_number("columns", columns)
    factor = 1 if target is None else 8
    images = pictures(pixels, target, factor)
    images = np.pad(images, ((0, -len(images) % columns), (0, factor), (0, factor), (0, 0)), constant_values=LIGHT)
    sheet = np.vstack([np.hstack(row) for row in images.reshape(-1, columns, *images.shape[1:])])
    sheet = np.pad(sheet, ((factor, 0), (factor, 0), (0, 0)), constant_values=LIGHT)
    high, wide = np.array(sheet.shape[:2]) / factor
    ax.imshow(sheet, extent=(-0.5, wide - 0.5, high - 0.5, -0.5), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)


def name_rows(ax, names):
    """Write names beside the rows of a sheet of pictures."""
    names = _texts("names", names)
    high = _axes(ax).get_ylim()[0] / len(names)
    for row, name in enumerate(names):
        ax.annotate(name, (0, (row + 0.5) * high), xytext=(-8, 0), textcoords="offset points", ha="right", va="center")


def draw_curves(ax, x, curves):
    """Up to six curves over many networks, each with its name at its end: {name: values}, values (len(x), networks).

    A line is the median network, the band around it reaches from the 10th to the 90th percentile.
    Values of shape (len(x),) are those of one network, without a band.  Fewer than 20 points get a mark each.
    """
    x = numbers("x", x, ("n",))
    _named("curves", curves)
    ends = {}
    for (name, values), colour in zip(curves.items(), COLOURS, strict=False):
        values = numbers(f"curves[{name!r}]", values, (len(x),), (len(x), "networks"))
        low, median, high = np.percentile(values.reshape(len(x), -1), [10, 50, 90], axis=1)
        _axes(ax).fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(x, median, "o-" if len(x) < 20 else "-", color=colour)
        ends[name] = median[-1], colour
    name_ends(ax, x[-1], ends)


def name_ends(ax, x, ends):
    """Write names at x, {name: (y, colour)}, as near to their y as they can be without touching each other."""
    _axes(ax).figure.draw_without_rendering()
    free = -np.inf                                                  # heights are in points, as those of letters
    for name, (y, colour) in sorted(ends.items(), key=lambda end: end[1][0]):
        height = ax.transData.transform((x, y))[1] * 72 / ax.figure.dpi
        free = max(free + 1.25 * STYLE["font.size"], height)
        ax.annotate(str(name), (x, y), xytext=(6, free - height), textcoords="offset points",
                    color=readable(colour), va="center", fontweight="bold", annotation_clip=False)


def spread(values):
    """(median, 10th percentile, 90th percentile) of what many networks measured, as `draw_intervals` draws it."""
    low, median, high = np.percentile(numbers("values", values, ("n",)), [10, 50, 90])
    return median, low, high


def draw_intervals(ax, rows, low=0, digits=2, bold=(), colours=COLOURS, label=""):
    """Numbers with their intervals as dots with whiskers, a row each: what a table would say, at sight.

    rows: {name: values} from top to bottom, where values is one value or {series: value}, and a value is a number or
    (middle, lowest, highest), as `spread` returns it.  The middle is written at the whisker's end with so many
    `digits`; a series has its colour in all rows, and its name above them.
    low: where the axis begins, or None for wherever the values do.  bold: the names of the rows that matter.
    label: what the numbers are, written below the axis.
    """
    _axes(ax)
    require(isinstance(rows, dict) and rows, "rows", rows, "a dictionary of rows by their names", TypeError)
    digits = whole_number("digits", digits, least=0)
    rows = {name: values if isinstance(values, dict) else {"": values} for name, values in rows.items()}
    series = list(dict.fromkeys(name for values in rows.values() for name in values))
    require(len(series) <= len(colours), "rows", series, f"of at most {len(colours)} series")
    colour = dict(zip(series, colours, strict=False))
    for place, (row, values) in enumerate(rows.items()):
        for step, (name, value) in enumerate(values.items()):
            value = numbers(f"rows[{row!r}]", value, (), (3,), dtype=float)
            middle, least, most = value.tolist() if value.ndim else 3 * [float(value)]
            require(least <= middle <= most, f"rows[{row!r}]", (middle, least, most), "(middle, lowest, highest)")
            require(low is None or least >= low, f"rows[{row!r}]", least, f"at least {low}, where the axis begins; low=None "
                 "lets it begin at the least")
            y = place + 0.8 * ((step + 0.5) / len(values) - 0.5)
            ax.plot([least, most], [y, y], color=colour[name], linewidth=4, solid_capstyle="round", alpha=0.45, clip_on=False)
            ax.plot(middle, y, "o", color=colour[name], markersize=10, markeredgecolor="white", clip_on=False, zorder=3)
            ax.annotate(f"{middle:.{digits}f}", (most, y), xytext=(10, 0), textcoords="offset points", va="center_baseline",
                        color=readable(colour[name]), fontweight="bold" if row in bold else "normal")
    for name in filter(None, series):
        ax.plot([], [], "o", color=colour[name], markersize=9, label=name)
    if any(series):
        ax.legend(frameon=False, ncols=len(series), loc="lower left", bbox_to_anchor=(-0.01, 1), handletextpad=0,
                  columnspacing=1.2, labelcolor=[readable(colour[name]) for name in filter(None, series)])
    ax.set(ylim=(len(rows) - 0.45, -0.55), xlabel=label, yticks=range(len(rows)), yticklabels=rows, xmargin=0.08)
    ax.set_xlim(left=low)
    ax.tick_params("y", length=0)
    ax.spines["left"].set_visible(False)
    for text, row in zip(ax.get_yticklabels(), rows, strict=False):
        text.set_fontweight("bold" if row in bold else "normal")
    for place in range(1, len(rows)):
        ax.axhline(place - 0.5, color=str(LIGHT), linewidth=1, zorder=0)


def draw_codes(ax, codes, pixels, title="", height=None, apart=False):
    """The latent plane: every character or image as a small picture at its code.

    codes: (n, 2); pixels: n pictures, as `pictures` takes them.
    height: of a picture, in pixels of the slide: at least 40 for characters (42 unless said otherwise), 60 for images (62).
    apart: pictures that would cover each other are pushed apart, and a line leads from each to its code.  The limits
    of the axes and the places of all axes must not change any more afterwards.
    """
    _axes(ax)
    images = pictures(pixels)
    codes = numbers("codes", codes, (len(images), 2), dtype=float)
    least = 40 if np.ndim(pixels) == 2 else 60
    height = number("height", height if height is not None else least + 2, f"at least {least} pixels, to be seen from the last row",
                    lambda value: value >= least)
    zoom = height * POINTS / images.shape[1]
    ax.plot(*codes.T, ".", color=GREY, markersize=5 if apart else 1)
    ax.set(xlabel="latent $z_1$", ylabel="latent $z_2$", title=title, xmargin=0.12, ymargin=0.12)
    size = zoom * np.array(images.shape[2:0:-1]) + 2 * FRAME                            # in points
    away = _pushed_apart(ax, codes, size) if apart else np.zeros(codes.shape)
    edge = {"edgecolor": "#B0B0B0", "linewidth": 0.8, "boxstyle": f"square,pad={FRAME / STYLE['font.size']}"}
    for code, image, offset in zip(codes, images, away, strict=True):
        if np.abs(offset).max() > 2:
            ax.annotate("", code, xytext=tuple(offset), textcoords="offset points", zorder=2,
                        arrowprops={"arrowstyle": "-", "color": "#666666", "shrinkA": 0, "shrinkB": 0})
        ax.add_artist(AnnotationBbox(OffsetImage(image, zoom=zoom, interpolation="nearest"), code, xybox=tuple(offset),
                                     boxcoords="offset points", bboxprops=edge))


FRAME = 2                       # points between a picture at a code and its frame


def _pushed_apart(ax, places, size):
    """How far, in points, boxes of a size (width, height) at places (n, 2) must move so that hardly two overlap."""
    ax.figure.draw_without_rendering()
    home = ax.transData.transform(places) * 72 / ax.figure.dpi
    corner, opposite = ax.bbox.get_points() * 72 / ax.figure.dpi
    turns = 2.4 * np.arange(len(home))
    here = home + 0.1 * np.stack([np.cos(turns), np.sin(turns)], 1)     # no two at the same place
    for _ in range(600):
        gap = here[:, None] - here                                      # from every box to every other
        overlap = np.maximum(size + 2 - np.abs(gap), 0)
        covered = overlap.min(-1) > 0
        np.fill_diagonal(covered, False)
        if not covered.any():
            break
        sideways = overlap[..., 0] < overlap[..., 1]                    # along the shorter way out
        push = np.where(np.stack([sideways, ~sideways], -1), overlap * np.sign(gap), 0)
        move = 0.5 * (push * covered[..., None]).sum(1) / np.maximum(covered.sum(1), 1)[:, None]
        here = np.clip(here + move, corner + size / 2, opposite - size / 2)
    return here - home


def draw_cells(ax, which, corners, codes, pixels, height=None, apart=False):
    """The latent plane as a map: each place in the colour of the character that it decodes to, and who lives there.

    which: (rows, columns) whole numbers, the lowest row first: the place in `pixels` of the character that each
    point of a grid decodes to, or -1 for none, which stays white.  corners: ((left, bottom), (right, top)).
    codes, pixels, height, apart: as `draw_codes` takes them.  Cells that touch, or are near, have unlike colours.
    """
    _axes(ax)
    which = numbers("which", which, ("rows", "columns"), kinds="iu", low=-1, high=len(pixels) - 1)
    (left, bottom), (right, top) = numbers("corners", corners, (2, 2), dtype=float)
    codes = numbers("codes", codes, (len(pixels), 2), dtype=float)
    colours = np.array([to_rgb(TINTS[tint]) for tint in _tints(which, codes)] + [to_rgb("white")])      # the last is -1's
    ax.imshow(colours[which], extent=(left, right, bottom, top), origin="lower", aspect="auto", interpolation="nearest")
    ax.set(xlim=(left, right), ylim=(bottom, top))
    draw_codes(ax, codes, pixels, height=height, apart=apart)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def _tints(which, codes):
    """For each character a place in TINTS: one that no touching cell has, and else the one whose owners are farthest."""
    sides = np.concatenate([np.stack([which[1:], which[:-1]], -1).reshape(-1, 2),
                            np.stack([which[:, 1:], which[:, :-1]], -1).reshape(-1, 2)])
    touching = {tuple(sorted(pair)) for pair in np.unique(sides[(sides[:, 0] != sides[:, 1]) & (sides.min(1) >= 0)], axis=0)}
    scaled = (codes - codes.mean(0)) / np.maximum(codes.std(0), 1e-9)
    tints = []
    for this, place in enumerate(scaled):
        away = np.linalg.norm(scaled[:this] - place, axis=1)                    # of those that have their tint already
        for other in range(this):
            if (other, this) in touching:
                away[other] = 0
        owners = [[other for other in range(this) if tints[other] == tint] for tint in range(len(TINTS))]
        nearest = [away[those].min() if those else np.inf for those in owners]
        tints.append(int(np.argmax(nearest)))
    return tints


def draw_confusion(ax, counts, names, title=""):
    """A confusion matrix: the share of each row's class that was taken for each column's, in per cent.

    counts: (n, n), how many of the row's class were taken for the column's; names: of the n classes.
    Below half a per cent nothing is written.
    """
    _axes(ax)
    names = _texts("names", names)
    counts = numbers("counts", counts, (len(names), len(names)), dtype=float, low=0)
    shares = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    ax.imshow(shares, cmap=_PALE, vmin=0, vmax=100)
    for row, column in zip(*np.nonzero(shares >= 0.5), strict=True):
        ax.text(column, row, f"{shares[row, column]:.0f}", ha="center", va="center", fontweight="bold" if row == column else "normal",
                color=DARK)
    ax.set(xticks=range(len(names)), yticks=range(len(names)), yticklabels=names, title=title, xlabel="taken for, %")
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def draw_map(ax, values, rows, columns, digits=2, bold=(), limits=None, title=""):
    """A table as a light map: values (rows, columns) written in cells that are the darker the larger they are.

    rows, columns: names.  bold: the names of rows that matter.  limits: the values that are white and darkest.
    """
    _axes(ax)
    rows, columns = _texts("rows", list(rows)), _texts("columns", list(columns))
    values = numbers("values", values, (len(rows), len(columns)), dtype=float)
    low, high = numbers("limits", limits, (2,)) if limits is not None else (values.min(), values.max())
    ax.imshow(values, cmap=_PALE, vmin=low, vmax=high + 1e-9, aspect="auto")
    for row, column in np.ndindex(values.shape):
        ax.text(column, row, f"{values[row, column]:.{digits}f}", ha="center", va="center",
                color=DARK, fontweight="bold" if rows[row] in bold else "normal")
    ax.set(title=title)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    for text, row in zip(ax.get_yticklabels(), rows, strict=False):
        text.set_fontweight("bold" if row in bold else "normal")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


_PALE = matplotlib.colors.LinearSegmentedColormap.from_list("pale", ["#FFFFFF", "#C9E1F2", "#8CBFE2"])      # dark words upon it can be read


def arrow(ax, start, end, colour=DARK, words=""):
    """An arrow from start to end, both (x, y) of the axes' data, with words at its start, if any."""
    start, end = numbers("start", start, (2,)), numbers("end", end, (2,))
    _axes(ax).annotate(words, tuple(end), tuple(start), color=readable(colour), ha="center", va="center",
                       arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 2, "shrinkB": 2,
                                   "mutation_scale": 18})


def _axes(ax):
    """`ax`, if it is axes."""
    require(isinstance(ax, Axes), "ax", ax, "axes, as `figure` returns them (one of them, not all)", TypeError)
    return ax


def _texts(name, values):
    """`values`, a list of texts or numbers, as a list of texts."""
    require(isinstance(values, (list, tuple, np.ndarray, range)) and len(values), name, values, "a list of names", TypeError)
    return list(map(str, values))


def _named(name, values):
    """Raise an error unless `values` is a dictionary with one entry to six, one for each colour."""
    require(isinstance(values, dict), name, values, "a dictionary of values by their names", TypeError)
    require(1 <= len(values) <= len(COLOURS), name, list(values), f"from one to {len(COLOURS)} of them, one for each colour")
