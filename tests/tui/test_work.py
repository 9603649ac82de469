"""The workers that run in the dashboard's process, from its start to its end."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.config import Config
from backend.workers import run_workers_when_free
from tests.tui.screen import Screen, dashboard
from tests.unwritable import refuse_writing
from tui.app import Dashboard

Clock = Callable[[], float]


async def test_work_runs_while_the_dashboard_does(directory: Path, clock: Clock) -> None:
    events = []

    async def work() -> None:
        events.append("began")
        try:
            await asyncio.sleep(3600)
        finally:
            events.append("ended")

    async with dashboard(directory, clock, work=work).run_test() as pilot:
        await Screen(pilot).until(lambda: events == ["began"])
    assert events == ["began", "ended"]


async def test_work_that_fails_is_told_and_the_dashboard_stays(directory: Path, clock: Clock) -> None:
    async def work() -> None:
        raise OSError("no space left on [device]")

    async with dashboard(directory, clock, work=work).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("✗ fetching has stopped: no space left on [device]")
        await screen.until_shown("History 600")


async def test_a_cache_in_which_nothing_may_be_written_is_shown_and_told(
    directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_writing(monkeypatch, directory, errno.EROFS)

    async def work() -> None:
        await run_workers_when_free(Config(), directory, role="dashboard")

    async with dashboard(directory, clock, work=work).run_test(size=(250, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.until_shown(f"fetching has stopped: {directory}/.worker-lock: Read-only file system")


async def test_work_that_does_not_end_holds_up_the_exit_no_longer_than_two_seconds(
    directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._FAREWELL", 0.05)
    released = asyncio.Event()

    async def work() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    app = dashboard(directory, clock, work=work)
    async with asyncio.timeout(10):
        async with app.run_test() as pilot:
            await pilot.pause()
    released.set()


async def test_q_quits(app: Dashboard) -> None:
    async with app.run_test() as pilot:
        await Screen(pilot).press("q")
        assert not app.is_running or app._exit
