"""The characters are the report's, bit by bit, and errors between them are counted as it counts them."""

from hashlib import sha256

import numpy as np
import pytest

from autoenc import characters, pixel_errors

# sha256 of the rows of all 96 glyphs, 0x20 to 0x7f, one byte a row, its bit 4 the leftmost pixel.
CHECKSUM = "34986df4399be7d8aee4c286de03285f6abe4256fac4a22fe54e4c6dd7bb7494"

DRAWN = {
    ("uppercase", "A"): "..#.. .#.#. #...# #...# ##### #...# #...#",
    ("uppercase", "@"): ".###. #...# #.### #.#.# #.### #.... .####",
    ("lowercase", "g"): ".###. #...# #..## .##.# ....# ....# .###.",
    ("lowercase", "DEL"): "##### ##### ##### ##### ##### ##### #####",
    ("symbols", "?"): ".###. #...# ....# ...#. ..#.. ..... ..#..",
    ("digits", "7"): "##### ....# ...#. ..#.. .#... .#... .#...",
}


def picture(name, label):
    pixels, labels = characters(name)
    return pixels[labels.index(label)]


@pytest.mark.parametrize("name, codes", [("lowercase", range(0x60, 0x80)), ("uppercase", range(0x40, 0x60)),
                                         ("symbols", range(0x20, 0x40)), ("digits", range(0x30, 0x3A))])
def test_a_set_is_black_and_white_pictures_with_their_labels(name, codes):
    pixels, labels = characters(name)
    assert pixels.shape == (len(codes), 35) and pixels.dtype == np.float32
    assert set(np.unique(pixels)) == {0, 1}
    assert type(labels) is list
    assert labels == [chr(code) if code != 0x7F else "DEL" for code in codes]
    assert len(np.unique(pixels, axis=0)) == len(codes), "no two characters look alike"


def test_lowercase_is_the_default():
    np.testing.assert_array_equal(characters()[0], characters("lowercase")[0])


def test_the_digits_are_part_of_the_symbols():
    np.testing.assert_array_equal(characters("digits")[0], characters("symbols")[0][16:26])


def test_every_pixel_is_the_font_s():
    pixels = np.concatenate([characters(name)[0] for name in ("symbols", "uppercase", "lowercase")])
    rows = pixels.reshape(-1, 5) @ [16, 8, 4, 2, 1]
    assert sha256(rows.astype(np.uint8).tobytes()).hexdigest() == CHECKSUM


@pytest.mark.parametrize("name, label", DRAWN)
def test_a_picture_read_row_by_row_is_its_drawing(name, label):
    rows = picture(name, label).reshape(7, 5)
    assert " ".join("".join(".#"[int(pixel)] for pixel in row) for row in rows) == DRAWN[name, label]


def test_l_and_the_bar_are_the_most_alike():
    pixels, labels = characters("lowercase")
    errors = pixel_errors(pixels[:, None], pixels)
    np.fill_diagonal(errors, 35)
    assert errors.min() == 2 and {labels[place] for place in np.argwhere(errors == 2).ravel()} == {"l", "|"}


def test_a_caller_may_change_what_it_got():
    pixels, labels = characters("digits")
    pixels[...] = 7
    labels.clear()
    assert characters("digits")[0].max() == 1 and len(characters("digits")[1]) == 10


@pytest.mark.parametrize("name", ["Lowercase", "", None, 3, ["lowercase"]], ids=repr)
def test_an_unknown_set_is_refused(name):
    with pytest.raises(ValueError, match="^name .*lowercase"):
        characters(name)


def test_pixel_errors_counts_the_wrong_side_of_one_half():
    target = np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]])
    output = np.array([[0.49, 0.49, 0.51, 0], [0.49, 0.49, 0.51, 1], [0, -3, 1, 4]])
    errors = pixel_errors(output, target)
    assert errors.tolist() == [1, 2, 0] and errors.dtype.kind == "i"


def test_pixel_errors_broadcasts_over_members():
    target, _ = characters("lowercase")
    output = np.stack([target, 1 - target, np.zeros_like(target)])
    errors = pixel_errors(output, target)
    assert errors.shape == (3, 32)
    np.testing.assert_array_equal(errors, [[0] * 32, [35] * 32, target.sum(-1)])


@pytest.mark.parametrize("output, target, said", [
    ((4, 35), (4, 34), r"target's shape was \(4, 34\); it must be that of output, \(4, 35\),"),
    ((4, 1), (4, 35), r"target's shape was \(4, 35\); it must be that of output, \(4, 1\),"),
    ((), (4, 35), r"output was of shape \(\); it must be of shape \('...', 'pixels'\)"),
    ((3, 35), (4, 35), r"target's shape was \(4, 35\); it must be that of output, \(3, 35\),")])
def test_pixel_errors_of_shapes_that_do_not_match_is_refused(output, target, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        pixel_errors(np.zeros(output), np.zeros(target))
