"""Reading the cache for a screen of its own: in a thread, and given up when nobody waits any more."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from backend.archive import ScanCancelled, Snapshot, TaskCache
from tui.history import take_snapshot

T = TypeVar("T")

Read = Callable[[Snapshot, Callable[[], bool]], T]
"""Reads a snapshot; the function it is given says whether to stop."""


async def read_cache(cache: TaskCache, read: Read[T]) -> T:
    """What a fresh snapshot has to say. If the caller is cancelled, so is the read, soon after. Raises CacheError
    and OSError."""
    snapshot = await take_snapshot(cache)
    stop = threading.Event()

    def run() -> T:
        with snapshot:
            return read(snapshot, stop.is_set)

    try:
        return await asyncio.to_thread(run)
    except ScanCancelled:
        raise asyncio.CancelledError from None
    finally:
        stop.set()
