"""Typing a filter: what the line reads and completes, and what becomes of what is typed."""

import asyncio
from collections.abc import Callable
from datetime import tzinfo

from textual.screen import Screen

from backend.query import Filter
from backend.times import period_words
from tui.completion import Completion, completions
from tui.filtering import Filtering
from tui.memory import Memory
from tui.trouble import cannot_read
from tui.typed import Typed, read_typed
from tui.values import FleetValues
from tui.widgets.filter_line import FilterLine
from tui.widgets.history_pane import HistoryPane

_FIRST_LETTERS = 0.4
"""For how long (seconds) after the line was opened nothing else is looked for but what is typed."""


class FilterTyping:
    """Has the lists narrowed as the user types.

    Args:
        screen: where the line is.
        judged: told whether what is typed is wrong.
        left: told that the user is done with the line.
        failed: told in words why the cache cannot be read.

    Attributes:
        line: what is typed into.
    """

    def __init__(
        self,
        screen: Screen[None],
        history: HistoryPane,
        filtering: Filtering,
        values: FleetValues,
        memory: Memory,
        *,
        judged: Callable[[bool], None],
        left: Callable[[], None],
        failed: Callable[[str], None],
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        self._screen = screen
        self._history = history
        self._filtering = filtering
        self._values = values
        self._judged = judged
        self._left = left
        self._failed = failed
        self._now = now
        self._tz = tz
        self.line = FilterLine(
            self._read,
            self._period,
            self._complete,
            lambda: memory.now.filters,
            informed=values.ready,
            judged=self._judge,
            left=self._leave,
            saved=filtering.save,
        )

    def begin(self) -> None:
        """Open the line with the filter that there is."""
        self._history.mark()
        self.line.open(self._filtering.wanted)
        self.say_counts()
        self._screen.run_worker(self._look_for_values(), group="values", exclusive=True)

    def leave_for_list(self) -> None:
        """Close the line, since the user went elsewhere."""
        self.line.leave()
        self._history.release()
        self._filtering.remember()

    def say_counts(self) -> None:
        """Show beside what is typed how many match."""
        if self.line.is_open:
            self.line.say(self._history.counts if self._filtering.wanted else "")

    def say_counting(self) -> None:
        """Show beside what is typed that the matches are being counted."""
        self.line.say("counting…" if self._filtering.wanted else "")

    async def _look_for_values(self) -> None:
        # the first letters come sooner than it would be done
        await asyncio.sleep(_FIRST_LETTERS)
        try:
            await self._values.look()
        except OSError as error:
            self._failed(cannot_read(error))
            return
        self.line.show_completions(self.line.typed())

    def _read(self, text: str, cursor: int) -> Typed:
        return read_typed(text, cursor, now=self._now(), tz=self._tz, values=self._values.known)

    def _period(self, wanted: Filter) -> str:
        words = period_words(*wanted.period, self._now(), self._tz)
        return f"started {words}" if words else ""

    def _complete(self, text: str) -> list[Completion]:
        return completions(text, self._values.known)

    def _judge(self, wanted: Filter | None, wrong: bool) -> None:
        if wanted is not None:
            self._filtering.take_typed(wanted)
        self._history.title_line.doubted = wrong
        self._judged(wrong)

    def _leave(self, kept: bool) -> None:
        if kept:
            self._history.release()
        self._filtering.remember()
        self._left()
