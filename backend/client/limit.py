"""How many requests a fleet is sent at a time, and how remotes that let one wait are kept from holding up the
others. Nothing here knows of HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds a request may take among the quick ones."""


def quick_connections(connections: int) -> int:
    """How many of a fleet's connections are for what is answered at once."""
    return max(1, connections - max(1, connections // 3))


class FleetLimit:
    """The connections that the clients of a fleet share. A third of them is for the slow: a request that is not
    answered within PATIENCE is given up, and made again there, where it may take its time. Remotes that are
    silent, be they ever so many, then wait for each other, and no other for them.

    Attributes:
        quick: slots of requests that are expected to be answered at once.
        slow: slots of those that are not.
        failing: how many of the slow ones may be to remotes that did not answer the last time: what is slow but
            answers always has a slot.
    """

    def __init__(self, connections: int) -> None:
        quick = quick_connections(connections)
        slow = max(1, connections - quick)
        self.slow = asyncio.Semaphore(slow)
        self.failing = asyncio.Semaphore(max(1, slow - 1))
        # A single connection is for either kind.
        self.quick = asyncio.Semaphore(quick) if connections > 1 else self.slow


class Lane:
    """One remote's way through the limit: among the slow as long as its last request was slow."""

    def __init__(self, limit: FleetLimit | None) -> None:
        self._limit = limit
        self._is_slow = False
        self._answers = False

    async def run(self, ask: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """Make a request when it is its turn; one that is repeatable may be made twice."""
        limit = self._limit
        if limit is None:
            return await ask()
        if repeatable and not self._is_slow:
            async with limit.quick:
                # Another request may have found meanwhile that the remote is slow.
                if not self._is_slow:
                    try:
                        async with asyncio.timeout(PATIENCE):
                            return await self._watch(ask)
                    except TimeoutError:
                        self._is_slow = True
        async with nullcontext() if self._answers else limit.failing, limit.slow:
            return await self._watch(ask)

    async def _watch(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Make a request, and note how it went."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            answer = await ask()
        except Exception:
            self._answers = False
            raise
        else:
            self._answers = True
            return answer
        finally:
            self._is_slow = clock() - began > PATIENCE
