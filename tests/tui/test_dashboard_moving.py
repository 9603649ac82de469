"""Jumps through the history: to what went wrong, to times and parts, to marks, along the timeline."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.task import Status, Task
from tests.tui.fleet import NOW, finished_tasks, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard
from tui.jumps import Moment, Share, read_place
from tui.row import MARK
from tui.timeline import axis, stacked
from tui.widgets.timeline import GUTTER

TASKS = list(finished_tasks(600))


def position(screen: Screen) -> int:
    return screen.history.task_list.cursor


def selected(screen: Screen) -> Task:
    task = screen.history.task_list.selected
    assert task is not None
    return task


async def test_e_and_w_go_to_the_next_trouble_and_capitals_back(app: Dashboard) -> None:
    errors = [number for number, task in enumerate(TASKS) if task.status_class is Status.ERROR]
    warnings = [number for number, task in enumerate(TASKS) if task.status_class is Status.WARNING]
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("e", "e", "e")
        await screen.until(lambda: position(screen) == errors[2])
        await screen.press("E", "E")
        await screen.until(lambda: position(screen) == errors[0])
        await screen.press("E")
        await screen.until_shown("No newer error")
        await screen.press("end", "W")
        await screen.until(lambda: position(screen) == warnings[-1])
        await screen.press("w")
        await screen.until_shown("No older task with warnings")
        assert position(screen) == warnings[-1]
        assert screen.history.task_list.cursor_in_view


async def test_a_jump_stays_within_the_filter_and_says_so_where_it_ends(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter")
        await screen.until_shown("of 600 ── remote:graz")
        error = next(task for task in TASKS if task.remote == "graz" and task.status_class is Status.ERROR)
        await screen.press("e")
        await screen.until(lambda: selected(screen) == error)
        await screen.press("slash")
        await screen.enter(" status:ok")
        await screen.press("enter", "e")
        await screen.until_shown("No older error that matches the filter")


def moment(year: int, month: int, day: int, hour: int, minute: int, *, seconds: int) -> Moment:
    first = int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())
    return Moment(first, first + seconds - 1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("14:30", moment(2026, 11, 24, 14, 30, seconds=60)),
        ("23:00", moment(2026, 11, 23, 23, 0, seconds=60)),
        ("yesterday 14:30", moment(2026, 11, 23, 14, 30, seconds=60)),
        ("14:30 yesterday", moment(2026, 11, 23, 14, 30, seconds=60)),
        ("14:30, 2026-11-23", moment(2026, 11, 23, 14, 30, seconds=60)),
        ("yesterday", moment(2026, 11, 23, 0, 0, seconds=86_400)),
        ("-2h", Moment(NOW - 7200, NOW - 7200)),
        ("2026-11-01 08:00", moment(2026, 11, 1, 8, 0, seconds=60)),
        ("41%", Share(0.41)),
        (" 12.5 % ", Share(0.125)),
    ],
)
def test_places_are_times_or_parts_of_the_way(text: str, place: Moment | Share) -> None:
    assert read_place(text, NOW, UTC) == place


@pytest.mark.parametrize("text", ["", "101%", "soon", "25:00", "%"])
def test_what_is_no_place_says_what_could_be_one(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_place(text, NOW, UTC)


async def test_g_goes_to_a_time_or_a_part_of_the_way(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("g")
        await screen.enter("10:00")
        await screen.press("enter")
        until = int(datetime(2026, 11, 24, 10, 0, 59, tzinfo=UTC).timestamp())
        expected = next(task for task in TASKS if task.starttime <= until)
        await screen.until(lambda: selected(screen) == expected)
        await screen.press("g", *"50%", "enter")
        await screen.until(lambda: position(screen) == 300)
        await screen.press("g", *"30d", "enter")
        await screen.until_shown("the oldest task: there is none from before")
        assert position(screen) == 599


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("yesterday", "Mon 23 Nov 23:57:02, the last task of that day"),
        ("14:30", "Tue 24 Nov 14:30:42, the last task of that minute"),
        ("2026-11-24 10:00", "Tue 24 Nov 09:59:55, the last task before that minute"),
        ("2h", "Tue 24 Nov 12:31:43, the last task until then"),
        ("2026-11-01", "the oldest task: there is none from before"),
    ],
)
async def test_where_one_landed_is_told(app: Dashboard, place: str, words: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("g")
        await screen.enter(place)
        await screen.press("enter")
        await screen.until(lambda: words in screen.keys, words)


async def test_a_wrong_place_is_explained_and_escape_leaves(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("g", *"soon", "enter")
        await screen.until_shown("✗ expected a time (14:30, yesterday 14:30, 2026-11-01 08:00)")
        await screen.press("backspace")
        assert "✗ expected" not in screen.text
        await screen.press("escape")
        assert screen.history.task_list.has_focus and position(screen) == 0


async def test_marks_are_seen_found_in_turn_and_taken_away(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("apostrophe")
        await screen.until_shown("No task is marked: m marks one")
        await screen.press("down", "m", "pagedown", "pagedown", "m")
        second = position(screen)
        assert screen.line_with(MARK).startswith(MARK)
        await screen.press("apostrophe")
        await screen.until(lambda: position(screen) == 1)
        await screen.press("apostrophe")
        await screen.until(lambda: position(screen) == second)
        await screen.press("m", "home", "apostrophe")
        await screen.until(lambda: position(screen) == 1)
        await screen.press("slash")
        await screen.enter("nothing-like-this")
        await screen.press("enter", "apostrophe")
        await screen.until_shown("No marked task matches the filter")


async def test_where_there_are_no_tasks_each_jump_says_so(empty: Path, clock: Callable[[], float]) -> None:
    async with dashboard(empty, clock).run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No tasks yet")
        await screen.press("e")
        await screen.until_shown("No older error")
        await screen.press("g", *"50%", "enter")
        await screen.until_shown("There is no task to go to")
        await screen.press("m", "left_square_bracket", "f")


async def test_the_timeline_shows_all_and_errors_and_is_clicked_into(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        timeline = screen.history.timeline
        await screen.until(lambda: timeline.times is not None)
        times = timeline.times
        assert times is not None
        assert sum(times.all) == 600
        assert sum(times.errors) == sum(task.status_class is Status.ERROR for task in TASKS)
        assert timeline.size.height == 3
        for cell in range(0, len(times.all), 9):
            # wherever the mark of what is in view is, the names of hours stay readable
            await pilot.click(timeline, offset=(GUTTER + cell, 2))
            line = screen.lines[timeline.region.y + 2][GUTTER : GUTTER + len(times.all)]
            assert line.translate(str.maketrans("━╻", "─╷")) == axis(times.edges, UTC, NOW)
        cell = len(times.all) // 2
        await pilot.click(timeline, offset=(GUTTER + cell, 0))
        expected = next(task for task in TASKS if task.starttime < times.edges[cell + 1])
        await screen.until(lambda: selected(screen) == expected)
        await screen.press("left_square_bracket")
        earlier = times.beside(times.cell(expected.starttime), -1)
        assert earlier is not None
        await screen.until(lambda: times.cell(selected(screen).starttime) == earlier)
        await screen.press("right_square_bracket", "right_square_bracket")
        await screen.until(lambda: times.cell(selected(screen).starttime) > cell)
        await screen.press("home", "right_square_bracket")
        await screen.until_shown("There is nothing later")


async def test_the_timeline_follows_the_filter_and_the_room(app: Dashboard) -> None:
    async with app.run_test(size=(120, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        timeline = screen.history.timeline
        assert timeline.size.height == 4
        await screen.press("1")
        number = sum(task.status_class is Status.ERROR for task in TASKS)
        await screen.until(lambda: timeline.times is not None and sum(timeline.times.all) == number)
        errors_only = timeline.times
        assert errors_only is not None
        shown = [line[:-2].rstrip() for line in screen.lines[timeline.region.y :][:3]]
        assert shown == [
            (sign + line).rstrip()
            for sign, line in zip(("   ", "   ", " ✗ "), stacked(errors_only.all, 3), strict=True)
        ]
        await screen.press("slash")
        await screen.enter(" since:2h")
        since = NOW - 7200
        await screen.until(lambda: timeline.times is not None and timeline.times.edges[0] > since - 200)
        await screen.enter(" zzz")
        await screen.until(lambda: timeline.times is None)
        await screen.press("escape")
        await pilot.resize_terminal(80, 24)
        await screen.until(lambda: timeline.size.height == 2 and timeline.times is not None)
        await screen.until(lambda: timeline.times is not None and len(timeline.times.all) <= timeline.cells)
        await pilot.resize_terminal(80, 14)
        await screen.until(lambda: not timeline.is_on_screen)


@pytest.mark.parametrize("there", [(60, 16), (20, 5)])
async def test_the_cursor_stays_in_view_whatever_size_the_terminal_takes(
    app: Dashboard, there: tuple[int, int]
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("end")
        await screen.until(lambda: view.cursor == 599, "the last row")
        for size in (there, (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await screen.until(lambda: view.cursor == 599 and view.top == view.last_top, f"the end at {size}")


async def test_a_clock_that_is_ahead_leaves_the_timeline_to_the_others(
    empty: Path, clock: Callable[[], float]
) -> None:
    write_tasks(empty, [*finished_tasks(50), pve_task(NOW + 40_000_000, end=NOW + 40_000_009, pid=70_000)])
    async with dashboard(empty, clock).run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 51")
        timeline = screen.history.timeline
        await screen.until(lambda: timeline.times is not None and sum(timeline.times.all) == 50)


async def test_the_running_list_grows_and_shrinks_by_key(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        assert screen.running.rows == 4
        await screen.press("minus", "minus")
        assert screen.running.rows == 2
        await screen.press("plus")
        await screen.until(lambda: screen.running.task_list.size.height == 3)


@pytest.mark.parametrize("width", [80, 120])
async def test_the_status_of_the_row_under_the_cursor_stands_whole_below(app: Dashboard, width: int) -> None:
    async with app.run_test(size=(width, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("e")
        await screen.until(lambda: selected(screen).status_class is Status.ERROR)
        task = selected(screen)
        await screen.until(lambda: screen.line_below.startswith(f" ✗ {task.status}"))
        assert (f"· {task.node} · " in screen.line_below) == (width == 80)
        # below what runs it would seem to be that
        await screen.press("tab")
        await screen.until(lambda: not screen.line_below.strip(), "nothing below")


async def test_among_errors_the_status_has_room_at_80_columns(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        before = screen.history.columns.status
        await screen.press("1")
        await screen.until(lambda: screen.history.columns.status >= 22)
        assert before < 15
        await screen.press("1")
        await screen.until(lambda: screen.history.columns.status == before)
