"""When the dashboard looks again: at a steady pace, when the cache directory changes, at once when the user asks.
What a look does is its caller's."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from watchfiles import awatch

_ABSENT_POLL = 3.0


class Refresher:
    """Runs one refresh at a time. After each it rests for a while that grows with what the refresh cost, so that
    an expensive one cannot take all of the machine; only `at_once` does not wait.

    Args:
        refresh: what to do; its own errors are its own matter.
        every: the longest pause between two refreshes (seconds); None: only when asked.
        rest: the shortest one (seconds).
    """

    def __init__(self, refresh: Callable[[], Awaitable[None]], *, every: float | None, rest: float = 0.2) -> None:
        self._refresh = refresh
        self._every = every
        self._rest = rest
        self._asked = asyncio.Event()
        self._urgent = asyncio.Event()
        self._current: asyncio.Task[None] | None = None

    def soon(self) -> None:
        """Refresh once more, when the current refresh and the rest after it are over."""
        self._asked.set()

    def at_once(self) -> None:
        """Give up the current refresh, and begin anew."""
        self._asked.set()
        self._urgent.set()
        if self._current is not None:
            self._current.cancel()

    async def run(self) -> None:
        """Refresh, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._asked.clear()
            self._urgent.clear()
            started = loop.time()
            await self._run_once()
            await _wait(self._urgent, max(self._rest, 3 * (loop.time() - started)))
            await _wait(self._asked, self._every)

    async def _run_once(self) -> None:
        self._current = asyncio.ensure_future(self._refresh())
        try:
            await asyncio.wait([self._current])
        except asyncio.CancelledError:
            self._current.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._current
            raise
        if not self._current.cancelled():
            self._current.result()


async def _wait(event: asyncio.Event, seconds: float | None) -> None:
    with contextlib.suppress(TimeoutError):
        # not wait_for: before Python 3.12 that loses a cancellation that comes with the event
        async with asyncio.timeout(seconds):
            await event.wait()


async def watch(directory: Path, changed: Callable[[], None]) -> None:
    """Call `changed` whenever something in the directory has changed, bursts taken together; until cancelled. A
    directory that does not exist is waited for."""
    while True:
        try:
            async for _ in awatch(directory, debounce=200, step=50, rust_timeout=1000, recursive=False):
                changed()
        except (OSError, RuntimeError):
            # not there yet, removed, or the system has no watches left: the steady pace has to do meanwhile
            await asyncio.sleep(_ABSENT_POLL)
