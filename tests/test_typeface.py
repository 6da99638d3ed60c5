"""The typeface: a page brings the letters that it has, and no others; what is missing is named."""

import re
from base64 import b64decode
from io import BytesIO

import pytest

pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed")
from fontTools.ttLib import TTFont  # noqa: E402

from autoenc.report import typeface  # noqa: E402


def fonts(text):
    """The fonts in the rules for a text."""
    return [TTFont(BytesIO(b64decode(data))) for data in re.findall("base64,([^)]*)", typeface.css(text))]


def test_a_page_has_its_own_letters_in_four_cuts():
    assert len(fonts("ñ×")) == 4
    for font in fonts("ñ×"):
        letters = set(map(chr, font.getBestCmap()))
        assert {"ñ", "×", "a", "Z", "~"} <= letters and not {"ö", "≤"} & letters
        assert font.flavor == "woff" and "Open Font License" in font["name"].getDebugName(13)


def test_the_same_letters_are_the_same_bytes():
    first = typeface.css("ñ×")
    typeface._subset.cache_clear()
    assert typeface.css("×ñ×") == first


def test_a_file_that_reveal_has_no_more_is_named():
    with pytest.raises(FileNotFoundError, match="sphinx-revealjs has no dist/reveal.zip"):
        typeface.reveal("dist/reveal.zip")
