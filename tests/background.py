"""Servers that run in a thread of their own while a test runs a command as a whole."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.client.server import ApiServer, Reply, Request, make_identity, serve

SECONDS = 20
"""How long anything may take before a test fails."""


@contextmanager
def in_background(
    serving: Callable[[Callable[[Any], None], asyncio.Event], Coroutine[Any, Any, None]],
) -> Iterator[Any]:
    """Run a server in a thread of its own; `serving` is to hand over what the block gets, and to end on the
    event."""
    started: list[Any] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    def hand_over(served: Any) -> None:
        started.append(served)
        ready.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serving(hand_over, ending),))
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(SECONDS)
        loop.close()


@contextmanager
def served(handler: Callable[[Request], Reply]) -> Iterator[ApiServer]:
    """A server that answers as the test tells it."""

    async def serving(hand_over: Callable[[Any], None], ending: asyncio.Event) -> None:
        async with serve(handler, make_identity()) as server:
            hand_over(server)
            await ending.wait()

    with in_background(serving) as server:
        yield server
