"""Labels that hold HTML or scripts are shown as they are, and run nothing: in exported pages and decks, in a browser.

They come in explorers, claims, tables, figures' descriptions, and the name of the page.
"""

import nbformat.v4 as v4
import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytest.importorskip("nbconvert", reason="nbconvert is not installed")

from autoenc import Explorer, claim  # noqa: E402
from autoenc.report.claims import table  # noqa: E402
from tests.browser import chromium, opened  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
ATTACKS = ["</script><img src=x onerror=window.hacked=1>", '"><script>window.hacked=2</script>', "<svg onload=window.hacked=3>",
           "' onmouseover='window.hacked=4", "&lt;script&gt;window.hacked=5&lt;/script&gt;", "-->]]><script>window.hacked=6</script>"]


def outputs(attack, monkeypatch):
    """An explorer with the attack in its labels, values and alt; a claim; a table; a figure with it as its alt."""
    shown = []
    monkeypatch.setattr("autoenc.report.claims.publish", lambda data, metadata=None: shown.append((data, metadata or {})))
    claim(attack, 1, at_least=0)
    table(["label"], [attack])
    box = Explorer(lambda a, b: np.zeros((5, 3), np.uint8), (attack, ["a", attack]), (attack, [attack, "b"]), alt=attack)
    source = box.html().split("base64,")[1].split('"')[0]
    shown += [(box._repr_mimebundle_(), {}),
              ({"image/png": source, "text/plain": attack}, {"image/png": {"alt": attack}})]
    return [v4.new_output("display_data", data, metadata=metadata) for data, metadata in shown]


def exporters():
    from nbconvert import HTMLExporter

    from autoenc.slides import OfflineSlides
    return {"page": HTMLExporter, "deck": OfflineSlides}


@pytest.mark.parametrize("kind", ["page", "deck"])
def test_nothing_in_a_label_runs(tmp_path, monkeypatch, kind):
    path, resources = tmp_path / "page.html", {"metadata": {"name": ATTACKS[0], "path": tmp_path}}
    cells = [v4.new_code_cell("1", execution_count=number, outputs=outputs(attack, monkeypatch),
                              metadata={"slideshow": {"slide_type": "slide"}}) for number, attack in enumerate(ATTACKS, 1)]
    path.write_text(exporters()[kind]().from_notebook_node(v4.new_notebook(cells=cells), resources)[0], encoding="utf-8")
    with opened(path) as (page, _):
        page.wait_for_function("n => [...document.querySelectorAll('.explorer output')].filter(e => e.textContent).length == n",
                               arg=2 * len(ATTACKS))
        page.evaluate("""document.querySelectorAll(".explorer input").forEach(e => {
                             for (e.value of [0, 1]) e.dispatchEvent(new Event("input")); })""")
        page.evaluate("document.querySelectorAll('*').forEach(e => e.dispatchEvent(new Event('mouseover')))")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hacked") is None
        for attack, box, sentence in zip(ATTACKS, page.locator(".explorer").all(), page.locator(".claim").all(), strict=True):
            assert box.locator("img").get_attribute("alt") == attack
            assert box.locator("input").first.get_attribute("aria-label") == attack
            assert box.locator("label span").all_text_contents() == [attack] * 2
            assert box.locator("output").all_text_contents() == [attack, "b"]
            assert attack in sentence.text_content()
            if kind == "deck":                          # nbconvert's own page leaves the figure's alt out
                assert page.evaluate("alt => [...document.images].filter(e => e.alt === alt).length", attack) == 2


def test_the_same_words_would_run_if_they_were_not_escaped(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><meta charset='utf-8'>" + ATTACKS[0] + ATTACKS[1], encoding="utf-8")
    with opened(path) as (page, _):
        page.wait_for_function("window.hacked")
