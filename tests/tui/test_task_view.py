"""The view of one task: its fields, and its log from a real server, with all that can fail."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backend.config import Config, ConfigError
from backend.task import Task
from tests.background import served
from tests.client.server import Reply, Request, serve_raw
from tests.task_server import TaskServer, config_of
from tests.tui.fleet import NOW, healthy, pve_task, tell_health, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tests.tui.viewing import ENDED, FORBIDDEN, RUNNING, Clock, viewed
from tui import task_log
from tui.last_heard import LastHeard
from tui.screens.task import TaskScreen
from tui.task_header import task_header

SIZES = [(80, 24), (120, 40), (200, 50)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_log, "FOLLOW_EVERY", 0.05)
    monkeypatch.setattr(task_log, "ASK_AGAIN", 0.05)


async def test_fields_and_log_of_a_task_are_shown(empty: Path, clock: Clock) -> None:
    lines = ["INFO: starting new backup job", "WARN: slow", "TASK ERROR: command 'lvcreate' failed: exit code 5"]
    async with viewed(empty, clock, ENDED, lines) as view:
        await view.screen.until_shown("Log 3 lines")
        text = view.screen.text
        assert "VM/CT 101 - Backup   ✗ command 'lvcreate' failed: exit code 5" in text
        assert "wien (PVE) · pve1 · root@pam · Tue 24 Nov 2026 14:31:05 UTC → 14:31:46 (41 s)" in text
        assert "type vzdump · ID 101 · process 4242, start 218191225" in text
        assert ENDED.parsed.upid.text in text
        assert all(line in text for line in lines)
        assert view.pages == [0]


async def test_the_fields_are_there_before_the_remote_answers(empty: Path, clock: Clock) -> None:
    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    write_tasks(empty, [ENDED])
    async with serve_raw(hang) as server:
        app = dashboard(empty, clock, load=lambda: config_of(server))
        async with app.run_test(size=(120, 40)) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 1")
            began = time.perf_counter()
            await pilot.press("enter")
            await screen.until_shown("type vzdump")
            assert time.perf_counter() - began < 1
            await screen.until_shown("Asking wien for the log…")
            await screen.press("i")
            await screen.until_shown("Remote UPID")
            await screen.press("escape", "escape")
            await screen.until_shown("History 1")


async def test_a_long_log_is_shown_from_its_end_and_loaded_as_one_scrolls(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, range(1_000_000)) as view:
        await view.screen.until_shown("line 999999 of many")
        assert "Log 1,000,000 lines" in view.screen.text
        assert view.log.at_end
        await view.screen.press("home")
        await view.screen.until_shown("line 0 of many")
        await view.screen.press("pagedown", "pagedown")
        await view.screen.until_shown(f"line {view.log.top} of many")
        view.log.jump_to(500_000)
        await view.screen.until_shown("line 500000 of many")
        assert len(view.pages) < 10
        for place in range(0, 1_000_000, 40_000):
            view.log.jump_to(place)
            await view.screen.until_shown(f"line {place} of many")
        screen = view.screen.pilot.app.screen
        assert isinstance(screen, TaskScreen) and len(screen._log._pages) <= 16


async def test_a_count_that_is_a_lie_is_put_right_by_what_comes(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, range(1_620), total=10**18) as view:
        await view.screen.until_shown("line 1619 of many")
        assert "Log 1,620 lines" in view.screen.text
        assert len(view.pages) < 10


async def test_a_log_whose_lines_nobody_has_counted_is_read_on(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, range(1_000), total=-1) as view:
        await view.screen.until_shown("Log 1,000 lines")
        await view.screen.until_shown("line 999 of many")


async def test_the_log_of_a_running_task_goes_on_and_its_end_is_shown(empty: Path, clock: Clock) -> None:
    lines = [f"INFO: {number}" for number in range(60)]
    async with viewed(empty, clock, RUNNING, lines) as view:
        await view.screen.until_shown("INFO: 59")
        await view.screen.until_shown("following")
        assert "▶ running" in view.screen.text
        lines += ["INFO: one more"]
        await view.screen.until_shown("INFO: one more")
        await view.screen.press("home")
        lines += ["INFO: unseen"]
        await view.screen.until_shown("Log 62 lines")
        assert view.log.cursor == 0 and "following" not in view.screen.text
        await view.screen.press("end")
        await view.screen.until_shown("INFO: unseen")
        lines += ["TASK OK"]
        view.node.running = False
        await view.screen.until_shown("VM/CT 101 - Backup   ✓ OK")
        await view.screen.until_shown("TASK OK")
        assert "following" not in view.screen.text
        asked = len(view.pages)
        await asyncio.sleep(4 * task_log.FOLLOW_EVERY)
        assert len(view.pages) == asked


async def test_the_end_that_the_cache_knows_is_shown(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, RUNNING, ["INFO: starting"], refusal=FORBIDDEN) as view:
        await view.screen.until_shown("▶ running")
        write_tasks(empty, [Task(RUNNING.upid, RUNNING.starttime, NOW, "job errors")])
        await view.screen.until_shown("✗ job errors")


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (FORBIDDEN, "✗ wien: the token lacks Sys.Audit on /nodes/pve1"),
        (Reply(b'{"data":[{"n":1,"t":"unable to open file - No such file"}]}'), "✗ wien: the task's log is gone"),
        (Reply(b'{"data":[{"n":"x"}]}'), "✗ wien: the remote sent a log line of another form"),
        (Reply(b"", 595, "Connection refused", close=True), "✗ wien: node pve1 is not reachable"),
    ],
)
async def test_a_refusal_stands_in_words_and_is_asked_again(
    empty: Path, clock: Clock, refusal: Reply, words: str
) -> None:
    async with viewed(empty, clock, ENDED, ["INFO: here it is"], refusal=refusal) as view:
        await view.screen.until_shown(words)
        assert "(r ask again)" in view.screen.text
        below = view.screen.text.partition("(r ask again)")[2].splitlines()[1:-1]
        assert not "".join(below).strip(), "it is told once"
        view.node.refusal = None
        await view.screen.press("r")
        await view.screen.until_shown("INFO: here it is")
        assert "✗ wien" not in view.screen.text


async def test_a_remote_that_vanishes_is_asked_again_and_the_lines_stay(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, RUNNING, ["INFO: starting"]) as view:
        await view.screen.until_shown("INFO: starting")
        view.node.refusal = Reply(b"", 595, "Connection refused", close=True)
        await view.screen.until_shown("; asking again soon")
        assert "INFO: starting" in view.screen.text
        view.node.lines = ["INFO: starting", "INFO: back"]
        view.node.refusal = None
        await view.screen.until_shown("INFO: back")
        assert "asking again soon" not in view.screen.text


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (None, "this dashboard has no configuration to ask a remote with"),
        (lambda: Config(), "the configuration has no remote wien; there are none"),
        ("broken", "config.toml:3: expected"),
    ],
)
async def test_without_a_configuration_for_the_remote_that_is_said(
    empty: Path, clock: Clock, load: Callable[[], Config] | str | None, words: str
) -> None:
    def broken() -> Config:
        raise ConfigError("config.toml:3: expected a string")

    write_tasks(empty, [ENDED])
    app = dashboard(empty, clock, load=broken if load == "broken" else load)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("enter")
        await screen.until_shown(f"✗ {words}")
        await screen.press("S")
        assert isinstance(app.screen, TaskScreen)


async def test_hostile_lines_are_shown_harmlessly(empty: Path, clock: Clock) -> None:
    lines = ["\x1b[31mred\x1b]52;c;AAAA\x07", "a\tb", "\u202eturned", "[bold red]x[/]", "x" * 100_000, "\udc00"]
    async with viewed(empty, clock, ENDED, [line.encode("utf-8", "replace").decode() for line in lines]) as view:
        await view.screen.until_shown("␛[31mred␛]52;c;AAAA␇")
        assert not {"\x1b", "\x07", "\u202e", "\t"} & set(view.screen.text)
        assert "[bold red]x[/]" in view.screen.text and "a       b" in view.screen.text
        await view.screen.press(*["right"] * 3)
        await view.screen.press(*["left"] * 5)
        await view.screen.until_shown("␛[31mred")


async def test_a_running_task_counts_by_the_clock_of_its_remote_and_only_while_that_answers(
    empty: Path,
) -> None:
    now = [float(NOW)]
    health = healthy()
    wien = health.remotes["wien"]
    wien.clock_skew = -20.0
    tell_health(empty, health)
    async with viewed(empty, lambda: now[0], RUNNING, range(3)) as view:
        await view.screen.until_shown("UTC, 40 s")
        now[0] += 2
        await view.screen.until_shown("UTC, 42 s")
        wien.error, wien.failing_since = "no connection", NOW + 2
        tell_health(empty, health)
        await view.screen.until_shown("VM/CT 101 - Backup   ▶ running, last known 14:32")
        # it last answered 5 s before
        await view.screen.until_shown("UTC, 35 s")
        await view.screen.press("i")
        await view.screen.until_shown("▶ running, last known 14:32")
        assert screen_words(view.screen.line_with("Running for")).endswith("Running for 35 s")
        wien.error = None
        wien.last_success = NOW + 2
        tell_health(empty, health)
        await view.screen.until(lambda: screen_words(view.screen.line_with("Running for")).endswith(" 42 s"))
        assert "last known" not in view.screen.text


def screen_words(line: str) -> str:
    """The words of a dialog's line."""
    return " ".join(line.replace("│", " ").split())


async def test_the_details_offer_to_scroll_only_where_there_is_more(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, range(3)) as view:
        await view.screen.press("i")
        await view.screen.until_shown("Remote UPID")
        await view.screen.until_shown("Esc back · ? help")
        await view.screen.pilot.resize_terminal(80, 14)
        await view.screen.until_shown("Esc back · PgDn scroll · ? help")


async def test_on_the_smallest_screen_a_log_that_goes_on_says_so(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, RUNNING, range(213)) as view:
        await view.screen.until_shown("Log 213 lines")
        await view.screen.pilot.resize_terminal(20, 5)
        await view.screen.until_shown("─ following ")
        await view.screen.press("up")
        await view.screen.until_shown(" Log 213 ───── 99 % ")
        await view.screen.pilot.resize_terminal(40, 9)
        await view.screen.press("end")
        await view.screen.until_shown(" Log 213 lines ─")


async def test_a_task_of_an_unreadable_upid_can_be_looked_at(empty: Path, clock: Clock) -> None:
    async with viewed(empty, clock, ENDED, []) as view:
        await view.screen.until_shown("The log is empty")
        view.screen.pilot.app.push_screen(
            TaskScreen(
                Task("nonsense\x1b", NOW),
                view.screen.main._cache,
                view.screen.main._views._access,
                view.screen.main._stopping,
                LastHeard(clock, None),
                clock,
                None,
            )
        )
        await view.screen.until_shown("the configuration has no remote ?")


def test_wide_letters_in_a_upid_fit_the_lines_above_the_log() -> None:
    task = pve_task(NOW, id="日本語" * 30, end=NOW, status="日本" * 40)
    known = LastHeard(lambda: NOW, UTC).known
    for width in (18, 40, 119):
        lines = task_header(task, None, width, 40, known, UTC).split("\n")
        assert max(line.cell_length for line in lines) <= width
    low = task_header(task, None, 18, 5, known, UTC)
    assert low.plain.startswith("✗ VM 日") and low.cell_length <= 18


@pytest.mark.parametrize("size", SIZES)
def test_a_task_that_failed(snap_compare: Compare, empty: Path, clock: Clock, size: tuple[int, int]) -> None:
    """The fields above, the tasks around it, and the log from its end; errors and warnings have colours."""
    lines = [f"INFO: {percent}% done, read: 120 MiB/s, write: 118 MiB/s" for percent in range(60)]
    lines += [
        "WARN: the storage is slow",
        f"ERROR: Backup of VM 101 failed - {ENDED.status}",
        "TASK ERROR: job errors",
    ]
    others = [
        pve_task(NOW - 86_460, kind="vzdump", pid=7, end=NOW - 86_000),
        pve_task(NOW - 9, kind="vzdump", pid=8),
    ]
    looked_at(snap_compare, empty, clock, ENDED, lines, size, "TASK ERROR: job errors", others=others)


def test_a_log_that_is_followed(snap_compare: Compare, empty: Path, clock: Clock) -> None:
    """A task that runs: its log is followed, and it can be stopped."""
    lines = [f"INFO: {percent}% done" for percent in range(12)]
    looked_at(snap_compare, empty, clock, RUNNING, lines, (120, 40), "following")


def test_a_log_that_is_refused(snap_compare: Compare, empty: Path, clock: Clock) -> None:
    """Why there is no log, in the remote's words, and the key that asks again."""
    looked_at(snap_compare, empty, clock, ENDED, [], (80, 24), "(r ask", refusal=FORBIDDEN)


def test_asking_whether_to_stop(snap_compare: Compare, empty: Path, clock: Clock) -> None:
    """The question names the task; no key but y does it."""
    looked_at(snap_compare, empty, clock, RUNNING, ["INFO: starting"], (80, 24), "INFO: starting", then=["S"])


def looked_at(
    compare: Compare,
    directory: Path,
    clock: Clock,
    task: Task,
    lines: list[str],
    size: tuple[int, int],
    words: str,
    *,
    others: Sequence[Task] = (),
    refusal: Reply | None = None,
    then: Sequence[str] = (),
) -> None:
    """Compare the view of a task once it says some words, and keys have been pressed then."""
    write_tasks(directory, [task, *others])
    node = TaskServer(task, lines)
    node.refusal = refusal

    async def ready(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        pane = screen.running if task.running else screen.history
        await screen.until(lambda: len(pane.task_list.rows) > 0, "the task")
        pane.task_list.focus()
        position = next(n for n in range(9) if pane.task_list.rows[n] == task)
        await screen.press(*["down"] * position, "enter")
        await screen.until_shown(words)
        await screen.until_shown("before " if others else "No other task")
        await screen.press(*then)

    with served(node) as server:
        app = dashboard(directory, clock, load=lambda: config_of(server))
        assert compare(app, terminal_size=size, run_before=ready)
