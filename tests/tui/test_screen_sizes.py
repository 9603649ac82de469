"""Small screens: what has no room gives way, and comes back."""

import pytest

from tests.tui.screen import Screen
from tui.app import Dashboard


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (60, 12)])
async def test_any_size_of_screen_works(app: Dashboard, size: tuple[int, int]) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("pagedown", "down")
        task = screen.history.task_list.selected
        await pilot.resize_terminal(*size)
        await screen.press("down", "up", "tab", "tab", "slash", "a", "escape", "question_mark", "escape", "enter")
        await screen.press("escape")
        await pilot.resize_terminal(120, 40)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        assert view.selected == task
        assert view.cursor_in_view


async def test_twenty_by_five_shows_the_list(app: Dashboard) -> None:
    async with app.run_test(size=(20, 5)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert any("✓" in line for line in screen.lines)


async def test_the_running_list_has_column_heads_where_there_is_room(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        head = screen.lines[screen.lines.index(screen.line_with("Running 4")) + 1]
        assert head.split() == ["DURATION", "REMOTE", "NODE", "USER", "TASK"]
        assert head.index("TASK") == screen.line_with("VM 101 - Start").index("VM 101")
        await pilot.resize_terminal(80, 20)
        await screen.until(lambda: screen.text.count("DURATION") == 1)


async def test_where_what_runs_has_no_room_the_key_to_it_says_so(app: Dashboard) -> None:
    async with app.run_test(size=(60, 8)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("tab")
        await screen.until_shown("There is no room to show what runs")
        assert screen.history.task_list.has_focus


@pytest.mark.parametrize("size", [(80, 8), (20, 5)])
async def test_the_focus_goes_where_it_can_be_seen_and_back(app: Dashboard, size: tuple[int, int]) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("tab")
        assert screen.running.task_list.has_focus
        await pilot.resize_terminal(*size)
        await screen.until(lambda: screen.history.task_list.has_focus)
        await screen.press("down")
        assert screen.history.task_list.cursor == 1
        await pilot.resize_terminal(120, 40)
        await screen.until(lambda: screen.running.task_list.has_focus)
