"""What tests share: that Ctrl-C is heard, even where the shell that started them does not listen to it; and a page to try things in."""

import signal

import pytest

from tests.browser import chromium, opened


@pytest.fixture(autouse=True)
def interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def browser():
    """Skips a test where there is no browser to drive."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install playwright")
    if not chromium():
        pytest.skip("no Chromium: apt install chromium")


@pytest.fixture
def page_of(browser, tmp_path):
    """A function that opens what has a method `html`, an explorer or a playground, in a browser without network."""
    def write(part, **options):
        path = tmp_path / "page.html"
        path.write_text("<!DOCTYPE html><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>"
                        f"<title>x</title>{part.html()}", "utf-8")
        return opened(path, **options)
    return write
