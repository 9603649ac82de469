"""What happens on simulated nodes and how often: kinds of tasks with their ids, users, durations and errors.
Tables and what reads them; which task has what is decided in `stream`."""

from collections.abc import Callable
from typing import NamedTuple

from backend.query import guest_id
from backend.upid import RemoteType

Identify = Callable[[int, int], str]
"""From random bits and the number of guests to a task's id, empty for none."""

FIRST_GUEST = 100


class Kind(NamedTuple):
    """One type of task.

    Attributes:
        day: weight by day and in the running fleet.
        night: weight in the hours of the nightly jobs.
        shortest, longest: seconds; in between, short ones are more likely.
        users: of which one is drawn.
        errors: what it fails with.
    """

    worker_type: str
    day: int
    night: int
    shortest: int
    longest: int
    identify: Identify
    users: tuple[str, ...]
    errors: tuple[str, ...]


def is_container(guest: int) -> bool:
    """Whether the guest of that number is a container: 101, 105, 109, …; the others are virtual machines."""
    return guest % 4 == 1


def _vm(bits: int, guests: int) -> str:
    guest = FIRST_GUEST + bits % guests
    return str(guest - 1 if is_container(guest) else guest)


def _ct(bits: int, guests: int) -> str:
    guest = FIRST_GUEST + bits % guests
    return str(guest - guest % 4 + 1)


def _guest(bits: int, guests: int) -> str:
    return str(FIRST_GUEST + bits % guests)


def _backup_job(bits: int, guests: int) -> str:
    return "" if bits % 4 == 0 else _guest(bits >> 2, guests)


def _nothing(bits: int, guests: int) -> str:
    return ""


def _one_of(*ids: str) -> Identify:
    return lambda bits, guests: ids[bits % len(ids)]


_STORES = ("store1", "store2", "archive")


def _store(bits: int, guests: int) -> str:
    return _STORES[bits % 3]


def _group(bits: int, guests: int) -> str:
    if bits % 16 == 0:
        return f"{_store(bits >> 4, guests)}:host/mail.example.com"
    guest = FIRST_GUEST + (bits >> 6) % guests
    return f"{_store(bits >> 4, guests)}:{'ct' if is_container(guest) else 'vm'}/{guest}"


def _job(prefix: str) -> Identify:
    return lambda bits, guests: f"{_store(bits, guests)}:{prefix}-{0x9F8E7D6C ^ (bits >> 4) % 8:08x}"


def _sync_job(bits: int, guests: int) -> str:
    return f"offsite:{_store(bits >> 2, guests)}:{_store(bits, guests)}::s-{0x51AB20C4 ^ bits % 4:08x}"


_PEOPLE = ("root@pam", "root@pam", "root@pam", "anna@pve", "j.novak@ldap")
_OPERATION = (*_PEOPLE, "automation@pve!terraform", "automation@pve!ansible")
_NIGHTLY = ("root@pam", "root@pam", "backup@pve!nightly")
_ROOT = ("root@pam",)
_PBS_CLIENTS = ("backup@pbs!pve", "backup@pbs!pve", "root@pam!pve", "backup@pbs")

# in these texts {guest} is the task's guest, {target} another node of the cluster
_LOCK = "can't lock file '/var/lock/qemu-server/lock-{guest}.conf' - got timeout"
_START = ("start failed: QEMU exited with code 1", "timeout waiting on systemd", _LOCK, "VM is locked (backup)")
_STOP = (_LOCK, "VM quit/powerdown failed - got timeout", "VM is locked (snapshot)")
_SNAPSHOT = (
    "VM {guest} qmp command 'savevm-start' failed - VM snapshot already started",
    "snapshot feature is not available",
    "zfs error: cannot create snapshot 'rpool/data/vm-{guest}-disk-0@avant_mise_à_jour': out of space",
)
_SNAPSHOT_OF_CONTAINER = (
    "snapshot feature is not available",
    "zfs error: cannot create snapshot 'rpool/data/subvol-{guest}-disk-0@avant_mise_à_jour': out of space",
)
_BACKUP = (
    "job errors",
    "job errors",
    "command 'lvcreate' failed: exit code 5",
    "VM is locked (snapshot)",
    "could not activate storage 'nas': Gerät nicht bereit \u2013 später erneut versuchen",
    "backup write data failed: command error: write_data upload error: pipelined request failed: broken pipe",
)
_MIGRATE = (
    "migration aborted",
    "migration problems",
    "can't migrate VM which uses local devices: hostpci0",
    "storage 'local-zfs' is not available on node '{target}'",
)
_CONSOLE = ("connection timed out", "command '/usr/bin/termproxy 5900' failed: exit code 1")
_CONTAINER = (
    "startup for container '{guest}' failed",
    "command 'lxc-stop -n {guest} --kill' failed: exit code 1",
)
_MIGRATE_CONTAINER = ("migration aborted", "storage 'local-zfs' is not available on node '{target}'")
_COPY = ("command 'dd' failed: got signal 15", "no space left on device", "download failed: 404 Not Found")
_UPDATE = ("command 'apt-get update' failed: exit code 100",)
_SERVICE = ("command 'systemctl reload-or-restart' failed: exit code 1",)
_HA = ("service is disabled", "command 'ha-manager set vm:{guest}' failed: exit code 255")
_PBS_DATA = (
    "backup ended but finished flag is not set.",
    "connection error: timed out",
    "connection error: Transport endpoint is not connected (os error 107)",
    "unable to acquire lock on snapshot directory - locked by another operation",
)
_PBS_JOB = (
    "sync failed with some errors.",
    "verification failed - please check the log for details",
    "cannot access datastore: Zielverzeichnis nicht gemountet (Gerät fehlt)",
)

PVE_KINDS = (
    Kind("vzdump", 60, 640, 40, 1_200, _backup_job, _NIGHTLY, _BACKUP),
    Kind("qmstart", 130, 30, 1, 15, _vm, _OPERATION, _START),
    Kind("qmshutdown", 70, 20, 4, 90, _vm, _OPERATION, _STOP),
    Kind("qmstop", 60, 10, 1, 8, _vm, _OPERATION, _STOP),
    Kind("qmreboot", 30, 0, 3, 60, _vm, _PEOPLE, _STOP),
    Kind("vncproxy", 150, 10, 5, 250, _guest, _PEOPLE, _CONSOLE),
    Kind("vncshell", 15, 0, 20, 900, _nothing, _ROOT, _CONSOLE),
    Kind("qmsnapshot", 60, 90, 2, 60, _vm, _OPERATION, _SNAPSHOT),
    Kind("qmdelsnapshot", 40, 60, 2, 90, _vm, _OPERATION, _SNAPSHOT),
    Kind("qmconfig", 40, 0, 1, 3, _vm, _OPERATION, (_LOCK,)),
    Kind("qmclone", 20, 0, 15, 600, _vm, _OPERATION, _COPY),
    Kind("qmigrate", 40, 10, 20, 700, _vm, _OPERATION, _MIGRATE),
    Kind("vzstart", 70, 15, 1, 8, _ct, _OPERATION, _CONTAINER),
    Kind("vzshutdown", 50, 10, 2, 60, _ct, _OPERATION, _CONTAINER),
    Kind("vzsnapshot", 20, 40, 2, 30, _ct, _OPERATION, _SNAPSHOT_OF_CONTAINER),
    Kind("vzmigrate", 10, 0, 20, 400, _ct, _OPERATION, _MIGRATE_CONTAINER),
    Kind("hastart", 15, 5, 1, 6, _vm, _OPERATION, _HA),
    Kind("hamigrate", 10, 0, 1, 8, _vm, _OPERATION, _HA),
    Kind("aptupdate", 20, 30, 3, 40, _nothing, _ROOT, _UPDATE),
    Kind("srvreload", 20, 10, 1, 4, _one_of("networking", "pveproxy", "cron"), _ROOT, _SERVICE),
    Kind("imgcopy", 15, 0, 30, 2_400, _nothing, _OPERATION, _COPY),
    Kind("imgdel", 25, 10, 1, 20, _one_of("104@local-zfs", "110@local-lvm", "112@nas"), _OPERATION, _COPY),
    Kind("download", 10, 0, 5, 400, _one_of("debian-13.iso", "virtio-win.iso"), _PEOPLE, _COPY),
    Kind("startall", 10, 5, 5, 200, _nothing, _ROOT, ("timeout waiting on systemd",)),
    Kind("auth-realm-sync", 10, 5, 1, 10, _one_of("ldap"), _ROOT, ("unable to bind to LDAP server",)),
)
PBS_KINDS = (
    Kind("backup", 420, 620, 4, 700, _group, _PBS_CLIENTS, _PBS_DATA),
    Kind("reader", 180, 60, 3, 240, _group, _PBS_CLIENTS, _PBS_DATA),
    Kind("prune", 110, 120, 1, 6, _group, ("root@pam", "backup@pbs!pve"), _PBS_JOB),
    Kind("prunejob", 60, 60, 1, 15, _job("p"), _ROOT, _PBS_JOB),
    Kind("verificationjob", 15, 25, 90, 6_000, _job("v"), _ROOT, _PBS_JOB),
    Kind("verify_snapshot", 40, 10, 5, 300, _group, _ROOT, _PBS_JOB),
    Kind("syncjob", 60, 60, 5, 900, _sync_job, ("root@pam", "sync@pbs"), _PBS_JOB),
    Kind("garbage_collection", 15, 25, 60, 3_600, _store, _ROOT, _PBS_JOB),
    Kind("logrotate", 20, 10, 1, 4, _nothing, _ROOT, _PBS_JOB),
    Kind("aptupdate", 40, 10, 3, 30, _nothing, _ROOT, _UPDATE),
    Kind("termproxy", 40, 0, 10, 600, _nothing, _ROOT, _CONSOLE),
)


def kinds_of(type: RemoteType) -> tuple[Kind, ...]:
    """The kinds of tasks that a remote of this type runs."""
    return PVE_KINDS if type == "pve" else PBS_KINDS


def spread(kinds: tuple[Kind, ...], *, night: bool) -> tuple[Kind, ...]:
    """A table of a thousand or so places, in which each kind has as many as it has weight: one index draws one."""
    return tuple(kind for kind in kinds for _ in range(kind.night if night else kind.day))


def kind_called(type: RemoteType, worker_type: str) -> Kind:
    """The kind of that name; one of a type that the catalogue lacks lasts some seconds."""
    for kind in kinds_of(type):
        if kind.worker_type == worker_type:
            return kind
    return Kind(worker_type, 0, 0, 2, 20, _nothing, _ROOT, _STOP)


def status_of(kind: Kind, type: RemoteType, bits: int, worker_id: str, node: str) -> str:
    """The final status that random bits give a task: 92 % fine, 3 % warnings, 4 % errors, 1 % unknown."""
    percent = bits % 100
    bits //= 100
    if percent < 92:
        return "OK"
    if percent < 95:
        return f"WARNINGS: {1 + bits % 3}"
    if percent < 99:
        text = kind.errors[bits % len(kind.errors)]
        return text.replace("{guest}", guest_id(worker_id) or "").replace("{target}", target_node(node))
    return "unexpected status" if type == "pve" else "unknown"


def backup_failure(bits: int) -> str:
    """Why the backup of a guest failed within a job."""
    reasons = [reason for reason in _BACKUP if reason != "job errors"]
    return reasons[bits % len(reasons)]


def target_node(node: str) -> str:
    """Another node of the cluster."""
    return "pve1" if node == "pve2" else "pve2"
