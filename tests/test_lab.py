"""JupyterLab for real: an explorer is run, pointed at, moved by the kernel's sliders, saved, opened again without a kernel,
and opened by somebody who does not trust it; and the report's notebooks are run, and what they offer is used."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import nbformat
import numpy as np
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

from autoenc import Autoencoder  # noqa: E402
from tests.browser import FLAGS, chromium  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
WINDOW = {"width": 1280, "height": 720}
CELL = """from autoenc import Autoencoder, Explorer, characters
pixels, labels = characters("lowercase")
network = Autoencoder((35, 12, 2), latent="linear", rng=3)
network.fit(pixels, 300)
network.save("network.npz")
explorer = Explorer(network, pixels, labels)
seen = []
explorer.sliders[1].observe(seen.append, "value")
explorer"""
KERNEL = "explorer.sliders[0].value = 1.25"


def wait(what, seconds):
    """What `what()` returns as soon as that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(what)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The folder of a JupyterLab and its address.  In it a small notebook, and the report's without their outputs."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(FOLDER, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in NOTEBOOKS:
        notebook = nbformat.read(home / "notebooks" / name, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, home / "notebooks" / name)
    small = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (CELL, KERNEL)])
    small.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(small, home / "small.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(home / "log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}", "--allow-root",
                                   "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True",
                                   f"--ServerApp.root_dir={home}"],
                                  env={**os.environ, "HOME": str(home)}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def up():
        try:
            return urlopen(f"{address}/api").status == 200
        except URLError:
            return False
    try:
        wait(up, 120)
        yield home, address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


def opened(browser, address, name):
    page = browser.new_page(viewport=WINDOW)
    page.goto(f"{address}/lab/tree/{name}?reset")
    return page


def run_all(page, address, seconds):
    """Run All, as soon as there is a kernel, and wait for its end."""
    def idle():
        kernels = json.load(urlopen(f"{address}/api/kernels"))
        return kernels and kernels[-1]["execution_state"] == "idle" and kernels[-1]["connections"] > 0

    def steady():
        """A kernel is idle for a moment between two cells, too."""
        return all(idle() or time.sleep(0.5) for _ in range(6) if time.sleep(0.5) is None)

    wait(idle, 90)
    page.wait_for_timeout(3000)                                   # the menu is there before it listens
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells >> nth=0")
    page.wait_for_timeout(3000)
    wait(steady, seconds)


def scroll_to(page, selector):
    """The first element that is found, scrolled into view: Lab draws a cell only when it comes near."""
    page.mouse.move(330, 400)                                     # beside the cells, so that no map is pointed at
    for _ in range(600):
        if page.locator(selector).count():
            break
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(60)
    element = page.locator(selector).first
    element.evaluate("e => e.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)
    return element


def code(explorer):
    return [float(value) for value in explorer.get_attribute("data-z").split(",")]


def test_an_explorer_is_alive_from_the_first_run_to_the_reader_who_opens_it_again(lab, browser):
    home, address = lab
    page = opened(browser, address, "small.ipynb")
    run_all(page, address, 90)
    page.wait_for_selector(".explorer .noUi-handle", timeout=60_000)
    explorer = scroll_to(page, ".explorer")

    # The kernel set z₁, and the page follows; all is seen at once.
    wait(lambda: abs(code(explorer)[0] - 1.25) < 0.05, 20)
    boxes = [page.locator(f".explorer {part}").bounding_box() for part in (".map", ".picture", ".knobs")]
    assert all(box["y"] >= 60 and box["y"] + box["height"] <= WINDOW["height"] for box in boxes)
    assert page.locator(".explorer .noUi-handle").count() == 2 and page.locator(".explorer input[type=range]").count() == 0

    # The pointer moves the kernel's sliders.
    box = boxes[0]
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=3)
    pointed = code(explorer)
    readouts = page.locator(".explorer .widget-readout").all_inner_texts()
    np.testing.assert_allclose([float(text.replace("−", "-")) for text in readouts], pointed, atol=0.1)
    network = Autoencoder.load(home / "network.npz")
    output = explorer.evaluate("e => [...e.output]")
    np.testing.assert_allclose(output, network.decode(np.float32([pointed]))[0], atol=2e-3)

    # So do keys on a slider; and what it shows is what the network makes of it.
    page.mouse.move(640, 80)
    page.locator(".explorer .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    wait(lambda: code(explorer)[0] > pointed[0], 10)
    np.testing.assert_allclose(explorer.evaluate("e => [...e.output]"), network.decode(np.float32([code(explorer)]))[0], atol=2e-3)

    # The kernel knows.
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("print('z', *(slider.value for slider in explorer.sliders), len(seen) > 0)")
    page.keyboard.press("Control+Enter")
    wait(lambda: page.locator(".jp-CodeCell").last.locator(".jp-OutputArea-output").count(), 20)
    told = page.locator(".jp-CodeCell").last.locator(".jp-OutputArea-output").inner_text().split()
    assert told[0] == "z" and told[3] == "True"
    np.testing.assert_allclose([float(told[1]), float(told[2])], code(explorer), atol=0.06)

    # The page is loaded again while the kernel runs: the sliders are there again.
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2000)
    page.reload()
    page.wait_for_selector(".explorer .noUi-handle", timeout=60_000)

    # What was saved holds no widget, and lives without a kernel.
    saved = nbformat.read(home / "small.ipynb", as_version=4)
    assert saved.cells[0].outputs[0].data.keys() == {"text/html", "text/plain"} and "widgets" not in saved.metadata
    page.close()
    for kernel in json.load(urlopen(f"{address}/api/kernels")):
        urlopen(Request(f"{address}/api/kernels/{kernel['id']}", method="DELETE"))
    page = opened(browser, address, "small.ipynb")
    page.wait_for_selector(".explorer .map", timeout=60_000)
    assert page.locator(".explorer input[type=range]").count() == 2 and page.locator(".noUi-handle").count() == 0
    assert "Error displaying widget" not in page.inner_text("body")
    box = scroll_to(page, ".explorer .map").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    explorer = page.locator(".explorer").first
    np.testing.assert_allclose(explorer.evaluate("e => [...e.output]"), network.decode(np.float32([code(explorer)]))[0], atol=2e-3)
    page.close()

    # Somebody else, who does not trust it, sees the still; and having trusted it, what lives.
    saved.metadata.title = "of somebody else"
    saved.cells[0].source += "\n# of somebody else"
    for cell in saved.cells:
        cell.metadata.pop("trusted", None)
    nbformat.write(saved, home / "foreign.ipynb")
    for signatures in home.rglob("nbsignatures.db"):
        signatures.unlink()
    page = opened(browser, address, "foreign.ipynb")
    page.wait_for_selector(".jp-OutputArea img", timeout=60_000)
    still = page.locator(".jp-OutputArea img").first
    assert still.is_visible() and "large z₂ on top" in still.get_attribute("alt") and not page.locator(".map").count()
    page.evaluate("() => { jupyterapp.commands.execute('notebook:trust'); }")
    page.click(".jp-Dialog .jp-mod-accept")
    page.wait_for_selector(".explorer .map", timeout=60_000)
    assert "Error displaying widget" not in page.inner_text("body")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_run_all_and_play(lab, browser, name):
    _, address = lab
    page = opened(browser, address, f"notebooks/{name}")
    run_all(page, address, 400)
    if name.startswith("02"):
        playground = scroll_to(page, ".playground")
        before = playground.evaluate("e => [...e.input]")
        page.locator(".playground button.pixel").nth(17).click()
        after = playground.evaluate("e => [...e.input]")
        assert [k for k in range(35) if before[k] != after[k]] == [17]
        return
    explorer = scroll_to(page, ".explorer")
    page.wait_for_selector(".explorer .noUi-handle", timeout=60_000)
    box = page.locator(".explorer .map").first.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"], steps=3)
    pointed = code(explorer)
    page.mouse.move(640, 80)
    page.locator(".explorer .noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    wait(lambda: code(explorer)[0] > pointed[0], 10)
