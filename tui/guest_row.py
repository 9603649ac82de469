"""A guest as a row: how its last backups went, in words and colours; and the filter that finds its tasks. Pure."""

from collections.abc import Collection, Sequence
from datetime import tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from backend.guests import Guest
from backend.query import guest_id
from backend.task import Status
from backend.text import counted
from backend.times import moment_words
from tui.filter_text import term, written
from tui.format import age, count, fit
from tui.row import GAP, SIGNS, Piece, Tone

_AGE = 10
_SIGN = 3
_LEAST_WITH_AGE = 40
_MEASURED = 1_000
"""Guests whose names the columns are made for: the worst ones."""
_MOST_SERVERS = 8
"""Backup Servers that a filter names; among more of them, the guest's own remote is enough to begin with."""


_WENT = {
    Status.RUNNING: "runs since",
    Status.OK: "OK",
    Status.WARNING: "with warnings",
    Status.ERROR: "failed",
    Status.UNKNOWN: "end unknown",
}


class GuestColumns(NamedTuple):
    """The width of each column in cells; 0 where it is folded away."""

    age: int
    remote: int
    guest: int
    backups: int


def guest_columns(guests: Sequence[Guest], width: int) -> GuestColumns:
    """Columns for the names of these guests in rows of so many cells."""
    if width < _LEAST_WITH_AGE:
        # which guest it is comes first; how its backup went is told by the sign
        room = max(0, width - _SIGN - len(GAP))
        return GuestColumns(0, room * 2 // 5, room - room * 2 // 5, 0)
    share = max(8, width // 4)
    first = guests[:_MEASURED]
    remote = min(share, max([len("REMOTE"), *(len(guest.remote) for guest in first)]))
    name = min(share, max([len("GUEST"), *(cell_len(guest_name(guest)) for guest in first)]))
    return GuestColumns(_AGE, remote, name, max(0, width - _SIGN - _AGE - remote - name - 3 * len(GAP)))


def guest_header(columns: GuestColumns) -> str:
    """The names of the columns."""
    names = zip(("LAST GOOD", "REMOTE", "GUEST", "LAST BACKUP"), columns, strict=True)
    return " " * _SIGN + GAP.join(fit(name, width, right=name == "LAST GOOD") for name, width in names if width)


def guest_name(guest: Guest) -> str:
    """What a guest is called: `VM 101`, `store1:vm/101`."""
    if guest.type == "pbs":
        return guest.label
    return f"{guest.kind or 'VM/CT'} {guest.label}"


def guest_row(guest: Guest, columns: GuestColumns, kept: str, now: float, tz: tzinfo | None) -> list[Piece]:
    """The row, from the tasks of the time that is `kept` (`2 d`). `now` (UNIX seconds) is what ages count to."""
    status = guest_status(guest)
    tone = Tone(status.value)
    words = backup_words(guest, kept, now, tz)
    aged = fit(good_words(guest, now), columns.age, right=True) + GAP if columns.age else ""
    return [
        Piece(f" {SIGNS[status]} ", tone),
        Piece(aged, tone if guest.good is None else Tone.TEXT),
        Piece(fit(guest.remote, columns.remote) + GAP, Tone.TEXT),
        Piece(fit(guest_name(guest), columns.guest) + GAP, Tone.TEXT),
        Piece(fit(words, columns.backups), Tone.DIM if status is Status.OK else tone),
    ]


def guest_status(guest: Guest) -> Status:
    """How a guest's last backup stands: unknown where there is none."""
    if guest.last_status is None:
        return Status.UNKNOWN
    return guest.last_status


def good_words(guest: Guest, now: float) -> str:
    """How old the last good backup is: `2d 4h`, or `job 2d 4h` where only a job over several guests may be it."""
    if guest.good is not None:
        return age(now - guest.good)
    return "none" if guest.jobs is None else f"job {age(now - guest.jobs)}"


def backup_words(guest: Guest, kept: str, now: float, tz: tzinfo | None) -> str:
    """How the last backup went and when it began, and how many failed within the time that is `kept` (`2 d`); how
    long ago the last good one was stands beside it. Of a Backup Server's group, that it may be of any guest."""
    if guest.last is not None and guest.last_status is not None:
        parts = [f"{_WENT[guest.last_status]} {moment_words(guest.last, now, tz, seconds=False)}"]
    else:
        parts = [f"no backup in {kept}" if guest.without else "no backup of its own"]
    if guest.good is None and guest.jobs is not None:
        parts.append(f"a job over several guests OK {moment_words(guest.jobs, now, tz, seconds=False)}")
    if guest.failures > 1 or (guest.failures and not guest.failed):
        parts.append(f"{counted(guest.failures, 'backup')} failed in {kept}")
    if guest.groups > 1:
        parts.append(f"the worst of its {count(guest.groups)} backup groups")
    number = guest_id(guest.label) if guest.type == "pbs" else None
    if number is not None:
        parts.append(f"any cluster's guest {number}")
    return " · ".join(parts)


def guest_filter(type: str, remote: str, label: str, servers: Collection[str]) -> str:
    """The text of a filter that finds the tasks of a guest across the fleet: on its cluster, and of its number on
    the Backup Servers. Of a group on a Backup Server nobody knows the cluster, so its number is looked for on all;
    of one that is no guest's, its backups."""
    number = label if type == "pve" else guest_id(label)
    if number is None:
        return f"{term('remote', remote)} type:backup {written(label.partition(':')[2] or label)}"
    if type == "pbs":
        return term("vmid", number)
    remotes = [remote, *_named(servers)]
    return f"{term('vmid', number)} remote:{','.join(map(written, remotes))}"


def whose_words(type: str, label: str, servers: Collection[str]) -> str:
    """What is to be said of the tasks that `guest_filter` finds: which of them may be another guest's. Empty where
    there is nothing to say."""
    number = label if type == "pve" else guest_id(label)
    if number is None:
        return ""
    if type == "pbs":
        return f"Guest {number} of any cluster: a Backup Server does not tell whose it is"
    named = _named(servers)
    where = named[0] if len(named) == 1 else "the Backup Servers"
    return f"Backups on {where} may be of another cluster's guest {number}" if named else ""


def _named(servers: Collection[str]) -> list[str]:
    return sorted(servers) if len(servers) <= _MOST_SERVERS else []
