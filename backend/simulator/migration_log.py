"""The logs of simulated migrations, of virtual machines with their local disks (PVE::QemuMigrate) and of
containers that are shut down for it (PVE::LXC::Migrate). What the disk's own jobs write has no time before it."""

from backend.query import guest_id
from backend.simulator.endings import target_node
from backend.simulator.log_lines import (
    Line,
    day_and_time,
    gib,
    opening,
    progress,
    reached,
    short_span,
    size_of,
    span,
    succeeds,
)
from backend.simulator.stream import SimulatedTask

TYPES = ("qmigrate", "vzmigrate")

_ADDRESS = "192.0.2.12"
_MIRROR_ERROR = "block job (mirror) error: drive-scsi0: Input/output error"


def written(task: SimulatedTask) -> list[Line]:
    """What it writes, if nobody stops it, up to the lines of its end."""
    container = task.worker_type == "vzmigrate"
    begins, moved = (_container_begins, _sent) if container else (_machine_begins, _mirrored)
    lines = opening(*(f"{day_and_time(task.starttime)} {text}" for text in begins(task)))
    return lines + [Line(after, moved(task, after, done)) for after, done in progress(task.planned, reached(task))]


def ended(task: SimulatedTask) -> list[str]:
    """What is written at its own end."""
    if not succeeds(task):
        container = task.worker_type == "vzmigrate"
        reason = "storage migration failed: broken pipe" if container else _MIRROR_ERROR
        return _told(task, "aborting phase 1 - cleanup resources", _aborted(task, reason))
    finished = f"migration finished successfully (duration {span(task.ends - task.begins)})"
    if task.worker_type == "vzmigrate":
        return _told(task, *_container_ends(task), finished)
    return [*_machine_ends(task), *_told(task, finished)]


def stopped(task: SimulatedTask) -> list[str]:
    """What is written when somebody stops it."""
    return _told(task, "aborting phase 1 - cleanup resources", _aborted(task, task.status))


def _machine_begins(task: SimulatedTask) -> list[str]:
    guest, target = _names(task)
    return [
        f"starting migration of VM {guest} to node '{target}' ({_ADDRESS})",
        f"found local disk 'local-zfs:vm-{guest}-disk-0' (attached)",
        f"starting VM {guest} on remote node '{target}'",
        f"volume 'local-zfs:vm-{guest}-disk-0' is 'local-zfs:vm-{guest}-disk-0' on the target",
        "start remote tunnel",
        "ssh tunnel ver 1",
        "starting storage migration",
        f"scsi0: start migration to nbd:unix:/run/qemu-server/{guest}_nbd.migrate:exportname=drive-scsi0",
    ]


def _machine_ends(task: SimulatedTask) -> list[str]:
    guest, _ = _names(task)
    return [
        "all 'mirror' jobs are ready",
        *_told(
            task,
            f"starting online/live migration on unix:/run/qemu-server/{guest}.migrate",
            "set migration capabilities",
            "migration downtime limit: 100 ms",
            "migration cachesize: 1.0 GiB",
            "set migration parameters",
            f"start migrate command to unix:/run/qemu-server/{guest}.migrate",
            "average migration speed: 1.0 GiB/s - downtime 61 ms",
            "migration status: completed",
        ),
        "all 'mirror' jobs are ready",
        "mirror-scsi0: Completing block job...",
        "mirror-scsi0: Completed successfully.",
        "mirror-scsi0: mirror-job finished",
    ]


def _container_begins(task: SimulatedTask) -> list[str]:
    guest, target = _names(task)
    return [
        f"shutdown CT {guest}",
        f"starting migration of CT {guest} to node '{target}' ({_ADDRESS})",
        f"found local volume 'local-zfs:subvol-{guest}-disk-0' (in current VM config)",
    ]


def _container_ends(task: SimulatedTask) -> list[str]:
    guest, target = _names(task)
    volume = f"'local-zfs:subvol-{guest}-disk-0'"
    return [
        f"successfully imported {volume}",
        f"volume {volume} is {volume} on the target",
        "start final cleanup",
        "start container on target node",
        f"# /usr/bin/ssh -e none -o 'HostKeyAlias={target}' root@{_ADDRESS} pct start {guest}",
    ]


def _mirrored(task: SimulatedTask, after: int, done: float) -> str:
    size = size_of(task)
    ready = ", ready" if done == 1 else ""
    moved = f"{gib(size * done)} of {gib(size)} ({100 * done:.2f}%)"
    return f"mirror-scsi0: transferred {moved} in {short_span(after)}{ready}"


def _sent(task: SimulatedTask, after: int, done: float) -> str:
    """A line of `zfs send -v`: how much is sent, and of which snapshot."""
    guest, _ = _names(task)
    clock = day_and_time(task.starttime + after)[-8:]
    return f"{clock} {size_of(task) * done:7.2f}G   rpool/data/subvol-{guest}-disk-0@__migration__"


def _aborted(task: SimulatedTask, reason: str) -> str:
    return f"ERROR: migration aborted (duration {span(task.ends - task.begins)}): {reason}"


def _names(task: SimulatedTask) -> tuple[str, str]:
    """The guest, and the node it goes to."""
    return guest_id(task.worker_id) or "", target_node(task.node)


def _told(task: SimulatedTask, *texts: str) -> list[str]:
    """Lines of the end, with its time before them."""
    return [f"{day_and_time(task.endtime)} {text}" for text in texts]
