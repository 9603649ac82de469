"""Stopping a task from the lists: asked first, told in its row, and its end shown as soon as it is known."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from backend.task import Task
from tests.client.server import Reply, serve
from tests.task_server import TaskServer, config_of
from tests.tui.fleet import NOW, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_typed_ahead import type_at_once
from tui.screens.confirm import ConfirmScreen

Clock = Callable[[], float]

RUNNING = pve_task(NOW - 60, kind="vzdump")
OTHER = pve_task(NOW - 90, remote="graz", pid=7)
ENDED = pve_task(NOW - 600, pid=9, end=NOW - 500)


@asynccontextmanager
async def running(directory: Path, clock: Clock, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Screen]:
    """The dashboard with the cursor on RUNNING, whose node can stop it."""
    write_tasks(directory, [RUNNING, OTHER, ENDED])
    async with serve(TaskServer(RUNNING, [])) as server:
        app = dashboard(directory, clock, load=lambda: config_of(server))
        async with app.run_test(size=size, notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("Running 2")
            await screen.until_shown("History 1")
            await screen.press("tab")
            yield screen


async def test_a_task_is_stopping_until_its_end_is_known_and_the_worker_is_told_to_look(
    empty: Path, clock: Clock
) -> None:
    async with running(empty, clock) as screen:
        assert "S stop" in screen.keys
        await screen.press("S")
        await screen.until_shown("Stop this task?")
        await screen.press("y")
        await screen.until_shown("Asked wien to stop VM/CT 101 - Backup")
        await screen.until_shown("VM/CT 101 - Backup  stopping")
        row = screen.line_with("VM/CT 101 - Backup  stopping")
        assert row.startswith(" ▶ ") and "stopping" not in screen.line_with("graz")
        await screen.until(lambda: "stop" in screen.main.workspace.key_line.idle, "the key's rest")
        await screen.until(lambda: list((empty / "inbox").glob("*.json")), "a request to the worker")
        requests = [json.loads(path.read_text()) for path in (empty / "inbox").glob("*.json")]
        assert requests[0]["track"] == [RUNNING.upid]
        write_tasks(empty, [Task(RUNNING.upid, RUNNING.starttime, NOW, "interrupted by signal"), OTHER])
        words = "stopped by you (interrupted by signal)"
        await screen.until_shown(f"VM/CT 101 - Backup  {words} (just ended)")
        assert "stopping" not in screen.text
        assert screen.keys.startswith("Stopped VM/CT 101 - Backup on wien")
        # the same in the history, below it, in the task's view and in its details
        await screen.until_shown("History 2")
        await screen.press("tab")
        assert words in screen.line_with("14:31:05")
        await screen.pilot.resize_terminal(80, 24)
        await screen.until(lambda: words in screen.line_below, "its end below the history")
        await screen.press("enter")
        await screen.until_shown(f"VM/CT 101 - Backup   ✗ {words}")
        await screen.press("i")
        await screen.until_shown(f"Status       ✗ {words}")


async def test_a_task_that_ended_well_before_its_stop_was_not_stopped(empty: Path, clock: Clock) -> None:
    async with running(empty, clock) as screen:
        await screen.press("S", "y")
        await screen.until_shown("VM/CT 101 - Backup  stopping")
        write_tasks(empty, [Task(RUNNING.upid, RUNNING.starttime, NOW, "OK"), OTHER])
        await screen.until_shown("VM/CT 101 - Backup  OK (just ended)")
        assert "Stopped VM" not in screen.text


async def test_a_question_whose_task_has_ended_says_so_and_takes_the_answer_that_comes(
    empty: Path, clock: Clock
) -> None:
    async with running(empty, clock) as screen:
        await screen.press("S")
        await screen.until_shown("Stop this task?")
        write_tasks(empty, [Task(OTHER.upid, OTHER.starttime, NOW, "OK")])
        await screen.until_shown("(just ended)")
        assert "Stop this task?" in screen.text
        write_tasks(empty, [Task(RUNNING.upid, RUNNING.starttime, NOW, "OK")])
        await screen.until_shown("It has ended by itself: nothing is left to stop")
        await screen.until_shown("Any key closes this")
        # in the lists below it would copy the UPID
        await screen.press("y")
        await screen.until(lambda: "Stop this task?" not in screen.text, "the question's end")
        assert "stopping" not in screen.text and "Asked" not in screen.text and "Copied" not in screen.text


async def test_what_the_question_takes_for_an_answer_is_told(empty: Path, clock: Clock) -> None:
    async with running(empty, clock, (80, 24)) as screen:
        await screen.press("S")
        await screen.until_shown("y does it; ⏎ does nothing")
        for key, written in (("enter", "⏎"), ("j", "j"), ("down", "↓")):
            await screen.press(key)
            await screen.until_shown(f"{written} is no answer: y for yes, Esc for no")
        await screen.press("n")
        assert screen.pilot.app.screen is screen.main and "Asked" not in screen.text


async def test_the_worker_is_not_reminded_more_often_than_every_three_seconds(empty: Path) -> None:
    now = [float(NOW)]
    async with running(empty, lambda: now[0]) as screen:
        await screen.press("S", "y")
        inbox = empty / "inbox"
        await screen.until(lambda: list(inbox.glob("*.json")), "a request to the worker")
        told = len(list(inbox.glob("*.json")))
        for after, more in ((1.0, 0), (1.9, 0), (0.2, 1)):
            now[0] += after
            await screen.main._stopping.remind()
            told += more
            assert len(list(inbox.glob("*.json"))) == told, f"after {now[0] - NOW} s"


async def test_a_stop_typed_at_once_behind_the_way_to_the_other_list_is_for_that_list(
    empty: Path, clock: Clock
) -> None:
    async with running(empty, clock) as screen:
        await screen.press("tab")
        assert screen.history.task_list.has_focus
        type_at_once(screen, "\tS")
        await screen.until_shown("Stop this task?")
        assert isinstance(screen.pilot.app.screen, ConfirmScreen) and "VM/CT 101 - Backup" in screen.text


async def test_at_80_columns_stopping_is_told_as_well(empty: Path, clock: Clock) -> None:
    async with running(empty, clock, (80, 24)) as screen:
        await screen.press("S", "y")
        await screen.until_shown("VM/CT 101 - Backup  stopping")


async def test_what_cannot_be_stopped_stays_as_it_is(empty: Path, clock: Clock) -> None:
    async with running(empty, clock) as screen:
        await screen.press("down", "S", "y")
        await screen.until_shown("Not stopped: the configuration has no remote graz")
        assert "stopping" not in screen.text
        await screen.press("tab")
        assert "stop" in screen.main.workspace.key_line.idle
        await screen.press("S")
        await screen.until_shown("It has ended already")
        assert not isinstance(screen.pilot.app.screen, ConfirmScreen)


async def test_a_stop_that_is_refused_is_told_in_words(empty: Path, clock: Clock) -> None:
    write_tasks(empty, [RUNNING, ENDED])
    node = TaskServer(RUNNING, [])
    node.refusal = Reply(b"", 403, "Permission check failed (/nodes/pve1, Sys.Modify)", close=True)
    async with serve(node) as server:
        app = dashboard(empty, clock, load=lambda: config_of(server))
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("Running 1")
            await screen.press("tab", "S", "y")
            await screen.until_shown("Not stopped: wien: the token lacks")
            assert "stopping" not in screen.text and "stop" not in screen.main.workspace.key_line.idle


async def test_the_cursor_stays_on_a_task_that_others_start_above_and_that_ends(empty: Path) -> None:
    now = [float(NOW)]
    newer = pve_task(NOW - 1, pid=77)
    async with running(empty, lambda: now[0]) as screen:
        view = screen.running.task_list
        assert view.following and view.selected == RUNNING
        write_tasks(empty, [newer, RUNNING, OTHER])
        await screen.until_shown("Running 3")
        # it was at the top, where new ones come in
        assert view.selected == RUNNING and view.top == 0
        # nor does it leave while the user is in another window
        screen.pilot.app.app_focus = False
        await screen.until(lambda: not view.has_focus, "the focus to go")
        write_tasks(empty, [pve_task(NOW, pid=78), newer, RUNNING, OTHER])
        await screen.until_shown("Running 4")
        screen.pilot.app.app_focus = True
        await screen.until(lambda: view.has_focus, "the focus to come back")
        assert view.selected == RUNNING
        write_tasks(empty, [newer, Task(RUNNING.upid, RUNNING.starttime, NOW, "OK"), OTHER])
        await screen.until_shown("VM/CT 101 - Backup  OK (just ended)")
        now[0] += 30
        screen.running.tick()
        await screen.until_shown("OK (ended 30 s ago)")
        assert " + 1 ended ─" in screen.text
        await screen.press("S")
        await screen.until(lambda: screen.keys.startswith("It has ended already"), "the reason")
        assert not isinstance(screen.pilot.app.screen, ConfirmScreen)
        await screen.press("down")
        screen.running.tick()
        await screen.until(lambda: "OK (ended" not in screen.text, "the task's leaving")
        assert view.selected == OTHER
