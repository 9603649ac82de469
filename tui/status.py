"""What the dashboard says about the fleet and about itself, in words: the status line's parts, and why a list is
empty. Pure functions of what was seen; what is wrong is `trouble`'s matter, and the screen the widgets'."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

from backend.archive.health import Health, Round
from backend.query import Filter
from backend.text import counted, safe
from backend.times import format_duration, local
from tui.format import clock, count, span
from tui.keys import cap_of

STALE = 30
"""Seconds after which a worker that has not written the fleet's health counts as gone."""

WRONG_CLOCK = 5
"""Seconds from which on a remote's clock counts as wrong: nobody knows it to the second."""

ADD_COMMAND = "remote-tasks remotes add NAME"
"""What adds a remote to the usual configuration."""

_BAR = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What the dashboard knows at one moment, apart from tasks.

    Attributes:
        health: as the worker last wrote it.
        running: how many tasks run.
        since: when the dashboard began to look (UNIX seconds).
        damage: what of the cache cannot be read, in words.
        failures: what went wrong in the dashboard's own process, in words.
        add_command: the command that adds a remote; empty where some are configured.
    """

    health: Health = field(default_factory=Health)
    running: int = 0
    since: float = 0.0
    damage: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    add_command: str = ""

    @property
    def unconfigured(self) -> bool:
        """Whether no remote is configured."""
        return bool(self.add_command) or bool(self.health.updated and not self.health.remotes)


class Part(NamedTuple):
    """A part of a line. Where not all fit, those of the highest rank go first."""

    text: str
    rank: int
    at_end: bool = False


def status_parts(seen: Seen, label: str, now: float, tz: tzinfo | None) -> tuple[Part, ...]:
    """The status line; `label` is what the dashboard is called where it is not an ordinary one."""
    health = seen.health
    return (
        Part(label, 0),
        Part(remotes_words(seen), 0),
        Part(counted(health.nodes, "node") if health.nodes else "", 4),
        Part(f"{count(seen.running)} running", 2),
        Part(round_words(health, now), 3, at_end=True),
        Part(fetching_words(health, now), 5, at_end=True),
        Part(clock(local(now, tz))[:5], 1, at_end=True),
    )


def idle(seen: Seen, now: float) -> bool:
    """Whether nobody fetches, as far as that can be told."""
    return now - max(seen.health.updated, seen.since) > STALE


def fetching_words(health: Health, now: float) -> str:
    """Who fetches, if that is another process."""
    if health.pid == os.getpid() or now - health.updated > STALE:
        return ""
    return "another dashboard fetches" if health.role == "dashboard" else safe(health.role)


def remotes_words(seen: Seen) -> str:
    """`98 of 100 remotes`."""
    known, failing = len(seen.health.remotes), len(seen.health.failing)
    if not known:
        return "no remotes" if seen.unconfigured else "remotes not known yet"
    return f"{count(known - failing)} of {counted(known, 'remote')}" if failing else counted(known, "remote")


def round_words(health: Health, now: float) -> str:
    """How far the full round is: `round 12 s ago, next 9:48`, or what the running one has fetched so far."""
    round, failing = health.round, len(health.failing)
    if round is None:
        return ""
    if round.finished is not None:
        ago = f"round {span(now - round.finished)} ago"
        if failing:
            return f"{ago}, {counted(failing, 'remote')} failing"
        return ago if round.next is None else f"{ago}, next {format_duration(max(0, round.next - now))}"
    left = round.left(now)
    about = "" if left is None else f", {format_duration(left)} left"
    return f"{bar(round)} {progress(round)}, {counted(round.tasks, 'task')}{about}"


def progress(round: Round) -> str:
    """`120 of 1,000 nodes`."""
    return f"{count(round.nodes_done)} of {counted(round.nodes_total, 'node')}"


def bar(round: Round) -> str:
    """A running round as a bar."""
    full = min(_BAR, _BAR * round.nodes_done // max(1, round.nodes_total))
    return "━" * full + "╌" * (_BAR - full)


def nothing_finished(seen: Seen, wanted: Filter, now: float, hints: Sequence[str], running: int) -> str:
    """Why the history is empty. `hints` say what may be wrong with the filter, which so many `running` tasks
    match."""
    if wanted.running_only:
        if running:
            return f"The history holds finished tasks only: {counted(running, 'running task')} above"
        return "The history holds finished tasks only, and no running one matches"
    if wanted:
        why = hints[0] if hints else f"{cap_of('clear-filter')} clears the filter"
        return f"Nothing matches {safe(wanted.text)}: {why}"
    if seen.unconfigured:
        return f"No remote is configured; add one: {safe(seen.add_command) or ADD_COMMAND}"
    round = seen.health.round
    if round is not None and round.finished is None:
        return f"No tasks yet: the first round has fetched {progress(round)}"
    if round is not None:
        return "No tasks yet: the remotes remember none"
    if idle(seen, now):
        return "No tasks yet, and nobody is fetching: start remote-tasks --daemon"
    return "No tasks yet: waiting for the first round"


def nothing_running(seen: Seen, filter_text: str) -> str:
    """Why the running pane is empty."""
    if seen.unconfigured and not seen.running:
        return "No remote is configured"
    if not seen.health.updated and not seen.running:
        return "What runs is not known yet"
    if filter_text and seen.running:
        return f"None of the {count(seen.running)} running tasks matches"
    return "Nothing is running"
