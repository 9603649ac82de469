"""The pane of what runs now: its title and its list."""

from collections.abc import Callable, Sequence
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical

from backend.archive.health import Health
from backend.query import Filter
from backend.task import Task
from tui.format import count
from tui.names import Names
from tui.row import Piece, header, running_columns, running_row
from tui.rows import ListedRows
from tui.status import stale_words
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.task_list import TaskList


class RunningPane(Vertical):
    """The running tasks that match the filter. It is as high as the most tasks it had to show, within its share of
    the screen: a pane that shrank and grew with every task would move the one below all the time."""

    DEFAULT_CSS = """
    RunningPane { height: auto; }
    RunningPane TaskList { height: 3; }
    """

    def __init__(self, clock: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__()
        self.title_line = PaneTitle()
        self._header = ColumnHeader()
        self.task_list = TaskList(self._row, id="running")
        self.title_line.heading = "Running"
        self._clock = clock
        self._tz = tz
        self._health = Health()
        self._tasks: Sequence[Task] = ()
        self._highest = 3
        self._share = 3
        self._names = Names()

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self._header
        yield self.task_list

    def set_names(self, names: Names) -> None:
        """Lay out the columns for names of these widths."""
        if names != self._names:
            self._names = names
            self.task_list.reload()
            self._show_header()

    def hear(self, health: Health) -> None:
        """Take when the remotes last answered."""
        self._health = health

    def show(self, tasks: Sequence[Task], wanted: Filter) -> None:
        """Show those of the running tasks that match. The cursor stays with its task; with one that is gone, it
        stays where it was."""
        matching = list(filter(wanted.matcher(), tasks)) if wanted else list(tasks)
        before = self.task_list
        selected, cursor, top = before.selected, before.cursor, before.top
        if selected is not None and not before.following:
            position = next((i for i, task in enumerate(matching) if task.upid == selected.upid), cursor)
            cursor, top = position, top + position - cursor
        before.show(ListedRows(matching), cursor=cursor, top=top)
        of_all = f" of {count(len(tasks))}" if wanted else ""
        self.title_line.heading = f"Running {count(len(matching))}{of_all}"
        self._tasks = tasks
        self._settle_height()

    def tick(self) -> None:
        """Let the elapsed times go on."""
        self.task_list.reload()

    def allow(self, rows: int) -> None:
        """Let the list be this high, and no higher."""
        self._share = max(1, rows)
        self._settle_height()

    def _settle_height(self) -> None:
        self._highest = max(self._highest, len(self._tasks))
        height = min(self._highest, self._share)
        if self.task_list.styles.height is None or self.task_list.styles.height.value != height:
            self.task_list.styles.height = height

    def on_task_list_moved(self, message: TaskList.Moved) -> None:
        self._show_header()

    def _show_header(self) -> None:
        self._header.names = header(running_columns(self.task_list.row_width, self._names))

    def _row(self, task: Task, above: Task | None, width: int) -> Sequence[Piece]:
        columns, now = running_columns(width, self._names), self._clock()
        stale = stale_words(self._health, task.remote, now, self._tz)
        return running_row(task, columns, self._health.remotes[task.remote].last_success if stale else now, stale)
