"""The health of the fleet as the workers come to know it; housekeeping publishes it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from backend.archive.health import Health, NodeHealth, RemoteHealth
from backend.client import RemoteError
from backend.times import format_duration
from backend.upid import RemoteType

log = logging.getLogger(__name__)

NO_SUCH_TASKS = 100
"""Tasks that were to be tracked and are none, of which that is told at most: who waits for one looks soon."""
WRONG_CLOCK = 10.0
"""Seconds that a remote's clock may be ahead or behind before that is worth telling."""


class HealthBoard:
    """What works and what does not. `changed` says that something was noted since it was last set to False."""

    def __init__(
        self, health: Health, remotes: Mapping[str, RemoteType], clock: Callable[[], float] = time.time
    ) -> None:
        """Continue `health` as an earlier worker left it, for these remotes."""
        self.health = health
        self.changed = True
        self._clock = clock
        self._errors: dict[str, dict[str, str]] = {}
        self._notes: dict[str, dict[str, list[str]]] = {}
        self._members: dict[str, frozenset[str]] = {}
        self._problems: dict[str, str] = {}
        health.problem = None
        self.keep(remotes)

    def keep(self, remotes: Mapping[str, RemoteType]) -> None:
        """These are the remotes from now on; what is known of those that were there before is kept."""
        known = self.health.remotes
        self.health.remotes = {
            name: known[name] if name in known and known[name].type == type else RemoteHealth(type=type)
            for name, type in remotes.items()
        }
        self._errors = {name: self._errors.get(name, {}) for name in remotes}
        self._notes = {name: self._notes.get(name, {}) for name in remotes}
        self._members = {name: members for name, members in self._members.items() if name in remotes}
        self.changed = True

    def answered(self, remote: str, to: str, latency: float | None, skew: float | None = None) -> None:
        """A remote answered a worker (`to`), `latency` seconds after it was asked; its clock is `skew` seconds
        ahead of ours, as far as known."""
        entry = self.health.remotes[remote]
        entry.last_success = self._clock()
        entry.latency = latency
        entry.clock_skew = skew
        self.notes(remote, "clock", _clock_notes(skew, latency or 0.0))
        self._errors[remote].pop(to, None)
        self._tell(remote)

    def polls_every(self, seconds: float) -> None:
        """From one poll of a remote to its next it is so long now."""
        if seconds != self.health.poll_interval:
            self.health.poll_interval = seconds
            self.changed = True

    def is_failing(self, remote: str) -> bool:
        """Whether a worker could not ask this remote the last time it tried."""
        return bool(self._errors[remote])

    def failed(self, remote: str, to: str, error: RemoteError) -> None:
        """A remote as a whole could not be asked by a worker."""
        self._errors[remote][to] = error.words
        self._tell(remote)

    def _tell(self, remote: str) -> None:
        entry = self.health.remotes[remote]
        words = next(iter(self._errors[remote].values()), None)
        if words is None:
            if entry.error is not None:
                log.info("%s: answers again", remote)
            entry.failing_since = None
        else:
            if words != entry.error:
                log.warning("%s: %s", remote, words)
            entry.failing_since = entry.failing_since or self._clock()
        entry.error = words
        self.changed = True

    def nodes(self, remote: str, names: Iterable[str]) -> None:
        """These are a remote's nodes, as it told itself just now."""
        entry = self.health.remotes[remote]
        entry.nodes = {name: entry.nodes.get(name) or NodeHealth() for name in names}
        self._members[remote] = frozenset(entry.nodes)
        self.changed = True

    def members(self, remote: str) -> frozenset[str] | None:
        """A remote's nodes as it last told; None while it did not."""
        return self._members.get(remote)

    def node_works(self, remote: str, node: str) -> bool:
        """Whether a node is one of the remote's, and could be fetched from the last time."""
        known = self.health.remotes[remote].nodes.get(node)
        return known is not None and known.error is None

    def node_answered(self, remote: str, node: str) -> None:
        """A node's tasks were fetched whole."""
        self.health.remotes[remote].nodes[node] = NodeHealth(last_success=self._clock())
        self.changed = True

    def node_failed(self, remote: str, node: str, words: str) -> None:
        """A node's tasks could not be fetched."""
        entry = self.health.remotes[remote].nodes.setdefault(node, NodeHealth())
        if entry.error != words:
            log.warning("%s: %s: %s", remote, node, words)
        entry.error = words
        entry.failing_since = entry.failing_since or self._clock()
        self.changed = True

    def notes(self, remote: str, by: str, notes: list[str]) -> None:
        """What limits a remote's data, though it answers, as far as one worker (`by`) can tell."""
        before = self._notes[remote].get(by)
        if notes == before:
            return
        if not before:
            for note in notes:
                log.warning("%s: %s", remote, note)
        self._notes[remote][by] = notes
        everyones = dict.fromkeys(note for each in self._notes[remote].values() for note in each)
        self.health.remotes[remote].notes = list(everyones)
        self.changed = True

    def no_such_task(self, upid: str) -> None:
        """What was to be tracked is no task that its remote knows."""
        told = self.health.no_such_tasks
        told.pop(upid, None)
        told[upid] = self._clock()
        for forgotten in list(told)[:-NO_SUCH_TASKS]:
            del told[forgotten]
        self.changed = True

    def problem(self, worker: str, problem: str | None) -> None:
        """What is wrong with one of the workers themselves, in words."""
        if problem is None:
            self._problems.pop(worker, None)
        else:
            self._problems[worker] = problem
        told = list(dict.fromkeys(self._problems.values()))
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        self.health.problem = told[0] + more if told else None
        self.changed = True


def _clock_notes(skew: float | None, latency: float) -> list[str]:
    """What is to be said of a clock that is wrong, so coarse that it is not said anew with each answer."""
    # Nobody knows when, on its way, an answer got its date.
    if skew is None or abs(skew) <= WRONG_CLOCK + latency:
        return []
    unit = 10 if abs(skew) < 300 else 60
    about = format_duration(max(1, round(abs(skew) / unit)) * unit)
    return [f"its clock is about {about} {'ahead of' if skew > 0 else 'behind'} ours"]
