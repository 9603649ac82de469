"""The dashboard as a Textual app: themes, the screen, and the life of whatever fetches in this process."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import tzinfo
from typing import Any, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from backend.archive import TaskCache
from tui.keys import Place, bindings
from tui.screens.main import MainScreen
from tui.theme import DARK, LIGHT

_FAREWELL = 2.0
"""How long (seconds) the work may take to end when the dashboard does."""


_SWITCH_INTERVAL = 0.0005
"""How long (seconds) a thread that scans may keep the interpreter from the one that paints. With Python's own 5 ms
every step of the event loop waits that long while a filter is counted."""


class Dashboard(App[None]):
    """The dashboard on a cache.

    Args:
        cache: what it shows.
        work: fetches and polls; run while the app lives. Without it, another process does that, or nobody.
        label: what the status line calls it, where it is not an ordinary one.
        clock: UNIX seconds.
        tz: the time zone times are shown and read in; None: local time.
    """

    TITLE = "remote-tasks"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.EVERYWHERE)]

    def __init__(
        self,
        cache: TaskCache,
        *,
        work: Callable[[], Coroutine[Any, Any, None]] | None = None,
        label: str = "",
        clock: Callable[[], float] = time.time,
        tz: tzinfo | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self._main = MainScreen(cache, label=label, now=clock, tz=tz)
        self._work = work
        self._switch_interval = sys.getswitchinterval()
        self._working: asyncio.Task[None] | None = None

    def get_default_screen(self) -> Screen[None]:
        return self._main

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        if screen is self._main:
            yield SystemCommand("Help", "Keys and the filter's language", self._main.action_help)
            yield SystemCommand("Fetch", "Fetch from the remotes now", self._main.action_fetch)
            yield SystemCommand(
                "Remotes", "Every remote, and all that is wrong with it", self._main.action_remotes
            )
        yield SystemCommand("Quit", "Leave the dashboard", self.action_quit)

    def on_mount(self) -> None:
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit)
        sys.setswitchinterval(_SWITCH_INTERVAL)
        if self._work is not None:
            self._working = asyncio.create_task(self._work())
            self._working.add_done_callback(self._work_ended)

    async def on_unmount(self) -> None:
        sys.setswitchinterval(self._switch_interval)
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working], timeout=_FAREWELL)

    def _work_ended(self, working: "asyncio.Task[None]") -> None:
        if working.cancelled():
            return
        error = working.exception()
        why = "" if error is None else f": {str(error) or type(error).__name__}"
        if self.is_running:
            self._main.fail("work", f"fetching has stopped{why}")
