"""One task: what the cache stores of it, and what follows from that (`description` has its words)."""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from msgspec import Struct

from backend.description import describe
from backend.upid import RemoteUpid, Upid, UpidError, parse_remote_upid

MAX_STATUS = 4_096
"""Characters of a status that are kept."""


class Status(StrEnum):
    """How a task stands. The values are those of the filter language."""

    RUNNING = "running"
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


_UNKNOWN = frozenset({"", "unknown", "unexpected status", "RUNNING"})


def status_class(status: str | None) -> Status:
    """The class of a finished task's status, as PVE::Tools::upid_normalize_status_type and PBS sort them; also
    `unknown (REASON)`, which we write where no remote can tell any more."""
    if status == "OK":
        return Status.OK
    if status is None or status in _UNKNOWN or status.startswith("unknown ("):
        return Status.UNKNOWN
    if status.startswith("WARNINGS: "):
        return Status.WARNING
    return Status.ERROR


def status_words(status: str | None) -> str:
    """A finished task's status as it is shown: as it is written, but what is unknown under that name always."""
    return "unknown" if status is None or status in _UNKNOWN else status


class Task(Struct, frozen=True, gc=False, omit_defaults=True):
    """A running or finished task, as a line of JSON holds it too. The garbage collector passes over it, and need
    not look at each of a million again and again: it refers to nothing but texts and numbers.

    Attributes:
        upid: the remote UPID, typed, as text: the task's identity.
        starttime: UNIX seconds.
        endtime: UNIX seconds; None while the task runs.
        status: `OK`, `WARNINGS: N`, `unexpected status` or the error's text; None while the task runs.
    """

    upid: str
    starttime: int
    endtime: int | None = None
    status: str | None = None

    @property
    def parsed(self) -> RemoteUpid:
        """The remote UPID, taken apart."""
        return _parse(self.upid)

    @property
    def remote(self) -> str:
        return self.parsed.remote

    @property
    def node(self) -> str:
        """The node that ran the task, as its UPID names it (a PBS host by its host name)."""
        return self.parsed.upid.node

    @property
    def worker_type(self) -> str:
        return self.parsed.upid.worker_type

    @property
    def worker_id(self) -> str | None:
        return self.parsed.upid.worker_id

    @property
    def user(self) -> str:
        """The user or API token, whole: `root@pam!backup`."""
        return self.parsed.upid.user

    @property
    def pid(self) -> int:
        return self.parsed.upid.pid

    @property
    def pstart(self) -> int:
        return self.parsed.upid.pstart

    @property
    def description(self) -> str:
        """The task in words: `VM 101 - Start`. Not yet made safe to print."""
        return describe(self.worker_type, self.worker_id)

    @property
    def running(self) -> bool:
        return self.endtime is None

    @property
    def status_class(self) -> Status:
        return Status.RUNNING if self.endtime is None else status_class(self.status)

    @property
    def status_words(self) -> str:
        """The status as it is shown: `running`, `OK`, `WARNINGS: N`, the error's text, `unknown`, or `unknown
        (REASON)`. Not yet made safe to print."""
        return "running" if self.endtime is None else status_words(self.status)

    @property
    def key(self) -> tuple[int, str]:
        """What tasks are ordered by: newest start first, ties by remote UPID."""
        return (-self.starttime, self.upid)

    def duration(self, now: float) -> int:
        """Seconds from start to end, or to `now` while the task runs; never negative, whatever the clocks say."""
        return max(0, int(now if self.endtime is None else self.endtime) - self.starttime)

    def as_dict(self) -> dict[str, Any]:
        """The task as `list --format json` prints it."""
        parsed = self.parsed
        upid = parsed.upid
        return {
            "upid": self.upid,
            "remote": parsed.remote,
            "node": upid.node,
            "pid": upid.pid,
            "pstart": upid.pstart,
            "starttime": self.starttime,
            "worker_type": upid.worker_type,
            "worker_id": upid.worker_id,
            "user": upid.user,
            "endtime": self.endtime,
            "status": self.status,
        }


# A row on the screen asks for half a dozen of these fields.
@lru_cache(maxsize=2_048)
def _parse(upid: str) -> RemoteUpid:
    """Tasks are checked where they come in; what a damaged file makes of one must not bring down who shows it."""
    try:
        return parse_remote_upid(upid)
    except UpidError:
        return RemoteUpid(upid, "pve", "?", Upid(upid, "?", 0, 0, 0, "?", None, "?"))


def later(one: Task, other: Task) -> Task:
    """Of two reports of the same task the one that holds: finished beats running, the later end beats the
    earlier; of two with the same end, `other`, the one reported later."""
    if one.endtime is None or other.endtime is None:
        return one if other.endtime is None and one.endtime is not None else other
    return one if one.endtime > other.endtime else other


def latest(tasks: Iterable[Task], known: Mapping[str, Task] | None = None) -> dict[str, Task]:
    """Tasks by remote UPID, of each the report that holds; `known` are earlier reports."""
    held = dict(known or {})
    for task in tasks:
        earlier = held.get(task.upid)
        held[task.upid] = task if earlier is None else later(earlier, task)
    return held


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """Tasks in the order of `Task.key`. Sorted hour by hour: to sort 100,000 at once would keep all other threads
    of the process waiting."""
    hours: dict[int, list[Task]] = {}
    for task in tasks:
        hours.setdefault(-task.starttime // 3_600, []).append(task)
    return [task for hour in sorted(hours) for task in sorted(hours[hour], key=lambda one: one.key)]


def merge_tasks(stored: Sequence[Task], newer: Iterable[Task]) -> list[Task]:
    """Two runs in the order of `Task.key` as one, each task once, in its later form; meant for few newer ones."""
    merged: list[Task] = []
    ages = [-task.starttime for task in stored]
    position = 0
    for task in newer:
        age = -task.starttime
        place = bisect.bisect_left(ages, age, position)
        while place < len(ages) and ages[place] == age and stored[place].upid < task.upid:
            place += 1
        merged += stored[position:place]
        position = place
        if place < len(ages) and stored[place].upid == task.upid:
            task = later(stored[place], task)
            position += 1
        merged.append(task)
    merged += stored[position:]
    return merged
