"""The health of the fleet as the workers come to know it; housekeeping publishes it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping

from backend.archive.health import Health, NodeHealth, RemoteHealth
from backend.client import RemoteError
from backend.upid import RemoteType

log = logging.getLogger(__name__)


class HealthBoard:
    """What works and what does not. `changed` says that something was noted since it was last set to False."""

    def __init__(
        self, health: Health, remotes: Mapping[str, RemoteType], clock: Callable[[], float] = time.time
    ) -> None:
        """Continue `health` as an earlier worker left it, for these remotes."""
        self.health = health
        self.changed = True
        self._clock = clock
        self._errors: dict[str, dict[str, str]] = {name: {} for name in remotes}
        self._notes: dict[str, dict[str, list[str]]] = {name: {} for name in remotes}
        self._members: dict[str, frozenset[str]] = {}
        self._problems: dict[str, str] = {}
        health.problem = None
        health.remotes = {
            name: health.remotes.get(name) or RemoteHealth(type=type) for name, type in remotes.items()
        }

    def answered(self, remote: str, to: str, latency: float | None) -> None:
        """A remote answered a worker (`to`), `latency` seconds after it was asked."""
        entry = self.health.remotes[remote]
        entry.last_success = self._clock()
        entry.latency = latency
        self._errors[remote].pop(to, None)
        self._tell(remote)

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
        self.changed = True

    def notes(self, remote: str, by: str, notes: list[str]) -> None:
        """What limits a remote's data, though it answers, as far as one worker (`by`) can tell."""
        if not self._notes[remote].get(by):
            for note in notes:
                log.warning("%s: %s", remote, note)
        self._notes[remote][by] = notes
        everyones = dict.fromkeys(note for each in self._notes[remote].values() for note in each)
        self.health.remotes[remote].notes = list(everyones)
        self.changed = True

    def problem(self, worker: str, problem: str | None) -> None:
        """What is wrong with one of the workers themselves, in words."""
        if problem is None:
            self._problems.pop(worker, None)
        else:
            self._problems[worker] = problem
        self.health.problem = next(iter(self._problems.values()), None)
        self.changed = True
