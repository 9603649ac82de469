"""The two lists: what they show, moving in them, and keeping one's place while tasks come and go."""

from collections.abc import Callable
from pathlib import Path

from textual import events

from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard
from tui.screens.task import TaskScreen


async def test_the_screen_shows_fleet_running_tasks_and_history(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert "5 remotes · 17 nodes · 4 running" in screen.lines[0]
        assert "round 12 s ago, next 9:48 · daemon · 14:32" in screen.lines[0]
        assert screen.line_with("VM 101 - Start").split()[:6] == ["▶", "4", "s", "wien", "pve1", "root@pam"]
        assert "2 d 03:10" in screen.line_with("VM 9000 - Clone")
        first = next(finished_tasks(1))
        assert "✓ Tue 24  14:" in screen.text
        assert first.description in screen.text


async def test_the_date_stands_on_the_top_row_and_on_the_first_row_of_a_day(
    empty: Path, clock: Callable[[], float]
) -> None:
    write_tasks(empty, finished_tasks(60, apart=3600))
    async with dashboard(empty, clock).run_test(size=(120, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 60")
        await screen.press("end")
        view = screen.history.task_list
        await screen.until(lambda: view.selected is not None)
        first = screen.lines.index(screen.line_with("START")) + 1
        for line in range(view.page_rows):
            position = view.top + line
            task, above = view.rows[position], view.rows[max(0, position - 1)]
            assert task is not None and above is not None
            new_day = task.starttime // 86_400 != above.starttime // 86_400
            dated = screen.lines[first + line][3:6].strip() != ""
            assert dated == (line == 0 or new_day), screen.lines[first + line]


async def test_arrows_letters_pages_and_ends_move_the_cursor(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("down", "j", "j", "k", "up", "down")
        assert view.cursor == 2
        await screen.press("pagedown")
        assert view.cursor == 2 + view.page_rows - 1
        assert view.top == view.page_rows - 1
        await screen.press("pageup")
        assert (view.cursor, view.top) == (2, 0)
        await screen.press("end")
        assert view.cursor == 599
        assert view.top == 600 - view.page_rows
        await screen.until(lambda: view.selected is not None)
        assert view.selected == list(finished_tasks(600))[-1]
        await screen.press("home")
        assert view.following


async def test_tab_goes_to_the_other_list_and_back(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert screen.history.task_list.has_focus
        await screen.press("tab", "down")
        assert screen.running.task_list.has_focus
        assert screen.running.task_list.cursor == 1
        await screen.press("tab")
        assert screen.history.task_list.has_focus


async def test_new_tasks_do_not_move_the_row_under_the_cursor(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("pagedown", "down", "down", "down")
        view = screen.history.task_list
        task, line, shown = view.selected, screen.row_of_cursor(), screen.lines[20]
        write_tasks(directory, [pve_task(NOW - 1 - n, end=NOW, pid=70_000 + n) for n in range(12)])
        await screen.until_shown("History 612")
        assert view.selected == task
        assert screen.row_of_cursor() == line
        assert screen.lines[20] == shown
        assert "+12 new" in screen.line_with("History 612")
        write_tasks(directory, [pve_task(NOW - 20, end=NOW, pid=80_000)])
        await screen.until_shown("+13 new")
        await screen.press("home")
        assert view.following
        assert "new" not in screen.line_with("History 613")
        assert view.selected is not None and view.selected.pid == 70_000


async def test_the_top_follows_what_comes(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000, id="777")])
        await screen.until_shown("VM 777 - Start")
        assert screen.history.task_list.following
        assert "new" not in screen.line_with("History 601")


async def test_the_view_stays_as_well_when_the_cursor_is_out_of_it(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("down")
        task = view.selected
        view.scroll_to(y=300, animate=False)
        await screen.until(lambda: view.rows[300] is not None)
        top = view.rows[view.top]
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000)])
        await screen.until_shown("History 601")
        assert view.selected == task
        assert view.rows[view.top] == top


async def test_a_task_that_ends_leaves_the_running_pane(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        await screen.press("tab", "down", "down")
        kept = screen.running.task_list.selected
        ended = running_tasks()[0]
        write_tasks(directory, [pve_task(ended.starttime, pid=9001, end=NOW)])
        await screen.until_shown("Running 3")
        assert screen.running.task_list.selected == kept
        await screen.until_shown("History 601")


async def test_a_click_selects_and_a_double_click_opens(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await pilot.click(view, offset=(30, 5))
        assert view.cursor == 5
        await pilot.click(view, offset=(30, 7), times=2)
        await screen.until(lambda: isinstance(app.screen, TaskScreen))
        assert view.cursor == 7


async def test_the_wheel_scrolls_and_leaves_the_cursor(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await pilot._post_mouse_events([events.MouseScrollDown], view, offset=(5, 5))
        await screen.until(lambda: view.top > 0)
        assert view.cursor == 0
        assert not view.following


async def test_what_runs_is_refreshed_without_any_key(empty: Path, clock: Callable[[], float]) -> None:
    async with dashboard(empty, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Nothing is running")
        write_tasks(empty, running_tasks())
        await screen.until_shown("VM 214 - Migrate")


async def test_elapsed_times_go_on(directory: Path) -> None:
    now = [float(NOW)]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("2:11")
        now[0] += 5
        await screen.until_shown("2:16")
