"""The log of a simulated task, line by line: it grows while the task runs, ends as the real ones do, and agrees
with the task's guest, status and times. What tasks of a type write is told by `backup_log`,
`migration_log`, `pve_logs` and `pbs_logs`."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from backend.simulator import backup_log, migration_log, pbs_logs, pve_logs
from backend.simulator.endings import WARNINGS
from backend.simulator.log_lines import Line, is_stopped
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class
from backend.upid import RemoteType


class _Writer(NamedTuple):
    """What writes the logs of some types of tasks: all up to the end if nobody stops a task, and what comes before
    the last line at its own end or when somebody stops it."""

    written: Callable[[SimulatedTask], list[Line]]
    ended: Callable[[SimulatedTask], list[str]]
    stopped: Callable[[SimulatedTask], list[str]]


_BACKUPS = _Writer(backup_log.written, backup_log.ended, backup_log.stopped)
_MIGRATIONS = _Writer(migration_log.written, migration_log.ended, migration_log.stopped)
_PVE = _Writer(pve_logs.written, pve_logs.ended, pve_logs.stopped)
_PBS = _Writer(pbs_logs.written, pbs_logs.ended, pbs_logs.stopped)


def line_count(task: SimulatedTask, type: RemoteType, now: int) -> int:
    """How many lines the log has at `now` (the fleet's clock, UNIX seconds), the last ones included once the task
    has ended."""
    return len(_written(task, type, now)) + (len(_closing(task, type)) if task.ends <= now else 0)


def lines(task: SimulatedTask, type: RemoteType, now: int, start: int, count: int) -> list[str]:
    """At most `count` lines of the log as it stands at `now`, from line `start` (from 0 on). Those of PBS begin
    with a time."""
    log = _written(task, type, now)
    if task.ends <= now:
        log = [*log, *(Line(task.ends - task.begins, text) for text in _closing(task, type))]
    shown = log[start : start + count]
    if type == "pve":
        return [line.text for line in shown]
    return [f"{_time(min(task.starttime + line.after, task.endtime))}: {line.text}" for line in shown]


def _written(task: SimulatedTask, type: RemoteType, now: int) -> list[Line]:
    """The lines that there are before those that tell of the end."""
    log = _whole(task._replace(ends=0, endtime=0, status=""), type)
    return log[: bisect_right(log, min(now, task.ends) - task.begins, key=lambda line: line.after)]


# who follows a log asks for it again and again
@lru_cache(maxsize=64)
def _whole(task: SimulatedTask, type: RemoteType) -> list[Line]:
    log = _writer(task, type).written(task)
    if status_class(task.intended) is Status.WARNING:
        number = task.intended.removeprefix("WARNINGS: ")
        texts = WARNINGS.get(task.worker_type, ("retried after a short pause",))
        warned = [texts[index % len(texts)] for index in range(int(number) if number.isdecimal() else 1)]
        begun = sum(line.after == 0 for line in log)
        log[begun:begun] = [Line(0, f"WARN: {text}") for text in warned]
    return log


def _closing(task: SimulatedTask, type: RemoteType) -> list[str]:
    """The lines that tell of the end; none for a task that vanished: that its log lacks them is what makes its
    status unknown."""
    status = status_class(task.status)
    if status is Status.UNKNOWN:
        return []
    writer = _writer(task, type)
    texts = writer.stopped(task) if is_stopped(task) else writer.ended(task)
    return [*texts, f"TASK ERROR: {task.status}" if status is Status.ERROR else f"TASK {task.status}"]


def _writer(task: SimulatedTask, type: RemoteType) -> _Writer:
    if type == "pbs":
        return _PBS
    if task.worker_type in migration_log.TYPES:
        return _MIGRATIONS
    return _BACKUPS if task.worker_type == "vzdump" else _PVE


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
