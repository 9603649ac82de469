"""How much of what was freed the C library keeps for itself. Scans in threads make and free large arrays; left to
itself, glibc keeps their memory, for each thread apart, so that the process takes half as much again."""

import ctypes
import sys

# malloc.h of glibc
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

_KEPT = 1 << 17
_OWN_PAGES = 1 << 16
"""Bytes from which on a piece of memory goes back to the system as soon as it is freed."""


def give_memory_back() -> None:
    """Have freed memory given back to the system, as far as the C library can be told so: glibc can. To be called
    before any thread is started."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_M_ARENA_MAX, 1), (_M_TRIM_THRESHOLD, _KEPT), (_M_MMAP_THRESHOLD, _OWN_PAGES)):
            mallopt(option, value)
