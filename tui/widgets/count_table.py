"""A table of counts by status, of which each can be opened."""

from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from backend.counts import STATUSES, StatusCounts
from backend.task import Status
from tui.format import count, fit
from tui.row import Tone
from tui.widgets.row_list import Drawn, RowList

_LEAST_TITLE = 8
_USUAL_TITLE = 16
_MOST_TITLE = 40
_CELL = 10
_SIGN = "▸"
"""Before the number that the cursor is on."""

COLUMNS: tuple[Status | None, ...] = (None, *STATUSES)
"""What the columns count; None: all."""
_NAMES = {None: "TOTAL", Status.WARNING: "WARNINGS", Status.ERROR: "ERRORS"}


class CountRow(NamedTuple):
    """A row: its title, the filter that finds its tasks, and their counts; None for a heading."""

    title: str
    text: str
    counts: StatusCounts | None


class CountTable(RowList):
    """Counts with a cursor on one of them. Headings are passed over."""

    def __init__(self) -> None:
        super().__init__(self._row, id="counts")
        self._rows: Sequence[CountRow] = ()
        self._column = 0

    @property
    def chosen(self) -> tuple[CountRow, Status | None] | None:
        """The row and the column that the cursor is on; None where there is nothing to count."""
        if not self._rows or self._rows[self.cursor].counts is None:
            return None
        return self._rows[self.cursor], COLUMNS[self._column]

    @property
    def header(self) -> str:
        """The names of the columns in view."""
        width = self.row_width
        names = (_NAMES.get(status) or str(status).upper() for status in COLUMNS)
        in_view = (
            fit(name, _CELL, right=True) for number, name in enumerate(names) if number in self._in_view(width)
        )
        return fit(" " * _title_width(width) + "".join(in_view), width)

    def _in_view(self, width: int) -> range:
        """The columns that have room, the one with the cursor among them."""
        number = max(1, min(len(COLUMNS), (width - _title_width(width)) // _CELL))
        first = max(0, self._column - number + 1)
        return range(first, first + number)

    def show_rows(self, rows: Sequence[CountRow]) -> None:
        """Show these; the cursor stays where it is."""
        self._rows = rows
        self.show(len(rows), cursor=self.cursor)

    def move_to(self, position: int) -> None:
        places = [number for number, row in enumerate(self._rows) if row.counts is not None]
        if not places:
            return
        if position >= self.cursor:
            place = next((number for number in places if number >= position), places[-1])
        else:
            place = next((number for number in reversed(places) if number <= position), places[0])
        super().move_to(place)

    def action_to_column(self, step: int) -> None:
        self._column = max(0, min(self._column + step, len(COLUMNS) - 1))
        self.reload()

    def on_click(self, event: events.Click) -> None:
        """The column; the row is the base class' matter, whose handler is called after this one."""
        in_view = self._in_view(self.row_width)
        column = in_view.start + (event.x - _title_width(self.row_width)) // _CELL
        if column in in_view:
            self._column = column
            self.reload()

    def _row(self, position: int, width: int) -> Drawn:
        title, _, counts = self._rows[position]
        room = _title_width(width)
        if counts is None:
            return [(fit(f" {title}", width), Tone.DIM)]
        pieces: list[tuple[str, str]] = [(fit(f" {title}", room), Tone.TEXT)]
        for number in self._in_view(width):
            status = COLUMNS[number]
            counted = counts.total() if status is None else counts[status]
            sign = _SIGN if position == self.cursor and number == self._column else ""
            tone = Tone.TEXT if status is None else Tone(status.value)
            pieces.append((fit(f"{sign}{count(counted)}", _CELL, right=True), tone if counted else Tone.DIM))
        return pieces


def _title_width(width: int) -> int:
    usual = min(_USUAL_TITLE, max(_LEAST_TITLE, width - _CELL))
    return max(usual, min(_MOST_TITLE, width - _CELL * len(COLUMNS)))
