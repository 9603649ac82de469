"""The pane of what runs: its orders, tasks that have just ended, the last line of a log, two thousand tasks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backend.query import Filter, parse_filter
from backend.task import Task
from tests.client.server import Reply, serve
from tests.task_server import TaskServer, config_of
from tests.tui.fleet import (
    NOW,
    finished_tasks,
    healthy,
    pve_task,
    running_tasks,
    tell_health,
    write_tasks,
)
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tui import last_line
from tui.app import Dashboard
from tui.memory import Memory
from tui.running import FADED, LINGER, Order, RunningTasks, order_named

Clock = Callable[[], float]


def ended(task: Task, status: str = "OK") -> Task:
    return Task(task.upid, task.starttime, NOW, status)


def shown(screen: Screen) -> list[str]:
    """The running list's rows by the words of their tasks, from its top."""
    view = screen.running.task_list
    rows = (view.rows[position] for position in range(len(view.rows)))
    return [task.description for task in rows if task is not None]


async def test_a_key_sorts_by_duration_and_by_remote_and_the_title_says_so(app: Dashboard) -> None:
    by_start = [task.description for task in running_tasks()]
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        assert shown(screen) == by_start
        assert screen.line_with("Running 4").rstrip().endswith("by start ↓")
        await screen.press("greater_than_sign")
        assert screen.line_with("Running 4").rstrip().endswith("by duration ↓")
        assert shown(screen) == by_start[::-1]
        await screen.press("greater_than_sign")
        assert screen.line_with("Running 4").rstrip().endswith("by remote ↑")
        assert shown(screen) == [by_start[1], by_start[3], by_start[2], by_start[0]]
        await screen.press("greater_than_sign")
        assert shown(screen) == by_start


async def test_the_order_is_remembered(directory: Path, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    async with dashboard(directory, clock, memory=Memory(path)).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        await screen.press("greater_than_sign")
    async with dashboard(directory, clock, memory=Memory(path)).run_test(size=(120, 40)) as pilot:
        await Screen(pilot).until_shown("by duration ↓")


def test_an_order_that_is_none_is_the_usual_one() -> None:
    assert order_named("") is order_named("sideways") is Order.START
    assert [order_named(order.value) for order in Order] == list(Order)


async def test_a_task_that_ended_stays_some_seconds_with_its_status(directory: Path) -> None:
    now = [float(NOW)]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        write_tasks(directory, [ended(running_tasks()[1], "migration aborted"), *running_tasks()[2:]])
        await screen.until_shown("Running 3 + 1 ended ─")
        row = screen.line_with("(just ended)")
        assert row.split()[:2] == ["✗", "2:11"] and "VM 214 - Migrate  migration aborted (just ended)" in row
        now[0] += LINGER / 2
        screen.running.tick()
        await screen.until_shown("migration aborted (ended 4 s ago)")
        now[0] += LINGER / 2
        await screen.until(lambda: "aborted (ended" not in screen.text, "the task's leaving")
        assert "Running 3 ─" in screen.text


async def test_with_nothing_to_show_the_pane_is_a_title_and_a_line_and_grows_again(directory: Path) -> None:
    now = [float(NOW)]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        full = screen.running.size.height
        assert full == 6
        write_tasks(directory, [ended(task) for task in running_tasks()])
        await screen.until_shown("Running 0")
        # those that fade keep their rows
        assert screen.running.size.height == full and screen.text.count("(just ended)") == 4
        now[0] += LINGER
        await screen.until(lambda: screen.running.size.height == 2, "two lines")
        assert "Nothing is running" in screen.lines[2] and "History" in screen.lines[3]
        write_tasks(directory, [pve_task(NOW - 1, pid=77)])
        await screen.until_shown("Running 1")
        await screen.until(lambda: screen.running.size.height == 5, "a header and three rows")
        await screen.press("1")
        await screen.until(lambda: screen.running.size.height == 2, "two lines among errors")
        assert "None of the 1 running task" in screen.lines[2]
        await screen.press("0")
        await screen.until(lambda: screen.running.size.height == 5, "its rows")


def test_what_ended_fades_before_it_leaves_and_counts_no_more() -> None:
    tasks = RunningTasks()
    one, other = running_tasks()[:2]
    tasks.take([one, other], [], NOW)
    tasks.take([other], [ended(one)], NOW + 1)
    listed, running = tasks.listed(Filter(), Order.START)
    assert (listed, running, len(tasks)) == ([ended(one), other], 1, 1)
    assert not tasks.is_faded(ended(one), NOW + 1) and tasks.is_faded(ended(one), NOW + 1 + FADED)
    assert not tasks.leave(NOW + LINGER) and tasks.leave(NOW + 1 + LINGER)
    assert tasks.listed(Filter(), Order.START)[0] == [other]


def test_what_ended_counts_for_a_filter_as_it_ran() -> None:
    tasks = RunningTasks()
    one, other = running_tasks()[:2]
    tasks.take([one, other], [], NOW)
    tasks.take([other], [ended(one, "no luck")], NOW)
    for text, expected in [("status:running", 2), ("remote:graz", 1), ("status:error", 0), ("remote:wien", 1)]:
        assert len(tasks.listed(parse_filter(text), Order.START)[0]) == expected, text


def test_a_task_that_runs_again_after_all_stands_there_once() -> None:
    tasks = RunningTasks()
    one = running_tasks()[0]
    tasks.take([one], [], NOW)
    tasks.take([], [ended(one)], NOW)
    tasks.take([one], [], NOW + 1)
    assert tasks.listed(Filter(), Order.START) == ([one], 1)


async def test_the_cursor_stays_on_its_task_when_others_end(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        await screen.press("tab", "down", "down")
        kept = screen.running.task_list.selected
        write_tasks(directory, [ended(running_tasks()[0]), *running_tasks()[1:]])
        await screen.until_shown("just ended")
        assert screen.running.task_list.selected == kept


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_line, "SETTLE", 0.01)
    monkeypatch.setattr(last_line, "ASK_EVERY", 0.05)
    monkeypatch.setattr(last_line, "ASK_AGAIN", 0.05)


RUNNING = pve_task(NOW - 60, kind="vzdump")


@asynccontextmanager
async def watched(directory: Path, clock: Clock, lines: list[str]) -> AsyncIterator[tuple[Screen, TaskServer]]:
    """The dashboard with RUNNING under the cursor of the running list, and the node that has its log."""
    write_tasks(directory, [RUNNING, pve_task(NOW - 90, remote="graz", pid=7)])
    node = TaskServer(RUNNING, lines)
    async with serve(node) as server:
        app = dashboard(directory, clock, load=lambda: config_of(server))
        async with app.run_test(size=(120, 40)) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("Running 2")
            yield screen, node


@pytest.mark.usefixtures("quick")
async def test_the_task_under_the_cursor_shows_the_last_line_of_its_log(empty: Path, clock: Clock) -> None:
    lines = [f"line {number}" for number in range(3_000)]
    async with watched(empty, clock, [*lines, "transferred 3.1 GiB of 8.0 GiB", ""]) as (screen, node):
        assert node.asked == []
        await screen.press("tab")
        await screen.until_shown("VM/CT 101 - Backup  transferred 3.1 GiB of 8.0 GiB")
        assert node.asked[0] == (0, 20) and len(node.asked) < 5
        assert max(limit for _, limit in node.asked) == 20
        node.lines = [*node.lines, "INFO: \x1b[31mstatus: 99%"]
        await screen.until_shown("VM/CT 101 - Backup  INFO: ␛[31mstatus: 99%")


@pytest.mark.usefixtures("quick")
async def test_an_end_that_the_log_tells_is_shown_before_the_cache_has_it(empty: Path, clock: Clock) -> None:
    async with watched(empty, clock, ["INFO: TASK OK so far"]) as (screen, node):
        await screen.press("tab")
        await screen.until_shown("VM/CT 101 - Backup  INFO: TASK OK so far")
        assert "Running 2 " in screen.text
        node.lines = [*node.lines, "TASK ERROR: job errors"]
        await screen.until_shown("VM/CT 101 - Backup  job errors (just ended)")
        assert screen.line_with("job errors").startswith(" ✗ ") and "Running 1 + 1 ended ─" in screen.text
        screen.main.look_soon()
        await screen.until_shown(" · 1 running")
        await screen.until(lambda: list((empty / "inbox").glob("*.json")), "a request to the worker")
        node.lines = [*node.lines, "it goes on after all"]
        await screen.until_shown("VM/CT 101 - Backup  it goes on after all")
        assert screen.line_with("goes on").startswith(" ▶ ") and "Running 2 " in screen.text


@pytest.mark.usefixtures("quick")
async def test_the_end_that_the_log_has_told_is_the_one_the_cache_tells(empty: Path, clock: Clock) -> None:
    async with watched(empty, clock, ["TASK OK"]) as (screen, node):
        await screen.press("tab")
        await screen.until_shown("VM/CT 101 - Backup  OK (just ended)")
        write_tasks(empty, [pve_task(NOW - 60, kind="vzdump", end=NOW, status="OK")])
        await screen.until_shown("History 1 ")
        asked = len(node.asked)
        await asyncio.sleep(5 * last_line.ASK_EVERY)
        assert len(node.asked) <= asked + 1, "its log is still asked for"
        assert "Running 1 " in screen.text and "OK (just ended)" in screen.text


@pytest.mark.usefixtures("quick")
async def test_the_end_that_the_log_tells_is_by_the_clock_of_its_remote(empty: Path, clock: Clock) -> None:
    health = healthy()
    health.remotes["wien"].clock_skew = 3.7
    tell_health(empty, health)
    async with watched(empty, clock, ["INFO: begun"]) as (screen, node):
        await screen.press("tab")
        await screen.until_shown("VM/CT 101 - Backup  INFO: begun")
        assert screen.line_with("INFO: begun").split()[:2] == ["▶", "1:03"]
        node.lines = ["TASK OK"]
        await screen.until_shown("VM/CT 101 - Backup  OK (just ended)")
        assert screen.line_with("OK (just ended)").split()[:2] == ["✓", "1:03"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("TASK OK", "OK"),
        ("TASK WARNINGS: 3", "WARNINGS: 3"),
        ("2026-11-24T14:32:05+01:00: TASK ERROR: sync: failed", "sync: failed"),
        ("INFO: TASK OK so far", None),
        ("MULTITASK OK", None),
    ],
)
def test_the_last_line_of_a_log_tells_how_its_task_ended(line: str, status: str | None) -> None:
    assert last_line.told_status(line) == status


@pytest.mark.usefixtures("quick")
async def test_nothing_is_asked_any_more_once_the_cursor_or_the_focus_has_moved(empty: Path, clock: Clock) -> None:
    async with watched(empty, clock, ["beginning"]) as (screen, node):
        await screen.press("tab")
        for away, back in (("down", "up"), ("tab", "tab")):
            await screen.until_shown("VM/CT 101 - Backup  beginning")
            await screen.press(away)
            await screen.until(lambda: "beginning" not in screen.text, "the line's going")
            asked = len(node.asked)
            await asyncio.sleep(0.15)
            assert len(node.asked) == asked
            await screen.press(back)


@pytest.mark.usefixtures("quick")
async def test_a_remote_that_cannot_be_asked_costs_no_word(empty: Path, clock: Clock) -> None:
    async with watched(empty, clock, ["at last"]) as (screen, node):
        node.refusal = Reply(b"", 595, "Connection refused", close=True)
        await screen.press("tab")
        await asyncio.sleep(0.2)
        assert "refused" not in screen.text and "✗" not in screen.lines[1]
        node.refusal = None
        await screen.until_shown("VM/CT 101 - Backup  at last")
        await screen.press("down")
        await screen.until(lambda: screen.running.task_list.cursor == 1)
        await asyncio.sleep(0.1)
        assert "configuration" not in screen.text


def many() -> list[Task]:
    return [pve_task(NOW - n, pid=10_000 + n, id=str(100 + n % 900), node=f"pve{n % 9}") for n in range(2_000)]


async def test_two_thousand_running_tasks_scroll_and_tick_without_a_wait(empty: Path, clock: Clock) -> None:
    write_tasks(empty, many())
    async with dashboard(empty, clock).run_test(size=(200, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 2,000")
        await screen.press("tab")
        view = screen.running.task_list

        def page_and_tick() -> None:
            view.action_page(1)
            screen.running.tick()
            view.render_lines(view.size.region)

        took = []
        for _ in range(30):
            began = time.perf_counter()
            page_and_tick()
            took.append(time.perf_counter() - began)
        assert sorted(took)[len(took) // 2] < 0.02
        await screen.press("end")
        assert view.cursor == 1_999
        assert screen.text.count("▶") == view.page_rows


async def test_a_list_longer_than_its_pane_tells_the_place_and_another_filter_begins_at_its_top(
    empty: Path, clock: Clock
) -> None:
    write_tasks(empty, many())
    async with dashboard(empty, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 2,000")
        await screen.press("tab", "pagedown", "pagedown", "down")
        assert screen.line_with("Running 2,000").rstrip().endswith(" row 12 of 2,000 · by start ↓")
        await screen.press("slash")
        await screen.enter("node:pve1")
        await screen.press("enter")
        await screen.until_shown("Running 223 of 2,000")
        assert screen.running.task_list.following
        assert screen.line_with("Running 223").rstrip().endswith(" row 1 of 223 · by start ↓")
        write_tasks(empty, [ended(many()[0]), ended(many()[1]), *many()[2:]])
        await screen.until_shown("Running 222 of 1,998 + 1 ended ")
        assert " row 1 of 223 · " in screen.line_with("Running 222")


async def test_a_tall_pane_gives_its_rows_back_to_a_smaller_screen(empty: Path, clock: Clock) -> None:
    write_tasks(empty, [*finished_tasks(100), *many()])
    async with dashboard(empty, clock).run_test(size=(120, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 2,000")
        assert screen.running.rows == 12
        for size in [(80, 24), (20, 5), (200, 60), (33, 9), (120, 40)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert screen.running.rows == 10
        assert "▶" in screen.text and "✓" in screen.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_picture(snap_compare: Compare, directory: Path, clock: Clock, size: tuple[int, int]) -> None:
    """Sorted by duration, the cursor in it: two tasks have just ended, with their signs and words."""

    async def ready(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        tasks = running_tasks()
        write_tasks(directory, [ended(tasks[0]), ended(tasks[1], "migration aborted"), *tasks[2:]])
        await screen.until_shown("(just ended)")
        await screen.until_shown("History 602")
        await screen.press("tab", "greater_than_sign", "down")
        await screen.until_counted()

    assert snap_compare(dashboard(directory, clock), terminal_size=size, run_before=ready)
