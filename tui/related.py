"""The tasks around one task: those of the same guest, or of the same kind where it is about none."""

from itertools import islice
from typing import NamedTuple

from backend.archive import Snapshot
from backend.query import Filter, Term, guest_id
from backend.task import Task

_LOOKED_AT = 200
"""Tasks of the same kind among which those of the same id are looked for."""


class Related(NamedTuple):
    """Tasks before and after one, the nearest first."""

    before: list[Task]
    after: list[Task]


def read_related(snapshot: Snapshot, task: Task, most: int) -> Related:
    """Up to so many tasks on each side of a task, by start. Reads files. Raises OSError."""
    guest = guest_id(task.worker_id)
    terms = [Term("remote", (task.remote.lower(),))]
    if guest is not None:
        terms.append(Term("vmid", (guest,)))
    else:
        terms += [Term("type", (task.worker_type.lower(),)), Term("node", (task.node.lower(),))]
    wanted = Filter("", tuple(terms))
    matches = wanted.matcher()

    def is_like(other: Task) -> bool:
        return other.upid != task.upid and (guest is not None or other.worker_id == task.worker_id)

    def side(reverse: bool) -> list[Task]:
        finished = islice(snapshot.iterate(wanted, start=task.key, reverse=reverse), _LOOKED_AT)
        found = list(islice(filter(is_like, finished), most))
        for other in snapshot.running():
            beyond = other.key < task.key if reverse else other.key > task.key
            if beyond and matches(other) and is_like(other):
                found.append(other)
        return sorted(found, key=lambda other: other.key, reverse=reverse)[:most]

    return Related(before=side(False), after=side(True))
