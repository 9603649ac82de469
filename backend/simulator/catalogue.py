"""What happens on simulated nodes and how often: kinds of tasks with their ids, users and durations. Tables and
what reads them; which task has what is decided in `stream`, how they end in `endings`."""

from collections.abc import Callable
from typing import NamedTuple

from backend.upid import RemoteType

Identify = Callable[[int, range, int], str]
"""From random bits, the guests of the node and the task's turn (see Kind) to its id, empty for none."""

FIRST_GUEST = 100
_OF_JOB = 4
"""How many guests a backup job that names none goes through."""


class Kind(NamedTuple):
    """One type of task.

    Attributes:
        day: weight by day and in the running fleet.
        night: weight in the hours of the nightly jobs.
        shortest, longest: seconds; in between, short ones are more likely.
        users: of which one is drawn.
        turns: of a kind that never has two tasks about the same guest, datastore or job at a time: how many of
            these a node with such guests has. A task is about the one whose turn it is.
    """

    worker_type: str
    day: int
    night: int
    shortest: int
    longest: int
    identify: Identify
    users: tuple[str, ...]
    turns: Callable[[range], int] | None = None


def is_container(guest: int) -> bool:
    """Whether the guest of that number is a container: 101, 105, 109, …; the others are virtual machines."""
    return guest % 4 == 1


def backup_groups(guests: range) -> int:
    """How many groups of guests a node backs up."""
    return max(1, len(guests) // _OF_JOB)


def backup_group(guests: range, turn: int) -> range:
    """The guests that a backup job goes through, when it is its turn."""
    first = turn % backup_groups(guests) * _OF_JOB
    return guests[first : first + _OF_JOB]


def _backup_job(bits: int, guests: range, turn: int) -> str:
    return "" if bits % 4 == 0 else str(_one(bits >> 2, backup_group(guests, turn)))


def _one(bits: int, guests: range) -> int:
    return guests[bits % len(guests)]


def _vm(bits: int, guests: range, turn: int) -> str:
    guest = _one(bits, guests)
    return str(guest - 1 if is_container(guest) else guest)


def _ct(bits: int, guests: range, turn: int) -> str:
    guest = _one(bits, guests)
    return str(guest - guest % 4 + 1)


def _guest(bits: int, guests: range, turn: int) -> str:
    return str(_one(bits, guests))


def _nothing(bits: int, guests: range, turn: int) -> str:
    return ""


def _one_of(*ids: str) -> Identify:
    return lambda bits, guests, turn: ids[bits % len(ids)]


def _volume(bits: int, guests: range, turn: int) -> str:
    return f"{_one(bits >> 2, guests)}@{('local-zfs', 'local-lvm', 'nas')[bits % 3]}"


_STORES = ("store1", "store2", "archive")
_JOBS = 6
_SYNC_JOBS = 3


def _stores(guests: range) -> int:
    return len(_STORES)


def _store(bits: int, guests: range, turn: int) -> str:
    return _STORES[turn % len(_STORES)]


def _group_of(guests: range, number: int) -> str:
    """A backup group by its number; each guest's backups are in one datastore, and after them comes a host's."""
    if number == len(guests):
        return f"{_STORES[0]}:host/mail.example.com"
    guest = guests[number]
    return f"{_STORES[guest % len(_STORES)]}:{'ct' if is_container(guest) else 'vm'}/{guest}"


def _backups(guests: range) -> int:
    return len(guests) + 1


def _backup(bits: int, guests: range, turn: int) -> str:
    return _group_of(guests, turn % _backups(guests))


def _group(bits: int, guests: range, turn: int) -> str:
    return _group_of(guests, bits % _backups(guests))


def _jobs(guests: range) -> int:
    return _JOBS


def _job(prefix: str) -> Identify:
    def identify(bits: int, guests: range, turn: int) -> str:
        number = turn % _JOBS
        return f"{_STORES[number % len(_STORES)]}:{prefix}-{0x9F8E7D6C ^ number:08x}"

    return identify


def _sync_jobs(guests: range) -> int:
    return _SYNC_JOBS


def _sync_job(bits: int, guests: range, turn: int) -> str:
    number = turn % _SYNC_JOBS
    store = _STORES[number % len(_STORES)]
    return f"offsite:{store}:{store}::s-{0x51AB20C4 ^ number:08x}"


_PEOPLE = ("root@pam", "root@pam", "root@pam", "anna@pve", "j.novak@ldap")
_OPERATION = (*_PEOPLE, "automation@pve!terraform", "automation@pve!ansible")
_NIGHTLY = ("root@pam", "root@pam", "backup@pve!nightly")
_ROOT = ("root@pam",)
_PBS_CLIENTS = ("backup@pbs!pve", "backup@pbs!pve", "root@pam!pve", "backup@pbs")

PVE_KINDS = (
    Kind("vzdump", 60, 640, 40, 1_200, _backup_job, _NIGHTLY, backup_groups),
    Kind("qmstart", 130, 30, 1, 15, _vm, _OPERATION),
    Kind("qmshutdown", 70, 20, 4, 90, _vm, _OPERATION),
    Kind("qmstop", 60, 10, 1, 8, _vm, _OPERATION),
    Kind("qmreboot", 30, 0, 3, 60, _vm, _PEOPLE),
    Kind("vncproxy", 150, 10, 5, 250, _guest, _PEOPLE),
    Kind("vncshell", 15, 0, 20, 900, _nothing, _ROOT),
    Kind("qmsnapshot", 60, 90, 2, 60, _vm, _OPERATION),
    Kind("qmdelsnapshot", 40, 60, 2, 90, _vm, _OPERATION),
    Kind("qmconfig", 40, 0, 1, 3, _vm, _OPERATION),
    Kind("qmclone", 20, 0, 15, 600, _vm, _OPERATION),
    Kind("qmigrate", 40, 10, 20, 700, _vm, _OPERATION),
    Kind("vzstart", 70, 15, 1, 8, _ct, _OPERATION),
    Kind("vzshutdown", 50, 10, 2, 60, _ct, _OPERATION),
    Kind("vzsnapshot", 20, 40, 2, 30, _ct, _OPERATION),
    Kind("vzmigrate", 10, 0, 20, 400, _ct, _OPERATION),
    Kind("hastart", 15, 5, 1, 6, _vm, _OPERATION),
    Kind("hamigrate", 10, 0, 1, 8, _vm, _OPERATION),
    Kind("aptupdate", 20, 30, 3, 40, _nothing, _ROOT),
    Kind("srvreload", 20, 10, 1, 4, _one_of("networking", "pveproxy", "cron"), _ROOT),
    Kind("imgcopy", 15, 0, 30, 2_400, _nothing, _OPERATION),
    Kind("imgdel", 25, 10, 1, 20, _volume, _OPERATION),
    Kind("download", 10, 0, 5, 400, _one_of("debian-13.iso", "virtio-win.iso"), _PEOPLE),
    Kind("startall", 10, 5, 5, 200, _nothing, _ROOT),
    Kind("auth-realm-sync", 10, 5, 1, 10, _one_of("ldap"), _ROOT),
)
PBS_KINDS = (
    Kind("backup", 420, 620, 4, 700, _backup, _PBS_CLIENTS, _backups),
    Kind("reader", 180, 60, 3, 240, _group, _PBS_CLIENTS),
    Kind("prune", 110, 120, 1, 6, _group, ("root@pam", "backup@pbs!pve")),
    Kind("prunejob", 60, 60, 1, 15, _job("p"), _ROOT, _jobs),
    Kind("verificationjob", 15, 25, 90, 6_000, _job("v"), _ROOT, _jobs),
    Kind("verify_snapshot", 40, 10, 5, 300, _group, _ROOT),
    Kind("syncjob", 60, 60, 5, 900, _sync_job, ("root@pam", "sync@pbs"), _sync_jobs),
    Kind("garbage_collection", 15, 25, 60, 3_600, _store, _ROOT, _stores),
    Kind("logrotate", 20, 10, 1, 4, _nothing, _ROOT),
    Kind("aptupdate", 40, 10, 3, 30, _nothing, _ROOT),
    Kind("termproxy", 40, 0, 10, 600, _nothing, _ROOT),
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
    return Kind(worker_type, 0, 0, 2, 20, _nothing, _ROOT)
