"""Reads of the cache that may take long can be told that nobody waits for them any more."""

from collections.abc import Callable

Cancelled = Callable[[], bool]
"""Asked now and then during a scan: whether to give up."""


class ScanCancelled(Exception):
    """A scan was told that nobody waits for it any more."""


def never() -> bool:
    """The scan is waited for to its end."""
    return False
