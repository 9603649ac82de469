"""Pictures of the dashboard, compared with those kept beside this file."""

import asyncio
from collections.abc import Awaitable, Callable
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


def looks_the_same(
    compare: Compare, app: Dashboard, size: tuple[int, int], prepare: Callable[[Pilot[None]], Awaitable[None]]
) -> bool:
    """Whether the dashboard, once prepared and with the timeline counted, looks as it did."""

    async def ready(pilot: Pilot[None]) -> None:
        await prepare(pilot)
        await Screen(pilot).until_counted()

    return compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", SIZES)
def test_main_screen(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """All is well: the fleet in the status line, four running tasks, and the history from the top."""

    async def ready(pilot: Pilot[None]) -> None:
        await Screen(pilot).until_shown("History 600")

    assert looks_the_same(snap_compare, app, size, ready)


@pytest.mark.parametrize("size", SIZES)
def test_filter_being_typed(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """Both lists are narrowed, the counts stand beside what is typed, the title names the filter."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("status:error graz")
        await screen.until(lambda: "── status:error graz" in screen.text and "counting" not in screen.text)

    assert looks_the_same(snap_compare, app, size, typed)


@pytest.mark.parametrize("size", SIZES)
def test_details(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """All of one task, in a dialog over its view."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("down", "down", "enter")
        await screen.until_shown("type ")
        await screen.press("i")
        await screen.until_shown("Remote UPID")

    assert looks_the_same(snap_compare, app, size, opened)


def test_help(snap_compare: Compare, app: Dashboard) -> None:
    """The keys, the filter's language and the signs."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("question_mark")
        await screen.until_shown("Move in a list")

    assert looks_the_same(snap_compare, app, (120, 40), opened)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_wrong_filter(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """What could stand there and the word at fault, in red below the input; the title says that the list is of
    another filter."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz since:soon")
        await screen.press("enter")
        await screen.until_shown("of 600 ── still: graz")
        await screen.until_shown("since:soon")

    assert looks_the_same(snap_compare, app, size, typed)


def test_a_filter_going_on(snap_compare: Compare, app: Dashboard) -> None:
    """What can follow is named below the input, the likeliest of it dimmed behind the cursor."""

    async def typed(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.until(lambda: "user" in screen.main._values.known)
        await screen.enter("status:error -user:a")
        await screen.until_shown("-user:automation@pve!terraform")
        await screen.until_shown("── status:error -user:a ─")

    assert looks_the_same(snap_compare, app, (80, 24), typed)


@pytest.mark.parametrize("size", SIZES)
def test_errors_only(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """Only errors: at 80 columns the duration makes room for the status, which stands whole below for the row
    under the cursor; the timeline marks what is in view."""

    async def moved(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("1")
        await screen.until_shown(" of 600 ── status:error ─")
        await screen.press("e", "m")
        await screen.until(lambda: screen.history.task_list.cursor == 1)

    assert looks_the_same(snap_compare, app, size, moved)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_choosing_remotes(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """The remotes with their tasks and errors; one is in the filter, one is to be out of it."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter", "r")
        await screen.until_shown(" + graz")
        await screen.press("minus", "l", "i", "space")
        await screen.until_shown(" - linz-lab")

    assert looks_the_same(snap_compare, app, size, opened)


def test_asking_where_to_go(snap_compare: Compare, app: Dashboard) -> None:
    """One line at the foot of the screen, with examples below; the lists stay in sight."""

    async def asked(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("g", *"41")
        await screen.until_shown("go to 41")

    assert looks_the_same(snap_compare, app, (80, 24), asked)


def test_without_colours(snap_compare: Compare, directory: Path, clock: Callable[[], float]) -> None:
    """No colours are wanted: what is in view is reversed in the timeline, as the cursor is in the list."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("NO_COLOR", "1")
        app = dashboard(directory, clock)

    async def moved(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("pagedown", "pagedown")

    assert looks_the_same(snap_compare, app, (80, 24), moved)


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

    assert looks_the_same(snap_compare, app, (120, 40), moved)
