"""All that is known of one task."""

from collections.abc import Callable
from datetime import tzinfo

from textual.content import Content

from backend.task import Task
from backend.text import safe
from backend.times import full_time
from tui.last_heard import Known
from tui.row import SIGNS, status_words
from tui.screens.dialog import Dialog
from tui.sections import table
from tui.task_header import COLOURS, doubted, lasting


class DetailsScreen(Dialog):
    """One task in full, kept up to date.

    Args:
        task: gives the task as it is known then.
        stopped: tells whether the user has stopped it.
        known: tells how it is known to run.
    """

    def __init__(
        self,
        task: Callable[[], Task],
        stopped: Callable[[Task], bool],
        known: Callable[[Task], Known],
        tz: tzinfo | None,
    ) -> None:
        super().__init__(safe(task().description))
        self._shown = task
        self._stopped = stopped
        self._known = known
        self._tz = tz

    def on_mount(self) -> None:
        self.set_interval(1, self.show_content)

    def content(self, width: int) -> Content:
        task = self._shown()
        rows = details(task, self._known(task), self._tz, stopped=self._stopped(task))
        return table(rows, width)


def details(task: Task, known: Known, tz: tzinfo | None, *, stopped: bool = False) -> list[tuple[str, Content]]:
    """A task's fields by name, safe to print. `known` is how it is known to run; `stopped` if the user
    has stopped it."""
    status = task.status_class
    words = doubted(status_words(task, stopped=stopped), known.doubt)
    if task.status and task.status != task.status_words:
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
    rows += _times(task, known.until, tz)
    rows += [(name, Content(safe(text))) for name, text in fields[4:]]
    rows.append(("UPID", Content(safe(upid.text))))
    rows.append(("Remote UPID", Content(safe(task.upid))))
    return rows


def _times(task: Task, until: float | None, tz: tzinfo | None) -> list[tuple[str, Content]]:
    rows = [("Started", full_time(task.starttime, tz))]
    if task.endtime is None:
        rows.append(("Running for", lasting(task, until)))
    else:
        rows += [("Ended", full_time(task.endtime, tz)), ("Duration", lasting(task, until))]
    return [(name, Content(text)) for name, text in rows]
