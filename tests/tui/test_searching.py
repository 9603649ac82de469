"""A jump that takes long: it is told of, and any other wish of the user gives it up."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from backend.archive import ScanCancelled, Snapshot
from backend.task import Task
from tests.tui.screen import Screen
from tui.app import Dashboard
from tui.widgets import history_pane


class Slow:
    """A search that goes on until it is given up."""

    def __init__(self) -> None:
        self.begun = 0
        self.given_up = threading.Event()

    def next_match(self, *arguments: Any, cancelled: Callable[[], bool], **options: Any) -> Task | None:
        self.begun += 1
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if cancelled():
                self.given_up.set()
                raise ScanCancelled
            time.sleep(0.002)
        return None


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Searching takes long."""
    search = Slow()
    monkeypatch.setattr(Snapshot, "next_match", lambda self, *arguments, **options: search.next_match(**options))
    monkeypatch.setattr(history_pane, "TOLD_AFTER", 0.02)
    return search


@pytest.mark.parametrize("key", ["escape", "down", "1", "g", "w", "home", "s"])
async def test_a_long_search_is_told_and_another_key_stops_it(app: Dashboard, slow: Slow, key: str) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("down", "e")
        await screen.until_shown("searching down for the next error: Esc stops")
        await screen.press(key)
        await screen.until(slow.given_up.is_set, "the giving up")
        if key not in ("w", "s"):
            await screen.until(lambda: "searching" not in screen.text, "the list's own title")


async def test_escape_stops_a_search_and_leaves_the_filter(app: Dashboard, slow: Slow) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"graz", "enter", "E")
        await screen.until_shown("searching up for the next error: Esc stops")
        await screen.press("escape")
        await screen.until(slow.given_up.is_set, "the giving up")
        await screen.press("escape")
        assert "── graz" in screen.line_with("History")


async def test_the_same_key_again_waits_for_the_search_that_goes_on(app: Dashboard, slow: Slow) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("e")
        await screen.until_shown("searching down for the next error: Esc stops")
        await screen.press("e", "e")
        assert slow.begun == 1 and not slow.given_up.is_set()
