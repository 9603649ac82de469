"""How many requests a fleet is sent at a time, and how remotes that let one wait are kept from holding up the
others. Nothing here knows of HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds a request may take among the quick ones."""

LONG_TRY = 5
"""Of so many tries to reach a remote that does not answer, one is given all the time that a request may take."""


class FleetLimit:
    """The connections that the clients of a fleet share. No more than a third of them is for the slow: a request
    that is not answered within PATIENCE is given up, and made again there, where it may take its time. Remotes
    that are silent, be they ever so many, then wait for each other, and no other for them.

    Attributes:
        all: slots of all requests, the quick ones and the slow.
        slow: slots of those that are not expected to be answered at once.
        failing: how many of the slow ones may be to remotes that did not answer the last time: what is slow but
            answers always has a slot.
        reading: who takes apart an answer. Answers tend to come together, and the event loop has to go on between
            any two.
    """

    def __init__(self, connections: int) -> None:
        slow = max(1, connections // 3)
        self.all = asyncio.Semaphore(connections)
        self.slow = asyncio.Semaphore(slow)
        self.failing = asyncio.Semaphore(max(1, slow - 1))
        self.reading = asyncio.Lock()


class Lane:
    """The way of some requests to one remote through the limit: among the slow as long as the last of them was
    slow. While none is answered, one at a time tries, and most tries are brief: who comes back finds no queue of
    long waits before it."""

    def __init__(self, limit: FleetLimit | None) -> None:
        self._limit = limit
        self._is_slow = False
        self._answers = False
        self._tries = 0
        self._trying = asyncio.Lock()
        self._failures = 0
        self._failure: Exception | None = None

    async def run(self, ask: Callable[[bool], Awaitable[T]], *, repeatable: bool) -> T:
        """Make a request when it is its turn; one that is repeatable may be made twice, or share the failure of
        another that tried just before it. `ask` is told whether it must be brief, and give up after PATIENCE."""
        limit = self._limit
        if limit is None:
            return await ask(False)
        if repeatable and not self._is_slow:
            async with limit.all:
                # Another request may have found meanwhile that the remote is slow.
                if not self._is_slow:
                    try:
                        async with asyncio.timeout(PATIENCE):
                            return await self._watch(ask(False))
                    except TimeoutError:
                        self._is_slow = True
        if not repeatable:
            async with limit.slow, limit.all:
                return await self._watch(ask(False))
        if not self._answers:
            before = self._failures
            async with self._trying:
                if not self._answers:
                    if self._failures != before and self._failure is not None:
                        raise self._failure.with_traceback(None)
                    async with limit.failing, limit.slow, limit.all:
                        brief = self._tries % LONG_TRY != 0
                        self._tries += 1
                        return await self._watch(ask(brief))
        async with limit.slow, limit.all:
            return await self._watch(ask(False))

    async def _watch(self, asking: Awaitable[T]) -> T:
        """Await an answer, and note how that went."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            answer = await asking
        except Exception as error:
            self._answers = False
            self._failure = error
            self._failures += 1
            raise
        else:
            self._answers = True
            self._tries = 0
            return answer
        finally:
            self._is_slow = clock() - began >= PATIENCE
