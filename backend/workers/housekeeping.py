"""What keeps the cache in order beside fetching: merging, publishing the fleet's health, taking requests."""

import asyncio
import time
from collections.abc import Callable

from backend.archive import CacheWriter, ScanCancelled
from backend.archive.state import NodeKey
from backend.workers.board import HealthBoard
from backend.workers.fleet import Fleet

TICK = 1.0
"""Seconds between two looks at the inbox and the health."""
HEARTBEAT = 10.0
"""Seconds after which the health is published even if nothing changed: it tells that somebody is at work."""


async def merge_when_due(writer: CacheWriter, fleet: Fleet) -> None:
    """Merge for ever whenever it is due, and have fetched again what was found to be damaged. Between two merges
    lies twice the time the last one took: while a first fill pours in, most of the processor is the fetching's."""
    lowered: frozenset[NodeKey] = frozenset()
    while True:
        started = time.monotonic()
        try:
            await asyncio.to_thread(writer.housekeep)
        except ScanCancelled:
            return
        before, lowered = lowered, writer.lowered
        if lowered - before:
            fleet.request({remote for remote, _ in lowered - before})
        await asyncio.sleep(max(TICK, 2 * (time.monotonic() - started)))


async def publish(
    writer: CacheWriter,
    board: HealthBoard,
    fleet: Fleet,
    hand_over: Callable[[], None],
    clock: Callable[[], float],
) -> None:
    """Publish the health and pass on what readers ask for, for ever."""
    while True:
        for request in await asyncio.to_thread(writer.take_requests):
            if request.hand_over:
                hand_over()
            elif request.track:
                await fleet.track(request.track)
            else:
                fleet.request(request.refresh)
        now = clock()
        if board.changed or not 0 <= now - board.health.updated < HEARTBEAT:
            board.changed = False
            board.health.updated = now
            await asyncio.to_thread(writer.write_health, board.health)
        await asyncio.sleep(TICK)
