"""BLAS: the library that multiplies NumPy's matrices, kept on one thread while networks train.

How many threads it has is one number for the whole process.  BUSY has an entry for each `one_blas_thread` in
progress; the first of them writes into BEFORE how many there were, and the last sets these again, whatever ends it:
an error, Ctrl-C in any line, or a fork of the process.
"""

import os
from contextlib import contextmanager
from functools import cache
from threading import Lock

LOCK, BUSY, BEFORE = Lock(), set(), []


@cache
def blas_libraries():
    """The controllers of the BLAS libraries, NumPy's among them; to find them takes as long as a slider's move."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


def set_threads(numbers):
    """Set the threads of BLAS libraries: a list of pairs, a library's controller and a number."""
    for library, threads in numbers:
        # threadpoolctl 3.8 ignores, without a word, all threads of Python's but the one that came first.
        release = getattr(library, "clear_controlling_thread", lambda force: None)
        release(force=True)
        library.set_num_threads(threads)
        release(force=True)


@contextmanager
def one_blas_thread():
    """Within: matrix products on one thread each.  Small ones are quicker that way, and come out the same anywhere.

    Several trainings may be at it at once, in threads of their own: the last that ends sets what the first found.
    """
    me = object()
    try:
        enter(me)
        yield
    finally:
        try:
            leave(me)
        finally:
            leave(me)           # once more, for Ctrl-C may have come in the middle of it; else this does nothing


def enter(me):
    """From now on `me` wants one thread."""
    with LOCK:
        if not BUSY:
            BEFORE[:] = [(library, library.get_num_threads()) for library in blas_libraries()]
        BUSY.add(me)
        set_threads([(library, 1) for library in blas_libraries()])


def leave(me):
    """From now on `me` does not mind.  Whatever part of `enter` was done before, this undoes."""
    with LOCK:
        if len(BUSY) == 1 and me in BUSY:
            set_threads(BEFORE)
        BUSY.discard(me)


def after_fork():
    """In a forked process none of the other threads goes on, so whatever they were doing is over."""
    LOCK.release()
    if BUSY:
        BUSY.clear()
        set_threads(BEFORE)


if hasattr(os, "register_at_fork"):         # not on Windows
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=after_fork)
