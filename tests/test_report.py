"""Claims fail when they do not hold, and say the same everywhere."""

import json

import numpy as np
import pytest

pytest.importorskip("IPython", reason="IPython is not installed")
from autoenc.report.claims import claim, table  # noqa: E402


@pytest.fixture
def shown(monkeypatch):
    """What has been shown: a list of (data, metadata)."""
    outputs = []
    monkeypatch.setattr("autoenc.report.claims.display",
                        lambda data, raw=False, metadata=None: outputs.append((data, metadata)))
    return outputs


# Claims

@pytest.mark.parametrize("measured, bound, required", [
    (0.95, dict(at_least=0.95), "at least 0.95"), (np.float32(2), dict(at_least=1), "at least 1"),
    (1e-3, dict(at_most=0.001), "at most 0.001"), (np.int64(-3), dict(at_most=0), "at most 0"),
    (True, {}, "true"), (np.True_, {}, "true")])
def test_a_claim_that_holds_leaves_its_measured_value_in_the_metadata(shown, measured, bound, required):
    claim("it works", measured, **bound)
    (data, metadata), = shown
    assert metadata["claim"] == dict(claim="it works", required=required, measured=measured, holds=True)
    assert json.loads(json.dumps(metadata)) == metadata, "a notebook can hold it"
    assert data["text/plain"] == "✓ it works" + (f" — required: {required}" if bound else "")


@pytest.mark.parametrize("measured, bound, message", [
    (0.9499, dict(at_least=0.95), "it works: required at least 0.95, measured 0.9499"),
    (np.float64(2.5), dict(at_most=2), "it works: required at most 2, measured 2.5"),
    (float("nan"), dict(at_least=0), "measured nan"), (float("nan"), dict(at_most=0), "measured nan"),
    (False, {}, "required true, measured False"), (np.False_, {}, "required true, measured False"),
    (1, {}, "required true, measured 1")])
def test_a_claim_that_does_not_hold_fails_with_the_measured_value(shown, measured, bound, message):
    with pytest.raises(AssertionError, match=message):
        claim("it works", measured, **bound)
    (data, metadata), = shown
    assert data["text/plain"].startswith("✗ it works") and metadata["claim"]["holds"] is False


def test_a_claim_has_one_bound(shown):
    with pytest.raises(ValueError, match="at_least or at_most"):
        claim("it works", 1, at_least=0, at_most=2)
    assert shown == []


@pytest.mark.parametrize("bound", [dict(at_least="0"), dict(at_most=float("nan")), dict(at_most=float("inf"))], ids=str)
def test_a_bound_that_is_none_is_named(shown, bound):
    with pytest.raises(ValueError, match=f"^{[*bound][-1]} was .*; it must be a finite number"):
        claim("it works", 1, **bound)
    assert shown == []


def test_a_claim_reads_the_same_whatever_was_measured(shown):
    for measured in 0.9612345, 1:
        claim("it works", measured, at_least=0.95)
    one, other = shown
    assert one[0] == other[0] and one[1] != other[1]
    assert one[0].keys() == {"text/plain", "text/html"}


def test_a_claim_about_angle_brackets_is_text_in_html(shown):
    claim('<script>alert("a & b")</script>', True)
    (data, _), = shown
    assert data["text/html"] == '<p class="claim">✓ &lt;script&gt;alert(&quot;a &amp; b&quot;)&lt;/script&gt;</p>'
    assert data["text/plain"] == '✓ <script>alert("a & b")</script>'


# Tables

def test_a_table_is_markdown_with_a_header(shown):
    table(["rate", "found"], ["0.1", 3], ["|", 0.5])
    assert shown[0][0].data.splitlines() == [
        "| rate | found |", "| --- | --- |", "| 0.1 | 3 |", r"| \| | 0.5 |"]
