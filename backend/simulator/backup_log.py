"""The log of a simulated vzdump, of one guest or of several one after the other (PVE::VZDump)."""

from datetime import UTC, datetime

from backend.query import guest_id
from backend.simulator.catalogue import is_container
from backend.simulator.draws import draw, key_of
from backend.simulator.endings import ERRORS
from backend.simulator.log_lines import (
    Line,
    day_and_time,
    gib,
    guest_name,
    opening,
    progress,
    reached,
    short_span,
    size_of,
    span,
    succeeds,
)
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class

_FAILED = "job errors"
_REASONS = {
    False: (
        "vma_queue_write: write error - No space left on device",
        "vma_queue_write: write error - Stale file handle",
    ),
    True: (
        "command 'set -o pipefail && tar cpf - ./etc/vzdump/pct.conf . | zstd --threads=1' failed: exit code 2",
    ),
}
"""Why a backup fails, of a virtual machine and of a container."""


def written(task: SimulatedTask) -> list[Line]:
    """What it writes, if nobody stops it, up to the lines of its end."""
    guests = _guests(task)
    which = " ".join(map(str, guests))
    lines = opening(f"INFO: starting new backup job: vzdump {which} --storage nas --mode snapshot --compress zstd")
    if _fails_early(task.intended):
        waits = opening("INFO: trying to get global lock - waiting...") if "lock" in task.intended else []
        return [*waits, *lines[len(waits) :]]
    vanishes = status_class(task.intended) is Status.UNKNOWN
    bad = -1 if succeeds(task) or vanishes else key_of(task.upid) % len(guests)
    # one that vanishes does so while it is at one of them
    begun = guests[: int(reached(task) * len(guests)) + 1] if vanishes else guests
    bounds = [task.planned * number // len(begun) for number in range(len(begun) + 1)]
    for number, guest in enumerate(begun):
        succeeded = None if vanishes and guest == begun[-1] else number != bad
        lines += _of_guest(task, guest, bounds[number], bounds[number + 1], succeeded)
    return lines


def stopped(task: SimulatedTask) -> list[str]:
    """What is written when somebody stops it."""
    guests = _guests(task)
    at = min(len(guests) - 1, (task.ends - task.begins) * len(guests) // max(1, task.planned))
    return [
        "INFO: aborting backup job",
        f"ERROR: Backup of {guest_name(guests[at])} failed - {task.status}",
        f"INFO: Failed at {day_and_time(task.endtime)}",
        f"ERROR: Backup job failed - {task.status}",
    ]


def ended(task: SimulatedTask) -> list[str]:
    """What is written at its own end."""
    if succeeds(task):
        return ["INFO: Backup job finished successfully"]
    return [] if _fails_early(task.status) else ["INFO: Backup job finished with errors"]


def _fails_early(status: str) -> bool:
    """Whether it fails before the first guest."""
    return status in ERRORS["vzdump"] and status != _FAILED


def _guests(task: SimulatedTask) -> list[int]:
    guest = guest_id(task.worker_id)
    return list(task.guests) if guest is None else [int(guest)]


def _of_guest(task: SimulatedTask, guest: int, start: int, end: int, succeeds: bool | None) -> list[Line]:
    """The lines about one guest, from `start` to `end` (seconds after the task's own start); of one that neither
    succeeds nor fails there is no end."""
    size = max(1, size_of(task) // len(_guests(task)))
    seconds = end - start
    lines = [Line(start, f"INFO: {text}") for text in _heading(guest, task.starttime + start, size)]
    if not is_container(guest):
        part = 1.0 if succeeds else 0.1 + key_of(task.upid) % 80 / 100
        steps = progress(seconds, part)
        lines += [Line(start + after, _done(task, after, done, size)) for after, done in steps]
    if succeeds is None:
        return lines
    moment = day_and_time(task.starttime + end)
    if succeeds:
        texts = [*_result(guest, size, seconds), f"INFO: Backup finished at {moment}"]
    else:
        reasons = _REASONS[is_container(guest)]
        reason = reasons[key_of(task.upid, "reason") % len(reasons)]
        if task.intended != _FAILED:
            reason = task.intended
        texts = [f"ERROR: Backup of {guest_name(guest)} failed - {reason}", f"INFO: Failed at {moment}"]
    return [*lines, *(Line(end, text) for text in texts)]


def _heading(guest: int, moment: int, size: int) -> list[str]:
    """What is told of a guest whose backup begins at `moment` (UNIX seconds)."""
    name, container = guest_name(guest), is_container(guest)
    kind, ending = ("lxc", "tar") if container else ("qemu", "vma")
    if container:
        disk = "including mount point rootfs ('/') in backup"
    else:
        disk = f"include disk 'scsi0' 'local-zfs:vm-{guest}-disk-0' {size}G"
    file = f"vzdump-{kind}-{guest}-{datetime.fromtimestamp(moment, UTC):%Y_%m_%d-%H_%M_%S}.{ending}.zst"
    return [
        f"Starting Backup of {name} ({kind})",
        f"Backup started at {day_and_time(moment)}",
        "status = running",
        disk,
        "backup mode: snapshot",
        "ionice priority: 7",
        f"creating vzdump archive '/mnt/pve/nas/dump/{file}'",
    ]


def _result(guest: int, size: int, seconds: int) -> list[str]:
    """What is told of a backup that has succeeded."""
    rate = _rate(size, seconds)
    if is_container(guest):
        moved = f"Total bytes written: {size << 30} ({size}.0GiB, {rate}MiB/s)"
    else:
        moved = f"transferred {gib(size)} in {seconds} seconds ({rate} MiB/s)"
    return [
        f"INFO: {moved}",
        f"INFO: archive file size: {size * 0.41:.2f}GB",
        f"INFO: Finished Backup of {guest_name(guest)} ({span(seconds)})",
    ]


def _done(task: SimulatedTask, after: int, done: float, size: int) -> str:
    speed = _rate(size * done, after) + draw(key_of(task.upid), after) % 9
    rates = f"read: {speed}.{after % 10} MiB/s, write: {max(0, speed - 4)}.{after % 7} MiB/s"
    return f"INFO: {int(100 * done):3d}% ({gib(size * done)} of {gib(size)}) in {short_span(after)}, {rates}"


def _rate(size: float, seconds: int) -> int:
    return int(size * 1024 / max(1, seconds))
