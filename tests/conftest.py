"""What all tests need: that Ctrl-C is heard, even where the shell that started them does not listen to it."""

import signal

import pytest


@pytest.fixture(autouse=True)
def interrupts():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
