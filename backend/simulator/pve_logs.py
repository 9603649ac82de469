"""The logs of simulated PVE tasks, by their types. Those of backups are `backup_log`'s."""

from collections.abc import Callable

from backend.query import guest_id
from backend.simulator.endings import target_node
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

_TEXTS: dict[str, tuple[str, ...]] = {
    "vncproxy": ("starting vnc proxy {upid}",),
    "vncshell": ("starting termproxy {upid}", "launch command: /usr/bin/termproxy 5900 --path /nodes/{node}"),
    "qmconfig": ("update VM {guest}: -memory 8192",),
    "qmsnapshot": ("snapshotting 'drive-scsi0' (local-zfs:vm-{guest}-disk-0)",),
    "qmdelsnapshot": ("delete snapshot of 'drive-scsi0' (local-zfs:vm-{guest}-disk-0)",),
    "qmclone": ("create full clone of drive scsi0 (local-zfs:vm-{guest}-disk-0)",),
    "hastart": ("Requesting HA start for VM {guest}",),
    "hamigrate": ("Requesting HA migration for VM {guest} to node {target}",),
    "aptupdate": (
        "starting apt-get update",
        "Hit:1 http://deb.debian.org/debian trixie InRelease",
        "Hit:2 http://download.proxmox.com/debian/pve trixie InRelease",
    ),
    "imgcopy": ("starting file import from: /var/tmp/pveupload-5f1c0e92a7", "target node: {node}"),
    "download": ("downloading https://mirror.example.com/{id} to /var/lib/vz/template/iso/{id}",),
    "auth-realm-sync": ("starting sync for realm {id}",),
}
"""What tasks begin with; those of other types, such as a start, write nothing unless something goes wrong."""

_MOVED: dict[str, Callable[[int, float, int], str]] = {
    "qmigrate": lambda after, done, size: f"mirror-scsi0: {_transferred(after, done, size)}",
    "vzmigrate": lambda after, done, size: f"{gib(size * done)} copied, {100 * done:.2f}% of the volume",
    "qmclone": lambda after, done, size: f"transferred {gib(size * done)} of {gib(size)} ({100 * done:.2f}%)",
    "download": lambda after, done, size: f"{int(size * done * 2**20)}K ........ ........ {int(100 * done)}%",
}
"""What they write as they move data."""

_TROUBLES: dict[str, tuple[str, ...]] = {
    "start failed: QEMU exited with code 1": ("kvm: cannot set up guest memory 'pc.ram': Cannot allocate memory",),
    "command 'apt-get update' failed: exit code 100": (
        "Err:3 https://enterprise.proxmox.com/debian/pve trixie InRelease",
        "  401  Unauthorized",
    ),
    "import failed: command 'cp' failed: exit code 1": ("cp: error writing: No space left on device",),
}
"""What comes before an error, by its text."""


def written(task: SimulatedTask) -> list[Line]:
    """What it writes, if nobody stops it, up to the lines of its end."""
    names = {
        "upid": task.upid,
        "node": task.node,
        "id": task.worker_id,
        "guest": guest_id(task.worker_id) or "",
        "target": target_node(task.node),
    }
    lines = opening(*(text.format(**names) for text in _TEXTS.get(task.worker_type, ())))
    if task.worker_type in ("qmigrate", "vzmigrate"):
        lines += _migration(task, names["guest"], names["target"])
    if task.worker_type == "startall":
        lines += [
            Line(index * task.planned // max(1, len(task.guests)), f"Starting {guest_name(guest)}")
            for index, guest in enumerate(task.guests)
        ]
    moved = _MOVED.get(task.worker_type)
    if moved is not None:
        steps = progress(task.planned, reached(task))
        lines += [Line(after, moved(after, done, size_of(task))) for after, done in steps]
    if task.worker_type in ("qmigrate", "vzmigrate"):
        # each line of a migration's log tells its time
        return [Line(line.after, f"{day_and_time(task.starttime + line.after)} {line.text}") for line in lines]
    return lines


def ended(task: SimulatedTask) -> list[str]:
    """What is written at its own end."""
    if task.worker_type in ("qmigrate", "vzmigrate"):
        return [f"{day_and_time(task.endtime)} {text}" for text in _migrated(task)]
    if not succeeds(task):
        return list(_TROUBLES.get(task.status, ()))
    match task.worker_type:
        case "aptupdate":
            return ["Reading package lists..."]
        case "imgcopy":
            return ["finished file import successfully"]
        case "download":
            return [f"download of '{task.worker_id}' finished"]
        case "auth-realm-sync":
            return ["got data from server, updating users", f"successfully updated {task.worker_id} configuration"]
    return []


def stopped(task: SimulatedTask) -> list[str]:
    """What is written when somebody stops it."""
    if task.worker_type not in ("qmigrate", "vzmigrate"):
        return []
    lasted = span(task.ends - task.begins)
    return [f"{day_and_time(task.endtime)} ERROR: migration aborted (duration {lasted}): {task.status}"]


def _migration(task: SimulatedTask, guest: str, target: str) -> list[Line]:
    if task.worker_type == "vzmigrate":
        return opening(
            f"shutdown CT {guest}",
            f"starting migration of CT {guest} to node '{target}' (192.0.2.12)",
            f"found local volume 'local-zfs:subvol-{guest}-disk-0' (in current VM config)",
        )
    return opening(
        f"starting migration of VM {guest} to node '{target}' (192.0.2.12)",
        f"found local disk 'local-zfs:vm-{guest}-disk-0' (attached)",
        f"starting VM {guest} on remote node '{target}'",
        "start remote tunnel",
        "drive mirror is starting for drive-scsi0",
    )


def _migrated(task: SimulatedTask) -> list[str]:
    lasted = span(task.ends - task.begins)
    if succeeds(task):
        return [f"migration finished successfully (duration {lasted})"]
    reason = (
        "storage migration failed: broken pipe"
        if task.worker_type == "vzmigrate"
        else "block job (mirror) error: drive-scsi0: Input/output error"
    )
    return [f"ERROR: migration aborted (duration {lasted}): {reason}"]


def _transferred(after: int, done: float, size: int) -> str:
    return f"transferred {gib(size * done)} of {gib(size)} ({100 * done:.2f}%) in {short_span(after)}"
