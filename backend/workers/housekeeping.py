"""What keeps the cache in order beside fetching: merging, publishing the fleet's health, taking requests."""

import asyncio
import time
from collections.abc import Callable, Collection

from backend.archive import CacheWriter, ScanCancelled
from backend.workers.board import HealthBoard

TICK = 1.0
"""Seconds between two looks at the inbox and the health."""
HEARTBEAT = 10.0
"""Seconds after which the health is published even if nothing changed: it tells that somebody is at work."""


async def merge_when_due(writer: CacheWriter) -> None:
    """Merge for ever whenever it is due. Between two merges lies twice the time the last one took: while a first
    fill pours in, most of the processor is the fetching's."""
    while True:
        started = time.monotonic()
        try:
            await asyncio.to_thread(writer.housekeep)
        except ScanCancelled:
            return
        await asyncio.sleep(max(TICK, 2 * (time.monotonic() - started)))


async def publish(
    writer: CacheWriter,
    board: HealthBoard,
    fetch: Callable[[Collection[str]], None],
    hand_over: Callable[[], None],
    clock: Callable[[], float],
) -> None:
    """Publish the health and pass on what readers ask for, for ever."""
    while True:
        for request in await asyncio.to_thread(writer.take_requests):
            if request.hand_over:
                hand_over()
            else:
                fetch(request.refresh)
        now = clock()
        if board.changed or not 0 <= now - board.health.updated < HEARTBEAT:
            board.changed = False
            board.health.updated = now
            await asyncio.to_thread(writer.write_health, board.health)
        await asyncio.sleep(TICK)
