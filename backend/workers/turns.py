"""Turns at something that only so many may do at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from backend.client import PATIENCE


class Turns:
    """So many turns at a time. When one lasts longer than a quick request may, the next begins beside it: what
    waits for a slow remote holds up nobody."""

    def __init__(self, at_a_time: int, room: Callable[[], Awaitable[None]]) -> None:
        """Each turn begins with waiting for `room` to return, however long that takes."""
        self._slots = asyncio.Semaphore(at_a_time)
        self._room = room

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the context lasts."""
        await self._slots.acquire()
        counts = True

        def end() -> None:
            nonlocal counts
            if counts:
                counts = False
                self._slots.release()

        try:
            await self._room()
            expiry = asyncio.get_running_loop().call_later(PATIENCE, end)
            try:
                yield
            finally:
                expiry.cancel()
        finally:
            end()
