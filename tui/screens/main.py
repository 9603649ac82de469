"""The dashboard's one screen: what it is made of, and how filter, cache and panes come together."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from functools import partial

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from backend.archive import CacheError, TaskCache
from backend.query import Filter
from backend.task import Task
from backend.unknown_names import misread_words, unknown_names
from tui.access import Access
from tui.filter_typing import FilterTyping
from tui.filtering import Filtering
from tui.history import take_snapshot
from tui.keys import way_to
from tui.last_heard import LastHeard
from tui.live import Live
from tui.memory import Memory
from tui.refresher import Refresher, watch
from tui.running import order_named
from tui.screens.lists import Lists
from tui.screens.workspace import Workspace
from tui.status import nothing_finished, nothing_running, status_parts
from tui.stopping import Stopping
from tui.trouble import cannot_read, troubles
from tui.values import FleetValues
from tui.views import Views
from tui.widgets.history_pane import HistoryPane
from tui.widgets.lines import StatusLine, TroubleLine
from tui.widgets.running_pane import RunningPane
from tui.widgets.task_list import TaskList

_LIVE_EVERY = 3.0
_TYPING = 0.2
"""How long (seconds) a pause in typing is at least."""
_HEIGHTS = [(0, "-flat"), (9, "-low"), (15, "-high"), (24, "-tall"), (32, "-roomy"), (44, "-vast")]
"""From how many lines on the screen has which class: on fewer, lines that can be spared go."""


class MainScreen(Screen[None]):
    """What runs, and what has run."""

    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    MainScreen { background: $background; }
    MainScreen.-flat { & StatusLine, & TroubleLine, & ColumnHeader, & #running { display: none; } }
    MainScreen.-flat.-wrong-filter { & KeyLine, & RunningPane { display: none; } }
    MainScreen.-flat #filter-error { max-height: 2; }
    MainScreen.-flat, MainScreen.-low {
        & Timeline, & SelectedLine, & #filter-hint, & FilterLine #filter-meaning { display: none; }
    }
    MainScreen.-low { & ColumnHeader { display: none; } }
    MainScreen.-high { & SelectedLine, & RunningPane ColumnHeader { display: none; } }
    MainScreen.-tall Timeline { height: 2; }
    MainScreen.-roomy Timeline { height: 3; }
    MainScreen.-vast Timeline { height: 4; }
    """

    def __init__(
        self,
        cache: TaskCache,
        memory: Memory,
        access: Access,
        *,
        label: str,
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        super().__init__()
        self._cache = cache
        self._memory = memory
        self._label = label
        self._now = now
        self._tz = tz
        self._shown: tuple[object, Filter] | None = None
        self._live = Live(cache, now())
        self.status_line = StatusLine()
        self.trouble_line = TroubleLine(way_to("remotes"))
        self._stopping = Stopping(lambda: self.app, cache, access, self._stop_asked, now, tz)
        order = order_named(memory.now.running_order)
        self._heard = LastHeard(now, tz)
        self.running_pane = RunningPane(access, order, self._stopping, self._ask_for_end, self._heard, now)
        self.history_pane = HistoryPane(
            now, tz, lambda error: self.fail("read", cannot_read(error)), self._stopping.has_stopped
        )
        self.history_pane.hide(frozenset(memory.now.hidden))
        self._values = FleetValues(self.history_pane, lambda: self._live.tasks, lambda: self._live.remotes)
        self._filtering = Filtering(self, self._values, memory, self._filter_changed, now, tz)
        self._views = Views(
            self,
            cache,
            access,
            wanted=lambda: self._filtering.wanted.text,
            take=partial(self._filtering.take_text, remember=True),
            bring=self._filtering.take_brought,
            restore=self._filtering.take_text,
            place=self._place,
            land=self._land_on,
            stopping=self._stopping,
            heard=self._heard,
            servers=lambda: self._live.servers,
            now=now,
            tz=tz,
        )
        self.lists = Lists(
            self.running_pane,
            self.history_pane,
            wanted=lambda: self._filtering.wanted,
            memory=memory,
            now=now,
            tz=tz,
        )
        self._typing = FilterTyping(
            self,
            self.history_pane,
            self._filtering,
            self._values,
            memory,
            judged=self._filter_judged,
            left=self.lists.choose_history,
            failed=partial(self.fail, "read"),
            now=now,
            tz=tz,
        )
        self.filter_line = self._typing.line
        self.workspace = Workspace(
            self.lists,
            self.history_pane,
            cache=cache,
            memory=memory,
            live=self._live,
            filtering=self._filtering,
            typing=self._typing,
            stopping=self._stopping,
            views=self._views,
            failed=self.fail,
        )
        self._present = Refresher(self._refresh_present, every=_LIVE_EVERY)
        self._past = Refresher(self._refresh_past, every=None)

    def compose(self) -> ComposeResult:
        yield self.status_line
        yield self.trouble_line
        yield self.workspace

    def on_mount(self) -> None:
        self.history_pane.task_list.focus()
        self.history_pane.task_list.explain("Reading the cache…")
        self.run_worker(self._present.run())
        self.run_worker(self._past.run())
        self.set_interval(1, self._tick)

    def on_resize(self, event: events.Resize) -> None:
        self.lists.settle_heights()
        self.call_after_refresh(self._focus_chosen)

    def fail(self, what: str, words: str) -> None:
        """Say in the trouble line that something does not work; no words: it works again."""
        self._live.fail(what, words)
        self._show_status()

    def need_remote(self, command: str) -> None:
        """Say that no remote is configured, and that this command adds one; no words: there are some."""
        self._live.add_command = command
        self._show_status()

    def watch_cache(self) -> None:
        """From now on look at the cache whenever it changes."""
        self.run_worker(watch(self._cache.directory, self.look_soon))

    def look_soon(self) -> None:
        """Look at the cache before the next steady look is due."""
        self._present.soon()

    # looking at the cache

    async def _refresh_present(self) -> None:
        """Look at all that is small: what runs, the fleet's health, and whether the history has changed."""
        self._filtering.renew()
        view = self._views.task_screen
        followed = [self.running_pane.task_list.selected, None if view is None else view.shown]
        seen = await self._live.look(task for task in followed if task is not None and task.running)
        if seen is None:
            self._show_status()
            return
        self._stopping.note(seen.running, seen.ended)
        self._fit_names()
        self._heard.hear(seen.health)
        self.running_pane.take(seen.running, seen.ended)
        self._show_status()
        for task in seen.ended:
            if view is not None and view.shown.upid == task.upid:
                view.show_task(task)
        if self._shown != (seen.version, self._filtering.wanted):
            self._past.soon()
        await self._stopping.remind()

    async def _refresh_past(self) -> None:
        """Show the history as it is now. Long scans belong here: a keystroke gives them up."""
        wanted = self._filtering.wanted
        try:
            known = self.history_pane.snapshot_for(wanted) if self._shown is not None else None
            snapshot = known or await take_snapshot(self._cache)
            # the next letter gives the count up, and comes sooner than that would be there
            await self.history_pane.show(snapshot, wanted, pause=_TYPING if self.filter_line.is_open else 0.0)
        except (CacheError, OSError) as error:
            self._shown = None
            self.fail("read", cannot_read(error))
            return
        self._shown = (snapshot.version, wanted)
        self._live.fit_names(self.history_pane.tasks_in_view())
        self._fit_names()
        self._show_status()
        self._typing.say_counts()
        await self.history_pane.show_times()

    def _hints_to(self, wanted: Filter) -> list[str]:
        """What may be wrong with a filter that finds nothing."""
        return [*unknown_names(wanted, self._values.known), *misread_words(wanted, self._now(), self._tz)]

    def _fit_names(self) -> None:
        self.running_pane.set_names(self._live.names)
        self.history_pane.set_names(self._live.names)

    # saying what is so

    def _tick(self) -> None:
        self.running_pane.tick()
        self._show_status()

    def _show_status(self) -> None:
        now = self._now()
        seen = replace(self._live.seen, running=self.running_pane.running)
        self.status_line.parts = status_parts(seen, self._label, now, self._tz)
        self.trouble_line.troubles = tuple(troubles(seen, now))
        self.running_pane.task_list.explain(nothing_running(seen, self._filtering.wanted.text))
        if self._shown is not None:
            wanted, running = self._filtering.wanted, self.running_pane.matching
            hints = [] if self.history_pane.task_list.rows else self._hints_to(wanted)
            why = nothing_finished(seen, wanted, now, hints, running)
            self.history_pane.task_list.explain(why)
        self.workspace.show_keys()

    # the user's wishes

    def on_task_list_opened(self, message: TaskList.Opened) -> None:
        self._views.open_task(message.task)

    def _focus_chosen(self) -> None:
        """Have the focus where the user put it, or where it can be while that is not on the screen."""
        if not self.workspace.is_typing:
            self.lists.chosen.focus()

    def _place(self) -> Callable[[], None]:
        view, chosen = self.history_pane.task_list, self.lists.chosen
        task = None if view.following else view.selected

        def return_there() -> None:
            self._land_on(task)
            self.lists.choose(chosen)

        return return_there

    def _land_on(self, task: Task | None) -> None:
        self.lists.choose_history()
        if task is None:
            self.history_pane.task_list.action_top()
        else:
            self.history_pane.land_on(task)
            # the filter may be the same
            self._past.at_once()

    def _ask_for_end(self, task: Task) -> None:
        """Have the worker look for a task's end at once."""

        async def track() -> None:
            # else the steady poll has to do
            with contextlib.suppress(CacheError):
                await asyncio.to_thread(self._cache.request_track, [task.upid])

        self.run_worker(track())

    def _stop_asked(self) -> None:
        self.running_pane.tick()
        self.look_soon()

    def _filter_judged(self, wrong: bool) -> None:
        self.set_class(wrong, "-wrong-filter")
        self.running_pane.doubt(wrong)
        self.workspace.show_keys()

    def _filter_changed(self) -> None:
        wanted = self._filtering.wanted
        self._views.note_filter()
        self.lists.stop_searching()
        self._typing.say_counting()
        self.running_pane.narrow(wanted)
        self._show_status()
        self._past.at_once()

    def on_screen_suspend(self) -> None:
        self.lists.stop_searching()
