"""JupyterLab for real: a notebook is opened, Run All, and what it offers is used: sliders are moved by keyboard
and by mouse, pixels are drawn by clicking."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

from tests.browser import FLAGS, chromium  # noqa: E402

pytestmark = pytest.mark.skipif(not chromium(), reason="no Chromium: apt install chromium")
FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def wait(what, seconds):
    """What `what()` returns as soon as that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.5)
    raise TimeoutError(what)


def steady(what):
    """`what()`, half a second later: a kernel is idle for a moment between two cells, too."""
    time.sleep(0.5)
    return what()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab on copies of the notebooks, without their outputs."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(FOLDER, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name in NOTEBOOKS:
        notebook = nbformat.read(home / "notebooks" / name, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, home / "notebooks" / name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(home / "log", "w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyter", "lab", "--no-browser", f"--port={port}",
                                   "--allow-root", "--IdentityProvider.token=", f"--ServerApp.root_dir={home}"],
                                  env={**os.environ, "HOME": str(home)}, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"

    def up():
        try:
            return urlopen(f"{address}/api").status == 200
        except URLError:
            return False
    try:
        wait(up, 60)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_run_all_and_play(lab, name):
    from playwright.sync_api import sync_playwright

    def idle():
        kernels = json.load(urlopen(f"{lab}/api/kernels"))
        return kernels and kernels[-1]["execution_state"] == "idle" and kernels[-1]["connections"] > 0

    def changed():
        """The next picture, as soon as it is another than the last."""
        wait(lambda: image.get_attribute("src") not in seen, 10)
        seen.append(image.get_attribute("src"))

    def scroll_to(found, count):
        for _ in range(400):                              # Lab draws a cell only when it comes into view
            if found.count() >= count:
                break
            page.mouse.wheel(0, 500)
            page.wait_for_timeout(100)
        found.first.scroll_into_view_if_needed()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        page.goto(f"{lab}/lab/tree/notebooks/{name}")
        wait(idle, 60)
        page.wait_for_timeout(3000)                       # the menu is there before it listens
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells >> nth=0")
        page.wait_for_timeout(3000)
        wait(lambda: all(steady(idle) for _ in range(6)), 300)
        page.mouse.move(700, 600)
        handles, image = page.locator(".noUi-handle"), page.locator("img.widget-image").first
        scroll_to(handles, 2)
        seen = [image.get_attribute("src")]
        handles.first.focus()
        page.keyboard.press("ArrowRight")
        changed()
        box = handles.nth(1).bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        changed()
        if name.startswith("02"):
            page.mouse.move(700, 600)
            easel = page.locator(".widget-hbox", has=page.locator(".widget-toggle-button"))
            scroll_to(easel, 1)
            pixels, image = easel.locator("button"), easel.locator("img")
            assert pixels.count() == 35
            seen, before = [image.get_attribute("src")], pixels.nth(17).get_attribute("class")
            pixels.nth(17).click()
            changed()
            assert pixels.nth(17).get_attribute("class") != before
        browser.close()
