"""What the dashboard shows while there is nothing yet, while nobody fetches, and as tasks and workers change; its
help."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend.archive.health import Health, Round
from backend.task import Task
from tests.tui.fleet import (
    NOW,
    healthy,
    pve_task,
    running_tasks,
    tell_health,
    write_tasks,
)
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard
from tui.keys import KEYS, Place
from tui.screens.help import HelpScreen
from tui.screens.remotes import RemotesScreen

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


async def test_f5_asks_the_worker_to_fetch(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("f5")
        await screen.until(lambda: list((directory / "inbox").glob("*.json")))


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
