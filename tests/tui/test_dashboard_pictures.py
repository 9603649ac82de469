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


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_wrong_filter(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """What could stand there and the word at fault, in red below the input; the title says that the list is of
    another filter."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz since:soon")
        await screen.until_shown("of 600 ── graz (not what is typed)")
        await screen.until_shown("since:soon")

    assert snap_compare(app, terminal_size=size, run_before=typed)


@pytest.mark.parametrize("size", SIZES)
def test_remotes(snap_compare: Compare, empty: Path, clock: Callable[[], float], size: tuple[int, int]) -> None:
    """Every remote in a dialog, those with trouble first; running tasks of a silent one are stale."""
    health = troubled()
    graz = health.remotes["graz"]
    graz.error = (
        "10.0.0.7:8006: no connection: Connection refused; 10.0.0.8:8006: no connection: Connection refused"
    )
    graz.last_success = graz.failing_since
    tell_health(empty, health)
    write_tasks(empty, [*finished_tasks(600), *running_tasks()])

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.until_shown("stale since 14:27")
        await screen.press("f9")
        await screen.until_shown("failing for 4 min")

    assert snap_compare(dashboard(empty, clock), terminal_size=size, run_before=opened)


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
