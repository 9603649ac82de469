"""What commands print of a task and of a remote: the columns for eyes, and the records for programs."""

import time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, tzinfo
from typing import Any

from backend.archive.health import Health, Round
from backend.table import Column
from backend.task import Task
from backend.times import format_duration


def format_moment(moment: float | None) -> str:
    """UNIX seconds as local date and time."""
    return "never" if moment is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


TASK_FIELDS = (
    "upid",
    "remote",
    "node",
    "pid",
    "pstart",
    "starttime",
    "worker_type",
    "worker_id",
    "user",
    "endtime",
    "status",
)
"""The keys of a task for programs."""

EXPORT_FIELDS = (*TASK_FIELDS, "description", "started", "ended")
"""The same, and for those who read them in a spreadsheet what `export_record` adds."""


def export_record(task: Task, tz: tzinfo | None = None) -> dict[str, Any]:
    """A task for programs, with its words, and its start and end as ISO 8601 in `tz` (by default local time) with
    the offset; null while it runs."""
    ended = None if task.endtime is None else _iso(task.endtime, tz)
    return task.as_dict() | {"description": task.description, "started": _iso(task.starttime, tz), "ended": ended}


def _iso(moment: int, tz: tzinfo | None) -> str | None:
    try:
        return datetime.fromtimestamp(moment, UTC).astimezone(tz).isoformat()
    except (OverflowError, ValueError, OSError):
        # no calendar has a date for what a broken clock told
        return None


TASK_COLUMNS = (
    Column("START", lambda task: format_moment(task.starttime)),
    Column("DURATION", lambda task: format_duration(task.duration(time.time())), right=True),
    Column("REMOTE", lambda task: task.remote, least=11),
    Column("NODE", lambda task: task.node, least=8, spare=1),
    Column("USER", lambda task: task.user, least=12, spare=2),
    Column("TASK", lambda task: task.description, least=16),
    Column("STATUS", lambda task: task.status_words, least=17),
)
UPID_COLUMN = Column("REMOTE-UPID", lambda task: task.upid, below=True)

_NOT_ASKED = "not asked yet"


@dataclass(frozen=True, slots=True)
class RemoteReport:
    """One remote's health as `remotes` prints it. Times are UNIX seconds, latency is in seconds;
    `clock_skew` is how many its clock is ahead of ours; `as_of` is when all this was last known, null if it never
    was; `fetching` tells whether somebody keeps it up to date."""

    remote: str
    type: str
    state: str
    last_success: float | None
    latency: float | None
    nodes: int
    failing_nodes: int
    failing_since: float | None
    clock_skew: float | None
    trouble: str | None
    as_of: float | None
    fetching: bool

    @property
    def state_words(self) -> str:
        """The state for eyes: only a past one where nobody fetches."""
        return self.state if self.fetching or self.state == _NOT_ASKED else f"was {self.state}"

    def as_dict(self) -> dict[str, Any]:
        """The report for programs."""
        return asdict(self)


def remote_reports(health: Health, *, fetching: bool) -> list[RemoteReport]:
    """A report for each remote, by name; `fetching` tells whether somebody keeps it up to date."""
    reports = []
    for name, remote in sorted(health.remotes.items()):
        failing = {node: state.error for node, state in remote.nodes.items() if state.error is not None}
        troubles = [remote.error] if remote.error else []
        troubles += [f"{node}: {error}" for node, error in sorted(failing.items())]
        troubles += remote.notes
        state = "ok" if not troubles else "failing" if remote.error else "limited"
        if remote.last_success is None and not troubles:
            state = _NOT_ASKED
        reports.append(
            RemoteReport(
                name,
                remote.type,
                state,
                remote.last_success,
                remote.latency,
                len(remote.nodes),
                len(failing),
                remote.failing_since,
                remote.clock_skew,
                "; ".join(troubles) or None,
                health.updated or None,
                fetching,
            )
        )
    return reports


def round_progress(round: Round, now: float) -> str:
    """How far a full round that goes on is: `120 of 1,000 nodes, 50,312 tasks, about 2:10 left`."""
    left = round.left(now)
    about = "" if left is None else f", about {format_duration(left)} left"
    return f"{round.nodes_done:,} of {round.nodes_total:,} nodes, {round.tasks:,} tasks{about}"


def _age(moment: float | None) -> str:
    return "never" if moment is None else f"{format_duration(time.time() - moment)} ago"


REMOTE_FIELDS = tuple(field.name for field in fields(RemoteReport))
"""The keys of a remote's report for programs."""

REMOTE_COLUMNS = (
    Column("REMOTE", lambda report: report.remote, least=16),
    Column("TYPE", lambda report: report.type),
    Column("STATE", lambda report: report.state_words),
    Column("LAST SEEN", lambda report: _age(report.last_success), right=True),
    Column(
        "LATENCY", lambda report: "" if report.latency is None else f"{report.latency * 1000:.0f} ms", right=True
    ),
    Column("NODES", lambda report: str(report.nodes), right=True),
    Column("TROUBLE", lambda report: report.trouble or "", below=True),
)
