"""The pane of what has run: its title, its list, and how the place in the list is kept when the list changes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from textual.app import ComposeResult
from textual.containers import Vertical

from backend.archive import Snapshot
from backend.query import Filter
from backend.task import Task
from tui.format import count, day_and_minute
from tui.history import HistoryRows, Key
from tui.names import Names
from tui.row import Piece, header, history_columns, history_row
from tui.status import Part
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.task_list import TaskList

_PATIENCE = 0.15
"""How long (seconds) the old rows stay while the new ones are counted; slower counts arrive after the rows."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the list: positions, and the tasks they were at (keys, None where it was not loaded). `following`
    is the top, whatever stands there."""

    cursor: int
    top: int
    following: bool
    cursor_key: Key | None = None
    top_key: Key | None = None


class HistoryPane(Vertical):
    """The finished tasks that match the filter."""

    DEFAULT_CSS = """
    HistoryPane { height: 1fr; }
    HistoryPane TaskList { height: 1fr; }
    """

    def __init__(self, tz: tzinfo | None, failed: Callable[[OSError], None]) -> None:
        super().__init__()
        self.title_line = PaneTitle()
        self._header = ColumnHeader()
        self.task_list = TaskList(self._row, id="history")
        self.title_line.heading = "History"
        self._tz = tz
        self._failed = failed
        self._rows: HistoryRows | None = None
        self._text = ""
        self._overall: int | None = None
        self._news = 0
        self._origin: Spot | None = None
        self._placed: Spot | None = None
        self._names = Names()

    def compose(self) -> ComposeResult:
        yield self.title_line
        yield self._header
        yield self.task_list

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
            self.task_list.reload()
            self._show_header()

    def mark(self) -> None:
        """Remember this place: until `release`, whatever filter comes, it is the one that is kept."""
        self._origin = self._placed = self._spot()

    def release(self) -> None:
        """From now on, the place that is kept is the current one."""
        self._origin = None

    async def show(self, snapshot: Snapshot, wanted: Filter) -> None:
        """Show what matches in this snapshot, which the pane owns from here on. The rows change in one step, once
        those in view are there; this returns when they are counted. If cancelled before, the old ones stay."""
        rows = HistoryRows(snapshot, wanted, self._page_loaded)
        same = wanted.text == self._text
        counting = asyncio.create_task(rows.count())
        try:
            now, cursor, top = await self._find_place(rows)
            overall = await rows.scan(lambda cancelled: snapshot.count(cancelled=cancelled))
            await asyncio.wait([counting], timeout=_PATIENCE)
        except BaseException:
            counting.cancel()
            rows.close()
            raise
        came = cursor - now.cursor if same and not now.following else 0
        self._news = self._news + max(0, came) if same else 0
        old, self._rows, self._text, self._overall = self._rows, rows, wanted.text, overall
        self.task_list.show(rows, cursor=cursor, top=top)
        self._placed = self._spot()
        if old is not None:
            old.close()
        self.show_title()
        if not counting.done():
            await counting
            self.task_list.reload()
            self.show_title()

    def show_title(self) -> None:
        """Bring the title up to date with the list."""
        view, title = self.task_list, self.title_line
        if view.following:
            self._news = 0
        title.heading = f"History {self.counts}".rstrip()
        title.wanted = self._text
        title.news = f"+{count(self._news)} new" if self._news else ""
        task = view.selected
        place = [] if task is None else [Part(day_and_minute(task.starttime, self._tz), 1)]
        if len(view.rows) > view.page_rows:
            percent = f"{view.cursor * 100 // (len(view.rows) - 1)} %"
            place = [Part(f"row {count(view.cursor + 1)}", 2), Part(percent, 0), *place]
        title.place = tuple(place)

    def on_unmount(self) -> None:
        if self._rows is not None:
            self._rows.close()

    def on_task_list_moved(self, message: TaskList.Moved) -> None:
        self.show_title()
        self._show_header()

    async def _find_place(self, rows: HistoryRows) -> tuple[Spot, int, int]:
        """Where the kept place is in these rows, with what is in view there loaded: the spot at which the current
        list is, and the positions of cursor and view. The user may move meanwhile, so look again where needed."""
        for _ in range(3):
            if self._origin is not None and self._placed != self._spot():
                self._origin = None
            now = self._spot()
            cursor, top = await self._positions(self._origin or now, rows)
            await rows.load(top, top + self.task_list.page_rows)
            if self._spot() == now:
                break
        return now, cursor, top

    async def _positions(self, spot: Spot, rows: HistoryRows) -> tuple[int, int]:
        if spot.following:
            return 0, 0
        cursor = spot.cursor if spot.cursor_key is None else await rows.locate(spot.cursor_key)
        if spot.top <= spot.cursor < spot.top + self.task_list.page_rows:
            return cursor, max(0, spot.top + cursor - spot.cursor)
        return cursor, spot.top if spot.top_key is None else await rows.locate(spot.top_key)

    def _spot(self) -> Spot:
        view = self.task_list
        first = view.rows[view.top] if len(view.rows) else None
        return Spot(
            view.cursor,
            view.top,
            view.following,
            None if view.selected is None else view.selected.key,
            None if first is None else first.key,
        )

    def _page_loaded(self, error: OSError | None) -> None:
        if error is not None:
            self._failed(error)
        elif self.is_mounted:
            self.task_list.reload()
            self.show_title()

    def _show_header(self) -> None:
        self._header.names = header(history_columns(self.task_list.row_width, self._names))

    def _row(self, task: Task, above: Task | None, width: int) -> Sequence[Piece]:
        return history_row(task, above, history_columns(width, self._names), self._tz)
