"""Guests, and the groups of a Backup Server, with what is known of their backups. Counting tasks is the archive's
matter, and how a guest looks on a screen the dashboard's."""

from collections.abc import Iterable
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from backend.query import guest_id
from backend.task import Status
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
    """By the age of the last good backup: first those without any, of them first those whose last one failed, and
    last those that a job may have covered."""

    def order(guest: Guest) -> tuple[bool, int, bool, str, str]:
        if guest.good is None:
            return False, guest.jobs or 0, not guest.failed, guest.remote, guest.label.zfill(9)
        return True, guest.good, not guest.failed, guest.remote, guest.label.zfill(9)

    return sorted(guests, key=order)
