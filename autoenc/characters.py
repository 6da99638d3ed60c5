"""The characters: 96 pictures of seven rows by five pixels, black (1) on white (0).

A row of five pixels is a number from 0 to 31, and that is one digit in base 32
(0-9, then A-V), so a character is seven such digits: ``4AHHVHH`` is
the letter A.  The rows go from top to bottom; the most significant bit is
the leftmost pixel.
"""

from pathlib import Path

import numpy as np

from .checks import choice, numbers, require

HEIGHT, WIDTH = 7, 5

FONT = dict(enumerate((Path(__file__).parent / "data" / "font.txt").read_text("ascii").split(), 0x20))

SETS = {"symbols": range(0x20, 0x40), "digits": range(0x30, 0x3A),
        "uppercase": range(0x40, 0x60), "lowercase": range(0x60, 0x80)}


def glyph(code):
    """The picture of one ASCII code from 0x20 to 0x7f, as a (35,) float32 array of 0.0 and 1.0."""
    rows = [f"{int(digit, 32):05b}" for digit in FONT[code]]           # as "01110", five binary digits
    return np.array([int(bit) for row in rows for bit in row], np.float32)


def characters(name="lowercase"):
    """One set of characters: its pictures and its labels.

    name: ``"lowercase"`` (codes 0x60-0x7f), ``"uppercase"`` (0x40-0x5f), ``"symbols"``
    (0x20-0x3f) or ``"digits"`` (0x30-0x39).

    Returns ``(pixels, labels)``: an (n, 35) float32 array of 0.0 and 1.0, and a list of n strings;
    0x7f, which has no letter, is called ``"DEL"``.  Raises ValueError for any other name.
    """
    codes = SETS[choice("name", name, SETS)]
    return np.stack([glyph(code) for code in codes]), ["DEL" if code == 0x7F else chr(code) for code in codes]


def pixel_errors(output, target):
    """How many pixels of each picture are wrong when both are read as black or white at 0.5.

    output, target: (..., n, pixels), broadcast against each other.  Returns integers (..., n).
    """
    pictures = ("...", "pixels")
    output, target = numbers("output", output, pictures), numbers("target", target, pictures)
    from_the_end = zip(reversed(output.shape), reversed(target.shape), strict=False)     # axes in front may be missing
    broadcasts = all(one == other or 1 in (one, other) for one, other in from_the_end)
    require(broadcasts and output.shape[-1] == target.shape[-1], "target's shape", target.shape,
         f"that of output, {output.shape}, or one that broadcasts")
    return np.count_nonzero((output > 0.5) != (target > 0.5), axis=-1)
