"""Searching the log that a log view shows: what for, and going to what is found."""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from textual.screen import Screen
from textual.worker import Worker

from backend.client import RemoteError
from backend.text import safe
from tui.access import NoAccess
from tui.keys import way_to
from tui.screens.ask import AskScreen
from tui.task_log import TaskLog
from tui.widgets.log_view import LogView


class LogSearch:
    """Searches one log view's log. One search at a time: a later one gives up the one before.

    Args:
        log: the log that is shown now.
        say: shows words to the user.

    Attributes:
        words: what is searched for; empty for nothing.
    """

    def __init__(
        self, screen: Screen[None], view: LogView, log: Callable[[], TaskLog], say: Callable[[str], None]
    ) -> None:
        self.words = ""
        self._screen = screen
        self._view = view
        self._log = log
        self._say = say
        self._running: Worker[None] | None = None

    def ask(self) -> None:
        """Ask what to search for, and go to the nearest line that has it: from the cursor on, else before it."""

        def begin(words: str | None) -> None:
            if words is None:
                return
            self.words = words
            self._view.mark(self._pattern if words else None)
            if words:
                self._run(self._to_nearest())

        hint = "words in a line, in whatever case; none: mark no line"
        self._screen.app.push_screen(
            AskScreen("search", hint, lambda _: "", answer=self.words, replaced=True), begin
        )

    def next(self, step: int) -> None:
        """Go to the next line that matches, or with a `step` of -1 to the one before."""
        if self.words:
            self._run(self._to_next(step))
        else:
            self._say(f"Nothing is searched for yet: {way_to('search')}")

    def give_up(self) -> bool:
        """Give up the search under way; whether there was one."""
        running, self._running = self._running, None
        if running is None or running.is_finished:
            return False
        running.cancel()
        return True

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.words), re.IGNORECASE)

    async def _to_nearest(self) -> None:
        cursor = self._view.cursor
        if not await self._find(cursor - 1, 1) and not await self._find(cursor, -1):
            self._say(f"No line has {safe(self.words)}")

    async def _to_next(self, step: int) -> None:
        """To the next line, else on from the other end."""
        cursor = self._view.cursor
        if await self._find(cursor, step):
            return
        end = -1 if step > 0 else len(self._log())
        if not await self._find(end, step):
            self._say(f"No line has {safe(self.words)}")
        elif self._view.cursor == cursor:
            self._say(f"No other line has {safe(self.words)}")
        else:
            self._say(f"On from the {'beginning' if step > 0 else 'end'}")

    async def _find(self, line: int, step: int) -> bool:
        found = await self._log().search(self._pattern, line, step)
        if found is not None:
            self._view.jump_to(found)
        return found is not None

    def _run(self, search: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await search
            except (RemoteError, NoAccess) as error:
                self._say(f"The search ended: {error}")

        self._running = self._screen.run_worker(run(), group="search", exclusive=True)
