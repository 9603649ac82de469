"""The logs of simulated tasks of Backup Servers, by their types."""

from backend.simulator.draws import key_of
from backend.simulator.endings import told
from backend.simulator.log_lines import (
    Line,
    gib,
    opening,
    progress,
    reached,
    short_span,
    size_of,
    snapshot_time,
    succeeds,
)
from backend.simulator.stream import SimulatedTask

_TEXTS: dict[str, tuple[str, ...]] = {
    "backup": (
        "starting new backup on datastore '{store}' from ::ffff:192.0.2.21: \"{group}/{time}\"",
        "download 'index.json.blob' from previous backup.",
    ),
    "reader": (
        "starting new backup reader datastore '{store}': \"/mnt/datastore/{store}\"",
        "protocol upgrade done",
    ),
    "prune": ("retention options: --keep-last 7 --keep-daily 14", "Starting prune on {id}"),
    "prunejob": (
        "Starting datastore prune job '{id}'",
        "task triggered by schedule 'daily'",
        "retention options: --keep-last 7 --keep-daily 14",
    ),
    "verificationjob": (
        "Starting datastore verify job '{id}'",
        "task triggered by schedule 'daily'",
        "verify datastore {store}",
    ),
    "verify_snapshot": ("verify {id}/{time}", "  check index.json.blob"),
    "syncjob": (
        "Starting datastore sync job '{id}'",
        "task triggered by schedule 'hourly'",
        "sync datastore '{store}' from 'offsite/{store}'",
    ),
    "garbage_collection": (
        "starting garbage collection on store {id}",
        "Start GC phase1 (mark used chunks)",
        "Start GC phase2 (sweep unused chunks)",
    ),
    "logrotate": ("starting daily log rotation",),
    "aptupdate": ("starting apt-get update", "Hit:1 http://deb.debian.org/debian trixie InRelease"),
    "termproxy": ('starting termproxy with command "/bin/login" "-f" "root"',),
}


def written(task: SimulatedTask) -> list[Line]:
    """What it writes, if nobody stops it, up to the lines of its end."""
    names = {
        "type": task.worker_type,
        "group": task.worker_id.partition(":")[2],
        "time": snapshot_time(task.starttime),
    }
    texts = _TEXTS.get(task.worker_type, ("starting {type} {id}",))
    lines = opening(*(told(text, task.worker_id, task.node, **names).rstrip() for text in texts))
    for after, done in progress(task.planned, reached(task)):
        text = _done(task, after, done)
        if text is not None:
            lines.append(Line(after, text))
    return lines


def _done(task: SimulatedTask, after: int, done: float) -> str | None:
    """What it writes as it goes on; None for nothing."""
    size = size_of(task)
    match task.worker_type:
        case "backup":
            return f"processed {gib(size * done)} in {short_span(after)}, uploaded {gib(size * done / 50)}"
        case "reader":
            return f"GET /chunk: {gib(size * done)} read"
        case "verificationjob" | "verify_snapshot" | "syncjob":
            groups = 24 + key_of(task.worker_id) % 40
            return f"percentage done: {100 * done:.2f}% ({int(done * groups)}/{groups} groups)"
        case "garbage_collection":
            return f"processed {int(100 * done)}% ({int(size * done * 256)} chunks)"
    return None


def ended(task: SimulatedTask) -> list[str]:
    """What is written at its own end."""
    size = size_of(task)
    match task.worker_type:
        case "backup" if succeeds(task):
            return ["successfully finished backup", "backup finished successfully"]
        case "backup":
            return [f"backup failed: {task.status}", "removing failed backup"]
        case "reader" if succeeds(task):
            return ["reader finished successfully"]
        case "garbage_collection" if succeeds(task):
            return [
                f"Removed garbage: {gib(size / 40)}",
                f"On-Disk usage: {gib(size)} (5.12%)",
                f"On-Disk chunks: {size * 256}",
                "Deduplication factor: 19.53",
            ]
        case "syncjob" if succeeds(task):
            return ["sync job finished successfully"]
        case "verificationjob" | "verify_snapshot" if not succeeds(task):
            return ["Failed to verify the following snapshots/groups:", "\thost/mail.example.com"]
    return []


def stopped(task: SimulatedTask) -> list[str]:
    """What is written when somebody stops it."""
    return ["backup failed: task aborted", "removing failed backup"] if task.worker_type == "backup" else []
