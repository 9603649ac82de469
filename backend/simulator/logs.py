"""The log of a simulated task, line by line: it grows while the task runs, ends as the real ones do, and agrees
with the task's guest, status and times."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from backend.query import guest_id
from backend.simulator.catalogue import FIRST_GUEST, backup_failure, is_container, target_node
from backend.simulator.draws import draw, key_of
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class
from backend.upid import RemoteType

_OPENINGS = {
    "vzdump": "INFO: starting new backup job: vzdump {id} --mode snapshot --storage nas",
    "qmigrate": "starting migration of VM {id} to node '{target}' (192.0.2.12)",
    "vzmigrate": "starting migration of CT {id} to node '{target}' (192.0.2.12)",
    "qmclone": "create full clone of drive scsi0 (local-zfs:vm-{id}-disk-0)",
    "aptupdate": "starting apt-get update",
    "vncproxy": "starting vnc proxy {upid}",
    "vncshell": "starting vnc proxy {upid}",
    "backup": 'starting new backup on datastore {store} from ::ffff:192.0.2.21: "{within}"',
    "reader": "starting new backup reader datastore '{store}': \"{within}\"",
    "verificationjob": "starting verify job '{id}'",
    "verify_snapshot": "verify {id}",
    "garbage_collection": "starting garbage collection on store {id}",
    "syncjob": "sync datastore '{id}' start",
    "prune": "prune {id} keep-last: 7, keep-daily: 14",
}
_OF_JOB = 4
"""How many guests a backup job that names none goes through."""


class _Progress(NamedTuple):
    """How far a task has come: the part of its work in [0, 1], the GiB that it moves in all, and since how many
    seconds."""

    part: float
    size: int
    seconds: int
    bits: int

    @property
    def moved(self) -> str:
        return f"{self.part * self.size:.1f} GiB of {self.size}.0 GiB"


def _transferred(at: _Progress) -> str:
    return f"transferred {at.moved} ({100 * at.part:.2f}%) in {_span(at.seconds)}"


def _percentage(at: _Progress) -> str:
    groups = at.size * 4
    return f"percentage done: {100 * at.part:.2f}% ({int(at.part * groups)}/{groups} groups)"


_PROGRESS: dict[str, Callable[[_Progress], str]] = {
    "qmigrate": lambda at: f"mirror-scsi0: {_transferred(at)}",
    "vzmigrate": _transferred,
    "qmclone": _transferred,
    "imgcopy": _transferred,
    "download": lambda at: f"{100 * at.part:.0f}% of {at.size}.0 GiB downloaded",
    "backup": lambda at: f"processed {at.part * at.size:.1f} GiB in {_span(at.seconds)}",
    "verificationjob": _percentage,
    "verify_snapshot": _percentage,
    "syncjob": _percentage,
    "garbage_collection": lambda at: f"processed {100 * at.part:.0f}% ({int(at.part * at.size * 256)} chunks)",
}
"""What tasks of some types write as they go on; those of others write nothing until they end. Backups of PVE write
more than that."""


def line_count(task: SimulatedTask, now: int) -> int:
    """How many lines the log has at `now` (the fleet's clock, UNIX seconds), the last ones included once the task
    has ended."""
    return _written(task, now) + (len(_closing(task)) if task.ends <= now else 0)


def lines(task: SimulatedTask, type: RemoteType, now: int, start: int, count: int) -> list[str]:
    """At most `count` lines of the log as it stands at `now`, from line `start` (from 0 on). Those of PBS begin
    with a time."""
    closing = _closing(task) if task.ends <= now else []
    written = _written(task, now)
    key = key_of(task.upid)
    found = []
    for number in range(start, min(written + len(closing), start + count)):
        at_end = number >= written
        text = closing[number - written] if at_end else _line(task, key, number)
        if type == "pbs":
            moment = task.endtime if at_end else task.starttime + number * _interval(task)
            text = f"{_time(moment)}: {text}"
        found.append(text)
    return found


def _written(task: SimulatedTask, now: int) -> int:
    """How many lines there are before those that tell of the end."""
    if task.worker_type != "vzdump" and task.worker_type not in _PROGRESS:
        return 1
    return 1 + max(0, min(now, task.ends) - task.begins) // _interval(task)


def _interval(task: SimulatedTask) -> int:
    """Seconds between two lines."""
    return min(5, max(1, task.planned // 100))


def _closing(task: SimulatedTask) -> list[str]:
    """The lines that tell of the end; none for a task that vanished: that its log lacks them is what makes its
    status unknown."""
    match status_class(task.status):
        case Status.UNKNOWN:
            return []
        case Status.ERROR:
            return [*_failure(task), f"TASK ERROR: {task.status}"]
        case Status.WARNING:
            number = task.status.removeprefix("WARNINGS: ")
            warned = ["WARN: retried after a short pause"] * (int(number) if number.isdecimal() else 1)
            return [*warned, *_success(task), f"TASK {task.status}"]
    return [*_success(task), f"TASK {task.status}"]


def _failure(task: SimulatedTask) -> list[str]:
    if task.worker_type in ("qmigrate", "vzmigrate"):
        return [f"ERROR: migration aborted (duration {_lasted(task)})"]
    if task.worker_type != "vzdump":
        return []
    guest = task.worker_id or _of_job(_part(task, task.ends - task.begins))
    reason = backup_failure(key_of(task.upid)) if task.status == "job errors" else task.status
    return [
        f"ERROR: Backup of {_guest(guest)} failed - {reason}",
        f"INFO: Failed at {_day_and_time(task.endtime)}",
        "INFO: Backup job finished with errors",
    ]


def _success(task: SimulatedTask) -> list[str]:
    if task.worker_type in ("qmigrate", "vzmigrate"):
        return [f"migration finished successfully (duration {_lasted(task)})"]
    if task.worker_type != "vzdump":
        return []
    return [
        f"INFO: Finished Backup of {_guest(task.worker_id or _of_job(1.0))} ({_lasted(task)})",
        f"INFO: Backup finished at {_day_and_time(task.endtime)}",
        "INFO: Backup job finished successfully",
    ]


def _line(task: SimulatedTask, key: int, number: int) -> str:
    """A line from before the end."""
    if number == 0:
        store, _, within = task.worker_id.partition(":")
        opening = _OPENINGS.get(task.worker_type, f"starting {task.worker_type} {{id}}")
        all_guests = "--all" if task.worker_type == "vzdump" else ""
        return opening.format(
            id=task.worker_id or all_guests,
            upid=task.upid,
            target=target_node(task.node),
            store=store,
            within=within,
        ).rstrip()
    bits = draw(key, number)
    seconds = number * _interval(task)
    if bits % 40 == 7 and number > 2 and task.planned - seconds >= _interval(task):
        return "waiting for lock on the storage \u2013 der Datenträger ist beschäftigt"
    at = _Progress(_part(task, seconds), 4 << key % 5, seconds, bits)
    if task.worker_type != "vzdump":
        return _PROGRESS[task.worker_type](at)
    return _backup_line(task, number, at)


def _backup_line(task: SimulatedTask, number: int, at: _Progress) -> str:
    guest, first = task.worker_id, 1
    if not guest:
        guest = _of_job(at.part)
        before = _of_job(_part(task, (number - 1) * _interval(task)))
        first = 1 if number == 1 else number if guest != before else 0
        share = at.part * _OF_JOB
        at = at._replace(part=1.0 if share >= _OF_JOB else share % 1)
    if number == first:
        kind = "lxc" if _guest(guest).startswith("CT") else "qemu"
        return f"INFO: Starting Backup of {_guest(guest)} ({kind})"
    if number == 2:
        return f"INFO: Backup started at {_day_and_time(task.starttime)}"
    speed = 60 + at.bits % 240
    rate = f"read: {speed} MiB/s, write: {speed - at.bits % 9} MiB/s"
    return f"INFO: {100 * at.part:3.0f}% ({at.moved}) in {at.seconds}s, {rate}"


def _part(task: SimulatedTask, seconds: int) -> float:
    """How much of its work is done after so many seconds: all of it at the end, unless it is to fail."""
    part = min(1.0, seconds / max(1, task.planned))
    if task.planned - seconds < _interval(task):
        part = 1.0
    fails = status_class(task.intended) in (Status.ERROR, Status.UNKNOWN)
    return part * (0.1 + key_of(task.upid) % 80 / 100) if fails else part


def _of_job(part: float) -> str:
    """The guest whose turn it is in a job over several guests."""
    return str(FIRST_GUEST + min(_OF_JOB - 1, int(part * _OF_JOB)))


def _guest(number: str) -> str:
    return f"{'CT' if is_container(int(guest_id(number) or FIRST_GUEST)) else 'VM'} {number}"


def _lasted(task: SimulatedTask) -> str:
    return _span(task.ends - task.begins)


def _span(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _day_and_time(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"
