"""The characters: 96 pictures of seven rows by five pixels, black (1) on white (0).

A row of five pixels is a number from 0 to 31, and that is one digit in base 32
(0-9, then A-V), so a character is seven such digits: ``4AHHVHH`` is
the letter A.  The rows go from top to bottom; the most significant bit is
the leftmost pixel.
"""

import numpy as np

from .checks import choice, finite, numbers

HEIGHT, WIDTH = 7, 5
PIXELS = HEIGHT * WIDTH

FONT = """
0000000 4444404 99I0000 AAVAVAA 4FKE5U4 PP248JJ 4AAALID 4480000
2488842 8422248 4LEVEL4 044V440 0000448 000V000 00000CC 11248GG
EHJLPHE 4C4444E EH1248V EH161HE 26AIV22 VGU11HE 68GUHHE V124888
EHHEHHE EHHF12C 0CC0CC0 0CC0C48 248G842 00V0V00 8421248 EH12404
EHNLNGF 4AHHVHH UHHUHHU EHGGGHE U99999U VGGSGGV VGGVGGG EHGGJHF
HHHVHHH E44444E V2222IC HIKOKIH GGGGGGV HRLHHHH HHPLJHH EHHHHHE
UHHUGGG EHHHLID UHHUKIH EHGE1HE V444444 HHHHHHE HHHHHA4 HHHLLRH
HHA4AHH HHA4444 V1248GV E88888E GG84211 E22222E 4AH0000 000000V
4420000 0E1DJJD GGGSIIS 000EGGE 1117997 00EHVGF 698S888 EHJD11E
GGGMPHH 040C44E 20622IC GGIKOKI C444444 00ALLHH 00MPHHH 00EHHHE
0SIISGG 0799711 00MPGGG 00FGE1U 88S8896 00HHHJD 00HHHA4 00HHLLA
00HA4AH 0HHF1HE 00V248V 688G886 4440444 C22122C 8L20000 VVVVVVV
""".split()

SETS = {"symbols": range(0x20, 0x40), "digits": range(0x30, 0x3A),
        "uppercase": range(0x40, 0x60), "lowercase": range(0x60, 0x80)}


def glyph(code):
    """The picture of one ASCII code from 0x20 to 0x7f, as a (35,) float32 array of 0.0 and 1.0."""
    rows = [int(digit, 32) for digit in FONT[code - 0x20]]
    return np.array([row >> WIDTH - 1 - column & 1 for row in rows for column in range(WIDTH)], np.float32)


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
    output, target = (finite(name, numbers(name, x, "numbers, shape (..., n, pixels)"))
                      for name, x in (("output", output), ("target", target)))
    try:
        np.broadcast_shapes(output.shape, target.shape)
    except ValueError:
        fit = False
    else:
        fit = output.size and target.size and output.shape[-1:] == target.shape[-1:] != ()
    if not fit:
        raise ValueError(f"output has shape {output.shape} and target {target.shape}; their last axes must be the "
                         "same pixels, the others must broadcast, and none may be empty")
    return np.count_nonzero((output > 0.5) != (target > 0.5), axis=-1)
