"""The pane of what has run: its title, its list, and how the place in the list is kept when the list changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import tzinfo
from typing import TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from backend.archive import Snapshot
from backend.query import Filter
from backend.task import Status, Task
from backend.times import moment_words
from tui.format import count
from tui.history import HistoryRows, Key
from tui.names import Names
from tui.row import Columns, Piece, header, history_columns, history_row
from tui.spot import Spot, positions, spot_of
from tui.status import Part
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.selected_line import SelectedLine
from tui.widgets.task_list import TaskList
from tui.widgets.timeline import Timeline

T = TypeVar("T")

_PATIENCE = 0.15
"""How long (seconds) rows of the same filter stay while those that take their place are counted."""

TOLD_AFTER = 0.3
"""After how long (seconds) a search is told of."""

_TRIES = 20
"""How often a place is looked for again because the user has moved meanwhile."""


class HistoryPane(Vertical):
    """The finished tasks that match the filter.

    Args:
        failed: told why rows cannot be read.
        stopped: tells whether the user has stopped a task.

    Attributes:
        marked: the tasks the user has marked, by UPID.
        shown: set once rows, if only none, are shown and counted.
    """

    DEFAULT_CSS = """
    HistoryPane { height: 1fr; }
    HistoryPane TaskList { height: 1fr; }
    """

    def __init__(
        self,
        now: Callable[[], float],
        tz: tzinfo | None,
        failed: Callable[[OSError], None],
        stopped: Callable[[Task], bool],
    ) -> None:
        super().__init__()
        self.title_line = PaneTitle()
        self.timeline = Timeline(now, tz)
        self._header = ColumnHeader()
        self.task_list = TaskList(self._row, id="history", moved=self._moved)
        self.selected_line = SelectedLine()
        self.title_line.heading = "History"
        self.marked: dict[str, Task] = {}
        self._stopped = stopped
        self._now = now
        self._tz = tz
        self._failed = failed
        self._rows: HistoryRows | None = None
        self._arrived = asyncio.Event()
        self.shown = asyncio.Event()
        self._hidden: frozenset[str] = frozenset()
        self._trouble = False
        self._text = ""
        self._overall: int | None = None
        self._news = 0
        self.searching = ""
        """What is being looked for in the list, in words; empty while nothing is, or not for long."""
        self._origin: Spot | None = None
        self._released = asyncio.Event()
        self._placed: Spot | None = None
        self._names = Names()

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self.timeline
        yield self._header
        yield self.task_list
        yield self.selected_line

    @property
    def columns(self) -> Columns:
        """The columns as they fit now."""
        return history_columns(self.task_list.row_width, self._names, self._hidden, trouble=self._trouble)

    @property
    def counts(self) -> str:
        """`3,102 of 1,503,221`, or that they are being counted."""
        if self._rows is None:
            return ""
        total = self._rows.total
        if total is None or self._overall is None:
            return "counting…"
        return f"{count(total)} of {count(self._overall)}" if self._text else count(total)

    def tasks_in_view(self) -> list[Task]:
        """The loaded tasks among those in view."""
        view = self.task_list
        rows = (view.rows[view.top + line] for line in range(view.page_rows))
        return [task for task in rows if task is not None]

    def set_names(self, names: Names) -> None:
        """Lay out the columns for names of these widths."""
        if names != self._names:
            self._names = names
            self._lay_out()

    def hide(self, columns: frozenset[str]) -> None:
        """Show none of these columns (of `row.OPTIONAL`)."""
        self._hidden = columns
        self._lay_out()

    def mark(self) -> None:
        """Remember this place: until `release`, whatever filter comes, it is the one that is kept."""
        self._origin = self._placed = spot_of(self.task_list)
        self._released.clear()

    def land_on(self, task: Task) -> None:
        """Have the cursor on this task, or where it would be, in the rows that the next filter finds."""
        self._origin = Spot(self.task_list.page_rows // 3, 0, following=False, cursor_key=task.key)
        self._placed = spot_of(self.task_list)

    def release(self) -> None:
        """From now on, the place that is kept is the current one, and nothing waits for a next letter."""
        self._origin = None
        self._released.set()

    def snapshot_for(self, wanted: Filter) -> Snapshot | None:
        """What is shown, once more, if it is to be narrowed by another filter: that needs no look at the files,
        which while many tasks come in would keep who types waiting."""
        if self._rows is None or wanted.text == self._text:
            return None
        return self._rows.snapshot.again()

    async def show(self, snapshot: Snapshot, wanted: Filter, *, pause: float = 0.0) -> None:
        """Show what matches in this snapshot, which the pane owns from here on. The rows change in one step, once
        those in view are there; this returns when they are counted. Where the filter is another one, counting
        begins after a `pause` (seconds) or upon `release`. If cancelled before, the old ones stay."""
        rows = HistoryRows(snapshot, wanted, self._page_loaded)
        same = wanted.text == self._text
        counting: asyncio.Task[int] | None = None
        try:
            overall = await rows.scan(lambda cancelled: snapshot.count(cancelled=cancelled))
            if same:
                # nobody has asked for these rows: they may wait for their count
                counting = asyncio.create_task(rows.count())
                await asyncio.wait([counting], timeout=_PATIENCE)
            # last of all: whatever the user does until then counts
            now, cursor, top = await self._find_place(rows)
        except BaseException:
            if counting is not None:
                counting.cancel()
            rows.close()
            raise
        came = cursor - now.cursor if same and not now.following else 0
        self._news = self._news + max(0, came) if same else 0
        old, self._rows, self._text, self._overall = self._rows, rows, wanted.text, overall
        self._arrived.set()
        self._trouble = _only_trouble(wanted)
        self.task_list.show_rows(rows, cursor=cursor, top=top)
        self._placed = spot_of(self.task_list)
        if old is not None:
            old.close()
        self.show_title()
        if counting is None:
            # a count beside it would make the painting take twice as long
            await self._painted()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._released.wait(), pause)
        counted = counting is not None and counting.done()
        await (counting or rows.count())
        if not counted:
            self.task_list.reload()
            self.show_title()
        self.shown.set()

    async def _painted(self) -> None:
        """Wait until the screen is painted, if it can be."""
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(painted.wait(), _PATIENCE)

    async def ask(self, read: Callable[[HistoryRows], Awaitable[T]]) -> T:
        """What the shown rows have to say; where others come meanwhile, what those have. Waits for the first."""
        await self._arrived.wait()
        while True:
            rows, task = self._rows, asyncio.current_task()
            assert rows is not None and task is not None
            try:
                answer = await read(rows)
            except asyncio.CancelledError:
                # closed rows give up their reads
                if rows is self._rows or task.cancelling():
                    raise
                continue
            if rows is self._rows:
                return answer

    async def go_to(self, key: Key) -> None:
        """Put the cursor on the first row at or behind this key."""

        async def reach(rows: HistoryRows) -> int:
            position = await rows.locate(key)
            await rows.load(position - self.task_list.page_rows, position + self.task_list.page_rows)
            return position

        self.task_list.jump_to(await self.ask(reach))

    async def show_times(self) -> None:
        """Count what the timeline shows, and show it."""
        cells = self.timeline.cells
        if cells and self._rows is not None:
            try:
                self.timeline.show(await self._rows.times(cells, self._now(), self._tz))
            except OSError as error:
                self._failed(error)
                return
            self._mark_view()
            self.show_title()

    @on(Timeline.Resized)
    @work(group="timeline", exclusive=True)
    async def _times_resized(self) -> None:
        await self.show_times()

    def show_title(self) -> None:
        """Bring the title up to date with the list."""
        view, title = self.task_list, self.title_line
        if view.following:
            self._news = 0
        title.heading = f"History {self.counts}".rstrip()
        title.brief = title.heading.partition(" of ")[0]
        title.wanted = self._text
        title.news = f"+{count(self._news)} new" if self._news else ""
        # where the view alone was scrolled, the place is the view's
        position, last = (view.cursor, len(view.rows) - 1) if view.cursor_in_view else (view.top, view.last_top)
        task = view.rows[position] if len(view.rows) else None
        place: list[Part] = []
        if task is not None:
            place.append(Part(moment_words(task.starttime, self._now(), self._tz, seconds=False), 3))
        if len(view.rows) > view.page_rows:
            # where `g` went by a percent is called so; 100 is the end alone
            share = min(round(position * 100 / max(1, last)), 100 if position == last else 99)
            percent = f"{share} %"
            place = [Part(f"row {count(position + 1)}", 0), Part(percent, 1), *place]
        if self.timeline.legend:
            place.insert(0, Part(self.timeline.legend, 4))
        title.place = (Part(f"{self.searching}: Esc stops", 0),) if self.searching else tuple(place)

    @contextlib.contextmanager
    def telling(self, words: str) -> Iterator[None]:
        """Tell with these words that something is being looked for, unless it is soon done."""

        def tell(words: str) -> None:
            self.searching = words
            self.show_title()

        timer = asyncio.get_running_loop().call_later(TOLD_AFTER, tell, words)
        try:
            yield
        finally:
            timer.cancel()
            if self.searching:
                tell("")

    def on_unmount(self) -> None:
        if self._rows is not None:
            self._rows.close()

    def _moved(self) -> None:
        self.show_title()
        self._show_header()
        self._mark_view()

    def _mark_view(self) -> None:
        view = self.task_list
        first, last = (view.rows[at] for at in (view.top, min(view.top + view.page_rows, len(view.rows)) - 1))
        if first is not None and last is not None:
            self.timeline.mark(first.starttime, last.starttime)

    async def _find_place(self, rows: HistoryRows) -> tuple[Spot, int, int]:
        """Where the kept place is in these rows, with what is in view there loaded: the spot at which the current
        list is, and the positions of cursor and view. The user may move meanwhile, so look again where needed."""
        for _ in range(_TRIES):
            if self._placed is not None and spot_of(self.task_list).is_moved_from(self._placed):
                self._origin = None
            now = spot_of(self.task_list)
            cursor, top = await positions(self._origin or now, rows, self.task_list.page_rows)
            await rows.load(top, top + self.task_list.page_rows)
            if spot_of(self.task_list) == now:
                break
        return now, cursor, top

    def _page_loaded(self, error: OSError | None) -> None:
        if error is not None:
            self._failed(error)
        elif self.is_mounted:
            self.task_list.reload()
            self.show_title()
            self._show_header()
            self._mark_view()

    def _lay_out(self) -> None:
        self.task_list.reload()
        self._show_header()

    def _show_header(self) -> None:
        columns = self.columns
        self._header.names = header(columns)
        selected = self.task_list.selected
        stopped = selected is not None and self._stopped(selected)
        self.selected_line.show(selected, columns, stopped=stopped)

    def _row(self, task: Task, above: Task | None, width: int) -> Sequence[Piece]:
        columns = history_columns(width, self._names, self._hidden, trouble=self._trouble)
        marked, stopped = task.upid in self.marked, self._stopped(task)
        return history_row(task, above, columns, self._tz, marked=marked, stopped=stopped)


def _only_trouble(wanted: Filter) -> bool:
    """Whether a filter asks for nothing but tasks that went wrong."""
    bad = {Status.ERROR, Status.WARNING, Status.UNKNOWN, Status.RUNNING}
    return any(
        term.field == "status"
        and (Status.OK in term.values if term.negated else bad.issuperset(map(Status, term.values)))
        for term in wanted.terms
    )
