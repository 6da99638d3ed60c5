"""Claims fail when they do not hold, and say the same everywhere; recorded studies are those of their function."""

import json

import numpy as np
import pytest

pytest.importorskip("IPython", reason="IPython is not installed")
from autoenc.report.claims import RERUN, claim, recorded, table  # noqa: E402


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


# Recorded studies

RUNS = []


def study():
    RUNS.append(1)
    return {"seeds": np.arange(3), "rate": np.float32(1 / 3), "errors": {"Adam": np.array([[12345.678, 0]]), "none": ()},
            "name": "é", "met": True, "epochs": 123456}


def failing():
    raise RuntimeError("half way")


WRITTEN = {"seeds": [0, 1, 2], "rate": 0.3333, "errors": {"Adam": [[12350.0, 0.0]], "none": []},
           "name": "é", "met": True, "epochs": 123456}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of recorded studies, empty, beside the notebook that runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(RERUN, raising=False)
    RUNS.clear()
    (tmp_path / "recorded").mkdir()
    return tmp_path / "recorded"


def test_a_rerun_runs_the_study_and_writes_lists_of_four_digits(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "yes")
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 1
    assert [path.name for path in folder.iterdir()] == ["rates.json"]


def test_without_a_rerun_it_reads_what_was_written(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "yes")
    recorded("rates", study)
    monkeypatch.setenv(RERUN, "")
    assert recorded("rates", study) == WRITTEN and len(RUNS) == 1


def test_the_same_study_is_the_same_bytes(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "yes")
    recorded("one", study), recorded("two", study)
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_a_study_that_was_never_recorded_says_how_to_record_it(folder):
    with pytest.raises(ValueError, match="rates.json holds no results of this study: .*python -m autoenc --rerun"):
        recorded("rates", study)
    assert not RUNS


def test_results_of_another_version_of_the_function_are_refused(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "yes")
    recorded("rates", study)
    monkeypatch.delenv(RERUN)
    path = folder / "rates.json"
    path.write_text(path.read_text().replace("np.arange(3)", "np.arange(4)"))
    with pytest.raises(ValueError, match="this study: .*--rerun"):
        recorded("rates", study)


@pytest.mark.parametrize("broken, error", [(failing, RuntimeError), (lambda: {"object": object()}, AttributeError)])
def test_a_study_that_fails_leaves_the_old_results(folder, monkeypatch, broken, error):
    monkeypatch.setenv(RERUN, "yes")
    recorded("rates", study)
    before = (folder / "rates.json").read_bytes()
    with pytest.raises(error):
        recorded("rates", broken)
    assert (folder / "rates.json").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["rates.json"]


# Tables

def test_a_table_is_markdown_with_a_header(shown):
    table(["rate", "found"], ["0.1", 3], ["|", 0.5])
    assert shown[0][0].data.splitlines() == [
        "| rate | found |", "| --- | --- |", "| 0.1 | 3 |", r"| \| | 0.5 |"]


def helper():
    return 3


def calling(values=2):
    return dict(product=[helper() for _ in range(values)])


def test_a_study_of_which_a_called_function_has_changed_is_refused(folder, monkeypatch):
    monkeypatch.setenv(RERUN, "yes")
    assert recorded("calls", calling) == {"product": [3, 3]}
    monkeypatch.delenv(RERUN)
    recorded("calls", calling)
    monkeypatch.setitem(globals(), "helper", study)
    with pytest.raises(ValueError, match="this calling"):
        recorded("calls", calling)
