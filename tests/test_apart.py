"""Work in an event loop of its own."""

import asyncio
import threading

import pytest

from backend.apart import run_apart


async def test_it_runs_in_another_loop_and_thread_and_its_outcome_comes_back() -> None:
    async def work() -> tuple[asyncio.AbstractEventLoop, str]:
        await asyncio.sleep(0)
        return asyncio.get_running_loop(), threading.current_thread().name

    loop, thread = await run_apart(work, "apart")
    assert loop is not asyncio.get_running_loop()
    assert loop.is_closed()
    assert thread == "apart"


async def test_what_goes_wrong_in_it_comes_back() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await run_apart(work, "apart")


async def test_cancelled_it_is_waited_for_until_it_has_ended_in_its_own_way() -> None:
    begun = threading.Event()
    steps: list[str] = []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            steps.append("wound down")

    running = asyncio.create_task(run_apart(work, "apart"))
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert steps == ["wound down"]


async def test_callers_are_not_held_up_by_what_is_busy_there() -> None:
    """While the work keeps its own loop busy, the caller's still turns."""
    stop = threading.Event()

    async def work() -> None:
        while not stop.is_set():
            sum(range(100))

    running = asyncio.create_task(run_apart(work, "apart"))
    for _ in range(100):
        await asyncio.sleep(0)
    stop.set()
    await running
