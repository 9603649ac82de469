"""A task as one line of JSON: the form of it in the active file, the journal and the archive files."""

from collections.abc import Iterable

import msgspec
import orjson

from backend.task import MAX_STATUS, Task
from backend.upid import UpidError, parse_remote_upid

_BYTES_AT_ONCE = 1 << 18
"""Bytes of lines that are decoded at once: meanwhile no other thread of the process runs."""


class LineError(ValueError):
    """A line that is no task."""


def storable(task: Task) -> Task:
    """The task as its line gives it back: the status bounded, and without what is no UTF-8."""
    if task.endtime is None:
        return task if task.status is None else Task(task.upid, task.starttime)
    status = (task.status or "")[:MAX_STATUS].encode("utf-8", "replace").decode()
    return task if status == task.status else Task(task.upid, task.starttime, task.endtime, status)


def encode(task: Task) -> bytes:
    """A storable task's line, with its line feed."""
    return _encoder.encode(task) + b"\n"


def encode_all(tasks: Iterable[Task]) -> bytes:
    """The lines of several tasks."""
    return _encoder.encode_lines(tasks)


def decode(line: bytes) -> Task:
    """Read one line, whatever wrote it. The start time is the UPID's own, so that a UPID is one task, wherever and
    how often it is told. Raises LineError."""
    try:
        return _task(orjson.loads(line))
    except (orjson.JSONDecodeError, UpidError) as error:
        raise LineError(str(error)) from None


def decode_all(data: bytes) -> tuple[list[Task], int]:
    """Read many lines, whatever wrote them: the tasks, and how many lines were none. A bad line costs that line
    alone. An untyped remote UPID comes back typed."""
    tasks: list[Task] = []
    bad = start = 0
    while start < len(data):
        end = data.find(b"\n", start + _BYTES_AT_ONCE) + 1 or len(data)
        some, unreadable = _decode_some(data[start:end])
        tasks += some
        bad += unreadable
        start = end
    return tasks, bad


def _decode_some(data: bytes) -> tuple[list[Task], int]:
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


def decode_own(lines: bytes) -> list[Task]:
    """The finished tasks of whole lines that `encode` wrote and a checksum kept: fast, since their UPIDs are not
    checked again. Raises LineError if they are none."""
    try:
        return _decoder.decode_lines(lines)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LineError(str(error)) from None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Task)


def _task(row: object) -> Task:
    if not isinstance(row, dict):
        raise LineError("not an object")
    upid, endtime, status = row.get("upid"), row.get("endtime"), row.get("status")
    if not isinstance(upid, str):
        raise LineError("upid is no text")
    parsed = parse_remote_upid(upid)
    if endtime is None:
        return Task(parsed.text, parsed.upid.starttime)
    if type(endtime) is not int or not (status is None or isinstance(status, str)):
        raise LineError("endtime is no number, or status no text")
    return Task(parsed.text, parsed.upid.starttime, endtime, status or "")
