"""The timeline above the history: the tasks it shows over time, where there are errors, and what of it is in view.
It paints what it is given; counting is the history pane's matter."""

from collections.abc import Callable
from datetime import tzinfo
from itertools import groupby

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from backend.task import Status
from backend.text import counted
from tui.row import SIGNS
from tui.timeline import DOTTED, Times, axis, bars, dotted, stacked, unusual

GUTTER = 3
"""Cells at the left that bars begin after, as rows have for their sign."""

_PLAIN = "$foreground 70%"
_COLOURS = {Status.ERROR: "$error", Status.WARNING: "$warning", Status.OK: _PLAIN}
_HEAVY = str.maketrans("─╷", "━╻")


class Timeline(Widget):
    """One to four lines: all tasks; from two on, days and hours; from three on, the errors by themselves; with
    four the warnings as well. Tasks that are all of one status have the lines of bars to themselves, as one that
    is higher. Where the errors have no line, a dotted bar stands where there are many."""

    DEFAULT_CSS = """
    Timeline { height: 1; width: 1fr; background: $background; color: $foreground 70%; }
    """

    class Chosen(Message):
        """The user wants to see the tasks of a cell."""

        def __init__(self, cell: int) -> None:
            super().__init__()
            self.cell = cell

    class Resized(Message):
        """There is room for another number of cells."""

    def __init__(self, now: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__()
        self.times: Times | None = None
        self._now = now
        self._tz = tz
        self._view: tuple[int, int] | None = None
        self._dots = False

    @property
    def cells(self) -> int:
        """How many bars have room; the last cell stays free, as in the list."""
        return max(0, self.size.width - GUTTER - 2) if self.display else 0

    @property
    def legend(self) -> str:
        """What its lines, or its dots, are of; empty where there is but one kind of bars. Each line has a scale of
        its own, which its highest bar tells."""
        if self.times is None or self.times.sole is not None or not self.cells:
            return ""
        if self.size.height < 3:
            return f"{DOTTED[-1]} many errors" if self._dots else ""
        parts = [counted(max(self.times.all), "task")]
        if self.size.height > 3:
            parts.append(f"{SIGNS[Status.WARNING]} {counted(max(self.times.warnings), 'warning')}")
        parts.append(f"{SIGNS[Status.ERROR]} {counted(max(self.times.errors), 'error')}")
        return f"highest bars: {', '.join(parts)}"

    def show(self, times: Times | None) -> None:
        """Show these; None: there are no tasks."""
        self.times = times if times is not None and any(times.all) else None
        self._dots = self.times is not None and any(unusual(self.times.errors))
        self.refresh()

    def mark(self, newest: int, oldest: int) -> None:
        """Mark what is in view, by the starts (UNIX seconds) of its first and last row."""
        before, self._view = self._cells_in_view(), (newest, oldest)
        if self._cells_in_view() != before:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        cell = event.x - GUTTER
        if self.times is not None and 0 <= cell < len(self.times.all):
            self.post_message(self.Chosen(cell))

    def on_resize(self) -> None:
        self.post_message(self.Resized())

    def render(self) -> Content:
        times, height = self.times, self.size.height
        if times is None:
            return Content("")
        if height == 1:
            return self._single(times)
        if height == 2:
            return Content("\n").join([self._single(times), self._axis(times)])
        sole = times.sole
        if sole is not None:
            *above, bottom = stacked(times.all, height - 1)
            sign = "" if sole is Status.OK else SIGNS[sole]
            lines = [self._line("", row, _COLOURS[sole]) for row in above]
            lines.append(self._line(sign, bottom, _COLOURS[sole]))
        else:
            lines = [self._line("", bars(times.all), _PLAIN)]
            if height > 3:
                lines.append(self._line(SIGNS[Status.WARNING], bars(times.warnings), "$warning"))
            lines.append(self._line(SIGNS[Status.ERROR], bars(times.errors), "$error"))
        return Content("\n").join([*lines, self._axis(times)])

    def _single(self, times: Times) -> Content:
        """All in one: bars of dots, in the errors' colour, where there are more of them than usual."""
        sole = times.sole
        if sole is not None:
            return self._line("" if sole is Status.OK else SIGNS[sole], bars(times.all), _COLOURS[sole])
        solid, dots = bars(times.all), dotted(times.all)
        first, last = self._cells_in_view()
        runs = groupby(enumerate(unusual(times.errors)), key=lambda one: (first <= one[0] <= last, one[1]))
        parts = [Content(" " * GUTTER)]
        for (in_view, marked), run in runs:
            text = "".join((dots if marked else solid)[cell] for cell, _ in run)
            parts.append(self._styled(text, "$error" if marked else _PLAIN, in_view))
        return Content("").join(parts)

    def _line(self, sign: str, bars: str, colour: str) -> Content:
        first, last = self._cells_in_view()
        return Content("").join(
            [
                Content.styled(sign.center(GUTTER), colour),
                self._styled(bars[:first], colour, False),
                self._styled(bars[first : last + 1], colour, True),
                self._styled(bars[last + 1 :], colour, False),
            ]
        )

    def _axis(self, times: Times) -> Content:
        first, last = self._cells_in_view()
        line = axis(times.edges, self._tz, self._now())
        dim = "$foreground 45%"
        # names stay readable under the mark
        marked = line[first : last + 1].translate(_HEAVY)
        return Content.assemble(
            (" " * GUTTER + line[:first], dim),
            (marked, f"bold {'reverse' if self.app.no_color else '$accent'}"),
            (line[last + 1 :], dim),
        )

    def _styled(self, text: str, colour: str, in_view: bool) -> Content:
        if in_view and self.app.no_color:
            # with a line of days, that one tells
            if self.size.height > 1:
                return Content.styled(text, colour)
            return Content.styled(text, f"{colour} reverse")
        return Content.styled(text, f"{colour} on $accent 30%" if in_view else colour)

    def _cells_in_view(self) -> tuple[int, int]:
        """The first and the last cell in view; none of them is behind the last where nothing is."""
        if self.times is None or self._view is None:
            return 0, -1
        newest, oldest = self._view
        return self.times.cell(oldest), self.times.cell(newest)
