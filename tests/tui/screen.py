"""The dashboard under test, and its screen as a user sees it: read, waited for, typed at."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

from textual import events
from textual.pilot import Pilot

from backend.archive import TaskCache
from tui.app import Dashboard
from tui.screens.main import MainScreen
from tui.widgets.history_pane import HistoryPane
from tui.widgets.key_line import KeyLine
from tui.widgets.running_pane import RunningPane

PATIENCE = 10.0
"""Seconds to wait for what must come, before a test fails."""


def dashboard(directory: Path, clock: Callable[[], float], **options: Any) -> Dashboard:
    """A dashboard with the tests' time and time zone."""
    return Dashboard(TaskCache(directory), clock=clock, tz=UTC, **options)


class Screen:
    """The dashboard's screen as its user sees it."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot

    @property
    def main(self) -> MainScreen:
        screen = self.pilot.app.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def history(self) -> HistoryPane:
        return self.main.history_pane

    @property
    def running(self) -> RunningPane:
        return self.main.running_pane

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, line by line."""
        return [
            "".join(segment.text for segment in strip)
            for strip in self.pilot.app.screen._compositor.render_strips()
        ]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, words: str) -> str:
        """The line that has these words."""
        return next(line for line in self.lines if words in line)

    @property
    def keys(self) -> str:
        """What the bottom line says, be it in two lines."""
        line = self.pilot.app.screen.query_one(KeyLine)
        return "   ".join(text.strip() for text in self.lines[line.region.y : line.region.bottom])

    @property
    def line_below(self) -> str:
        """The line below the history that has the task under the cursor."""
        return self.lines[self.history.selected_line.region.y]

    def row_of_cursor(self) -> int:
        """On which line of the list the cursor is."""
        return self.history.task_list.cursor - self.history.task_list.top

    async def until(self, condition: Callable[[], object], what: str = "the condition") -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.pilot.app.is_running, f"the dashboard ended before {what} came about"
            assert time.monotonic() < deadline, f"{what} did not come about; the screen:\n{self.text}"
            await self.pilot.pause()
            await asyncio.sleep(0.005)
        await self.pilot.pause()

    async def until_shown(self, words: str) -> None:
        """Wait until words stand on the screen."""
        await self.until(lambda: words in self.text, repr(words))

    async def until_counted(self) -> None:
        """Wait until the timeline shows as many tasks as the history has."""
        timeline, view = self.history.timeline, self.history.task_list
        await self.until(
            lambda: timeline.times is not None and sum(timeline.times.all) == len(view.rows), "the timeline"
        )

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def enter(self, text: str) -> None:
        """Put a text into the filter line at once, as pasting does."""
        self.pilot.app.post_message(events.Paste(text))
        await self.pilot.pause()
