"""The dashboard as a Textual app: themes, the screen, and the life of whatever fetches in this process."""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Any, ClassVar

import anyio
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from backend.archive import TaskCache
from backend.config import Config, ConfigError
from tui.access import Access
from tui.hangup import leave_on_hangup
from tui.keymap import keymap, read_keys
from tui.keys import KEYS, Key, Place, bindings, keys_in_use, use
from tui.memory import Memory
from tui.screens.keyed import KeyedScreen
from tui.screens.main import MainScreen
from tui.screens.welcome import WelcomeScreen
from tui.theme import DARK, LIGHT
from tui.views import import_screens

_FIRST_ROWS = 2.0
"""How long (seconds) all else waits for the first rows at most."""
_FAREWELL = 2.0
"""How long (seconds) the work may take to end when the dashboard does."""


_COMMANDS = {Place.FIND, Place.LIST, Place.MOVE, Place.SCREEN}
"""Whose keys the command palette offers as well."""


class Dashboard(App[None]):
    """The dashboard on a cache.

    Args:
        cache: what it shows.
        work: fetches and polls; run while the app lives. Without it, another process does that, or nobody.
        memory: what is remembered from the time before, and for the next time.
        load: reads the configuration, for asking a task's own remote; None: there is none.
        changes: the configuration as it changes, or why it cannot be used.
        keys: the table of keys.
        welcome: shown over the lists until a remote is configured.
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
        memory: Memory | None = None,
        load: Callable[[], Config] | None = None,
        changes: Callable[[], AsyncIterator[Config | ConfigError]] | None = None,
        keys: Sequence[Key] = KEYS,
        welcome: WelcomeScreen | None = None,
        label: str = "",
        clock: Callable[[], float] = time.time,
        tz: tzinfo | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self._memory = memory or Memory()
        known = self._memory.now.theme in self.available_themes
        self.theme = self._memory.now.theme if known else DARK.name
        self._take_keys(keys)
        self._main = MainScreen(cache, self._memory, Access(load), label=label, now=clock, tz=tz)
        self._work = work
        self._changes = changes
        self._welcome = welcome
        self._working: asyncio.Task[None] | None = None

    @property
    def demo_wanted(self) -> bool:
        """Whether the user left for the demo."""
        return self._welcome is not None and self._welcome.demo_wanted

    def get_default_screen(self) -> Screen[None]:
        return self._main

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """What the command palette offers."""
        if screen is self._main:
            for key in keys_in_use():
                if key.place in _COMMANDS:
                    name = key.help[0].upper() + key.help[1:]
                    yield SystemCommand(name, f"key: {key.cap}", partial(self._main.workspace.press, key))
        if isinstance(screen, KeyedScreen):
            for key in screen.commands():
                name = key.help[0].upper() + key.help[1:]
                yield SystemCommand(name, f"key: {key.cap}", partial(screen.press, key))
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        if screen is not self._main:
            yield SystemCommand("Quit", "Leave the dashboard", self.action_quit)

    def on_mount(self) -> None:
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.exit)
            leave_on_hangup(sys.stdin.fileno(), partial(loop.call_soon_threadsafe, self.exit))
        self._memory.failed = partial(self._main.fail, "memory")
        self._main.fail("memory", self._memory.problem)
        self.theme_changed_signal.subscribe(self, lambda theme: self._memory.change(theme=theme.name))
        if self._work is not None:
            self._working = asyncio.create_task(self._work_once_shown(self._work))
            self._working.add_done_callback(self._work_ended)
        if self._welcome is not None:
            self._main.need_remote(self._welcome.command)
            self.push_screen(self._welcome)
        self.run_worker(self._follow_once_shown())

    async def on_unmount(self) -> None:
        await self._memory.settle()
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait([self._working], timeout=_FAREWELL)

    async def _work_once_shown(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Work once what is known already is on the screen: opening a large cache for writing takes a second."""
        await self._first_rows()
        await work()

    async def _follow_once_shown(self) -> None:
        """Load what the first rows did not need, and look out for changes. None that came before is missed: the
        cache is looked at every few seconds, and a configuration is compared with the one in use."""
        await self._first_rows()
        await asyncio.to_thread(_load_the_rest)
        self._main.watch_cache()
        if self._changes is not None:
            await self._follow(self._changes())

    async def _first_rows(self) -> None:
        """Wait for the first rows, if not for long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._main.history_pane.shown.wait(), _FIRST_ROWS)

    def _take_keys(self, keys: Sequence[Key]) -> None:
        use(keys)
        self.set_keymap(keymap(keys))

    async def _follow(self, changes: AsyncIterator[Config | ConfigError]) -> None:
        """Take over what changes in the configuration; its remotes are the work's matter."""
        async for change in changes:
            if isinstance(change, Config):
                self._take_config(change)
            elif self._welcome is not None:
                self._welcome.say(str(change))

    def _take_config(self, config: Config) -> None:
        try:
            self._take_keys(read_keys(config.keys))
        except ConfigError as error:
            self._main.fail("keys", f"{error}; the keys from before stay in use")
        else:
            self._main.fail("keys", "")
        if self._welcome is not None:
            self._main.need_remote("" if config.remotes else self._welcome.command)
            self._welcome.say("" if config.remotes else "there are no remotes in it yet")
            while config.remotes and self._welcome in self.screen_stack:
                self.pop_screen()

    def _work_ended(self, working: "asyncio.Task[None]") -> None:
        if working.cancelled():
            return
        error = working.exception()
        why = "" if error is None else f": {str(error) or type(error).__name__}"
        if self.is_running:
            self._main.fail("work", f"fetching has stopped{why}")


def _load_the_rest() -> None:
    """Import what would hold up the first key that asks for it."""
    import_screens()
    # what watches files uses anyio, which imports its asyncio backend as it is first used
    anyio.run(anyio.sleep, 0)
