"""A task as one line of JSON: the form of it in the active file, the journal and the archive files."""

from collections.abc import Iterable

import orjson

from backend.task import Task
from backend.upid import UpidError, parse_remote_upid

MAX_STATUS = 4_096
"""Characters of a status that are kept."""


class LineError(ValueError):
    """A line that is no task."""


def encode(task: Task) -> bytes:
    """The task's line, with its line feed."""
    line: dict[str, str | int] = {"upid": task.upid, "starttime": task.starttime}
    if task.endtime is not None:
        line["status"] = (task.status or "")[:MAX_STATUS]
        line["endtime"] = task.endtime
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a lone surrogate, which is no UTF-8
        line = {
            name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for name, value in line.items()
        }
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def encode_all(tasks: Iterable[Task]) -> bytes:
    """The lines of several tasks."""
    return b"".join(map(encode, tasks))


def decode(line: bytes) -> Task:
    """Read one line, whatever wrote it. Raises LineError."""
    try:
        return _task(orjson.loads(line))
    except (orjson.JSONDecodeError, UpidError) as error:
        raise LineError(str(error)) from None


def decode_all(data: bytes) -> tuple[list[Task], int]:
    """Read many lines, whatever wrote them: the tasks, and how many lines were none. A bad line costs that line
    alone. An untyped remote UPID comes back typed."""
    try:  # one call for all is several times faster than one a line
        rows = orjson.loads(b"[" + data.rstrip(b"\n").replace(b"\n", b",") + b"]")
        return [_task(row) for row in rows], 0
    except (orjson.JSONDecodeError, LineError, UpidError):
        pass
    tasks, bad = [], 0
    for line in data.split(b"\n"):
        if line:
            try:
                tasks.append(decode(line))
            except LineError:
                bad += 1
    return tasks, bad


def _task(row: object) -> Task:
    if not isinstance(row, dict):
        raise LineError("not an object")
    starttime, endtime, status = row.get("starttime"), row.get("endtime"), row.get("status")
    upid = row.get("upid")
    if not isinstance(upid, str):
        raise LineError("upid is no text")
    upid = parse_remote_upid(upid).text
    if type(starttime) is not int:
        raise LineError("starttime is no number")
    if endtime is None:
        return Task(upid, starttime)
    if type(endtime) is not int or not (status is None or isinstance(status, str)):
        raise LineError("endtime is no number, or status no text")
    return Task(upid, starttime, endtime, status)
