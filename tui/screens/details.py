"""All that is known of one task."""

from collections.abc import Callable
from datetime import tzinfo

from textual.content import Content

from backend.task import Task
from backend.text import safe
from backend.times import format_duration
from tui.format import full_time
from tui.row import SIGNS
from tui.screens.dialog import Dialog
from tui.sections import table
from tui.task_header import COLOURS


class DetailsScreen(Dialog):
    """One task in full, kept up to date.

    Args:
        task: gives the task as it is known then.
    """

    def __init__(self, task: Callable[[], Task], clock: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__(safe(task().description))
        self._shown = task
        self._clock = clock
        self._tz = tz

    def on_mount(self) -> None:
        self.set_interval(1, self.show_content)

    def content(self, width: int) -> Content:
        return table(details(self._shown(), self._clock(), self._tz), width)


def details(task: Task, now: float, tz: tzinfo | None) -> list[tuple[str, Content]]:
    """A task's fields by name, safe to print. `now` (UNIX seconds) is what a running task's time counts to."""
    status = task.status_class
    words = task.status_words
    if task.status and task.status != words:
        words = f"{words} ({task.status})"
    rows = [("Status", Content.styled(f"{SIGNS[status]} {safe(words)}", COLOURS[status]))]
    parsed = task.parsed
    upid = parsed.upid
    fields = [
        ("Task", task.description),
        ("Remote", f"{parsed.remote} ({parsed.type.upper()})"),
        ("Node", upid.node),
        ("User", upid.user),
        ("Type", upid.worker_type),
        ("ID", upid.worker_id or "none"),
        ("Process", f"{upid.pid} (start {upid.pstart})"),
    ]
    rows[1:1] = [(name, Content(safe(text))) for name, text in fields[:4]]
    rows += _times(task, now, tz)
    rows += [(name, Content(safe(text))) for name, text in fields[4:]]
    rows.append(("UPID", Content(safe(upid.text))))
    rows.append(("Remote UPID", Content(safe(task.upid))))
    return rows


def _times(task: Task, now: float, tz: tzinfo | None) -> list[tuple[str, Content]]:
    rows = [("Started", full_time(task.starttime, tz))]
    if task.endtime is None:
        rows.append(("Running for", format_duration(task.duration(now))))
    else:
        rows += [("Ended", full_time(task.endtime, tz)), ("Duration", format_duration(task.duration(now)))]
    return [(name, Content(text)) for name, text in rows]
