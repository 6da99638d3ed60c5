"""Claims fail when they do not hold, and say the same everywhere."""

import json
import os
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("IPython", reason="IPython is not installed")
from autoenc.report.claims import check, claim, decimal, table  # noqa: E402


@pytest.fixture
def shown(monkeypatch):
    """What has been shown: a list of (data, metadata)."""
    outputs = []
    monkeypatch.setattr("autoenc.report.claims.publish", lambda data, metadata=None: outputs.append((data, metadata)))
    return outputs


# Claims

@pytest.mark.parametrize("measured, bound, line", [
    (0.95, dict(at_least=0.95), "it works: measured 0.95, claimed at least 0.95"),
    (np.float32(2), dict(at_least=1), "it works: measured 2, claimed at least 1"),
    (8.3976e-05, dict(at_most=0.001, unit="rad"), "it works: measured 0.000084 rad, claimed at most 0.001 rad"),
    (0.0034567, dict(at_most=0.01), "it works: measured 0.0035, claimed at most 0.01"),
    (1.00468, dict(at_most=1.02), "it works: measured 1.005, claimed at most 1.02"),
    (2, dict(at_most=2), "it works: measured 2, claimed at most 2"),
    (np.int64(-3), dict(at_most=0), "it works: measured −3, claimed at most 0"),
    (0.7949, dict(at_most=0.905, unit="%"), "it works: measured 79.49%, claimed at most 90.5%"),
    (2.5e-9, dict(at_most=1e-06), "it works: measured 2.5×10⁻⁹, claimed at most 1×10⁻⁶"),
    (1000, dict(at_least=12345.678), None), (float("inf"), dict(at_least=1), "it works: measured ∞, claimed at least 1"),
    (-float("inf"), dict(at_most=1), "it works: measured −∞, claimed at most 1"),
    (123456, dict(at_least=12345.678), "it works: measured 123500, claimed at least 12345.678"),
    (True, {}, "it works"), (np.True_, {}, "it works")])
def test_the_reader_of_a_claim_sees_what_was_measured_and_the_bound(shown, measured, bound, line):
    if line is None:
        with pytest.raises(AssertionError, match="measured 1000, claimed at least 12345.678"):
            claim("it works", measured, **bound)
    else:
        claim("it works", measured, **bound)
        (data, metadata), = shown
        assert data["text/plain"] == f"✓ {line}"
        assert metadata["claim"]["claim"] == "it works" and metadata["claim"]["holds"] is True
        assert metadata["claim"]["measured"] == (measured if np.isfinite(measured) else str(measured))
        assert f"measured {metadata['claim']['shown']}," in line or not bound
        assert json.loads(json.dumps(metadata, allow_nan=False)) == metadata, "a notebook can hold it"


@pytest.mark.parametrize("measured, bound, message", [
    (0.9499, dict(at_least=0.95), "it works: measured 0.9499, claimed at least 0.95"),
    (0.94999999, dict(at_least=0.95), "it works: measured 0.94999999, claimed at least 0.95"),
    (np.float64(2.5), dict(at_most=2), "it works: measured 2.5, claimed at most 2"),
    (1.0001, dict(at_most=1, unit="%"), "it works: measured 100.01%, claimed at most 100%"),
    (float("nan"), dict(at_least=0), "measured nan, claimed at least 0"), (float("nan"), dict(at_most=1), "measured nan"),
    (float("inf"), dict(at_most=1), "measured ∞, claimed at most 1"),
    (False, {}, "measured False, claimed true"), (np.False_, {}, "measured False, claimed true"),
    (1, {}, "measured 1, claimed true")])
def test_a_claim_that_does_not_hold_fails_with_the_measured_value(shown, measured, bound, message):
    with pytest.raises(AssertionError, match=message):
        claim("it works", measured, **bound)
    (data, metadata), = shown
    assert data["text/plain"].startswith("✗ it works") and metadata["claim"]["holds"] is False
    assert json.dumps(metadata, allow_nan=False)


@pytest.mark.parametrize("value, written", [
    (0, "0"), (-0.0, "0"), (1e-5, "0.00001"), (9.9e-6, "9.9×10⁻⁶"), (9999999, "9999999"), (1e7, "1×10⁷"), (9999999.5, "9999999.5"),
    (-12.5, "−12.5"), (-1.5e-9, "−1.5×10⁻⁹"), (1 / 3, "0.3333333333333333")])
def test_numbers_are_written_as_one_does_by_hand(value, written):
    assert decimal(value) == written


def test_a_claim_has_one_bound(shown):
    with pytest.raises(ValueError, match="at_least or at_most"):
        claim("it works", 1, at_least=0, at_most=2)
    assert shown == []


@pytest.mark.parametrize("bound", [dict(at_least="0"), dict(at_most=float("nan")), dict(at_most=float("inf"))], ids=str)
def test_a_bound_that_is_none_is_named(shown, bound):
    with pytest.raises(ValueError, match=f"^{[*bound][-1]} was .*; it must be a finite number"):
        claim("it works", 1, **bound)
    assert shown == []


@pytest.mark.parametrize("arguments, name", [(dict(text=3), "text"), (dict(unit=None), "unit")])
def test_words_that_are_none_are_named(shown, arguments, name):
    with pytest.raises(TypeError, match=f"^{name} was"):
        claim(**{"text": "it works", "measured": 1, "at_least": 0, **arguments})
    assert shown == []


def sanitised(text):
    """What nbval compares of an output's text."""
    config = ConfigParser()
    config.read(Path(__file__).with_name("nbval.cfg"), "utf-8")
    for section in config.sections():
        text = re.sub(config[section]["regex"], config[section]["replace"], text)
    return text


@pytest.mark.parametrize("other", [1, 12.5, 1e-9 + 0.95, float("inf")])
@pytest.mark.parametrize("unit", ["", "rad", "%", "errors, at most"])
def test_strict_nbval_does_not_compare_what_was_measured_and_all_else(shown, other, unit):
    for measured, bound, text in (0.9612345, 0.95, "it works"), (other, 0.95, "it works"), (other, 0.94, "it works"), (other, 0.95, "it"):
        claim(text, measured, at_least=bound, unit=unit)
    for kind in "text/plain", "text/html":
        one, same, bound, text = [sanitised(data[kind]) for data, _ in shown]
        assert one == same and one != bound and one != text


def test_a_claim_s_parts_can_be_styled_and_its_text_is_text(shown):
    claim('<script>alert("a & b")</script>', 3, at_least=2, unit="<m>")
    (data, _), = shown
    assert data["text/html"] == (
        '<p class="claim"><span class="verdict">✓</span> &lt;script&gt;alert(&quot;a &amp; b&quot;)&lt;/script&gt;: measured '
        '<span class="measured">3 &lt;m&gt;</span>, claimed <span class="required">at least 2 &lt;m&gt;</span></p>')
    assert data["text/plain"] == '✓ <script>alert("a & b")</script>: measured 3 <m>, claimed at least 2 <m>'


# Exercises

A = np.arange(6.0).reshape(2, 3)


def not_yet():
    raise NotImplementedError


def broken():
    return A[7]


@pytest.mark.parametrize("yours, true, right, remark", [
    (None, A, None, "not filled in yet, your turn"), (not_yet, A, None, "not filled in yet"), (lambda: None, A, None, "not filled in"),
    (A, A, True, "right"), (A.tolist(), A, True, "right"), (A.astype("f4"), A, True, "right"), (lambda: A, A, True, "right"),
    (A * (1 + 9e-7), A, True, "right"), (A * 1.01, A, False, "your answer at 1, 2 is 5.05, and 5 is right"),
    (A + 9 * (A == 0), A, False, "your answer at 0, 0 is 9, and 0 is right"),
    (A + np.nan, A, False, "your answer at 0, 0 is nan, and 0 is right"), (3.5, 3, False, "your answer is 3.5, and 3 is right"),
    (0, 0, True, "right"), (1e-9, 0, False, "your answer is 1e-09, and 0 is right"),
    (A[0], A, False, "your answer has the shape (3,), it must be (2, 3)"), ("word", 3, False, "must be numbers, it was 'word'"),
    ([[1], [1, 2]], A, False, "must be numbers"), (broken, A, False, "your code fails with IndexError"),
    ((A, 1), (A, 1), True, "right"), ((A, 2), (A, 1), False, "part 2: your answer is 2, and 1 is right"),
    ((A, None), (A, 1), False, "part 2: not filled in yet"), (A, (A, 1), False, "your answer must be a tuple of 2"),
    (True, True, True, "right"), (False, True, False, "your answer is 0, and 1 is right")])
def test_a_check_says_what_is_wrong_and_never_fails(shown, yours, true, right, remark):
    assert check("the <gradient>", yours, true) is right
    (data, metadata), = shown
    assert data["text/plain"].startswith(f"{ {True: '✓', False: '✗', None: '·'}[right] } the <gradient>: ") and remark in data["text/plain"]
    assert data["text/html"].startswith('<p class="check">') and "the &lt;gradient&gt;" in data["text/html"]
    assert metadata == {"check": {"check": "the <gradient>", "right": right}}


def test_a_check_may_be_told_how_near_is_near_enough(shown):
    assert check("pi", 3.14, np.pi, tolerance=1e-3) and not check("pi", 3.1, np.pi, tolerance=1e-3)


def test_in_a_script_claims_checks_and_tables_are_printed():
    """Python without a notebook, as after `jupyter nbconvert --to script`."""
    program = ("from autoenc import claim; from autoenc.report.claims import check, table\n"
               "claim('it works', 3, at_least=2); check('pi', None, 3); table(['rate'], [0.1])")
    printed = subprocess.run([sys.executable, "-X", "utf8", "-c", program], cwd=Path(__file__).parent.parent, check=True,
                             capture_output=True, encoding="utf-8").stdout
    assert printed.splitlines() == ["✓ it works: measured 3, claimed at least 2", "· pi: not filled in yet, your turn",
                                    "| rate |", "| --- |", "| 0.1 |"]


def test_a_terminal_without_the_characters_gets_others():
    program = "from autoenc import claim; claim('it works', -3.5, at_most=2)"
    printed = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent.parent, check=True, capture_output=True,
                             env={**os.environ, "PYTHONIOENCODING": "ascii"}).stdout
    assert printed.splitlines() == [b"? it works: measured ?3.5, claimed at most 2"]


# Tables

def test_a_table_is_markdown_with_a_header(shown):
    table(["rate", "found"], ["0.1", 3], ["|", 0.5])
    assert shown[0][0]["text/plain"].splitlines() == [
        "| rate | found |", "| --- | --- |", "| 0.1 | 3 |", r"| \| | 0.5 |"]


def test_whatever_a_table_s_cell_holds_is_text_on_one_line(shown):
    table(["a\nb"], ["<b>|\r\n&"])
    assert shown[0][0]["text/plain"].splitlines()[::2] == ["| a b |", r"| &lt;b&gt;\| &amp; |"]
