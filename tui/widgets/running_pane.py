"""The pane of what runs now: its title and its list."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical

from backend.query import Filter
from backend.task import Task
from tui.access import Access
from tui.format import count
from tui.last_heard import LastHeard
from tui.last_line import told_status, watch_last_line
from tui.names import Names
from tui.row import STOPPING, Piece, ended_row, header, running_columns, running_row
from tui.rows import ListedRows
from tui.running import Order, RunningTasks
from tui.status import Part
from tui.stopping import Stopping
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.task_list import TaskList

_LAST_LINE = "last line"
_LEAST_ROWS = 3
"""How high the list is as soon as it has a row."""


class RunningPane(Vertical):
    """The running tasks that match the filter. It is as high as the most tasks it had to show, within its share of
    the screen: a pane that shrank and grew with every task would move the one below all the time. Only when there
    is nothing to show it is no more than its title and a line that says why. While the user is in it, the task
    under the cursor shows the last line of its log, and the cursor stays on it whatever starts and ends: what a
    key does to it must not befall another.

    Args:
        stopping: knows the tasks that have been asked to stop, and that were stopped.
        end_told: told of a task whose end its log tells before the cache does.
        heard: knows what the tasks' elapsed times count to.
    """

    DEFAULT_CSS = """
    RunningPane { height: auto; }
    RunningPane TaskList { height: 1; }
    RunningPane.-empty ColumnHeader { display: none; }
    """

    def __init__(
        self,
        access: Access,
        order: Order,
        stopping: Stopping,
        end_told: Callable[[Task], None],
        heard: LastHeard,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self.chosen = False
        """Whether the user is in it, also while the terminal itself has no focus."""
        self.title_line = PaneTitle()
        self._header = ColumnHeader()
        self.task_list = TaskList(self._row, id="running")
        self.title_line.heading = "Running"
        self._access = access
        self._stopping = stopping
        self._end_told = end_told
        self._heard = heard
        self._clock = clock
        self._tasks = RunningTasks()
        self._wanted = Filter()
        self._shown: Sequence[Task] = ()
        self._order = order
        self._watched: Task | None = None
        self._last_line = ""
        self._highest = _LEAST_ROWS
        self._height = 0
        self.rows = _LEAST_ROWS
        """How many rows the list is high while it has some."""
        self._share = 3
        self._names = Names()
        self.matching = 0
        """How many running tasks match the filter."""

    @property
    def running(self) -> int:
        """How many tasks run, as far as the cache and the log that is watched tell."""
        return len(self._tasks)

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

    def take(self, running: Sequence[Task], ended: Iterable[Task]) -> None:
        """Take what runs now, and what has become of tasks that ran the last time."""
        self._tasks.take(running, ended, self._clock(), self._kept)
        self._show()
        self.task_list.reload()
        self._watch_last_line()

    def narrow(self, wanted: Filter) -> None:
        """Show only tasks that match, from the top."""
        self._wanted = wanted
        self._show(from_top=True)

    def doubt(self, wrong: bool) -> None:
        """Say, or no longer, that something else is typed as the filter, which is wrong."""
        self.title_line.wanted = self._wanted.text if wrong else ""
        self.title_line.doubted = wrong

    def sort(self, order: Order) -> None:
        """Show the tasks in this order, from its top."""
        self._order = order
        self._show(from_top=True)

    @property
    def _kept(self) -> str:
        """The task (its remote UPID) that the user is at; empty while that is in the other list."""
        task = self.task_list.selected if self.chosen and self.task_list.display else None
        return "" if task is None else task.upid

    def _show(self, *, from_top: bool = False) -> None:
        """Show the tasks. The cursor stays with its task; with one that is gone, it stays where it was. While the
        focus is elsewhere, a cursor at the top stays there."""
        tasks, running = self._tasks.listed(self._wanted, self._order)
        view = self.task_list
        selected, cursor, top = view.selected, view.cursor, view.top
        if from_top:
            cursor = top = 0
        elif selected is not None and (self._kept or not view.following):
            position = next((i for i, task in enumerate(tasks) if task.upid == selected.upid), cursor)
            # from the top on, what starts is seen as long as there is room
            top = top + position - cursor if top else max(0, position - view.page_rows + 1)
            cursor = position
        if from_top or tasks != self._shown:
            # else nothing is to be painted before the history's rows are there
            self._shown = tasks
            view.show_rows(ListedRows(tasks), cursor=cursor, top=top)
        self.matching = running
        of_all = f" of {count(len(self._tasks))}" if self._wanted else ""
        ended = len(tasks) - running
        just_ended = f" + {count(ended)} ended" if ended else ""
        self.title_line.heading = f"Running {count(running)}{of_all}{just_ended}"
        self.title_line.brief = f"Running {count(running)}{just_ended}"
        self._show_place()
        self._settle_height()

    def tick(self) -> None:
        """Let the elapsed times go on, and those leave that have ended long enough ago."""
        if self._tasks.leave(self._clock(), self._kept):
            self._show()
        else:
            self.task_list.reload()

    def allow(self, rows: int) -> None:
        """Let the list be this high, and no higher."""
        self._share = max(1, rows)
        self._settle_height()

    def _settle_height(self) -> None:
        empty = not len(self.task_list.rows)
        self._highest = max(self._highest, len(self._tasks))
        if empty and not len(self._tasks):
            self._highest = _LEAST_ROWS
        self.rows = min(self._highest, self._share)
        height = 1 if empty else self.rows
        if height != self._height:
            self._height = height
            self.task_list.styles.height = height
        self.set_class(empty, "-empty")

    def _show_place(self) -> None:
        """Say in the title how the tasks are sorted, and where one is among more than are in view."""
        view = self.task_list
        order, rows = Part(self._order.words, 0), len(view.rows)
        row = Part(f"row {count(view.cursor + 1)} of {count(rows)}", 1)
        self.title_line.place = (row, order) if rows > view.page_rows else (order,)

    def on_row_list_moved(self) -> None:
        self._show_place()
        self._show_header()
        self._watch_last_line()

    def on_descendant_focus(self) -> None:
        self._watch_last_line()

    def on_descendant_blur(self) -> None:
        self._watch_last_line()

    def _watch_last_line(self) -> None:
        """Have the log of the task under the cursor watched, while the user is in the list; and of no other."""
        task = self.task_list.selected if self.task_list.has_focus else None
        if task is not None and not task.running and not self._tasks.is_told(task):
            task = None
        if (task and task.upid) == (self._watched and self._watched.upid):
            return
        self._watched, self._last_line = task, ""
        self.workers.cancel_group(self, _LAST_LINE)
        self.task_list.reload()
        if task is not None:
            show = partial(self._show_last_line, task)
            self.run_worker(watch_last_line(self._access, task, show), group=_LAST_LINE)

    def _show_last_line(self, task: Task, words: str) -> None:
        self._last_line = words
        status = told_status(words)
        if self._tasks.tell_end(task, status, self._heard.time_of(task.remote)):
            self._show()
            if status is not None:
                self._end_told(task)
        self.task_list.reload()

    def _show_header(self) -> None:
        self._header.names = header(running_columns(self.task_list.row_width, self._names))

    def _row(self, task: Task, above: Task | None, width: int) -> Sequence[Piece]:
        columns = running_columns(width, self._names)
        if not task.running:
            stopped = self._stopping.has_stopped(task)
            faded = self._tasks.is_faded(task, self._clock())
            return ended_row(task, columns, self._heard.time_of(task.remote), faded=faded, stopped=stopped)
        until, doubt = self._heard.known(task)
        line = self._last_line if self._watched and task.upid == self._watched.upid else ""
        note = STOPPING if task.upid in self._stopping else doubt
        return running_row(task, columns, until, note, line, quiet=bool(doubt))
