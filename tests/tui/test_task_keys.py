"""What one does in the view of a task: search its log, go to the tasks around it, copy, stop, write to a file."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.tui.fleet import NOW, pve_task
from tests.tui.viewing import ENDED, FORBIDDEN, RUNNING, Clock, viewed
from tui import task_log
from tui.keys import KEYS, Place
from tui.screens.confirm import ConfirmScreen
from tui.screens.task import TaskScreen
from tui.task_log import TaskLog
from tui.widgets.key_line import KeyLine


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_log, "FOLLOW_EVERY", 0.05)
    monkeypatch.setattr(task_log, "ASK_AGAIN", 0.05)


async def test_searching_goes_to_the_nearest_match_and_on(empty: Path, clock: Clock) -> None:
    lines = [f"line {number}{' Needle' if number % 4_000 == 7 else ''}" for number in range(30_000)]
    async with viewed(empty, clock, ENDED, lines) as view:
        await view.screen.until_shown("line 29999")
        await view.screen.press("slash", *"needle", "enter")
        await view.screen.until(lambda: view.log.cursor == 28_007, "the last match")
        await view.screen.until_shown("/needle")
        await view.screen.press("N")
        await view.screen.until(lambda: view.log.cursor == 24_007, "the match before")
        await view.screen.press("n", "n")
        await view.screen.until_shown("On from the beginning")
        assert view.log.cursor == 7
        await view.screen.press("N")
        await view.screen.until_shown("On from the end")
        assert view.log.cursor == 28_007
        await view.screen.press("home", "n")
        await view.screen.until(lambda: view.log.cursor == 7, "the first match")
        await view.screen.press("n")
        await view.screen.until(lambda: view.log.cursor == 4_007, "the second match")
        # what is typed takes the place of what was searched for
        await view.screen.press("slash", *"nothing", "enter")
        await view.screen.until_shown("No line has nothing")


async def test_a_search_can_be_given_up(empty: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(log: TaskLog, position: int, step: int) -> tuple[int, list[str]]:
        return await asyncio.Future()

    monkeypatch.setattr(TaskLog, "_stretch", hang)
    async with viewed(empty, clock, ENDED, range(20_000)) as view:
        await view.screen.until_shown("line 19999 of many")
        await view.screen.press("home", "slash", *"absent", "enter")
        await view.screen.until_shown("searching, line 1: Esc gives up")
        await view.screen.press("escape")
        await view.screen.until(lambda: "Esc gives up" not in view.screen.text)
        assert isinstance(view.screen.pilot.app.screen, TaskScreen)
        await view.screen.press("escape")
        await view.screen.until_shown("History 1")


async def test_stopping_asks_first_and_names_the_task(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, RUNNING, ["INFO: starting"]) as view:
        await view.screen.until_shown("INFO: starting")
        await view.screen.press("S")
        await view.screen.until_shown("Stop this task?")
        assert "on wien, node pve1, by root@pam" in view.screen.text
        await view.screen.press("enter")
        assert isinstance(view.screen.pilot.app.screen, ConfirmScreen)
        await view.screen.press("escape", "S", "n", "S", "q")
        assert view.node.stops == 0
        await view.screen.press("S", "y")
        await view.screen.until_shown("Asked wien to stop VM/CT 101 - Backup")
        assert view.node.stops == 1
        await view.screen.until_shown("VM/CT 101 - Backup   ✓ OK")
        await view.screen.press("S")
        assert isinstance(view.screen.pilot.app.screen, TaskScreen)


async def test_a_stop_that_is_refused_is_told(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, RUNNING, ["INFO: starting"], refusal=FORBIDDEN) as view:
        await view.screen.until_shown("the token lacks")
        await view.screen.press("S", "y")
        await view.screen.until_shown("Not stopped: wien: the token lacks")


async def test_upid_and_lines_can_be_copied(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, ["first", "sec\x1bond"]) as view:
        await view.screen.until_shown("Log 2 lines")
        app = view.screen.pilot.app
        for key, text in (("y", ENDED.parsed.upid.text), ("Y", ENDED.upid), ("c", "sec␛ond")):
            await view.screen.press(key)
            assert app.clipboard == text
            assert view.screen.keys.startswith("Copied the") and text[:60] in view.screen.keys
        await view.screen.press("up", "c")
        assert app.clipboard == "first"


async def test_the_tasks_around_it_are_shown_and_reached(empty: Path, clock: Clock) -> None:
    others = [
        pve_task(NOW - 500, kind="qmstart", pid=1, end=NOW - 490),
        pve_task(NOW - 400, kind="qmstop", pid=2, end=NOW - 390, status="it would not"),
        pve_task(NOW - 300, remote="graz", kind="qmstart", pid=3, end=NOW - 290),
        pve_task(NOW - 20, kind="qmreboot", pid=4),
    ]
    async with viewed(empty, clock, ENDED, ["TASK OK"], others=others) as view:
        await view.screen.until_shown("after  ▶ Tue 24 Nov 14:31:45  VM 101 - Reboot")
        assert "before ✗ Tue 24 Nov 14:25:25  VM 101 - Stop, 10 s, root@pam  it would not" in view.screen.text
        assert "graz" not in view.screen.text
        await view.screen.press("left_square_bracket")
        await view.screen.until_shown("VM 101 - Stop   ✗ it would not")
        await view.screen.press("left_square_bracket")
        await view.screen.until_shown("VM 101 - Start   ✓ OK")
        await view.screen.press("left_square_bracket")
        await view.screen.until_shown("No task before this one is known")
        await view.screen.press("right_square_bracket")
        await view.screen.until_shown("VM 101 - Stop   ✗")


async def test_the_log_is_written_to_a_file(
    empty: Path, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with viewed(empty, clock, ENDED, range(2_100)) as view:
        await view.screen.until_shown("line 2099 of many")
        await view.screen.press("x")
        await view.screen.until_shown("vzdump-101-20261124-1432.log")
        await view.screen.press("enter")
        await view.screen.until_shown("Wrote 2,100 lines to")
        written = (tmp_path / "vzdump-101-20261124-1432.log").read_text()
        assert written.splitlines() == [f"line {number} of many" for number in range(2_100)]


async def test_no_file_is_left_where_the_log_cannot_be_read(
    empty: Path, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with viewed(empty, clock, ENDED, [], refusal=FORBIDDEN) as view:
        await view.screen.until_shown("the token lacks")
        await view.screen.press("x", "enter")
        await view.screen.until_shown("Not written: wien: the token lacks")
        assert os.listdir(tmp_path) == ["cache"]


async def test_the_keys_of_the_log_are_named_on_a_small_screen(empty: Path, clock: Clock) -> None:
    others = [pve_task(NOW - 400, kind="qmstop", pid=2, end=NOW - 390), pve_task(NOW - 20, pid=4)]
    lines = [*map(str, range(60)), f"{'long ' * 30}end of it", "last"]
    async with viewed(empty, clock, ENDED, lines, others=others, size=(80, 24)) as view:
        await view.screen.until_shown("last")
        await view.screen.until_shown("before ✓")
        keys = "Esc back  / search  → ← lines  [ ] nearby  End last  x export  i more  ? help"
        assert view.screen.keys == keys
        await view.screen.press("home")
        await view.screen.until(lambda: "lines" not in view.screen.keys, "other keys: no line is long here")
        await view.screen.pilot.click(KeyLine, offset=(view.screen.keys.index("End") + 2, 0))
        await view.screen.until_shown("last")
        await view.screen.press(*["right"] * 6)
        await view.screen.until_shown("end of it")


async def test_the_header_is_broken_between_its_parts(empty: Path, clock: Clock) -> None:
    task = pve_task(NOW - 60, user="automation@pve!ansible", end=NOW - 19)
    async with viewed(empty, clock, task, ["TASK OK"], size=(80, 24)) as view:
        assert view.screen.lines[1].rstrip() == " wien (PVE) · pve1 · automation@pve!ansible"
        assert view.screen.lines[2].rstrip() == " Tue 24 Nov 2026 14:31:05 UTC → 14:31:46 (41 s)"


def test_keys_of_the_views_mean_one_thing_each() -> None:
    for place in (Place.TASK, Place.STATISTICS, Place.GUESTS):
        meant = [name for key in KEYS if key.place in (place, Place.ROWS) for name in key.keys.split(",")]
        assert len(set(meant)) == len(meant)
