"""Labels that hold HTML or scripts are shown as they are, and run nothing: in exported pages and decks, in a browser.

They come in explorers, claims, tables, figures' descriptions, and the name of the page.
"""

import nbformat.v4 as v4
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytest.importorskip("nbconvert", reason="nbconvert is not installed")

from autoenc import Autoencoder, Explorer, characters, claim  # noqa: E402
from autoenc.report.claims import check, table  # noqa: E402
from autoenc.report.playground import Playground  # noqa: E402
from tests.browser import chromium, opened  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
ATTACKS = ["</script><img src=x onerror=window.hacked=1>", '"><script>window.hacked=2</script>', "<svg onload=window.hacked=3>",
           "' onmouseover='window.hacked=4", "&lt;script&gt;window.hacked=5&lt;/script&gt;", "-->]]><script>window.hacked=6</script>"]


def outputs(attack, monkeypatch):
    """Two explorers and a playground with the attack as labels, names and alt; a claim; a check; a table; a figure."""
    shown = []
    monkeypatch.setattr("autoenc.report.claims.publish", lambda data, metadata=None: shown.append((data, metadata or {})))
    claim(attack, 1, at_least=0, unit=attack)
    check(attack, attack, 1)
    table(["label"], [attack])
    network, pixels = Autoencoder((35, 2), rng=0), characters("digits")[0][:2]
    known = Explorer(network, pixels, [attack, attack], alt=attack)
    classes = Explorer({attack: network, "last": network}, pixels, [0, 1], names=[attack, "b"], alt=attack)
    playground = Playground(network, pixels, [attack, attack], alt=attack)
    source = known.html().split("base64,")[1].split('"')[0]
    shown += [({"text/plain": attack, "text/html": box.html()}, {}) for box in (known, classes, playground)]
    shown.append(({"image/png": source, "text/plain": attack}, {"image/png": {"alt": attack}}))
    return [v4.new_output("display_data", data, metadata=metadata) for data, metadata in shown]


def exporters():
    from nbconvert import HTMLExporter

    from autoenc.report.pages import OfflinePage
    from autoenc.slides import OfflineSlides
    return {"nbconvert's page": HTMLExporter, "page": OfflinePage, "deck": OfflineSlides}


@pytest.mark.parametrize("kind", ["nbconvert's page", "page", "deck"])
def test_nothing_in_a_label_runs(tmp_path, monkeypatch, kind):
    path, resources = tmp_path / "page.html", {"metadata": {"name": ATTACKS[0], "path": tmp_path}}
    cells = [v4.new_code_cell("1", execution_count=number, outputs=outputs(attack, monkeypatch),
                              metadata={"slideshow": {"slide_type": "slide"}}) for number, attack in enumerate(ATTACKS, 1)]
    path.write_text(exporters()[kind]().from_notebook_node(v4.new_notebook(cells=cells), resources)[0], encoding="utf-8")
    with opened(path) as (page, _):
        page.wait_for_function("n => document.querySelectorAll('[data-z]').length == n", arg=2 * len(ATTACKS))
        page.evaluate("""document.querySelectorAll("input[type=range]").forEach(e => {
                             for (e.value of [0, 1]) e.dispatchEvent(new Event("input")); })""")
        page.evaluate("document.querySelectorAll('*').forEach(e => e.dispatchEvent(new Event('mouseover')))")
        page.wait_for_timeout(300)
        assert page.evaluate("window.hacked") is None
        explorers, playgrounds = page.locator(".explorer").all(), page.locator(".playground").all()
        for number, attack in enumerate(ATTACKS):
            known, classes, playground = explorers[2 * number], explorers[2 * number + 1], playgrounds[number]
            for box in known, classes:
                assert box.locator(".map").get_attribute("aria-label").startswith(attack)
            assert attack in known.locator(".readout").text_content()
            assert attack in classes.locator(".names span").all_text_contents()
            assert attack in classes.text_content() and attack in playground.locator("option").all_text_contents()
            assert attack in page.locator(".claim").nth(number).text_content()
            assert attack in page.locator(".check").nth(number).text_content()
            if kind != "nbconvert's page":              # which leaves a figure's alt out
                assert page.evaluate("alt => [...document.images].some(e => e.alt === alt)", attack)


def test_the_same_words_would_run_if_they_were_not_escaped(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><meta charset='utf-8'>" + ATTACKS[0] + ATTACKS[1], encoding="utf-8")
    with opened(path) as (page, _):
        page.wait_for_function("window.hacked")
