"""Pictures of the dashboard, compared with those kept beside this file."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from textual.pilot import Pilot

from tests.tui.fleet import finished_tasks, running_tasks, tell_health, troubled, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard

SIZES = [(80, 24), (120, 40), (200, 50)]


class Compare(Protocol):
    """pytest-textual-snapshot's fixture, as far as it is used here."""

    def __call__(
        self, app: Dashboard, *, terminal_size: tuple[int, int], run_before: Callable[[Pilot[None]], object]
    ) -> bool: ...


@pytest.mark.parametrize("size", SIZES)
def test_main_screen(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """All is well: the fleet in the status line, four running tasks, and the history from the top."""

    async def ready(pilot: Pilot[None]) -> None:
        await Screen(pilot).until_shown("History 600")

    assert snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES)
def test_filter_being_typed(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """Both lists are narrowed, the counts stand beside what is typed, the title names the filter."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("status:error graz")
        await screen.until(lambda: "── status:error graz" in screen.text and "counting" not in screen.text)

    assert snap_compare(app, terminal_size=size, run_before=typed)


@pytest.mark.parametrize("size", SIZES)
def test_details(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """All of one task, in a dialog over the lists."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("down", "down", "enter")
        await screen.until_shown("Remote UPID")

    assert snap_compare(app, terminal_size=size, run_before=opened)


def test_help(snap_compare: Compare, app: Dashboard) -> None:
    """The keys, the filter's language and the signs."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("question_mark")
        await screen.until_shown("Keys: lists")

    assert snap_compare(app, terminal_size=(120, 40), run_before=opened)


def test_wrong_filter(snap_compare: Compare, app: Dashboard) -> None:
    """The word at fault and what could stand there, in red beside the input; the list is as it was."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("status")
        await screen.until(lambda: "of 600 ── status" in screen.text)
        await screen.enter(":bad")
        await screen.until_shown("no status is called")

    assert snap_compare(app, terminal_size=(120, 40), run_before=typed)


def test_trouble_in_light_colours(snap_compare: Compare, empty: Path, clock: Callable[[], float]) -> None:
    """The light theme, with a remote that fails, and the cursor deep in the list."""
    tell_health(empty, troubled())
    write_tasks(empty, [*finished_tasks(600), *running_tasks()])
    app = dashboard(empty, clock)
    app.theme = "remote-tasks-light"

    async def moved(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("end")
        await screen.until(lambda: screen.history.task_list.selected is not None)
        await asyncio.sleep(0)

    assert snap_compare(app, terminal_size=(120, 40), run_before=moved)
