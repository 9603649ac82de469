"""The filter line: narrowing both lists as one types, what is wrong in it, and the place that is kept."""

from collections.abc import Callable
from pathlib import Path

from backend.query import parse_filter
from tests.tui.fleet import NOW, finished_tasks, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard


def matches(text: str) -> int:
    return sum(map(parse_filter(text).matcher(), finished_tasks(600)))


async def test_typing_narrows_both_lists(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"remote", "colon", *"graz")
        await screen.until_shown(f"History {matches('remote:graz')} of 600 ── remote:graz")
        assert "Running 1 of 4" in screen.text
        assert f"{matches('remote:graz')} of 600" in screen.line_with(" / ")
        assert {task.remote for task in screen.history.tasks_in_view()} == {"graz"}
        assert "VM 101 - Start" not in screen.text
        assert "⏎ ↓ keep   Esc clear" in screen.lines[-1]


async def test_enter_keeps_the_filter_and_goes_to_the_list(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.press("enter")
        assert screen.history.task_list.has_focus
        assert not screen.main.filter_line.is_open
        await screen.until_shown("of 600 ── graz")
        assert "Esc clear filter" in screen.lines[-1]
        await screen.press("escape")
        await screen.until(lambda: "History 600 ──" in screen.text and "── graz" not in screen.text)
        assert "Running 4 ──" in screen.text
        assert "clear filter" not in screen.lines[-1]


async def test_a_wrong_filter_is_explained_and_the_list_stays(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.until_shown("of 600 ── graz")
        await screen.enter(" status:bad")
        await screen.until_shown("no status is called 'bad'")
        assert "of 600 ── graz" in screen.text
        assert "status:bad: no status" in screen.line_with(" / ")
        await screen.press(*["backspace"] * 3)
        await screen.enter("ok")
        await screen.until_shown("of 600 ── graz status:ok")
        assert "no status" not in screen.text


async def test_escape_while_typing_clears_the_filter_and_goes_back_to_the_place(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "down")
        before = (view.selected, view.cursor, view.top)
        await screen.press("slash")
        await screen.enter("graz")
        await screen.until_shown("of 600 ── graz")
        await screen.enter("zzz")
        await screen.until_shown("Nothing matches grazzzz: Escape clears the filter")
        assert "None of the 4 running tasks matches" in screen.text
        await screen.press("escape")
        await screen.until_shown("History 600 ──")
        assert (view.selected, view.cursor, view.top) == before
        assert view.has_focus


async def test_the_cursor_stays_on_its_task_when_the_filter_comes_and_goes(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "pagedown")
        while view.selected is None or view.selected.remote != "graz":
            await screen.press("down")
        task = view.selected
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.until_shown("of 600 ── remote:graz")
        assert view.selected == task
        await screen.press("enter", "escape")
        await screen.until_shown("History 600 ──")
        assert view.selected == task


async def test_where_its_task_does_not_match_the_cursor_goes_to_the_nearest(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "pagedown")
        while view.selected is None or view.selected.remote == "graz":
            await screen.press("down")
        key = view.selected.key
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.until_shown("of 600 ── remote:graz")
        nearest = next(task for task in finished_tasks(600) if task.remote == "graz" and task.key > key)
        assert view.selected == nearest


async def test_a_filter_by_age_moves_on(empty: Path) -> None:
    now = [float(NOW)]
    write_tasks(empty, [pve_task(NOW - 7000, end=NOW - 10, pid=1), pve_task(NOW - 60, end=NOW - 10, pid=2)])
    async with dashboard(empty, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 2")
        await screen.press("slash")
        await screen.enter("since:2h")
        await screen.until_shown("History 2 of 2 ── since:2h")
        now[0] += 600
        screen.main.look_soon()
        await screen.until_shown("History 1 of 2 ── since:2h")


async def test_new_tasks_that_do_not_match_are_only_counted(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        number = matches("remote:graz")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter", "down", "down")
        await screen.until_shown(f"{number} of 600")
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000)])
        await screen.until_shown(f"{number} of 601")
        assert "new" not in screen.line_with("of 601")
        write_tasks(directory, [pve_task(NOW - 1, remote="graz", end=NOW, pid=70_001)])
        await screen.until_shown("+1 new")
        assert f"{number + 1} of 602 ── remote:graz" in screen.text


async def test_the_filter_line_opens_with_the_filter_that_is_there(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.press("enter", "slash")
        assert screen.main.filter_line.input.value == "graz"
        await screen.enter(" -ok")
        await screen.until_shown("── graz -ok")


async def test_a_filter_that_looks_like_markup_is_shown_as_it_is(
    directory: Path, clock: Callable[[], float]
) -> None:
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "left_square_bracket", "r", "e", "d", "right_square_bracket")
        await screen.until_shown("Nothing matches [red]: Escape clears the filter")
        assert "── [red]" in screen.text
