"""How many tasks there are of each kind, running ones included: what `stats` prints and the dashboard's statistics
show. Counting the finished ones is the archive's matter."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Literal

from backend.archive import Snapshot
from backend.query import Filter
from backend.table import Column
from backend.task import Status

Field = Literal["type", "remote", "node", "user"]
"""What tasks can be counted by; a node by its own name, whatever its remote."""

StatusCounts = Counter[Status]
"""How many tasks there are of each status."""

STATUSES = (Status.OK, Status.WARNING, Status.ERROR, Status.UNKNOWN, Status.RUNNING)
"""In the order in which counts are shown."""

Counted = tuple[str, StatusCounts]
"""A value and its counts."""


def count_by(
    snapshot: Snapshot, field: Field, wanted: Filter, *, cancelled: Callable[[], bool] | None = None
) -> dict[str, StatusCounts]:
    """How many tasks match, by the values of a field. Raises ScanCancelled."""
    counts: dict[str, StatusCounts] = defaultdict(Counter)
    for (value, status), number in snapshot.counts_by(field, wanted, cancelled=cancelled).items():
        counts[value][status] += number
    matches = wanted.matcher()
    attribute = "worker_type" if field == "type" else field
    for task in filter(matches, snapshot.running()):
        counts[getattr(task, attribute)][Status.RUNNING] += 1
    return dict(counts)


def count_all(snapshot: Snapshot, wanted: Filter, *, cancelled: Callable[[], bool] | None = None) -> StatusCounts:
    """How many tasks match in all. Raises ScanCancelled."""
    return sum(count_by(snapshot, "remote", wanted, cancelled=cancelled).values(), Counter())


def commonest_first(counts: Mapping[str, StatusCounts]) -> list[Counted]:
    """Those with the most tasks first, ties by name."""
    return sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))


COUNT_FIELDS = ("total", *map(str, STATUSES))
"""The keys of counts for programs."""


def _column(title: str, number: Callable[[StatusCounts], int]) -> Column:
    return Column(title, lambda counted: f"{number(counted[1]):,}", right=True)


COUNT_COLUMNS = (
    _column("TOTAL", Counter.total),
    *(_column(status.upper(), itemgetter(status)) for status in STATUSES),
)
"""The columns of what `commonest_first` gives for eyes."""


def count_record(counts: StatusCounts) -> dict[str, Any]:
    """Counts for programs."""
    return {"total": counts.total(), **{str(status): counts[status] for status in STATUSES}}
