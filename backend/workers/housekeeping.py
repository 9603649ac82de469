"""What keeps the cache in order beside fetching: merging, having fetched again what is missing, publishing the
fleet's health, taking requests."""

import asyncio
import logging
import time
from collections.abc import Callable

from backend.archive import CacheError, CacheWriter, ScanCancelled
from backend.archive.inbox import Request
from backend.workers.board import HealthBoard
from backend.workers.fleet import Fleet
from backend.workers.lookback import LookBacks

log = logging.getLogger(__name__)

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


async def look_back_when_due(writer: CacheWriter, fleet: Fleet) -> None:
    """Have nodes fetched again whose cutoffs were set back, for ever."""
    look_backs = LookBacks()
    while True:
        fleet.request_nodes(look_backs.due(fleet.within_reach(writer.lowered), time.monotonic()))
        await asyncio.sleep(TICK)


class Requests:
    """What readers ask for, on its way from the inbox to who does it. What the disk refuses is kept, and tried
    again each time."""

    def __init__(
        self, writer: CacheWriter, board: HealthBoard, fleet: Fleet, hand_over: Callable[[], None]
    ) -> None:
        self._writer = writer
        self._board = board
        self._fleet = fleet
        self._hand_over = hand_over
        self._waiting: list[Request] = []
        self._problem: str | None = None

    async def pass_on(self) -> None:
        """Pass on what has come since the last time, and what could not be then."""
        taken = await asyncio.to_thread(self._writer.take_requests)
        # Who waits for a task asks again and again.
        self._waiting += [request for request in taken if request not in self._waiting]
        problem = None
        for _ in range(len(self._waiting)):
            request = self._waiting.pop(0)
            try:
                await self._do(request)
            except (OSError, CacheError) as error:
                self._waiting.append(request)
                words = getattr(error, "strerror", None) or error
                problem = f"what is to be tracked cannot be noted: {words}; trying again"
        if problem != self._problem:
            self._problem = problem
            self._board.problem("requests", problem)
            if problem is not None:
                log.error("%s", problem)

    async def _do(self, request: Request) -> None:
        if request.hand_over:
            self._hand_over()
        elif request.track:
            await self._fleet.track(request.track)
        else:
            self._fleet.request(request.refresh)


async def publish(writer: CacheWriter, board: HealthBoard, requests: Requests, clock: Callable[[], float]) -> None:
    """Publish the health and pass on what readers ask for, for ever."""
    while True:
        await requests.pass_on()
        now = clock()
        if board.changed or not 0 <= now - board.health.updated < HEARTBEAT:
            board.changed = False
            board.health.updated = now
            await asyncio.to_thread(writer.write_health, board.health)
        await asyncio.sleep(TICK)
