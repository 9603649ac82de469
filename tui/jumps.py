"""Jumps of the history's cursor: to the next task that went wrong, to a time, to a part of the way, to a mark.
What is not found is said in words."""

import asyncio
import re
from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from backend.query import Filter, Term
from backend.task import Status
from backend.times import moment_words, parse_moment
from tui.history import HistoryRows, Key
from tui.keys import cap_of
from tui.widgets.history_pane import HistoryPane

PLACE_EXAMPLES = "14:30   yesterday 14:30   2h   2026-11-01 08:00   50%"

_EXPECTED = (
    "a time (14:30, yesterday 14:30, 2026-11-01 08:00), a date (2026-11-01, yesterday), a span back from now "
    "(10m, 2h, 7d) or a part of the way (50%)"
)

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?) ?%")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_CLOCK_FIRST = re.compile(rf"^(?P<clock>{_CLOCK.pattern}),?\s+(?P<day>\S+)$")
_MARKS = 100
"""How many marks there may be."""


class Moment(NamedTuple):
    """A place in the history by time: the first and the last UNIX second of what was named, a day or a minute."""

    first: int
    last: int


class Share(NamedTuple):
    """A place in the history by how far down it is: 0.0 is the top, 1.0 the last row."""

    part: float


def read_place(text: str, now: float, tz: tzinfo | None) -> Moment | Share:
    """Read where to go. A time of day is the last one that has passed; of a day or a minute the last second
    counts, so that the rest of it follows. Raises ValueError that says what was expected."""
    text = text.strip()
    percent = _PERCENT.fullmatch(text)
    if percent is not None:
        if float(percent[1]) > 100:
            raise ValueError(f"expected 0% to 100%, not {text}")
        return Share(float(percent[1]) / 100)
    moment = _CLOCK_FIRST.sub(r"\g<day> \g<clock>", text)
    try:
        named = Moment(*parse_moment(moment, now, tz))
        if named.last > now and _CLOCK.fullmatch(text):
            named = Moment(*parse_moment(f"yesterday {text}", now, tz))
    except ValueError:
        raise ValueError(f"expected {_EXPECTED}, not {text!r}") from None
    return named


class Jumps:
    """Moves the cursor of a history; one jump after the other.

    Args:
        wanted: the filter that the history shows.
        say: shows words to the user.
    """

    def __init__(
        self,
        pane: HistoryPane,
        wanted: Callable[[], Filter],
        now: Callable[[], float],
        tz: tzinfo | None,
        say: Callable[[str], None],
    ) -> None:
        self._pane = pane
        self._wanted = wanted
        self._now = now
        self._tz = tz
        self._say = say
        # Of keys that come in one piece each jump begins where the one before has ended.
        self._turn = asyncio.Lock()

    async def to_status(self, status: Status, *, back: bool) -> None:
        """To the nearest task with a status below the cursor, or above it."""
        async with self._turn:
            wanted = self._wanted()
            both = Filter(wanted.text, (*wanted.terms, Term("status", (status.value,))))
            key = await self._key()
            found = None
            if key is not None:
                found = await self._pane.ask(
                    lambda rows: rows.scan(
                        lambda cancelled: rows.snapshot.next_match(both, key, reverse=back, cancelled=cancelled)
                    )
                )
            if await self._key() != key:
                return  # the user has moved on meanwhile
            if found is None:
                noun = {Status.ERROR: "error", Status.WARNING: "task with warnings"}.get(status, status.value)
                within = " that matches the filter" if wanted else ""
                self._say(f"No {'newer' if back else 'older'} {noun}{within}")
            else:
                await self._pane.go_to(found.key)

    async def to_place(self, place: Moment | Share) -> None:
        """To a place that `read_place` has read; of a time it is said what is there."""
        async with self._turn:
            if isinstance(place, Share):
                await self._to_share(place.part)
            else:
                await self._pane.go_to((-place.last, ""))
            task = self._pane.task_list.selected
            if task is None:
                self._say("There is no task to go to")
            elif isinstance(place, Moment):
                words = _landed(task.starttime, place)
                self._say(f"{moment_words(task.starttime, self._now(), self._tz)}, {words}")

    async def _to_share(self, part: float) -> None:
        async def reach(rows: HistoryRows) -> int:
            position = round(part * max(0, await rows.count() - 1))
            await rows.load(position - self._pane.task_list.page_rows, position + self._pane.task_list.page_rows)
            return position

        self._pane.task_list.jump_to(await self._pane.ask(reach))

    def mark(self) -> None:
        """Mark the task under the cursor, or take its mark away."""
        pane = self._pane
        task = pane.task_list.selected
        if task is None:
            return
        if pane.marked.pop(task.upid, None) is None:
            if len(pane.marked) >= _MARKS:
                self._say(f"There are {_MARKS} marks already")
                return
            pane.marked[task.upid] = task
        pane.task_list.reload()

    async def to_mark(self) -> None:
        """To the nearest mark below the cursor, and from the last one to the first."""
        async with self._turn:
            if not self._pane.marked:
                self._say(f"No task is marked: {cap_of('mark')} marks one")
                return
            matches = self._wanted().matcher()
            keys = sorted(task.key for task in self._pane.marked.values() if matches(task))
            if not keys:
                self._say("No marked task matches the filter")
                return
            here = await self._key()
            await self._pane.go_to(next((key for key in keys if here is None or key > here), keys[0]))

    async def to_cell(self, cell: int) -> None:
        """To the newest task of a cell of the timeline, or the next older one."""
        times = self._pane.timeline.times
        if times is not None:
            async with self._turn:
                await self._pane.go_to((1 - times.edges[cell + 1], ""))

    async def to_next_cell(self, step: int) -> None:
        """To the next cell of the timeline that has tasks: the later one with 1, the earlier one with -1."""
        times, key = self._pane.timeline.times, await self._key()
        if times is None or key is None:
            self._say("There is no task to go to")
            return
        cell = times.beside(times.cell(-key[0]), step)
        if cell is None:
            self._say(f"There is nothing {'later' if step > 0 else 'earlier'}")
        else:
            await self.to_cell(cell)

    async def _key(self) -> Key | None:
        """The key of the task under the cursor; None where there are no tasks."""
        view = self._pane.task_list
        if view.selected is None and len(view.rows):
            await self._pane.ask(lambda rows: rows.load(view.cursor, view.cursor))
        return None if view.selected is None else view.selected.key


def _landed(start: int, place: Moment) -> str:
    """What a task that began at `start` (UNIX seconds) is to a place."""
    if start > place.last:
        return "the oldest task: there is none from before"
    if place.first == place.last:
        return "the last task until then"
    span = "day" if place.last - place.first >= 3600 else "minute"
    return f"the last task of that {span}" if start >= place.first else f"the last task before that {span}"
