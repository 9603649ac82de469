"""The history when other rows take the place of those shown: what the user does meanwhile counts, and rows that
were asked for come before their count."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.app import App

from tests.tui.fleet import NOW, pve_task, write_tasks
from tests.tui.screen import Screen
from tui.app import Dashboard
from tui.history import HistoryRows
from tui.status import Part
from tui.widgets import history_pane
from tui.widgets.lines import PaneTitle


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Counting goes on once this is set, and not before."""
    monkeypatch.setattr(history_pane, "_PATIENCE", 5.0)
    opened = asyncio.Event()
    opened.set()
    count: Callable[[HistoryRows], Awaitable[int]] = HistoryRows.count

    async def count_later(rows: HistoryRows) -> int:
        await opened.wait()
        return await count(rows)

    monkeypatch.setattr(HistoryRows, "count", count_later)
    return opened


async def test_a_move_while_new_rows_are_counted_is_not_undone(
    app: Dashboard, directory: Path, gate: asyncio.Event
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        gate.clear()
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000)])
        screen.main.look_soon()
        view = screen.history.task_list
        await asyncio.sleep(0.3)
        await screen.press("pagedown", "down", "down")
        chosen = view.selected
        assert len(view.rows) == 600
        gate.set()
        await screen.until_shown("History 601")
        assert view.selected == chosen and chosen is not None
        assert view.top > 0


async def test_rows_of_another_filter_come_before_their_count(app: Dashboard, gate: asyncio.Event) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        gate.clear()
        await screen.press("slash", *"graz")
        await screen.until_shown("History counting… ── graz ─")
        rows = [line for line in screen.lines if line.startswith((" ✓ ", " ✗ ")) and ":" in line[10:22]]
        assert len(rows) > 5 and all(" graz " in row for row in rows)
        gate.set()
        await screen.until_shown(" of 600 ── graz ─")


async def test_a_filter_is_whole_in_the_title_before_all_that_can_be_spared_and_what_is_cut_says_so() -> None:
    title = PaneTitle()
    title.heading, title.brief = "History 3,102 of 1,503,221", "History 3,102"
    title.place = (Part("row 1,234,567", 0), Part("41 %", 1), Part("Sun 23 Nov 02:10", 3))
    title.way_out = "0 clears"
    async with App[None]().run_test(size=(80, 3)) as pilot:
        await pilot.app.mount(title)
        for wanted, line in [
            ("status:error", "of 1,503,221 ── status:error ── 0 clears ── row 1,234,567 · 41 %"),
            ("status:error type:vzdump", "of 1,503,221 ── status:error type:vzdump ── row 1,234,567 · 41 %"),
            ("status:error type:vzdump user:root@pam", "3,102 ── status:error type:vzdump user:root@pam ─"),
            ("status:error " * 20, "3,102 ── status:error status:error status:error stat… ── row 1,234,567"),
        ]:
            title.wanted = wanted
            await pilot.pause()
            assert line in title.render().plain, title.render().plain
            assert title.render().cell_length == 80
