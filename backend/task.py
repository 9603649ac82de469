"""One task: what the cache stores of it, and what follows from that (`description` has its words)."""

from enum import StrEnum
from typing import Any

from backend.description import describe
from backend.upid import RemoteUpid, parse_remote_upid


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


class Task:
    """A running or finished task. Immutable by agreement; equal when everything stored of it is.

    Attributes:
        upid: the remote UPID, typed, as text: the task's identity.
        starttime: UNIX seconds.
        endtime: UNIX seconds; None while the task runs.
        status: `OK`, `WARNINGS: N`, `unexpected status` or the error's text; None while the task runs.
    """

    __slots__ = ("_parsed", "endtime", "starttime", "status", "upid")

    def __init__(self, upid: str, starttime: int, endtime: int | None = None, status: str | None = None) -> None:
        self.upid = upid
        self.starttime = starttime
        self.endtime = endtime
        self.status = status
        self._parsed: RemoteUpid | None = None

    @property
    def parsed(self) -> RemoteUpid:
        """The remote UPID, taken apart; parsed when first asked for, since most tasks are only passed on."""
        parsed = self._parsed
        if parsed is None:
            parsed = self._parsed = parse_remote_upid(self.upid)
        return parsed

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

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Task):
            return NotImplemented
        return (self.upid, self.starttime, self.endtime, self.status) == (
            other.upid,
            other.starttime,
            other.endtime,
            other.status,
        )

    def __hash__(self) -> int:
        return hash(self.upid)

    def __repr__(self) -> str:
        return f"Task({self.upid!r}, {self.starttime}, {self.endtime}, {self.status!r})"


def later(one: Task, other: Task) -> Task:
    """Of two reports of the same task the one that holds: finished beats running, the later end beats the
    earlier; of two with the same end, `other`, the one reported later."""
    if one.endtime is None or other.endtime is None:
        return one if other.endtime is None and one.endtime is not None else other
    return one if one.endtime > other.endtime else other
