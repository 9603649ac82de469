"""The logs of simulated PVE tasks, by their types. Those of backups and migrations are
`backup_log`'s and `migration_log`'s."""

from collections.abc import Callable

from backend.simulator.endings import told
from backend.simulator.log_lines import (
    Line,
    gib,
    guest_name,
    opening,
    progress,
    reached,
    size_of,
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
    texts = _TEXTS.get(task.worker_type, ())
    lines = opening(*(told(text, task.worker_id, task.node, upid=task.upid) for text in texts))
    if task.worker_type == "startall":
        lines += [
            Line(index * task.planned // max(1, len(task.guests)), f"Starting {guest_name(guest)}")
            for index, guest in enumerate(task.guests)
        ]
    moved = _MOVED.get(task.worker_type)
    if moved is not None:
        steps = progress(task.planned, reached(task))
        lines += [Line(after, moved(after, done, size_of(task))) for after, done in steps]
    return lines


def ended(task: SimulatedTask) -> list[str]:
    """What is written at its own end."""
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
    return []
