"""The tasks of one node that were started over its API or by a test. Like those of `stream` they are made anew
each time from a few numbers, so that all that ever ran can be told without holding it."""

from array import array
from bisect import bisect_right
from math import inf

from backend.simulator.catalogue import backup_group
from backend.simulator.stream import SimulatedTask, TaskStream
from backend.upid import parse_upid

_FIRST_PID = 0x0100_0000
"""Beyond any pid of the stream's own."""
_FIRST_TASK_ID = 0x8000_0000

_Kind = tuple[str, str, str, str]
"""Type, id, user and final status of a task: few different ones among many tasks."""


class TasksByHand:
    """Numbered from 0 on in the order of their starts."""

    def __init__(self, stream: TaskStream) -> None:
        """`stream` is the node's own, which knows how its tasks are written."""
        self._stream = stream
        self._starts = array("q")
        self._durations = array("q")
        self._kinds = array("l")
        self._known: list[_Kind] = []
        self._number_of: dict[_Kind, int] = {}

    def add(self, start: int, duration: int, kind: _Kind) -> SimulatedTask:
        """One more task, which lasts `duration` seconds. Raises UpidError if type, id or user cannot stand in a
        UPID."""
        # a clock that was set back must not break the order
        start = max(start, self._starts[-1]) if self._starts else start
        task = self._make(len(self._starts), start, duration, kind)
        parse_upid(task.upid, self._stream.type)
        if kind not in self._number_of:
            self._number_of[kind] = len(self._known)
            self._known.append(kind)
        self._starts.append(start)
        self._durations.append(duration)
        self._kinds.append(self._number_of[kind])
        return task

    def start(self, index: int) -> float:
        """When task number `index` starts, UNIX seconds; infinity if there is none yet."""
        return self._starts[index] if index < len(self._starts) else inf

    def span(self, index: int) -> tuple[int, int]:
        """Start and end of a task, UNIX seconds."""
        start = self._starts[index]
        return start, start + self._durations[index]

    def count_until(self, moment: int) -> int:
        """How many tasks start at or before `moment` (UNIX seconds)."""
        return bisect_right(self._starts, moment)

    def task(self, index: int) -> SimulatedTask:
        """Task number `index`."""
        return self._make(index, self._starts[index], self._durations[index], self._known[self._kinds[index]])

    def _make(self, index: int, start: int, duration: int, kind: _Kind) -> SimulatedTask:
        worker_type, worker_id, user, status = kind
        return self._stream.make(
            start=start,
            duration=duration,
            worker_type=worker_type,
            worker_id=worker_id,
            user=user,
            status=status,
            pid=_FIRST_PID + index + 1,
            task_id=_FIRST_TASK_ID + index + 1,
            hundredths=0,
            guests=backup_group(self._stream.guests, 0) if worker_type == "vzdump" else self._stream.guests,
        )
