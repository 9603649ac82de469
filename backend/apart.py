"""Work in an event loop of its own, in a thread beside the caller's."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_apart(work: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """What this work comes to, or raises, done in an event loop of its own, in a thread of this name: none of its
    callbacks ever stands before one of the caller's. It is always waited for. Where the caller is cancelled, so is
    the work; and the second time all that is left in its loop, as where `asyncio.run` ends."""
    here, there = asyncio.get_running_loop(), asyncio.new_event_loop()
    task, left, ended = there.create_task(work()), there.create_future(), here.create_future()

    async def turn() -> None:
        await asyncio.wait([task, left], return_when=asyncio.FIRST_COMPLETED)

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: there) as runner:
                runner.run(turn())
        finally:
            here.call_soon_threadsafe(ended.set_result, None)

    threading.Thread(target=run, name=name).start()
    ends = [task.cancel, left.cancel]
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            if ends:
                # its loop may be closed: then it has just ended by itself
                with contextlib.suppress(RuntimeError):
                    there.call_soon_threadsafe(ends.pop(0))
    return task.result()
