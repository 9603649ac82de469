"""Turns at something that only so many may do at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from backend.client import PATIENCE

Gate = Callable[[], Awaitable[None]]
"""Returns once what stands before it may go on."""


async def open_gate() -> None:
    """Before which nobody waits."""


class Turns:
    """So many turns at a time. When one lasts longer than a quick request may, the next begins beside it: what
    waits for a slow remote holds up nobody."""

    def __init__(self, at_a_time: int, *gates: Gate) -> None:
        """The gates are passed at the beginning of each turn, however long that takes."""
        self._slots = asyncio.Semaphore(at_a_time)
        self._gates = gates

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
            for gate in self._gates:
                await gate()
            expiry = asyncio.get_running_loop().call_later(PATIENCE, end)
            try:
                yield
            finally:
                expiry.cancel()
        finally:
            end()
