"""From the rows of a task list to tasks. A row that is no task is counted, never fatal."""

from typing import Any

from backend.client.model import Page
from backend.task import MAX_STATUS, Task, later
from backend.text import repair_latin1
from backend.upid import RemoteType, UpidError, parse_upid, remote_upid

MAX_UPID = 1024
"""Characters of the longest UPID taken. Log files are named by it, so real ones have at most 255 bytes."""

_LATEST = 2**33
"""UNIX seconds no end time lies beyond (the year 2242); start times are 32 bits by their UPIDs."""


class RowReader:
    """Reads a list's rows, in as many pieces as one likes."""

    def __init__(self, type: RemoteType, remote: str) -> None:
        self._type = type
        self._remote = remote
        self._tasks: dict[str, Task] = {}
        self._rows = self._rejected = 0

    def read(self, rows: list[Any]) -> None:
        """Read some rows more."""
        tasks = self._tasks
        for row in rows:
            task = read_row(row, self._type, self._remote)
            if task is None:
                self._rejected += 1
                continue
            known = tasks.get(task.upid)
            tasks[task.upid] = task if known is None else later(known, task)
        self._rows += len(rows)

    def page(self) -> Page:
        """The tasks so far, in their order, each once: as finished where the list has it running, too."""
        return Page(list(self._tasks.values()), self._rows, self._rejected)


def read_row(row: Any, type: RemoteType, remote: str) -> Task | None:
    """The task of one row, or None if it is none."""
    try:
        upid = row["upid"]
        if len(upid) > MAX_UPID:
            return None
        starttime = parse_upid(upid, type).starttime
        status, endtime = row.get("status"), row.get("endtime")
    except (TypeError, KeyError, AttributeError, UpidError):
        return None
    if not isinstance(status, str) or not status:
        status = None
    if endtime is not None:
        endtime = _seconds(endtime)
    text = remote_upid(type, remote, upid)
    if status == "RUNNING" or (status is None and endtime is None):
        return Task(text, starttime)
    if status is None:
        status = "unknown"
    else:
        status = tidy_status(status, type)
    # An end that is not told is taken to be the start: any end told later then counts as the later report.
    return Task(text, starttime, starttime if endtime is None else endtime, status)


def tidy_status(status: str, type: RemoteType) -> str:
    """A final status as it is stored: read right, and bounded."""
    status = status[: 2 * MAX_STATUS]
    if type == "pve":
        status = repair_latin1(status)
    return status[:MAX_STATUS]


def _seconds(value: Any) -> int | None:
    """A time in UNIX seconds; Perl writes a number as text at times."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _LATEST:
        return None
    return value
