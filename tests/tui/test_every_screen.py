"""Every kind of screen and dialog as the terminal's size changes, and without colours."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual.screen import Screen as TextualScreen

from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks, tell_health, troubled, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.task_log import TaskLog
from tui.widgets.row_list import RowList

Clock = Callable[[], float]

SIZES = [(200, 50), (80, 24), (20, 5), (120, 40)]

# the keys to it, what it shows then, and a pattern of what it still shows at 20x5
SCREENS: dict[str, tuple[list[str], str, str]] = {
    "the lists": ([], "History 61", r"✗ VM/CT 101"),
    "a wrong filter": (["slash", *"status:x", "enter"], "still: no filter", r"✗ expected ok"),
    "going to a time": (["g"], "go to", r"go to"),
    "choosing remotes": (["r"], "graz", r"wien +23"),
    "one task": (["enter"], "this dashboard has no configuration", r"✗ VM/CT 101"),
    "its details": (["enter", "i"], "Remote UPID", r"Status  ✗ job"),
    "searching its log": (["enter", "slash"], "search", r"search"),
    "stopping a task": (["tab", "S"], "Stop this task?", r"Stop this task\?\s+VM 101 - Start[\s\S]*y yes"),
    "statistics": (["s"], "as of", r"TOTAL[\s\S]*▸64"),
    "guests": (["b"], "without a good backup", r"✗ wien +VM/CT 1|✗ wien +VM 101"),
    "remotes": (["f9"], "connection refused", r"✗ graz"),
    "a remote": (["f9", "i"], "Last seen", r"failing 4"),
    "help": (["question_mark"], "narrow", r"/  narrow"),
    "writing a file": (["x"], "write to", r"write to"),
    "a file that is there": (["x", "enter"], "Overwrite this file?", r"Overwrite[\s\S]*y yes"),
    "a file that is written": (["x", "enter", "y"], "✓ Wrote 61 finished", r"✓ Wrote 61[\s\S]*Esc back"),
    "commands": (["ctrl+p"], "Search for commands", r"History"),
}


@pytest.fixture
def fleet(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory with tasks of all kinds and a remote in trouble; the file to write is there already."""
    tell_health(empty, troubled())
    newest = pve_task(NOW - 1, kind="vzdump", end=NOW, status="job errors", pid=77)
    write_tasks(empty, [newest, *finished_tasks(60), *running_tasks()])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "remote-tasks-20261124-1432.csv").touch()
    return empty


@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_is_there_at_any_size_and_as_it_was_after(fleet: Path, clock: Clock, name: str) -> None:
    keys, words, least = SCREENS[name]
    async with dashboard(fleet, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_counted()
        await screen.press(*keys)
        await screen.until_shown(words)
        shown, before = pilot.app.screen, screen.lines
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await screen.until(partial(shows, shown, size))
            assert pilot.app.screen is shown
            if size == (20, 5):
                await screen.until(lambda: re.search(least, screen.text), least)
        await screen.until(lambda: screen.lines == before, "the screen as it was")


def shows(screen: TextualScreen[object], size: tuple[int, int]) -> bool:
    """Whether a screen has taken over the terminal's size."""
    return tuple(screen.size) == size


@pytest.mark.parametrize("key", ["s", "b", "f9", "enter"])
async def test_without_colours_the_cursor_and_each_status_are_seen(
    fleet: Path, clock: Clock, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(TaskLog, "__len__", lambda log: 3)
    monkeypatch.setattr(TaskLog, "__getitem__", lambda log, line: f"line {line}")
    async with dashboard(fleet, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 61")
        await screen.press(key)
        rows = await shown_rows(screen)
        on, off = (rows.render_lines(rows.size.region)[line] for line in (rows.cursor, rows.cursor + 1))
        assert all(segment.style is not None and segment.style.reverse for segment in on)
        assert not any(segment.style is not None and segment.style.reverse for segment in off)
        assert re.search("[✗✓]", screen.text) or key == "s"


async def shown_rows(screen: Screen) -> RowList:
    """The list of the screen that has opened, once it has rows."""
    await screen.until(lambda: screen.pilot.app.screen is not screen.main)
    rows = screen.pilot.app.screen.query_one(RowList)
    await screen.until(lambda: len(rows) > 1)
    return rows
