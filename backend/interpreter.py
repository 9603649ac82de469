"""How the interpreter, and the C library below it, are set up where an event loop must not wait."""

import ctypes
import gc
import sys

_SWITCH_INTERVAL = 0.0005
"""How long (seconds) a thread that reads, writes or merges may keep the interpreter from the event loop. With
Python's own 5 ms each step of the loop waits that long during a first fill, and while a filter is counted."""

_LOOKED_THROUGH = (2_000, 20, 100)
"""After how many new objects the collector looks through them, and after how many times through older ones. No
thread goes on meanwhile: after ten thousand, which a first fill soon makes, that takes 50 ms."""

# malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_KEPT = 1 << 17
_OWN_PAGES = 1 << 16
"""Bytes from which on a piece of memory goes back to the system as soon as it is freed."""


def calm_interpreter() -> None:
    """Have neither threads nor the garbage collector keep the event loop waiting: what was imported by now, most
    of all there is, is not looked through again and again. Have freed memory given back. To be called before any
    thread is started."""
    _give_memory_back()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    # not collected before: imports leave some hundred objects behind, and to find them takes longer than a frame
    gc.freeze()
    gc.set_threshold(*_LOOKED_THROUGH)
    gc.enable()


def _give_memory_back() -> None:
    """Have freed memory given back to the system, as far as the C library can be told so: glibc can. Left to
    itself, it keeps what scans in threads make and free, for each thread apart: half as much again for the
    process."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_M_ARENA_MAX, 1), (_M_TRIM_THRESHOLD, _KEPT), (_M_MMAP_THRESHOLD, _OWN_PAGES)):
            mallopt(option, value)
