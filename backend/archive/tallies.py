"""Numbers about many tasks at once: how many there are of each kind, and when. Counted over columns; what is in no
column yet is counted task by task."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import numpy as np

from backend.archive.matching import ColumnMatcher, Mask
from backend.task import Status, Task

Field = Literal["type", "remote", "node", "user", "status"]
"""What tasks can be counted by; a node by its own name, whatever its remote."""

_ATTRIBUTES = {"type": "worker_type", "remote": "remote", "node": "node", "user": "user", "status": "status_class"}


class Tally(Protocol):
    """What is told of all matches: of those that are rows of columns, and of the others."""

    def add_columns(self, matcher: ColumnMatcher, rows: Mask) -> None:
        """Count the rows that a mask picks."""

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Count tasks."""


class FieldTally:
    """Counts by the values of a field and by status class: `counts` maps (value, status) to a number."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._attribute = _ATTRIBUTES[field]
        self.counts: Counter[tuple[str, Status]] = Counter()

    def add_columns(self, matcher: ColumnMatcher, rows: Mask) -> None:
        """Count the rows that a mask picks."""
        names, values = matcher.values(self._field)
        classes, statuses = matcher.values("status")
        combined = values[rows] * len(classes) + statuses[rows]
        sums = np.bincount(combined, minlength=len(names) * len(classes))
        for number in np.flatnonzero(sums).tolist():
            key = (names[number // len(classes)], Status(classes[number % len(classes)]))
            self.counts[key] += int(sums[number])

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Count tasks."""
        self.counts.update((str(getattr(task, self._attribute)), task.status_class) for task in tasks)


class TimeTally:
    """Counts by start time and status class: `bins[i]` is for starts from `edges[i]` on and before the next."""

    def __init__(self, edges: Sequence[int]) -> None:
        """`edges` in UNIX seconds, ascending, at least two of them."""
        self._edges = np.asarray(edges, np.int64)
        self.bins: list[Counter[Status]] = [Counter() for _ in edges[1:]]

    def add_columns(self, matcher: ColumnMatcher, rows: Mask) -> None:
        """Count the rows that a mask picks."""
        classes, statuses = matcher.values("status")
        starts = matcher.columns.starttime[rows].astype(np.int64)
        self._add(starts, statuses[rows], classes)

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """Count tasks."""
        listed = list(tasks)
        classes = list(Status)
        starts = np.fromiter((task.starttime for task in listed), np.int64, len(listed))
        statuses = np.fromiter((classes.index(task.status_class) for task in listed), np.intp, len(listed))
        self._add(starts, statuses, [str(status) for status in classes])

    def _add(
        self, starts: "np.typing.NDArray[np.int64]", statuses: "np.typing.NDArray[np.intp]", classes: list[str]
    ) -> None:
        places = np.searchsorted(self._edges, starts, side="right") - 1
        inside = (places >= 0) & (places < len(self.bins))
        combined = places[inside] * len(classes) + statuses[inside]
        sums = np.bincount(combined, minlength=len(self.bins) * len(classes)).reshape(-1, len(classes))
        for place, number in np.argwhere(sums).tolist():
            self.bins[place][Status(classes[number])] += int(sums[place, number])
