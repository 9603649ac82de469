"""The tasks over time, as bars of characters: how time is cut into cells, how high each bar is, and which days and
hours stand below. Pure; `widgets.timeline` paints it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise

from backend.task import Status
from backend.times import local

_DAY = 86_400
_STEPS = sorted({step for n in range(1, math.isqrt(_DAY) + 1) if _DAY % n == 0 for step in (n, _DAY // n)})
_BARS = "▁▂▃▄▅▆▇█"
DOTTED = "⣀⣤⣶⣿"
"""The bars that stand out, the least first."""

_UNUSUAL = 2.0
_LEAST_APART = 8
_NOW = "now"


@dataclass(frozen=True, slots=True)
class Times:
    """The tasks over time.

    Attributes:
        edges: where the cells begin and the last one ends (UNIX seconds, ascending).
        all: how many tasks started in each cell.
        errors: how many of them failed.
        warnings: how many of them ended with warnings.
    """

    edges: tuple[int, ...]
    all: tuple[int, ...]
    errors: tuple[int, ...]
    warnings: tuple[int, ...]

    @property
    def sole(self) -> Status | None:
        """The status that all of them have; None where they differ. OK stands for all that did not go wrong."""
        if self.all == self.errors:
            return Status.ERROR
        if self.all == self.warnings:
            return Status.WARNING
        return None if any(self.errors) or any(self.warnings) else Status.OK

    def cell(self, moment: int) -> int:
        """The cell of a point of time (UNIX seconds); the nearest one for those outside."""
        step = self.edges[1] - self.edges[0]
        return max(0, min(len(self.all) - 1, (moment - self.edges[0]) // step))

    def beside(self, cell: int, step: int) -> int | None:
        """The next cell that has tasks, in steps of 1 or -1."""
        cell += step
        while 0 <= cell < len(self.all):
            if self.all[cell]:
                return cell
            cell += step
        return None


def times(edges: Sequence[int], counts: Sequence[dict[Status, int]]) -> Times:
    """The tasks over time, from their numbers by status."""
    return Times(
        tuple(edges),
        tuple(sum(count.values()) for count in counts),
        tuple(count.get(Status.ERROR, 0) for count in counts),
        tuple(count.get(Status.WARNING, 0) for count in counts),
    )


def edges(first: int, last: int, cells: int, tz: tzinfo | None) -> list[int]:
    """Cut the time from `first` to `last` (UNIX seconds) into at most so many cells of the same length, a part of
    a day or whole days: so days begin where cells do, and the cells stay where they are as time goes on."""
    moment = local(last, tz)
    offset = None if moment is None else moment.astimezone(tz).utcoffset()
    shift = int((offset or timedelta()).total_seconds())
    first, last = min(first, last), max(first, last)
    step = _step((last - first + 1) / max(1, cells))
    while True:
        begin = (first + shift) // step * step - shift
        number = (last - begin) // step + 1
        if number <= max(1, cells):
            return [begin + step * cell for cell in range(number + 1)]
        # cells that begin where days do may want one more than the span alone
        step = _step(step + 1)


def _step(least: float) -> int:
    for step in _STEPS:
        if step >= least:
            return step
    return math.ceil(least / _DAY) * _DAY


def bars(counts: Sequence[int]) -> str:
    """A bar for each count, in eighths of a cell; the highest fills its cell, the least is to be seen. Heights
    grow with the square root: a rush, or a night's backups, does not make all else look like nothing."""
    return _signs(counts, " " + _BARS)


def stacked(counts: Sequence[int], lines: int) -> list[str]:
    """The same, so many lines high, the topmost first: finer by as much."""
    full = len(_BARS) * lines
    heights = _heights(counts, full)
    signs = " " + _BARS
    floors = range(full - len(_BARS), -1, -len(_BARS))
    return ["".join(signs[max(0, min(len(_BARS), height - floor))] for height in heights) for floor in floors]


def dotted(counts: Sequence[int]) -> str:
    """The same in quarters, of dots."""
    return _signs(counts, " " + DOTTED)


def _signs(counts: Sequence[int], signs: str) -> str:
    return "".join(signs[height] for height in _heights(counts, len(signs) - 1))


def _heights(counts: Sequence[int], full: int) -> list[int]:
    highest = max(counts, default=0)
    return [max(1, round(full * math.sqrt(count / highest))) if count else 0 for count in counts]


def unusual(counts: Sequence[int]) -> list[bool]:
    """Where there are many more than elsewhere: over twice as many as in a cell on average."""
    mean = sum(counts) / max(1, len(counts))
    return [count > _UNUSUAL * mean for count in counts]


def axis(edges: Sequence[int], tz: tzinfo | None, now: float | None = None) -> str:
    """The line below: a tick and a name in the cell where some minutes, an hour, a day, a week or a month begin,
    as fits; `─` between. It ends with a word where it ends `now` (UNIX seconds): the last bar may stand long
    before."""
    cells = len(edges) - 1
    moments = [local(edge - 1, tz) for edge in edges]
    for begin, name in _PARTS:
        begins = [None if moment is None else begin(moment) for moment in moments]
        ticks = [
            (cell, name(after))
            for cell, (before, after) in enumerate(pairwise(begins))
            if before is not None and after is not None and before != after
        ]
        if (len(ticks) - 1) * _LEAST_APART <= cells:
            break
    else:
        ticks = []
    end = _NOW if now is not None and edges[-2] <= now < edges[-1] and len(_NOW) < cells else ""
    # a tick right before the end would have no room for its name
    room = cells - len(end)
    ticks = [tick for tick in ticks if not end or tick[0] < room - 1]
    line = ""
    for (cell, words), (until, _) in pairwise([*ticks, (room if end else room + 1, "")]):
        line += "─" * (cell - len(line))
        line += f"╷{words}" if len(words) + 1 < until - cell else "╷"
    return line.ljust(room, "─") + end


def _minutes(number: int) -> Callable[[datetime], datetime]:
    """To the beginning of the part of its day, of so many minutes, that a moment is in."""

    def begin(moment: datetime) -> datetime:
        minutes = (moment.hour * 60 + moment.minute) // number * number
        return moment.replace(hour=minutes // 60, minute=minutes % 60, second=0, microsecond=0, fold=0)

    return begin


def _week(moment: datetime) -> datetime:
    return _midnight(moment) - timedelta(days=moment.weekday())


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)


def _hour(moment: datetime) -> str:
    return f"{moment:%a} {moment.day}" if (moment.hour, moment.minute) == (0, 0) else f"{moment:%H:%M}"


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day}"


def _date(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"


def _month(moment: datetime) -> str:
    return f"{moment:%b %Y}"


_PARTS: tuple[tuple[Callable[[datetime], datetime], Callable[[datetime], str]], ...] = (
    *((_minutes(number), _hour) for number in (1, 5, 10, 30, 60, 180, 360, 720)),
    (_midnight, _day),
    (_week, _date),
    (lambda moment: _midnight(moment).replace(day=1), _month),
    (lambda moment: _midnight(moment).replace(month=1, day=1), _month),
)
"""Into what time falls apart: where the part that a moment is in has begun, and how it is called; the shortest
parts first."""
