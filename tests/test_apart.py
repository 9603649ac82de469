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


async def test_cancelled_again_it_ends_though_it_lost_the_first_time() -> None:
    begun, lost = threading.Event(), threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(run_apart(work, "apart"))
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    await asyncio.to_thread(lost.wait, 10)
    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_goes_wrong_while_it_winds_down_comes_back() -> None:
    begun = threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            raise OSError("disk full")

    running = asyncio.create_task(run_apart(work, "apart"))
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    with pytest.raises(OSError, match="disk full"):
        await running
