"""Running and finished tasks as one list, newest start first, ties by remote UPID: what `list` prints."""

import heapq
from collections.abc import Callable, Iterator
from itertools import islice

from backend.archive import Snapshot
from backend.query import Filter
from backend.task import Task


def list_tasks(
    snapshot: Snapshot,
    wanted: Filter,
    *,
    offset: int = 0,
    limit: int | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Task]:
    """The matching tasks from position `offset` on, at most `limit`, read lazily. Raises ScanCancelled."""
    running = list_running(snapshot, wanted)
    # At least this many of the tasks before `offset` are finished ones: those need no look.
    skipped = max(0, offset - len(running))
    first = snapshot.page(wanted, skipped, 1, cancelled=cancelled)
    if not first:
        skipped = max(0, snapshot.count(wanted, cancelled=cancelled) - 1)
        first = snapshot.page(wanted, skipped, 1, cancelled=cancelled)
    before = sum(task.key < first[0].key for task in running) if first else 0
    passed = min(before, offset - skipped)
    finished = snapshot.iterate(wanted, start=first[0].key, cancelled=cancelled) if first else iter(())
    tasks = heapq.merge(running[passed:], finished, key=lambda task: task.key)
    start = offset - skipped - passed
    return islice(tasks, start, None if limit is None else start + limit)


def list_running(snapshot: Snapshot, wanted: Filter) -> list[Task]:
    """The matching running tasks."""
    matches = wanted.matcher()
    return [task for task in snapshot.running() if matches(task)]
