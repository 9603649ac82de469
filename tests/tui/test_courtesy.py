"""Fetching and the keys: who waits for whom, and that nobody waits for ever."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from tests.tui.screen import Screen, dashboard
from tui import courtesy
from tui.courtesy import Courtesy


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def goes_on(polite: Courtesy) -> bool:
    """Whether fetching may go on at this moment."""
    going = asyncio.create_task(polite.wait())
    await asyncio.sleep(0)
    going.cancel()
    return going.done()


async def test_without_a_key_nobody_waits() -> None:
    assert await goes_on(Courtesy(Clock()))


async def test_a_key_holds_fetching_up_until_it_is_answered() -> None:
    clock = Clock()
    polite = Courtesy(clock)
    polite.note_key()
    assert not await goes_on(polite)
    clock.now += courtesy.ASIDE
    assert await goes_on(polite)


async def test_who_waits_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courtesy, "ASIDE", 0.01)
    polite = Courtesy()
    polite.note_key()
    await asyncio.wait_for(polite.wait(), 5)


async def test_a_key_that_is_held_down_lets_fetching_go_on_now_and_then() -> None:
    clock = Clock()
    polite = Courtesy(clock)
    going = []
    for _ in range(600):
        polite.note_key()
        clock.now += 0.05
        going.append(await goes_on(polite))
    assert 0.05 < sum(going) / len(going) < 0.15
    assert not any(going[:90])


async def test_every_key_and_turn_of_the_wheel_in_the_dashboard_counts(
    directory: Path, clock: Callable[[], float]
) -> None:
    seconds = Clock()
    polite = Courtesy(seconds)
    async with dashboard(directory, clock, courtesy=polite).run_test(size=(120, 40)) as pilot:
        await Screen(pilot).until_shown("History 600")
        assert await goes_on(polite)
        await pilot.press("down")
        assert not await goes_on(polite)
        seconds.now += 1
        assert await goes_on(polite)
        pilot.app.post_message(events.MouseScrollDown(None, 5, 30, 0, 1, 0, False, False, False, 5, 30))
        await pilot.pause()
        assert not await goes_on(polite)
