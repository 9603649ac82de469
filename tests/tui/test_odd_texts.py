"""Texts of remotes that are hostile, unreadable or long, on the screen."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.tui.fleet import (
    NOW,
    finished_tasks,
    pve_task,
    tell_health,
    troubled,
    write_tasks,
)
from tests.tui.screen import Screen, dashboard
from tui.screens.task import TaskScreen

Clock = Callable[[], float]

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


async def test_a_long_status_is_whole_in_the_details(empty: Path, clock: Clock) -> None:
    status = " ".join(f"word{n}" for n in range(120))
    write_tasks(empty, [pve_task(NOW - 60, end=NOW, status=status)])
    async with dashboard(empty, clock).run_test(size=(80, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("enter")
        await screen.until_shown("word119")
        assert all(f"word{n}" in screen.text for n in range(120))
