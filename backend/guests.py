"""Guests, and the groups of a Backup Server, with what is known of their backups. Counting tasks is the archive's
matter, and how a guest looks on a screen the dashboard's."""

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from backend.query import guest_id
from backend.task import Status, Task
from backend.upid import RemoteType


class Act(IntEnum):
    """What a task does to a guest, as far as backups go."""

    OTHER = 0
    BACKUP = 1
    DESTROY = 2


class Subject(NamedTuple):
    """Whom a task is about. `label` is a PVE guest's number, a PBS backup group as its tasks name it
    (`store1:vm/101`), or empty for a backup job that names no guest. `kind` is `VM`, `CT` or empty."""

    label: str
    kind: str
    act: Act


class Guest(NamedTuple):
    """A guest or a backup group; times are the starts of tasks (UNIX seconds).

    Attributes:
        remote, type: the remote that the tasks are from.
        label, kind: as in `Subject`.
        good: the last backup that ended well or with warnings; None where none is known.
        last, last_status: the last backup of all; None where none is known.
        failures: how many backups failed.
        jobs: of the remote, the last good backup job that names no guest: it may have covered this one.
        groups: of how many groups this is the worst.
    """

    remote: str
    type: RemoteType
    label: str
    kind: str
    good: int | None
    last: int | None
    last_status: Status | None
    failures: int
    jobs: int | None
    groups: int = 1

    @property
    def failed(self) -> bool:
        """Whether the last backup did not end well."""
        return self.last_status in (Status.ERROR, Status.UNKNOWN)

    @property
    def without(self) -> bool:
        """Whether there is no good backup of it, not even one that a job may have taken."""
        return self.good is None and self.jobs is None


@lru_cache(maxsize=1 << 16)
def subject_of(type: RemoteType, worker_type: str, worker_id: str | None) -> Subject | None:
    """Whom a task is about; None if it is about no guest and no backup.

    A PVE job over several guests is one `vzdump` task without an id (PVE::API2::VZDump); a PBS names the group in
    each `backup` (api2/backup/mod.rs).
    """
    if type == "pbs":
        return Subject(worker_id, "", Act.BACKUP) if worker_type == "backup" and worker_id else None
    if worker_type == "vzdump" and worker_id is None:
        return Subject("", "", Act.BACKUP)
    label = guest_id(worker_id)
    if label is None:
        return None
    if worker_type == "vzdump":
        return Subject(label, "", Act.BACKUP)
    kind = {"qm": "VM", "vz": "CT"}.get(worker_type[:2], "")
    return Subject(label, kind, Act.DESTROY if worker_type in ("qmdestroy", "vzdestroy") else Act.OTHER)


def worst_first(guests: Iterable[Guest]) -> list[Guest]:
    """Those without any good backup, of them first those whose last one failed; then those whose last backup
    failed; then all others. Each by the age of the last good backup, or of the job that may have taken one."""

    def order(guest: Guest) -> tuple[int, int, bool, str, str]:
        place = 0 if guest.without else 1 if guest.failed else 2
        return place, guest.good or guest.jobs or 0, not guest.failed, guest.remote, guest.label.zfill(9)

    return sorted(guests, key=order)


def one_row_each(guests: Iterable[Guest]) -> list[Guest]:
    """The worst first, and of the groups that a Backup Server has of one guest, in several stores, only the worst;
    it knows how many there are. `store1:vm/101` and `store2:vm/101` are groups of one guest; those of different
    namespaces, `store1:wien:vm/101`, are not: there they keep apart the guests of different clusters."""
    found: dict[tuple[str, str, str], Guest] = {}
    for guest in worst_first(guests):
        key = guest.type, guest.remote, guest.label.partition(":")[2] or guest.label
        worst = found.setdefault(key, guest)
        if worst is not guest:
            found[key] = worst._replace(groups=worst.groups + 1)
    return list(found.values())


def last_backup(guest: Guest, tasks: Iterable[Task]) -> Task | None:
    """The last backup of a guest, among tasks of which the first are those that began when it did."""
    for task in tasks:
        if task.starttime != guest.last:
            break
        subject = subject_of(task.parsed.type, task.worker_type, task.worker_id)
        if (
            task.remote == guest.remote
            and subject is not None
            and (subject.label, subject.act) == (guest.label, Act.BACKUP)
            and task.status_class is guest.last_status
        ):
            return task
    return None
