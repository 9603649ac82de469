"""Empty, loading, stale and failing states in words; hostile texts; small screens; the worker's life."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.archive.health import NODE_OFFLINE, Health, NodeHealth, Round
from backend.task import Task
from tests.tui.fleet import (
    NOW,
    finished_tasks,
    healthy,
    pve_task,
    running_tasks,
    tell_health,
    troubled,
    write_tasks,
)
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard
from tui.keys import KEYS, Place
from tui.screens.help import HelpScreen
from tui.screens.remotes import RemotesScreen
from tui.screens.task import TaskScreen
from tui.status import Seen
from tui.trouble import cause, troubles

Clock = Callable[[], float]


async def test_a_directory_that_does_not_exist_is_an_empty_cache(tmp_path: Path, clock: Clock) -> None:
    directory = tmp_path / "not" / "there"
    async with dashboard(directory, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No tasks yet: waiting for the first round")
        assert "What runs is not known yet" in screen.text and "remotes not known yet" in screen.lines[0]
        write_tasks(directory, [pve_task(NOW - 5, end=NOW)])
        screen.main.look_soon()
        await screen.until_shown("VM 101 - Start")


async def test_the_first_round_is_told_while_there_are_no_tasks(empty: Path, clock: Clock) -> None:
    health = replace(healthy(), round=Round(NOW - 9, nodes_done=120, nodes_total=1000, tasks=3456))
    tell_health(empty, health)
    async with dashboard(empty, clock).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No tasks yet: the first round has fetched 120 of 1,000 nodes")
        assert "━╌╌╌╌╌╌╌╌╌ 120 of 1,000 nodes, 3,456 tasks" in screen.lines[0]


async def test_a_worker_that_is_gone_is_told(directory: Path) -> None:
    tell_health(directory, replace(healthy(), updated=NOW - 700))
    now = [float(NOW) - 700]
    async with dashboard(directory, lambda: now[0]).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert "nobody" not in screen.text
        now[0] = float(NOW)
        await screen.until_shown("✗ nobody is fetching; data is 11 min old")


async def test_nobody_fetching_at_all_is_told_after_a_while(tmp_path: Path) -> None:
    now = [float(NOW)]
    async with dashboard(tmp_path, lambda: now[0]).run_test(size=(100, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("waiting for the first round")
        now[0] += 31
        await screen.until_shown("✗ nobody is fetching, and nothing has been fetched yet")
        await screen.until_shown("start remote-tasks --daemon")


async def test_troubles_stand_in_a_line_that_is_there_only_for_them(directory: Path, clock: Clock) -> None:
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert screen.lines[1].startswith(" Running 4")
        tell_health(directory, troubled())
        await screen.until_shown("✗ graz has been failing for 4 min: connection refused (10.0.0.7:8006)")
        assert "4 of 5 remotes" in screen.lines[0]
        assert "round 12 s ago, 1 remote failing" in screen.lines[0]
        assert "linz-lab: the token may not see node pve3" in screen.lines[1]
        health = healthy()
        health.remotes["wien"].nodes["pve3"] = NodeHealth(None, NODE_OFFLINE, NOW - 720)
        tell_health(directory, health)
        await screen.until_shown("✗ wien, node pve3 offline for at least 12 min  ")
        tell_health(directory, healthy())
        await screen.until(lambda: "node pve3" not in screen.text)
        assert screen.lines[1].startswith(" Running 4")


async def test_work_runs_while_the_dashboard_does(directory: Path, clock: Clock) -> None:
    events = []

    async def work() -> None:
        events.append("began")
        try:
            await asyncio.sleep(3600)
        finally:
            events.append("ended")

    async with dashboard(directory, clock, work=work).run_test() as pilot:
        await Screen(pilot).until(lambda: events == ["began"])
    assert events == ["began", "ended"]


async def test_work_that_fails_is_told_and_the_dashboard_stays(directory: Path, clock: Clock) -> None:
    async def work() -> None:
        raise OSError("no space left on [device]")

    async with dashboard(directory, clock, work=work).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("✗ fetching has stopped: no space left on [device]")
        await screen.until_shown("History 600")


async def test_work_that_does_not_end_holds_up_the_exit_no_longer_than_two_seconds(
    directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app._FAREWELL", 0.05)
    released = asyncio.Event()

    async def work() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    app = dashboard(directory, clock, work=work)
    async with asyncio.timeout(10):
        async with app.run_test() as pilot:
            await pilot.pause()
    released.set()


async def test_q_quits(app: Dashboard) -> None:
    async with app.run_test() as pilot:
        await Screen(pilot).press("q")
        assert not app.is_running or app._exit


HOSTILE = "\x1b[31mred\x1b]52;c;AAAA\x07 [bold red]markup[/] \u202egnp.exe \u2028 \x9b31m"


async def test_hostile_texts_are_shown_and_not_obeyed(empty: Path, clock: Clock) -> None:
    health = troubled()
    health.remotes["graz"].error = HOSTILE
    tell_health(empty, health)
    tasks = [
        pve_task(NOW - 50, end=NOW - 40, status=HOSTILE),
        pve_task(NOW - 60, id="[red]x\x1b]0;t\x07", user="a\x1bb@[link=x]", end=NOW - 40, pid=2),
        pve_task(NOW - 70, id="\x1b[2J", pid=3),
    ]
    write_tasks(empty, tasks)
    async with dashboard(empty, clock).run_test(size=(200, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 2")
        await screen.until_shown("␛[31mred␛]52;c;AAAA␇ [bold red]")
        assert_harmless(screen)
        assert "VM [red]x␛]0;t␇" in screen.text
        await screen.press("enter")
        await screen.until(lambda: isinstance(pilot.app.screen, TaskScreen))
        await screen.until_shown("✗ ␛[31mred")
        assert_harmless(screen)
        await screen.press("i")
        await screen.until_shown("Remote UPID")
        assert_harmless(screen)
        assert "markup[/]" in screen.text
        await screen.press("escape", "escape", "down", "enter")
        await screen.until_shown("VM [red]x␛]0;t␇ - Start")
        assert_harmless(screen)


def assert_harmless(screen: Screen) -> None:
    """Nothing on the screen steers a terminal."""
    forbidden = set(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2028]))
    assert not forbidden & set("".join(screen.lines))


async def test_a_upid_that_cannot_be_read_costs_nothing_but_its_words(empty: Path, clock: Clock) -> None:
    write_tasks(empty, finished_tasks(3))
    (empty / "active").write_text(json.dumps({"upid": "pve:wien!UPID:what is this", "starttime": NOW - 9}) + "\n")
    async with dashboard(empty, clock).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 3")


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


async def test_help_has_every_key(app: Dashboard) -> None:
    async with app.run_test(size=(120, 220)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("question_mark")
        await screen.until(lambda: isinstance(app.screen, HelpScreen))
        await screen.until_shown("vmid:")
        for key in KEYS:
            assert key.help in screen.text, key
        await screen.press("escape")
        assert not isinstance(app.screen, HelpScreen)


def test_no_key_means_two_things_in_one_place() -> None:
    lists = {Place.FIND, Place.MOVE, Place.LIST, Place.SCREEN}
    meant = [(key.place in lists or key.place, name) for key in KEYS for name in key.keys.split(",")]
    assert len(set(meant)) == len(meant)


async def test_details_of_a_running_task_turn_to_its_end(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        await screen.press("tab", "down", "enter")
        await screen.until_shown("▶ running")
        await screen.press("i")
        await screen.until_shown("Running for")
        assert "▶ running" in screen.text
        task = running_tasks()[1]
        write_tasks(directory, [Task(task.upid, task.starttime, NOW, "migration aborted")])
        await screen.until_shown("✗ migration aborted")
        await screen.until_shown("Ended        Tue 24 Nov 2026 14:32:05 UTC")


async def test_a_long_status_is_whole_in_the_details(empty: Path, clock: Clock) -> None:
    status = " ".join(f"word{n}" for n in range(120))
    write_tasks(empty, [pve_task(NOW - 60, end=NOW, status=status)])
    async with dashboard(empty, clock).run_test(size=(80, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("enter")
        await screen.until_shown("word119")
        assert all(f"word{n}" in screen.text for n in range(120))


async def test_f5_asks_the_worker_to_fetch(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("f5")
        await screen.until(lambda: list((directory / "inbox").glob("*.json")))


async def test_damage_is_told(directory: Path, clock: Clock) -> None:
    with (directory / "journal").open("ab") as journal:
        journal.write(b"no json\n")
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        await Screen(pilot).until_shown("damaged: journal: 1 unreadable line")


async def test_no_colour_leaves_the_cursor_visible(
    directory: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        on, off = view.render_lines(view.size.region)[:2]
        assert all(segment.style is not None and segment.style.reverse for segment in on)
        assert not any(segment.style is not None and segment.style.reverse for segment in off)


def failing(*errors: tuple[str, str]) -> Health:
    """A fleet in which these remotes fail."""
    health = healthy()
    for name, error in errors:
        health.remotes[name].error = error
        health.remotes[name].failing_since = NOW - 250
        health.remotes[name].last_success = NOW - 250
    return health


REFUSED = "no connection: Connection refused"
DOWN = f"10.0.0.7:8006: {REFUSED}; 10.0.0.8:8006: {REFUSED}; [fd00::9]:8006: {REFUSED}"


async def test_the_cause_of_a_failure_survives_at_80_columns(directory: Path, clock: Clock) -> None:
    tell_health(directory, failing(("graz", DOWN)))
    async with dashboard(directory, clock).run_test(size=(80, 24)) as pilot:
        await Screen(pilot).until_shown("✗ graz has been failing for 4 min: no connection: Connection refu")


async def test_of_several_troubles_the_first_keeps_the_room_at_80_columns(directory: Path, clock: Clock) -> None:
    health = failing(("graz", DOWN))
    health.remotes["linz-lab"].notes = ["the token may not see node pve3"]
    tell_health(directory, health)
    async with dashboard(directory, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("graz has been failing for 4 min: no connection: Connection ref… · and 1 more")
        assert "F9 remotes" in screen.lines[-1]


async def test_remotes_that_fail_alike_are_told_together(directory: Path, clock: Clock) -> None:
    tell_health(directory, failing(("graz", DOWN), ("wien", "the token is not accepted"), ("linz-lab", DOWN)))
    async with dashboard(directory, clock).run_test(size=(130, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("3 remotes are failing: no connection: Connection refused (graz, linz-lab); the")
        assert "not accepted (wien)" in screen.lines[1]
        assert screen.lines[1].rstrip().endswith("F9 remotes")
        assert "2 of 5 remotes" in screen.lines[0]


async def test_no_remotes_is_told_as_what_it_is(tmp_path: Path, clock: Clock) -> None:
    tell_health(tmp_path, Health(1, "daemon", NOW - 3, None, Round(NOW - 9, NOW - 8, NOW + 50), {}))
    async with dashboard(tmp_path, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured; add one: remote-tasks remotes add NAME")
        assert screen.lines[0].startswith(" no remotes · 0 running")
        await screen.press("f9")
        await screen.until(lambda: isinstance(pilot.app.screen, RemotesScreen))


async def test_the_status_line_names_another_process_that_fetches(directory: Path, clock: Clock) -> None:
    async with dashboard(directory, clock).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("next 9:48 · daemon · 14:32")
        tell_health(directory, replace(healthy(), role="dashboard"))
        await screen.until_shown("next 9:48 · another dashboard fetches · 14:32")
        tell_health(directory, replace(healthy(), pid=os.getpid()))
        await screen.until_shown("next 9:48 · 14:32")
        tell_health(directory, replace(healthy(), updated=NOW - 60))
        await screen.until(lambda: "daemon" not in screen.lines[0])


async def test_a_demo_is_called_so_even_at_80_columns(directory: Path, clock: Clock) -> None:
    async with dashboard(directory, clock, label="demo").run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert screen.lines[0].startswith(" demo · 5 remotes")


async def test_running_tasks_of_a_remote_that_is_silent_are_stale(directory: Path) -> None:
    tell_health(directory, failing(("graz", DOWN)))
    now = [float(NOW)]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("stale since 14:27")
        assert "stale since 14:27" in screen.line_with("VM 214 - Migrate")
        assert screen.line_with("VM 214 - Migrate").split()[1:3] == ["0", "s"]
        assert screen.text.count("stale") == 1
        now[0] += 3
        await screen.until(lambda: screen.line_with("VM 101 - Start").split()[1:3] == ["7", "s"])
        assert screen.line_with("VM 214 - Migrate").split()[1:3] == ["0", "s"]
        tell_health(directory, healthy())
        await screen.until(lambda: "stale" not in screen.text and "2:14" in screen.text)


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


def test_health_of_nothing_is_no_trouble() -> None:
    assert troubles(Seen(Health(), since=NOW), NOW + 5) == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DOWN, REFUSED),
        ("10.0.0.7:8006: timed out; pve2.example.com:8006: refused; no luck", "timed out; refused; no luck"),
        ("TLS failed (reason); does this port speak HTTPS?", "TLS failed (reason); does this port speak HTTPS?"),
        ("10.0.0.7:8006: ", "10.0.0.7:8006: "),
        ("", ""),
    ],
)
def test_the_cause_of_an_error_is_free_of_endpoints(error: str, words: str) -> None:
    assert cause(error) == words
