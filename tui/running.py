"""What the list of running tasks holds: what runs, and for some seconds what has just ended, in an order of the
user's. How it is shown is the pane's matter."""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Any

from backend.query import Filter
from backend.task import Task

LINGER = 8.0
"""Seconds for which a task that has ended stays."""
FADED = 4.0
"""Seconds after which it is dimmed."""


class Order(StrEnum):
    """What the list can be sorted by."""

    START = "start"
    DURATION = "duration"
    REMOTE = "remote"

    @property
    def words(self) -> str:
        """The order as the title says it: the newest, the longest, the first by name on top."""
        return f"by {self} {'↑' if self is Order.REMOTE else '↓'}"

    @property
    def next(self) -> "Order":
        """The order that follows this one."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


def order_named(name: str) -> Order:
    """The order of this name; of any other, the usual one."""
    return Order(name) if name in set(Order) else Order.START


_KEYS: dict[Order, Callable[[Task], Any]] = {
    Order.START: lambda task: task.key,
    Order.DURATION: lambda task: (task.starttime, task.upid),
    Order.REMOTE: lambda task: (task.remote, *task.key),
}


class RunningTasks:
    """The running tasks as they were last seen, those of them whose ends have been told, and those that have ended
    since, each until it leaves."""

    def __init__(self) -> None:
        self._running: Sequence[Task] = ()
        self._told: dict[str, Task] = {}
        self._ended: dict[str, tuple[Task, float]] = {}

    def __len__(self) -> int:
        """How many run."""
        return len(self._running) - len(self._told)

    def take(self, running: Sequence[Task], ended: Iterable[Task], now: float, kept: str = "") -> None:
        """Take what runs now, and what has become of tasks that ran the last time. Of those that have ended,
        `kept` (a remote UPID) does not leave."""
        self._running = running
        again = {task.upid for task in running}
        self._told = {upid: task for upid, task in self._told.items() if upid in again}
        for task in ended:
            self._ended.setdefault(task.upid, (task, now))
        self._ended = {
            upid: (task, since)
            for upid, (task, since) in self._ended.items()
            if (0 <= now - since < LINGER or upid == kept) and upid not in again
        }

    def tell_end(self, task: Task, status: str | None, end: float) -> bool:
        """Take that a task's log tells its end with this status, or with None that it does not, before the cache
        does; `end` is the time now by the task's own clock (UNIX seconds). Whether that is news."""
        runs = any(task.upid == other.upid for other in self._running)
        if not runs or (status is None) is (task.upid not in self._told):
            return False
        if status is None:
            del self._told[task.upid]
        else:
            self._told[task.upid] = Task(task.upid, task.starttime, int(end), status)
        return True

    def is_told(self, task: Task) -> bool:
        """Whether a task's end has been told, but is not in the cache yet."""
        return task.upid in self._told

    def is_faded(self, task: Task, now: float) -> bool:
        """Whether a task ended so long ago that it is about to leave."""
        return task.upid in self._ended and now - self._ended[task.upid][1] >= FADED

    def leave(self, now: float, kept: str = "") -> bool:
        """Let those go whose time has come, but for `kept` (a remote UPID); whether there were any."""
        before = len(self._ended)
        self.take(self._running, (), now, kept)
        return len(self._ended) < before

    def listed(self, wanted: Filter, order: Order) -> tuple[list[Task], int]:
        """The tasks that match, sorted, and how many of them run. One that has ended is taken as it ran: `wanted`
        may ask for running ones."""
        matches = wanted.matcher()
        running = list(filter(matches, self._running)) if wanted else list(self._running)
        running = [self._told.get(task.upid, task) for task in running]
        ended = [
            task for task, _ in self._ended.values() if not wanted or matches(Task(task.upid, task.starttime))
        ]
        return sorted([*running, *ended], key=_KEYS[order]), sum(task.running for task in running)
