"""The dashboard's one screen: what it is made of, and how filter, cache and panes come together."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import tzinfo
from functools import partial
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from backend.archive import CacheError, TaskCache
from backend.query import Filter
from backend.task import Task
from tui.access import Access
from tui.columns import choose_columns
from tui.completion import Completion, completions
from tui.filtering import Filtering
from tui.history import take_snapshot
from tui.keys import Key, Place, bindings, labelled, way_to
from tui.look import look
from tui.memory import Memory
from tui.names import Names, widened
from tui.refresher import Refresher, watch
from tui.running import order_named
from tui.screens.help import HelpScreen
from tui.screens.lists import Lists
from tui.status import Seen, nothing_finished, nothing_running, status_parts
from tui.trouble import cannot_read, troubles
from tui.typed import Typed, read_typed
from tui.values import Field, FleetValues
from tui.views import Views
from tui.widgets.filter_line import FilterInput, FilterLine
from tui.widgets.history_pane import HistoryPane
from tui.widgets.lines import KeyLine, StatusLine, TroubleLine
from tui.widgets.running_pane import RunningPane
from tui.widgets.task_list import TaskList

_LIVE_EVERY = 3.0
_HEIGHTS = [(0, "-flat"), (9, "-low"), (15, "-high"), (24, "-tall"), (32, "-roomy"), (44, "-vast")]
"""From how many lines on the screen has which class: on fewer, lines that can be spared go."""


class MainScreen(Screen[None]):
    """What runs, and what has run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FIND), *bindings(Place.SCREEN)]
    VERTICAL_BREAKPOINTS = _HEIGHTS
    DEFAULT_CSS = """
    MainScreen { background: $background; }
    MainScreen.-flat { & StatusLine, & TroubleLine, & ColumnHeader, & #running { display: none; } }
    MainScreen.-flat.-wrong-filter { & KeyLine, & RunningPane { display: none; } }
    MainScreen.-flat #filter-error { max-height: 2; }
    MainScreen.-flat, MainScreen.-low { & Timeline, & SelectedLine, & #filter-hint { display: none; } }
    MainScreen.-low { & ColumnHeader { display: none; } }
    MainScreen.-high { & SelectedLine, & RunningPane ColumnHeader { display: none; } }
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
        self._tasks: list[Task] = []
        self._seen = Seen(since=now())
        self._failures: dict[str, str] = {}
        self._there = False
        self._names = Names()
        self.status_line = StatusLine()
        self.trouble_line = TroubleLine(way_to("remotes"))
        self.running_pane = RunningPane(access, order_named(memory.now.running_order), now, tz)
        self.history_pane = HistoryPane(now, tz, lambda error: self.fail("read", cannot_read(error)))
        self.history_pane.hide(frozenset(memory.now.hidden))
        self._values = FleetValues(self.history_pane, lambda: self._tasks, lambda: self._seen.health.remotes)
        self._filtering = Filtering(self, self._values, memory, self._filter_changed, now, tz)
        take = partial(self._filtering.take_text, remember=True)
        self._views = Views(self, cache, access, take=take, servers=self._backup_servers, now=now, tz=tz)
        self.lists = Lists(
            self.running_pane,
            self.history_pane,
            wanted=lambda: self._filtering.wanted,
            memory=memory,
            now=now,
            tz=tz,
        )
        self.filter_line = FilterLine(self._read_typed, self._complete, lambda: memory.now.filters)
        self.key_line = KeyLine()
        self._live = Refresher(self._refresh_live, every=_LIVE_EVERY)
        self._past = Refresher(self._refresh_past, every=None)

    def compose(self) -> ComposeResult:
        yield self.status_line
        yield self.trouble_line
        yield self.lists
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
        self.lists.settle_heights()
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
        self._filtering.renew()
        view = self._views.task_screen
        try:
            followed = [view.shown] if view is not None and view.shown.running else []
            seen = await asyncio.to_thread(look, self._cache, [*followed, *self._tasks])
        except (CacheError, OSError) as error:
            self.fail("read", cannot_read(error))
            return
        self._failures.pop("read", None)
        self._there |= seen.there
        # a directory that is not there yet is no trouble
        self.fail("place", seen.place if self._there else "")
        known = {task.upid for task in self._tasks}
        self._tasks = seen.running
        self._seen = Seen(seen.health, len(seen.running), self._seen.since, seen.damage)
        self._fit_names(task for task in seen.running if task.upid not in known)
        self.running_pane.hear(seen.health)
        self.running_pane.take(seen.running, seen.ended)
        self._show_status()
        for task in seen.ended:
            if view is not None and view.shown.upid == task.upid:
                view.show_task(task)
        if self._shown != (seen.version, self._filtering.wanted):
            self._past.soon()

    async def _refresh_past(self) -> None:
        """Show the history as it is now. Long scans belong here: a keystroke gives them up."""
        wanted = self._filtering.wanted
        try:
            snapshot = await take_snapshot(self._cache)
            await self.history_pane.show(snapshot, wanted)
        except (CacheError, OSError) as error:
            self.fail("read", cannot_read(error))
            return
        self._shown = (snapshot.version, wanted)
        self._fit_names(self.history_pane.tasks_in_view())
        self._show_status()
        if self.filter_line.is_open:
            self._say_counts()
        await self.history_pane.show_times()

    def _fit_names(self, tasks: Iterable[Task]) -> None:
        """Have room for the names of tasks that were not seen before."""
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
        self.running_pane.task_list.explain(nothing_running(seen, self._filtering.wanted.text))
        if self._shown is not None:
            self.history_pane.task_list.explain(nothing_finished(seen, self._filtering.wanted.text, now))
        self._show_keys()

    def _all_seen(self) -> Seen:
        return replace(self._seen, failures=tuple(self._failures.values()))

    def _backup_servers(self) -> list[str]:
        return [name for name, remote in self._seen.health.remotes.items() if remote.type == "pbs"]

    def _show_keys(self) -> None:
        if not isinstance(self.focused, FilterInput):
            keys = labelled(Place.FIND, Place.LIST, Place.MOVE, Place.SCREEN)
            self.key_line.show(key for key in keys if key.action != "clear_filter" or self._filtering.wanted)
        elif self.filter_line.wrong:
            keys = labelled(Place.FILTER)
            self.key_line.show(replace(key, label="back") for key in keys if key.action == "give_up")
        else:
            self.key_line.show(labelled(Place.FILTER))

    # the user's wishes

    def on_task_list_opened(self, message: TaskList.Opened) -> None:
        self._views.open_task(message.task)

    def on_descendant_focus(self) -> None:
        self.lists.note_focus()
        if self.filter_line.is_open and not self.filter_line.input.has_focus:
            self.filter_line.leave()
            self.history_pane.release()
        self._show_keys()

    def _focus_chosen(self) -> None:
        """Have the focus where the user put it, or where it can be while that is not on the screen."""
        if not isinstance(self.focused, FilterInput):
            self.lists.chosen.focus()

    async def press(self, key: Key) -> None:
        """Do what a key does, wherever the focus is."""
        places: dict[Place, Widget] = {
            Place.LIST: self.lists.chosen,
            Place.MOVE: self.lists,
            Place.FILTER: self.filter_line.input,
        }
        await places.get(key.place, self).run_action(key.action)

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.press(message.key)

    def action_filter(self) -> None:
        self.history_pane.mark()
        self.filter_line.open(self._filtering.wanted)
        self._say_counts()
        self.run_worker(self._look_for_values(), group="values", exclusive=True)

    async def _look_for_values(self) -> None:
        try:
            await self._values.look()
        except OSError as error:
            self.fail("read", cannot_read(error))
            return
        self.filter_line.show_completions()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`/` is a letter like any other where a filter is being typed."""
        return action != "filter" or not isinstance(self.focused, FilterInput)

    def action_clear_filter(self) -> None:
        self._filtering.take(Filter())

    def action_switch_status(self, status: str) -> None:
        self._filtering.switch_status(status)

    def action_choose(self, field: Field) -> None:
        self._filtering.choose(field)

    def action_choose_like(self, without: bool) -> None:
        task = self.lists.chosen.selected
        if task is not None:
            self._filtering.choose_like(task, without=without)

    def action_choose_saved(self) -> None:
        self._filtering.choose_saved()

    def action_save_filter(self) -> None:
        self._filtering.save()

    def action_filter_guest(self) -> None:
        task = self.lists.chosen.selected
        if task is not None:
            self._views.filter_guest(task)

    def action_statistics(self) -> None:
        self._views.open_statistics()

    def action_guests(self) -> None:
        self._views.open_guests()

    def action_export(self) -> None:
        self._views.export(self._filtering.wanted)

    def action_choose_columns(self) -> None:
        choose_columns(self.app, self._memory, self.history_pane.hide)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen())

    def action_remotes(self) -> None:
        self._views.open_remotes(self._all_seen)

    async def action_fetch(self) -> None:
        try:
            await asyncio.to_thread(self._cache.request_refresh)
        except CacheError as error:
            self.fail("fetch", str(error))
            return
        self.fail("fetch", "")
        self.notify("Asked for a new round over all remotes", markup=False, timeout=3)

    def _read_typed(self, text: str, at_end: bool) -> Typed:
        return read_typed(text, at_end=at_end, now=self._now(), tz=self._tz, values=self._values.known)

    def _complete(self, text: str) -> list[Completion]:
        return completions(text, self._values.known)

    @on(FilterLine.Judged)
    def _take_filter(self, message: FilterLine.Judged) -> None:
        if message.wanted is not None:
            self._filtering.take(message.wanted)
        self.set_class(message.wrong, "-wrong-filter")
        self.history_pane.title_line.doubted = message.wrong
        self._show_keys()

    @on(FilterLine.Left)
    def _leave_filter(self) -> None:
        self._memory.add_filter(self._filtering.wanted.text)
        self.lists.choose_history()

    def _filter_changed(self) -> None:
        wanted = self._filtering.wanted
        self.filter_line.say("counting…" if wanted else "")
        self.running_pane.narrow(wanted)
        self._show_status()
        self._past.at_once()

    def _say_counts(self) -> None:
        self.filter_line.say(self.history_pane.counts if self._filtering.wanted else "")
