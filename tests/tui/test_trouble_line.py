"""What is wrong with the fleet, in the line of troubles and beside what it concerns."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backend.archive.health import NODE_OFFLINE, Health, NodeHealth
from tests.tui.fleet import (
    NOW,
    healthy,
    tell_health,
    troubled,
)
from tests.tui.screen import Screen, dashboard
from tui.status import Seen
from tui.trouble import cause, troubles

Clock = Callable[[], float]


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


async def test_damage_is_told(directory: Path, clock: Clock) -> None:
    with (directory / "journal").open("ab") as journal:
        journal.write(b"no json\n")
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        await Screen(pilot).until_shown("damaged: journal: 1 unreadable line")


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


async def test_running_tasks_of_a_remote_that_is_silent_are_stale(directory: Path) -> None:
    tell_health(directory, failing(("graz", DOWN)))
    now = [float(NOW)]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("last known 14:27")
        assert "last known 14:27" in screen.line_with("VM 214 - Migrate")
        assert screen.line_with("VM 214 - Migrate").split()[1:3] == ["0", "s"]
        assert screen.text.count("last known") == 1
        now[0] += 3
        await screen.until(lambda: screen.line_with("VM 101 - Start").split()[1:3] == ["7", "s"])
        assert screen.line_with("VM 214 - Migrate").split()[1:3] == ["0", "s"]
        tell_health(directory, healthy())
        await screen.until(lambda: "last known" not in screen.text and "2:14" in screen.text)


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
