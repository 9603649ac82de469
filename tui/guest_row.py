"""A guest as a row: how its last backups went, in words and colours; and the filter that finds its tasks. Pure."""

from collections.abc import Collection, Sequence
from datetime import tzinfo
from typing import NamedTuple

from rich.cells import cell_len

from backend.guests import Guest
from backend.query import guest_id
from backend.task import Status
from backend.times import format_duration
from tui.filter_text import term, written
from tui.format import count, day_and_minute, fit
from tui.row import GAP, SIGNS, Piece, Tone

_AGE = 9
_SIGN = 3
_MEASURED = 1_000
"""Guests whose names the columns are made for: the worst ones."""
_MOST_SERVERS = 8
"""Backup Servers that a filter names; among more of them, the guest's own remote is enough to begin with."""


class GuestColumns(NamedTuple):
    """The width of each column in cells."""

    remote: int
    guest: int
    backups: int


def guest_columns(guests: Sequence[Guest], width: int) -> GuestColumns:
    """Columns for the names of these guests in rows of so many cells."""
    share = max(8, width // 4)
    first = guests[:_MEASURED]
    remote = min(share, max([len("REMOTE"), *(len(guest.remote) for guest in first)]))
    name = min(share, max([len("GUEST"), *(cell_len(guest_name(guest)) for guest in first)]))
    return GuestColumns(remote, name, max(0, width - _SIGN - _AGE - remote - name - 3 * len(GAP)))


def guest_header(columns: GuestColumns) -> str:
    """The names of the columns."""
    cells = [
        fit("AGE", _AGE, right=True),
        fit("REMOTE", columns.remote),
        fit("GUEST", columns.guest),
        fit("BACKUPS", columns.backups),
    ]
    return " " * _SIGN + GAP.join(cells)


def guest_name(guest: Guest) -> str:
    """What a guest is called: `VM 101`, `store1:vm/101`."""
    if guest.type == "pbs":
        return guest.label
    return f"{guest.kind or 'VM/CT'} {guest.label}"


def guest_row(guest: Guest, columns: GuestColumns, now: float, tz: tzinfo | None) -> list[Piece]:
    """The row. `now` (UNIX seconds) is what ages count to."""
    status = guest_status(guest)
    tone = Tone(status.value)
    age = "none" if guest.good is None else format_duration(now - guest.good)
    words = backup_words(guest, tz)
    return [
        Piece(f" {SIGNS[status]} ", tone),
        Piece(fit(age, _AGE, right=True) + GAP, tone if guest.good is None else Tone.TEXT),
        Piece(fit(guest.remote, columns.remote) + GAP, Tone.TEXT),
        Piece(fit(guest_name(guest), columns.guest) + GAP, Tone.TEXT),
        Piece(fit(words, columns.backups), Tone.DIM if status is Status.OK else tone),
    ]


def guest_status(guest: Guest) -> Status:
    """How a guest's last backup stands: unknown where there is none."""
    if guest.last_status is None:
        return Status.UNKNOWN
    return Status.ERROR if guest.failed else guest.last_status


def backup_words(guest: Guest, tz: tzinfo | None) -> str:
    """What is known of a guest's backups."""
    parts = []
    if guest.last_status is Status.RUNNING:
        parts.append("runs now")
    if guest.failed and guest.last is not None:
        parts.append(f"failed {day_and_minute(guest.last, tz)}")
    if guest.good is None and guest.jobs is not None:
        parts.append(f"a job over several guests ended well {day_and_minute(guest.jobs, tz)}")
    elif guest.good is None and guest.last is None:
        parts.append("none known")
    if guest.good is not None:
        warned = " with warnings" if guest.last == guest.good and guest.last_status is Status.WARNING else ""
        parts.append(f"good{warned} {day_and_minute(guest.good, tz)}")
    if guest.failures > 1 or (guest.failures and not guest.failed):
        parts.append(f"{count(guest.failures)} failed in the kept days")
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
    remotes = [remote, *(sorted(servers) if len(servers) <= _MOST_SERVERS else ())]
    return f"{term('vmid', number)} remote:{','.join(map(written, remotes))}"
