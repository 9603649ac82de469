"""The dashboard's one screen: what it is made of, and how filter, cache and panes come together."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from backend.archive import CacheError, TaskCache
from backend.archive.health import Health
from backend.query import Filter, parse_filter
from backend.task import Task
from tui.history import take_snapshot
from tui.keys import Place, bindings, labelled, way_to
from tui.names import Names, widened
from tui.refresher import Refresher, watch
from tui.screens.details import DetailsScreen
from tui.screens.help import HelpScreen
from tui.screens.remotes import RemotesScreen
from tui.status import Seen, nothing_finished, nothing_running, status_parts
from tui.trouble import cannot_read, troubles
from tui.typed import Typed, read_typed
from tui.widgets.filter_line import FilterInput, FilterLine
from tui.widgets.history_pane import HistoryPane
from tui.widgets.lines import KeyLine, StatusLine, TroubleLine
from tui.widgets.running_pane import RunningPane
from tui.widgets.task_list import TaskList

_LIVE_EVERY = 3.0
_HEIGHTS = [(0, "-flat"), (9, "-low"), (15, "-high"), (24, "-tall")]
"""From how many lines on the screen has which class: on fewer, lines that can be spared go."""


class _Look(NamedTuple):
    """One look at the cache: what is small in it, and what became of a task that is being followed."""

    version: object
    running: list[Task]
    damage: tuple[str, ...]
    health: Health
    ended: Task | None


class MainScreen(Screen[None]):
    """What runs, and what has run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.SCREEN)]
    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    MainScreen { background: $background; }
    MainScreen.-flat { & StatusLine, & TroubleLine, & ColumnHeader, & #running { display: none; } }
    MainScreen.-flat.-wrong-filter { & KeyLine, & RunningPane { display: none; } }
    MainScreen.-flat #filter-error { max-height: 2; }
    MainScreen.-low { & ColumnHeader { display: none; } }
    MainScreen.-high { & RunningPane ColumnHeader { display: none; } }
    """

    def __init__(self, cache: TaskCache, *, label: str, now: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__()
        self._cache = cache
        self._label = label
        self._now = now
        self._tz = tz
        self._wanted = Filter()
        self._shown: tuple[object, Filter] | None = None
        self._tasks: list[Task] = []
        self._seen = Seen(since=now())
        self._failures: dict[str, str] = {}
        self._names = Names()
        self.status_line = StatusLine()
        self.trouble_line = TroubleLine(way_to("remotes"))
        self.running_pane = RunningPane(now, tz)
        self.history_pane = HistoryPane(tz, lambda error: self.fail("read", cannot_read(error)))
        self.filter_line = FilterLine(self._read_typed)
        self.key_line = KeyLine()
        self._chosen: TaskList = self.history_pane.task_list
        self._live = Refresher(self._refresh_live, every=_LIVE_EVERY)
        self._past = Refresher(self._refresh_past, every=None)

    def compose(self) -> ComposeResult:
        yield self.status_line
        yield self.trouble_line
        yield self.running_pane
        yield self.history_pane
        yield self.filter_line
        yield self.key_line

    def on_mount(self) -> None:
        self.history_pane.task_list.focus()
        self.history_pane.task_list.explain("Reading the cache…")
        self.run_worker(self._live.run())
        self.run_worker(self._past.run())
        self.run_worker(watch(self._cache.directory, self.look_soon))
        self.set_interval(1, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        self.running_pane.allow(event.size.height // 4)
        self.call_after_refresh(self._focus_chosen)

    def fail(self, what: str, words: str) -> None:
        """Say in the trouble line that something does not work; no words: it works again."""
        if words:
            self._failures[what] = words
        else:
            self._failures.pop(what, None)
        self._show_status()

    def look_soon(self) -> None:
        """Look at the cache before the next steady look is due."""
        self._live.soon()

    # looking at the cache

    async def _refresh_live(self) -> None:
        """Look at all that is small: what runs, the fleet's health, and whether the history has changed."""
        self._parse_again()
        followed = self.app.screen.shown if isinstance(self.app.screen, DetailsScreen) else None
        try:
            look = await asyncio.to_thread(self._look, followed)
        except (CacheError, OSError) as error:
            self.fail("read", cannot_read(error))
            return
        self._failures.pop("read", None)
        self._tasks = look.running
        self._seen = Seen(look.health, len(look.running), self._seen.since, look.damage)
        self._fit_names()
        self.running_pane.hear(look.health)
        self.running_pane.show(look.running, self._wanted)
        self._show_status()
        if look.ended is not None and isinstance(self.app.screen, DetailsScreen):
            self.app.screen.show_task(look.ended)
        if self._shown != (look.version, self._wanted):
            self._past.soon()

    def _look(self, followed: Task | None) -> "_Look":
        with self._cache.snapshot() as snapshot:
            ended = snapshot.find(followed.key) if followed is not None and followed.running else None
            return _Look(snapshot.version, snapshot.running(), snapshot.damage, self._cache.health(), ended)

    async def _refresh_past(self) -> None:
        """Show the history as it is now. Long scans belong here: a keystroke gives them up."""
        wanted = self._wanted
        try:
            snapshot = await take_snapshot(self._cache)
            await self.history_pane.show(snapshot, wanted)
        except (CacheError, OSError) as error:
            self.fail("read", cannot_read(error))
            return
        self._shown = (snapshot.version, wanted)
        self._fit_names()
        self._show_status()
        if self.filter_line.is_open:
            self._say_counts()

    def _parse_again(self) -> None:
        """Let the filter's `since:2h` move on."""
        if self._wanted:
            self._wanted = parse_filter(self._wanted.text, now=self._now(), tz=self._tz)

    def _fit_names(self) -> None:
        tasks = [*self._tasks, *self.history_pane.tasks_in_view()]
        self._names = widened(self._names, self._seen.health, tasks)
        self.running_pane.set_names(self._names)
        self.history_pane.set_names(self._names)

    # saying what is so

    def _tick(self) -> None:
        self.running_pane.tick()
        self._show_status()

    def _show_status(self) -> None:
        now = self._now()
        seen = self._all_seen()
        self.status_line.parts = status_parts(seen, self._label, now, self._tz)
        self.trouble_line.troubles = tuple(troubles(seen, now))
        self.running_pane.task_list.explain(nothing_running(seen, self._wanted.text))
        if self._shown is not None:
            self.history_pane.task_list.explain(nothing_finished(seen, self._wanted.text, now))
        self._show_keys()

    def _all_seen(self) -> Seen:
        return replace(self._seen, failures=tuple(self._failures.values()))

    def _show_keys(self) -> None:
        if not isinstance(self.focused, FilterInput):
            keys = labelled(Place.LIST, Place.SCREEN)
            self.key_line.show(key for key in keys if key.action != "clear_filter" or self._wanted)
        elif self.filter_line.wrong:
            keys = labelled(Place.FILTER)
            self.key_line.show(replace(key, label="back") for key in keys if key.action == "give_up")
        else:
            self.key_line.show(labelled(Place.FILTER))

    # the user's wishes

    def on_task_list_opened(self, message: TaskList.Opened) -> None:
        self.app.push_screen(DetailsScreen(message.task, self._now, self._tz))

    def on_descendant_focus(self) -> None:
        running, history = self.running_pane.task_list, self.history_pane.task_list
        self.running_pane.title_line.active = running.has_focus
        self.history_pane.title_line.active = history.has_focus
        # where there is no room for what runs, the focus in the history is no choice
        if running.display and not self.filter_line.input.has_focus:
            self._chosen = running if running.has_focus else history
        if self.filter_line.is_open and not self.filter_line.input.has_focus:
            self.filter_line.leave()
            self.history_pane.release()
        self._show_keys()

    def _focus_chosen(self) -> None:
        """Have the focus where the user put it, or where it can be while that is not on the screen."""
        if not isinstance(self.focused, FilterInput):
            (self._chosen if self._chosen.display else self.history_pane.task_list).focus()

    def action_filter(self) -> None:
        self.history_pane.mark()
        self.filter_line.open(self._wanted)
        self._say_counts()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`/` is a letter like any other where a filter is being typed."""
        return action != "filter" or not isinstance(self.focused, FilterInput)

    def action_clear_filter(self) -> None:
        self._show_filter(Filter())

    def action_next_pane(self) -> None:
        running, history = self.running_pane.task_list, self.history_pane.task_list
        (running if history.has_focus and running.display else history).focus()

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    def action_remotes(self) -> None:
        self.app.push_screen(RemotesScreen(self._all_seen, self._now, self._tz))

    async def action_fetch(self) -> None:
        try:
            await asyncio.to_thread(self._cache.request_refresh)
        except CacheError as error:
            self.fail("fetch", str(error))
            return
        self.fail("fetch", "")
        self.notify("Asked for a new round over all remotes", markup=False, timeout=3)

    def _read_typed(self, text: str, at_end: bool) -> Typed:
        return read_typed(text, at_end=at_end, now=self._now(), tz=self._tz)

    @on(FilterLine.Judged)
    def _take_filter(self, message: FilterLine.Judged) -> None:
        if message.wanted is not None:
            self._show_filter(message.wanted)
        self.set_class(message.wrong, "-wrong-filter")
        self.history_pane.title_line.doubted = message.wrong
        self._show_keys()

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self._chosen = self.history_pane.task_list
        self._chosen.focus()

    def _show_filter(self, wanted: Filter) -> None:
        if wanted.text == self._wanted.text:
            return
        self._wanted = wanted
        self.filter_line.say("counting…" if wanted else "")
        self.running_pane.show(self._tasks, wanted)
        self._show_status()
        self._past.at_once()

    def _say_counts(self) -> None:
        self.filter_line.say(self.history_pane.counts if self._wanted else "")
