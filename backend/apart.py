"""Work in an event loop of its own, in a thread beside the caller's."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_apart(work: Callable[[], Coroutine[Any, Any, T]], name: str) -> T:
    """What this work comes to, or raises, done in an event loop of its own, in a thread of this name: none of its
    callbacks ever stands before one of the caller's. If the caller is cancelled, so is the work, and waited for.
    Who is cancelled again meanwhile waits no longer; the process does, at its end."""
    here, there = asyncio.get_running_loop(), asyncio.new_event_loop()
    task = there.create_task(work())
    ended = here.create_future()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: there) as runner:
                runner.run(_until_done(task))
        finally:
            # the caller's loop may be gone: it need not wait
            with contextlib.suppress(RuntimeError):
                here.call_soon_threadsafe(ended.set_result, None)

    threading.Thread(target=run, name=name).start()
    try:
        await asyncio.shield(ended)
    except asyncio.CancelledError:
        # it may have ended by itself
        with contextlib.suppress(RuntimeError):
            there.call_soon_threadsafe(task.cancel)
        await asyncio.shield(ended)
        raise
    return task.result()


async def _until_done(task: "asyncio.Task[Any]") -> None:
    await asyncio.wait([task])
