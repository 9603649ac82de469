"""As of when running tasks are known to run, and what their elapsed times count to: the clock of their remote, or
where that has fallen silent, the moment it was last heard of."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import NamedTuple

from backend.archive.health import Health
from backend.task import Task
from backend.times import local, moment_words
from tui.format import clock

_OVERDUE = 10.0
"""Seconds after which a poll that was due counts as missed: it takes longer until a remote that hangs is known to
fail."""

_SKEW_KNOWN_TO = 2.0
"""Seconds within which two measures of a clock may differ though it is the same: answers tell whole seconds."""


class Known(NamedTuple):
    """How a task is known to run.

    Attributes:
        until: what its elapsed time counts to while it runs (UNIX seconds), by the clock of its remote; None if
            nobody knows.
        doubt: as of when it is known to run, in words; empty while its remote answers.
    """

    until: float | None
    doubt: str = ""


class LastHeard:
    """What the fleet's health tells of running tasks.

    Args:
        now: tells the time (UNIX seconds).
    """

    def __init__(self, now: Callable[[], float], tz: tzinfo | None) -> None:
        self._now = now
        self._tz = tz
        self._health = Health()
        self._skews: Mapping[str, float] = {}

    def hear(self, health: Health) -> None:
        """Take when the remotes last answered, and by which clocks."""
        self._health = health
        self._skews = settled_skews(self._skews, health)

    def time_of(self, remote: str) -> float:
        """What time it is by a remote's clock (UNIX seconds)."""
        return self._now() + self._skews.get(remote, 0.0)

    def known(self, task: Task) -> Known:
        """How a task that runs is known to do so; of one that has ended there is no doubt."""
        now, skew = self._now(), self._skews.get(task.remote, 0.0)
        doubt = stale_words(self._health, task.remote, task.node, now, self._tz) if task.running else ""
        until = elapses_until(self._health, task.remote, task.node, now, skew=skew, stale=bool(doubt))
        return Known(until, doubt)


def last_heard(health: Health, remote: str, node: str) -> float | None:
    """When it was last known that the tasks of a node run (UNIX seconds); None if it never was."""
    known = health.remotes[remote]
    state = known.nodes.get(node)
    if state is None or state.error is None:
        return known.last_success
    return state.last_success


def stale_words(health: Health, remote: str, node: str, now: float, tz: tzinfo | None) -> str:
    """As of when a node's running tasks are known to run; empty while its answers come."""
    known = health.remotes.get(remote)
    if known is None:
        return ""
    heard = last_heard(health, remote, node)
    if heard is None:
        return "not confirmed yet"
    state = known.nodes.get(node)
    if not known.is_silent(now) and (state is None or state.error is None):
        if now - heard <= health.poll_interval + (known.latency or 0.0) + _OVERDUE:
            return ""
    moment, today = local(heard, tz), local(now, tz)
    same_day = moment is not None and today is not None and moment.date() == today.date()
    return f"last known {clock(moment)[:5] if same_day else moment_words(heard, now, tz, seconds=False)}"


def settled_skews(before: Mapping[str, float], health: Health) -> dict[str, float]:
    """How many seconds each remote's clock is ahead of ours, to about two. What was known `before` stays until it
    is measured to be another: elapsed times shall not flicker."""
    settled = {}
    for name, remote in health.remotes.items():
        known = before.get(name, 0.0)
        measured = known if remote.clock_skew is None else remote.clock_skew
        settled[name] = known if abs(measured - known) < _SKEW_KNOWN_TO else measured
    return settled


def elapses_until(health: Health, remote: str, node: str, now: float, *, skew: float, stale: bool) -> float | None:
    """What a running task's elapsed time counts to (UNIX seconds), by the clock that its start was read from: that
    is `skew` seconds ahead of ours. None if nobody knows."""
    until = last_heard(health, remote, node) if stale and remote in health.remotes else now
    return None if until is None else until + skew
