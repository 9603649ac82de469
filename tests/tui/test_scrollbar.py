"""The scrollbar of the lists by mouse: the thumb is where the mouse is, and the list where the thumb is."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual import events

from tests.tui.fleet import finished_tasks, healthy, tell_health, write_tasks
from tests.tui.screen import Screen, dashboard

Clock = Callable[[], float]


class Mouse:
    """The mouse on the history's scrollbar; cells count from its top."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self.bar = screen.history.task_list.vertical_scrollbar

    async def _do(self, kind: type[events.MouseEvent], cell: int) -> None:
        x, y = self.bar.region.x, self.bar.region.y + cell
        self._screen.pilot.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
        await self._screen.pilot.pause()
        await self._screen.pilot.pause()

    async def press(self, cell: int) -> None:
        await self._do(events.MouseDown, cell)

    async def move(self, cell: int) -> None:
        await self._do(events.MouseMove, cell)

    async def release(self, cell: int) -> None:
        await self._do(events.MouseUp, cell)


@pytest.mark.parametrize("number", [600, 20_000])
async def test_dragged_to_an_end_the_list_is_at_that_end(tmp_path: Path, clock: Clock, number: int) -> None:
    tell_health(tmp_path, healthy())
    write_tasks(tmp_path, finished_tasks(number, apart=20))
    async with dashboard(tmp_path, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown(f"History {number:,}")
        view, mouse = screen.history.task_list, Mouse(screen)
        last = mouse.bar.size.height - 1
        await mouse.press(0)
        await mouse.move(last)
        assert view.top == number - view.page_rows and mouse.bar.position == view.top
        assert "100 %" in screen.line_with("History")
        await mouse.move(last + 20)
        assert view.top == number - view.page_rows
        await mouse.release(last)
        await mouse.press(last)
        await mouse.move(-1)
        assert view.top == 0 and mouse.bar.position == 0
        assert "row 1 · 0 %" in screen.line_with("History")
        await mouse.move(last // 2)
        assert abs(view.top / (number - view.page_rows) - 0.5) < 0.06
        await mouse.release(last // 2)


@pytest.mark.parametrize("number", [600, 20_000])
async def test_a_click_on_the_track_goes_there(tmp_path: Path, clock: Clock, number: int) -> None:
    tell_health(tmp_path, healthy())
    write_tasks(tmp_path, finished_tasks(number, apart=20))
    async with dashboard(tmp_path, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown(f"History {number:,}")
        view, mouse = screen.history.task_list, Mouse(screen)
        last = mouse.bar.size.height - 1
        for cell, share in ((last, 1.0), (0, 0.0), (last // 2, 0.5)):
            await mouse.press(cell)
            await mouse.release(cell)
            assert abs(view.top / (number - view.page_rows) - share) < 0.06
            assert mouse.bar.position == view.top


async def test_after_the_view_alone_was_scrolled_keys_go_on_from_it(app_with_rows: Screen) -> None:
    screen = app_with_rows
    view, mouse = screen.history.task_list, Mouse(screen)
    await mouse.press(0)
    await mouse.move(mouse.bar.size.height // 2)
    await mouse.release(mouse.bar.size.height // 2)
    top = view.top
    assert top > 100 and view.cursor == 0
    assert f"row {top + 1} " in screen.line_with("History")
    await screen.press("down")
    assert (view.cursor, view.top) == (top, top)
    await screen.press("down")
    assert (view.cursor, view.top) == (top + 1, top)


@pytest.fixture
async def app_with_rows(directory: Path, clock: Clock) -> AsyncIterator[Screen]:
    """The dashboard with 600 rows."""
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        yield screen
