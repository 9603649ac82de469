"""Counts by status: of kinds of tasks, and of the remotes where most failed. Each leads to its tasks."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from backend.archive import CacheError, Snapshot, TaskCache
from backend.counts import StatusCounts, count_by
from backend.query import parse_filter
from backend.task import Status, Task
from backend.text import counted, safe
from backend.times import local, moment_words
from tui.filter_text import term
from tui.format import clock
from tui.keys import Place, bindings
from tui.reading import read_cache
from tui.screens.keyed import OverviewScreen, TasksToShow
from tui.status import Part
from tui.trouble import cannot_read
from tui.type_groups import GROUPS, Group, group_of
from tui.widgets.count_table import CountRow, CountTable
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.row_list import RowList

SPANS = (("last 24 h", "since:24h"), ("last 7 d", "since:7d"), ("all that is kept", ""))
"""The times that can be counted over: in words, and as a filter."""

_COUNT_EVERY = 10.0
_MOST_REMOTES = 50


class StatisticsScreen(OverviewScreen):
    """The counts. It is left with what the user has chosen, or None."""

    PLACES = (Place.ROWS, Place.STATISTICS)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.STATISTICS)]
    DEFAULT_CSS = """
    StatisticsScreen { background: $background; }
    """

    def __init__(self, cache: TaskCache, clock: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__(self._count, _COUNT_EVERY)
        self._cache = cache
        self._clock = clock
        self._tz = tz
        self._span = 0
        self._title = PaneTitle()
        self._header = ColumnHeader()
        self._table = CountTable()

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._header
        yield self._table
        yield self.key_line

    def on_mount(self) -> None:
        self._table.focus()
        self._title.active = True
        self._say("counting…")
        self.key_line.show(self.keys())

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_header)

    def acting(self, place: Place) -> Widget:
        return self._table if place is Place.ROWS else self

    def _show_header(self) -> None:
        self._header.names = self._table.header

    async def _count(self) -> None:
        since = SPANS[self._span][1]
        now = self._clock()
        wanted = parse_filter(since, now=now, tz=self._tz)

        def read(snapshot: Snapshot, cancelled: Callable[[], bool]) -> tuple[list[CountRow], Task | None]:
            types = count_by(snapshot, "type", wanted, cancelled=cancelled)
            remotes = count_by(snapshot, "remote", wanted, cancelled=cancelled)
            oldest = next(snapshot.iterate(reverse=True, cancelled=cancelled), None)
            return [*group_rows(types), *remote_rows(remotes)], oldest

        try:
            rows, oldest = await read_cache(self._cache, read)
        except (CacheError, OSError) as error:
            self._say(safe(cannot_read(error)))
            return
        self._table.show_rows(rows)
        begins = ""
        if oldest is not None and oldest.starttime > wanted.period[0]:
            # what is counted does not reach as far back as the span
            begins = f"since {moment_words(oldest.starttime, now, self._tz, seconds=False)}"
            begins += ", all there is" if since else ""
        self._say(f"as of {clock(local(now, self._tz))}", begins)

    def _say(self, words: str, begins: str = "") -> None:
        self._title.heading = f"Statistics {SPANS[self._span][0]}"
        self._title.place = tuple(Part(text, rank) for text, rank in ((begins, 1), (words, 0)) if text)
        self._table.explain(words)

    def action_next_span(self) -> None:
        """Count over the next of SPANS."""
        self._span = (self._span + 1) % len(SPANS)
        self._say("counting…")
        self.renewing.at_once()

    def action_to_column(self, step: int) -> None:
        self._table.action_to_column(step)
        self._show_header()

    @on(RowList.Opened)
    def _open(self) -> None:
        chosen = self._table.chosen
        if chosen is not None:
            row, status = chosen
            terms = [row.text, "" if status is None else term("status", status), SPANS[self._span][1]]
            self.choose(TasksToShow(" ".join(filter(None, terms))))


def group_rows(types: dict[str, StatusCounts]) -> list[CountRow]:
    """A row for each group of task types, and one for all."""
    groups: dict[Group, StatusCounts] = defaultdict(Counter)
    for worker_type, counts in types.items():
        groups[group_of(worker_type)] += counts
    rows = [CountRow("All tasks", "", sum(groups.values(), Counter()))]
    return [*rows, *(CountRow(group.title, group.text, groups[group]) for group in GROUPS)]


def remote_rows(remotes: dict[str, StatusCounts]) -> list[CountRow]:
    """Rows for the remotes with the most errors, below a heading."""
    failing = [(name, counts) for name, counts in remotes.items() if counts[Status.ERROR]]
    failing.sort(key=lambda item: (-item[1][Status.ERROR], item[0]))
    if not failing:
        return [CountRow("", "", None), CountRow("No remote has tasks that failed", "", None)]
    heading = f"{counted(len(failing), 'remote')} with tasks that failed, most of them first"
    rows = [CountRow(name, term("remote", name), counts) for name, counts in failing[:_MOST_REMOTES]]
    return [CountRow("", "", None), CountRow(heading, "", None), *rows]
