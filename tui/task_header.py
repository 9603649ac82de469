"""One task in a few lines: what stands above its log. Pure; all fields line by line are in `screens.details`."""

from collections.abc import Callable, Sequence
from datetime import tzinfo

from rich.cells import cell_len, chop_cells
from textual.content import Content

from backend.task import Status, Task
from backend.text import safe
from backend.times import format_duration, full_time, local
from tui.format import clock
from tui.keys import way_to
from tui.last_heard import Known
from tui.related import Related
from tui.row import SIGNS, status_words

COLOURS = {
    Status.RUNNING: "$accent",
    Status.OK: "$success",
    Status.WARNING: "$warning",
    Status.ERROR: "$error",
    Status.UNKNOWN: "bold",
}
"""The style of each status' words."""

_DIM = "$foreground 60%"
_LEAST_HEIGHT = 9
"""The lowest screen (lines) with room for more than one line of it."""


def task_header(
    task: Task,
    related: Related | None,
    width: int,
    height: int,
    known: Callable[[Task], Known],
    tz: tzinfo | None,
    stopped: Callable[[Task], bool] = lambda task: False,
) -> Content:
    """The lines, each as long as `width` at most; a status takes no more than a third of a screen so `height`,
    and on the lowest screens there is but one line.
    `related` is None until it is known; `known` tells how a task is known to run, and `stopped` whether the user
    has stopped it."""
    until, doubt = known(task)
    words = doubted(status_words(task, stopped=stopped(task)), doubt)
    if height < _LEAST_HEIGHT:
        return _single(task, words, width)
    lines = _title(task, words, width, max(2, height // 3))
    parsed = task.parsed
    upid = parsed.upid
    where = [f"{parsed.remote} ({parsed.type.upper()})", upid.node, upid.user, _times(task, until, tz)]
    lines += _parts(where, width, "")
    worker_id = upid.worker_id or "none"
    what = [f"type {upid.worker_type}", f"ID {worker_id}", f"process {upid.pid}, start {upid.pstart}"]
    lines += _parts(what, width, _DIM)
    lines += _folded(safe(upid.text), width)
    if related is not None:
        for label, others in (("after ", related.after[::-1]), ("before", related.before)):
            lines += [_line(label, other, width, known(other).until, tz, stopped(other)) for other in others]
        if not related.after and not related.before:
            lines.append(Content.styled("No other task of this guest or kind is known", _DIM))
    return Content("\n").join(lines)


def _single(task: Task, words: str, width: int) -> Content:
    """All that there is room for on the smallest screens."""
    sign, colour = SIGNS[task.status_class], COLOURS[task.status_class]
    return Content.assemble(
        (f"{sign} ", colour), (safe(task.description), "bold"), (f"  {safe(words)}", colour)
    ).truncate(width, ellipsis=True)


def _title(task: Task, words: str, width: int, most: int) -> list[Content]:
    status = task.status_class
    title = Content.assemble(
        (safe(task.description), "bold"), "   ", (f"{SIGNS[status]} {safe(words)}", COLOURS[status])
    )
    lines = title.wrap(width)
    if len(lines) > most:
        lines = lines[:most]
        cut = f"… ({way_to('details')})"
        lines[-1] = lines[-1].truncate(max(1, width - cell_len(cut))) + Content.styled(cut, _DIM)
    return lines


def doubted(status: str, doubt: str) -> str:
    """A status in words, with the doubt there is about it."""
    return f"{status}, {doubt}" if doubt else status


def lasting(task: Task, until: float | None) -> str:
    """How long a task lasted, or has run `until` (UNIX seconds); None: nobody knows."""
    return "for an unknown time" if until is None else format_duration(task.duration(until))


def _times(task: Task, until: float | None, tz: tzinfo | None) -> str:
    started, lasted = full_time(task.starttime, tz), lasting(task, until)
    if task.endtime is None:
        return f"since {started}, {lasted}"
    start, end = local(task.starttime, tz), local(task.endtime, tz)
    same_day = start is not None and end is not None and start.date() == end.date()
    return f"{started} → {clock(end) if same_day else full_time(task.endtime, tz)} ({lasted})"


def _parts(parts: Sequence[str], width: int, style: str) -> list[Content]:
    """Parts side by side in lines of so many cells, none of them broken that fits a line."""
    lines: list[str] = []
    for part in map(safe, parts):
        longer = f"{lines[-1]} · {part}" if lines else part
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return [piece for line in lines for piece in Content.styled(line, style).wrap(width)]


def _folded(text: str, width: int) -> list[Content]:
    """A text without spaces, in as many lines of so many cells as it needs."""
    return [Content.styled(line, _DIM) for line in chop_cells(text, width)]


def _line(label: str, task: Task, width: int, until: float | None, tz: tzinfo | None, stopped: bool) -> Content:
    status = task.status_class
    moment = local(task.starttime, tz)
    when = "?" if moment is None else f"{moment:%a} {moment.day:>2} {moment:%b %H:%M:%S}"
    words = f"{task.description}, {lasting(task, until)}, {task.user}"
    bad = status in (Status.ERROR, Status.WARNING, Status.UNKNOWN)
    failed = f"  {status_words(task, stopped=stopped)}" if bad else ""
    return Content.assemble(
        (f"{label} ", _DIM),
        (f"{SIGNS[status]} ", COLOURS[status]),
        f"{when}  {safe(words)}",
        (safe(failed), COLOURS[status]),
    ).truncate(width, ellipsis=True)
