"""The layout of the lists: which columns fit a width, and a task as the styled texts of its row. Pure; the widgets
only paint what stands here."""

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from backend.task import Status, Task
from backend.times import format_duration, local
from tui.format import clock, day, fit, span
from tui.names import Names

SIGNS = {Status.RUNNING: "▶", Status.OK: "✓", Status.WARNING: "!", Status.ERROR: "✗", Status.UNKNOWN: "?"}
"""The sign beside each status' colour."""

GAP = "  "
_SIGN = 3
_DAY = 8
_CLOCK = 8
_DURATION = 9
_LEAST_TASK = 18
_LEAST_TASK_WITH_STATUS = len("Update package database")
_LEAST_STATUS = len("WARNINGS: 3")
_LEAST_TROUBLE = 36
_LEAST_NOTE = len("OK (just ended)")
"""Cells for a note beside the tasks' words that names leave alone."""
_LEAST_BESIDE_NOTE = 12
_LEAST_BESIDE_TASK = 12
_ENDED_AGO = 3
"""From how long ago (seconds) a task that is said to have ended has not just done so."""


STOPPING = "stopping"
"""What is said of a running task that has been asked to stop."""

STOPPED = "stopped by you"
"""What is said of it once it has ended, beside how its remote puts it."""

MARK = "▪"
"""The sign of a row that the user has marked."""

OPTIONAL = ("start", "duration", "remote", "node", "user", "status")
"""The history's columns that a user may hide."""


class Tone(StrEnum):
    """How a text is meant; the widgets' style sheets give each its look."""

    TEXT = "text"
    DIM = "dim"
    RUNNING = "running"
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class Piece(NamedTuple):
    """A part of a row: text that is safe to print, and its tone."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Columns:
    """The width of each column in cells; 0 where it is folded away. `day` goes with the start's time."""

    width: int
    day: int
    start: int
    duration: int
    remote: int
    node: int
    user: int
    task: int
    status: int


@lru_cache(maxsize=64)
def history_columns(
    width: int, names: Names, hidden: frozenset[str] = frozenset(), *, trouble: bool = False
) -> Columns:
    """The history's columns for a row of `width` cells: user, node, duration, status, day, remote and the start's
    time fold away in this order until the task's words have room; those of OPTIONAL that are `hidden` at once.
    With `trouble`, among tasks that failed, the first three make room for the status as well."""
    widths = {"day": _DAY, "start": _CLOCK, "duration": _DURATION} | _names(width, names)
    order = ["user", "node", "duration", "status", "day", "remote", "start"]
    for name in hidden:
        widths.pop(name, None)
    if "start" in hidden:
        del widths["day"]
    return _fold(width, widths, order, names, status="status" not in hidden, trouble=trouble)


@lru_cache(maxsize=64)
def running_columns(width: int, names: Names) -> Columns:
    """The running pane's columns: as the history's, without start and status."""
    widths = {"duration": _DURATION} | _names(width, names)
    return _fold(width, widths, ["user", "node", "remote", "duration"], names, status=False)


def _names(width: int, names: Names) -> dict[str, int]:
    """Names get what they need, but the widest of them no more than a share of the row, until it is known what is
    left."""
    share = max(8, width // 8)
    return {
        "remote": min(names.remote, share),
        "node": min(names.node, share),
        "user": min(names.user, share),
    }


def _fold(
    width: int, widths: dict[str, int], order: list[str], names: Names, *, status: bool, trouble: bool = False
) -> Columns:
    """Fold columns away in this order until the least of the rest fits. Names get what the tasks' words and
    what stands beside them can spare. The words get what they need, up to a share, and the status what is left:
    of most tasks it says little."""

    def rest() -> int:
        taken = sum(size + (0 if name == "day" else len(GAP)) for name, size in widths.items())
        return width - _SIGN - taken

    for name in order:
        least = _LEAST_TASK
        if status:
            for_trouble = trouble and name in ("user", "node", "duration")
            least = _LEAST_TASK_WITH_STATUS + len(GAP) + (_LEAST_TROUBLE if for_trouble else _LEAST_STATUS)
        if rest() >= least:
            break
        if name == "status":
            status = False
        else:
            widths.pop(name, None)
    spare = rest() - names.task - len(GAP) - (_LEAST_TROUBLE if status else _LEAST_NOTE)
    for name, need in (("user", names.user), ("remote", names.remote), ("node", names.node)):
        if name in widths and spare > 0:
            more = min(spare, max(0, need - widths[name]))
            widths[name] += more
            spare -= more
    room = max(0, rest())
    task = room
    if status:
        share = room * 2 // 5 if trouble else room * 3 // 5
        task = min(names.task, max(_LEAST_TASK_WITH_STATUS, share))
    return Columns(
        width,
        widths.get("day", 0),
        widths.get("start", 0),
        widths.get("duration", 0),
        widths.get("remote", 0),
        widths.get("node", 0),
        widths.get("user", 0),
        task,
        room - task - len(GAP) if status else 0,
    )


def header(columns: Columns) -> str:
    """The line above a list that names its columns."""
    cells = [
        fit("START", columns.day + columns.start) if columns.start else "",
        fit("DURATION", columns.duration, right=True),
        fit("REMOTE", columns.remote),
        fit("NODE", columns.node),
        fit("USER", columns.user),
        fit("TASK", columns.task),
        fit("STATUS", columns.status),
    ]
    return fit(" " * _SIGN + GAP.join(cell for cell in cells if cell), columns.width)


def status_words(task: Task, *, stopped: bool = False) -> str:
    """A task's status in words; of one that the user has `stopped`, that before it."""
    return f"{STOPPED} ({task.status_words})" if stopped else task.status_words


def history_row(
    task: Task,
    above: Task | None,
    columns: Columns,
    tz: tzinfo | None,
    *,
    marked: bool = False,
    stopped: bool = False,
) -> list[Piece]:
    """A finished task's row; `stopped` if that was by the user. The date stands where the row above is of another
    day, or there is none."""
    tone = _tone(task)
    moment = local(task.starttime, tz)
    when = ""
    if columns.start:
        if columns.day:
            other = None if above is None else local(above.starttime, tz)
            same = other is not None and moment is not None and other.date() == moment.date()
            when = fit("" if same else day(moment), columns.day)
        when += clock(moment) + GAP
    if columns.duration:
        when += fit(format_duration(task.duration(0)), columns.duration, right=True) + GAP
    pieces = _pieces(task, tone, when, columns)
    if columns.status:
        words = fit(status_words(task, stopped=stopped), columns.status)
        pieces.append(Piece(GAP + words, Tone.DIM if tone is Tone.OK else tone))
    if marked:
        pieces[0] = Piece(f"{MARK}{SIGNS[task.status_class]} ", tone)
    return pieces


def running_row(
    task: Task, columns: Columns, until: float | None, note: str = "", line: str = "", *, quiet: bool = False
) -> list[Piece]:
    """A running task's row; `quiet` if nobody knows whether it still runs. `until` (UNIX seconds) is what its
    elapsed time counts to, None if nobody knows. `note` says how it is, and stands beside the task's words where
    there is room. Without a note `line` does, the last one of its log, of which as much is shown as fits."""
    elapsed = ""
    if columns.duration:
        words = "" if until is None else format_duration(task.duration(until))
        elapsed = fit(words, columns.duration, right=True) + GAP
    note = note or _beside(task, columns, line)
    return _pieces(task, Tone.DIM if quiet else Tone.RUNNING, elapsed, columns, note)


def ended_row(task: Task, columns: Columns, until: float, *, faded: bool, stopped: bool = False) -> list[Piece]:
    """The row of a task that has just ended, among the running ones; all of it dimmed once it has `faded`;
    `stopped` if that was by the user. `until` (UNIX seconds) is what its elapsed time would count to if it still
    ran."""
    lasted = ""
    if columns.duration:
        lasted = fit(format_duration(task.duration(0)), columns.duration, right=True) + GAP
    tone = _tone(task)
    status = _status_beside(task, columns, status_words(task, stopped=stopped), f" ({_ended_words(task, until)})")
    pieces = _pieces(task, tone, lasted, columns, status, Tone.DIM if tone is Tone.OK else tone)
    if faded:
        return [pieces[0], *(Piece(piece.text, Tone.DIM) for piece in pieces[1:])]
    return pieces


def _ended_words(task: Task, until: float) -> str:
    """When a task ended. How long ago is said where its elapsed time has gone on meanwhile: else that would seem
    to have run back."""
    ago = until - (until if task.endtime is None else task.endtime)
    return "just ended" if ago < _ENDED_AGO else f"ended {span(ago)} ago"


def _status_beside(task: Task, columns: Columns, status: str, when: str) -> str:
    """The status for beside the task's words, and `when` it ended if all of it has room; else it takes room from
    the words."""
    room, words = columns.task - len(GAP), cell_len(_who_and_what(task)[3])
    if words + cell_len(status + when) <= room:
        return status + when
    room -= min(words, max(_LEAST_BESIDE_NOTE, room // 2))
    return fit(status, room).rstrip() if room > 1 else ""


def _beside(task: Task, columns: Columns, words: str) -> str:
    """As much of these words as has room beside those of the task; none where that says too little."""
    room = columns.task - cell_len(_who_and_what(task)[3]) - len(GAP)
    return fit(words, room).rstrip() if words and room >= _LEAST_BESIDE_TASK else ""


def _pieces(
    task: Task, tone: Tone, times: str, columns: Columns, note: str = "", note_tone: Tone = Tone.DIM
) -> list[Piece]:
    remote, node, user, words = _who_and_what(task)
    pieces = [Piece(f" {SIGNS[task.status_class]} ", tone)]
    if times:
        pieces.append(Piece(times, Tone.DIM))
    if columns.remote:
        pieces.append(Piece(fit(remote, columns.remote) + GAP, Tone.TEXT))
    names = ""
    if columns.node:
        names = fit(node, columns.node) + GAP
    if columns.user:
        names += fit(user, columns.user) + GAP
    if names:
        pieces.append(Piece(names, Tone.DIM))
    beside = columns.task - len(GAP) - cell_len(note)
    if note and beside >= min(_LEAST_BESIDE_NOTE, cell_len(words)):
        words = fit(words, beside).rstrip()
        pieces.append(Piece(words, Tone.TEXT))
        pieces.append(Piece(fit(GAP + note, columns.task - cell_len(words)), note_tone))
    else:
        pieces.append(Piece(fit(words, columns.task), Tone.TEXT))
    return pieces


def _who_and_what(task: Task) -> tuple[str, str, str, str]:
    """Remote, node, user and words of a task; of a UPID that cannot be read, the UPID for words."""
    # a PBS host has but one node, which its own API calls localhost: that says nothing
    node = "·" if task.node == "localhost" else task.node
    words = task.upid if task.worker_type == "?" else task.description
    return task.remote, node, task.user, words


def _tone(task: Task) -> Tone:
    return Tone(task.status_class.value)
