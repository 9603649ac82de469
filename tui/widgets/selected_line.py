"""The line below the history: of the task under the cursor what its row has no room for."""

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from backend.task import Status, Task
from backend.text import safe
from backend.times import format_duration
from tui.row import SIGNS, Columns, status_words

ENOUGH = 40
"""Cells of status from which on a row says enough by itself."""

_COLOURS = {Status.WARNING: "$warning", Status.ERROR: "$error", Status.UNKNOWN: "bold"}


class SelectedLine(Widget):
    """The status first, then what is folded away. Not there at all where rows say enough."""

    DEFAULT_CSS = """
    SelectedLine { height: 1; width: 1fr; background: $background; color: $foreground 75%; display: none; }
    SelectedLine.-needed { display: block; }
    """

    words: reactive[Content] = reactive(Content(""))
    silent: reactive[bool] = reactive(False)

    def show(self, task: Task | None, columns: Columns, *, stopped: bool = False) -> None:
        """Say what rows of these columns leave unsaid of a task; `stopped` if that was by the user."""
        self.set_class(columns.status < ENOUGH, "-needed")
        self.words = Content("") if task is None else unsaid(task, columns, stopped=stopped)

    def render(self) -> Content:
        return Content("") if self.silent else self.words.truncate(self.size.width - 1, ellipsis=True)


def unsaid(task: Task, columns: Columns, *, stopped: bool = False) -> Content:
    """A task's status whole, then what is folded away; where the row says it all, less."""
    status = task.status_class
    parts = [] if columns.remote else [task.remote]
    if not columns.node and task.node != "localhost":
        parts.append(task.node)
    if cell_len(task.user) > columns.user:
        parts.append(task.user)
    if not columns.duration and not task.running:
        parts.append(format_duration(task.duration(0)))
    if cell_len(task.description) > columns.task:
        parts.append(task.description)
    words = f" {SIGNS[status]} {safe(status_words(task, stopped=stopped))}"
    rest = "".join(f" · {safe(part)}" for part in parts)
    return Content.assemble((words, _COLOURS.get(status, "")), (rest, "$foreground 70%"))
