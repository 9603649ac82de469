"""The log of a simulated task, line by line: it grows while the task runs and ends as the real ones do."""

from datetime import UTC, datetime

from backend.simulator.draws import draw, key_of
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class
from backend.upid import RemoteType

_OPENINGS = {
    "vzdump": "INFO: starting new backup job: vzdump {id} --mode snapshot --storage nas",
    "qmigrate": "starting migration of VM {id} to node 'pve2' (192.0.2.12)",
    "qmclone": "create full clone of drive scsi0 (local-zfs:vm-{id}-disk-0)",
    "aptupdate": "starting apt-get update",
    "vncproxy": "starting vnc proxy {upid}",
    "backup": 'starting new backup on datastore {id} from ::ffff:192.0.2.21: "{id}"',
    "verificationjob": "starting verify job '{id}'",
    "garbage_collection": "starting garbage collection on store {id}",
    "syncjob": "sync datastore '{id}' start",
    "prune": "prune {id} keep-last: 7, keep-daily: 14",
}


def line_count(task: SimulatedTask, now: int) -> int:
    """How many lines the log has at `now` (the fleet's clock, UNIX seconds), the last one included once the task
    has ended."""
    written = 1 + max(0, min(now, task.ends) - task.begins) // _interval(task)
    return written + (1 if task.ends <= now and _last_line(task) is not None else 0)


def lines(task: SimulatedTask, type: RemoteType, now: int, start: int, count: int) -> list[str]:
    """At most `count` lines of the log as it stands at `now`, from line `start` (from 0 on). Those of PBS begin
    with a time."""
    total = line_count(task, now)
    last = _last_line(task) if task.ends <= now else None
    key = key_of(task.upid)
    found = []
    for number in range(start, min(total, start + count)):
        is_last = last is not None and number == total - 1
        text = last if is_last and last is not None else _line(task, key, number)
        if type == "pbs":
            moment = task.endtime if is_last else task.starttime + number * _interval(task)
            text = f"{datetime.fromtimestamp(moment, UTC).isoformat()}: {text}"
        found.append(text)
    return found


def _interval(task: SimulatedTask) -> int:
    """Seconds between two lines."""
    return min(5, max(1, task.planned // 100))


def _last_line(task: SimulatedTask) -> str | None:
    """None for a task that vanished: that its log lacks such a line is what makes its status unknown."""
    match status_class(task.status):
        case Status.UNKNOWN:
            return None
        case Status.ERROR:
            return f"TASK ERROR: {task.status}"
        case _:
            return f"TASK {task.status}"


def _line(task: SimulatedTask, key: int, number: int) -> str:
    if number == 0:
        opening = _OPENINGS.get(task.worker_type, f"starting {task.worker_type} {{id}}")
        return opening.format(id=task.worker_id, upid=task.upid).rstrip()
    if number == 1 and task.worker_type == "vzdump":
        return f"INFO: Starting Backup of VM {task.worker_id or 100} (qemu)"
    seconds = number * _interval(task)
    bits = draw(key, number)
    size = 4 << key % 5
    percent = min(99.0, 100.0 * seconds / max(1, task.planned))
    speed = 60 + bits % 240
    if bits % 40 == 7:
        return "waiting for lock on the storage \u2013 der Datenträger ist beschäftigt"
    if bits % 25 == 3:
        return "WARN: retrying after a short pause"
    done = f"{percent / 100 * size:.1f} GiB of {size}.0 GiB"
    prefix = "INFO: " if task.worker_type == "vzdump" else ""
    return f"{prefix}{percent:3.0f}% ({done}) in {seconds}s, read: {speed} MiB/s, write: {speed - bits % 9} MiB/s"
