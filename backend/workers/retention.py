"""How soon a PVE node may forget what it ran. It keeps two index files of finished tasks, whatever their age: one
that runs much is to be asked before the tasks since the last time are gone."""

from collections.abc import Iterable

from backend.task import Task

INDEX_BYTES = 50_000
"""Bytes of finished tasks that a node remembers at the least: at this size it begins a new index file and drops
the one before the last."""
RUN = 50
"""Tasks over which a rate is reckoned; fewer since the last time are no cause for haste."""
SHARE = 0.5
"""Of the time in which a node could forget, how much may pass."""
SHORTEST = 5.0
"""Seconds that lie between two fetches all the same, whatever a node tells."""


class Retention:
    """The rate at which one node writes its index, as fetch after fetch tells it: a peak is believed at once, and
    half of it is still expected after each fetch that shows less."""

    def __init__(self) -> None:
        self._rate = 0.0

    def pause(self, tasks: Iterable[Task]) -> float | None:
        """Within how many seconds to fetch again, after a fetch that has told of `tasks` for the first time; never
        less than SHORTEST. None if the node does nothing that calls for haste."""
        self._rate = max(_peak(tasks), self._rate / 2)
        return max(SHORTEST, SHARE * INDEX_BYTES / self._rate) if self._rate >= 1.0 else None


def _peak(tasks: Iterable[Task]) -> float:
    """The highest rate (bytes a second) at which RUN tasks in a row ended."""
    finished = [task for task in tasks if task.endtime is not None]
    if len(finished) < RUN:
        return 0.0
    ends = sorted(task.endtime or 0 for task in finished)
    shortest = min(last - first for first, last in zip(ends, ends[RUN - 1 :], strict=False))
    sample = finished[:: len(finished) // RUN]
    return RUN * sum(map(_line, sample)) / len(sample) / max(1, shortest)


def _line(task: Task) -> int:
    """The bytes of a task's line in the index: its UPID, its end in hex, its status."""
    return len(task.upid.partition("!")[2]) + len(task.status or "") + 11
