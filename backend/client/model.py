"""What a client hands out beside tasks: nodes, pages, what runs now, a task's state, its log."""

from dataclasses import dataclass, field
from typing import NamedTuple

from backend.task import Task


@dataclass(frozen=True, slots=True)
class Node:
    """A member of a remote; `online` is None where the remote does not know."""

    name: str
    online: bool | None


@dataclass(slots=True)
class Page:
    """Tasks of one answer, each once. `rows` is how many rows the answer had, `rejected` how many of them were no
    task: with no UPID, or one that does not parse."""

    tasks: list[Task]
    rows: int
    rejected: int = 0


@dataclass(slots=True)
class Current:
    """What a remote runs now, and what ended lately as far as it tells in the same answer.

    Attributes:
        running: tasks that run.
        finished: PVE: the latest of each node, at most 25 less the running ones; PBS: none.
        truncated: the nodes whose part came up against PVE's limit of 32 KiB: running tasks may be missing.
        rejected: rows that were no task.
    """

    running: list[Task]
    finished: list[Task]
    truncated: frozenset[str] = field(default_factory=frozenset)
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class TaskState:
    """How a task stands by its status request, which tells no end time; `exitstatus` is None while it runs."""

    running: bool
    exitstatus: str | None


class LogLine(NamedTuple):
    """One line of a task's log; `number` counts from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines of a task's log; `total` is how many there are in all, None where the remote does not say."""

    lines: list[LogLine]
    total: int | None
