"""The lists, the line that a filter is typed into, and the keys: what they do here apart from moving in the lists,
and which the bottom line names. Each action is another module's matter."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from backend.archive import CacheError, TaskCache
from tui.columns import choose_columns
from tui.filter_typing import FilterTyping
from tui.filtering import Filtering
from tui.keys import Key, Place, bindings, cap_of, labelled
from tui.live import Live
from tui.memory import Memory
from tui.screens.help import HelpScreen
from tui.screens.lists import Lists
from tui.stopping import Stopping
from tui.values import Field
from tui.views import Views
from tui.widgets.filter_input import FilterInput
from tui.widgets.history_pane import HistoryPane
from tui.widgets.key_line import KeyLine, tell

HERE = (Place.FIND, Place.LIST, Place.MOVE, Place.SCREEN)
"""Whose keys work in the lists."""

_TWO_LINES_FROM = 24
"""How high (lines) a screen must be for two lines of keys."""


class Workspace(Vertical):
    """All of the dashboard's one screen that has keys.

    Args:
        failed: told what does not work, and why in words; with no words, that it works again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FIND), *bindings(Place.SCREEN)]
    DEFAULT_CSS = """
    Workspace { height: 1fr; }
    """

    def __init__(
        self,
        lists: Lists,
        history: HistoryPane,
        *,
        cache: TaskCache,
        memory: Memory,
        live: Live,
        filtering: Filtering,
        typing: FilterTyping,
        stopping: Stopping,
        views: Views,
        failed: Callable[[str, str], None],
    ) -> None:
        super().__init__()
        self._lists = lists
        self._history = history
        self._cache = cache
        self._memory = memory
        self._live = live
        self._filtering = filtering
        self._typing = typing
        self._stopping = stopping
        self._views = views
        self._failed = failed
        self.key_line = KeyLine(two_lines_from=_TWO_LINES_FROM)

    def compose(self) -> ComposeResult:
        yield self._lists
        yield self._typing.line
        yield self.key_line

    @property
    def is_typing(self) -> bool:
        """Whether a filter is being typed."""
        return self.is_attached and isinstance(self.screen.focused, FilterInput)

    def on_descendant_focus(self) -> None:
        self._lists.note_focus()
        if self._typing.line.is_open and not self.is_typing:
            self._typing.leave_for_list()
        self.show_keys()

    # which keys the bottom line names

    def on_row_list_moved(self) -> None:
        self.show_keys()

    def show_keys(self) -> None:
        """Name the keys as they are of use now."""
        self._history.title_line.way_out = "" if self.is_typing else f"{cap_of('clear-filter')} clears"
        if self.is_typing:
            self.key_line.show(labelled(Place.FILTER), idle=["keep-filter"] if self._typing.line.wrong else ())
        else:
            keys = list(labelled(*HERE))
            idle = [key.name for key in keys if not self._offers(key)]
            self.key_line.show(map(self._named, keys), idle=idle)

    def _offers(self, key: Key) -> bool:
        """Whether a key has something to do now."""
        if key.action == "clear_filter":
            return bool(self._filtering.wanted or self._filtering.last)
        if key.action == "save_filter":
            return bool(self._filtering.wanted)
        if key.action == "stop":
            task = self._lists.chosen.selected
            return task is not None and task.running and task.upid not in self._stopping
        return True

    def _named(self, key: Key) -> Key:
        """The key with the name of what it does now. No name is longer than another, so that the keys behind it
        stay where they are."""
        if key.action == "clear_filter" and not self._filtering.wanted:
            return replace(key, label="last filter ", short="again")
        if key.name == self._views.way_back:
            return replace(key, keys="escape", action="give_up")
        return replace(key, label=self._lists.other_name) if key.action == "next_pane" else key

    # what keys do

    async def press(self, key: Key) -> None:
        """Do what a key does, wherever the focus is."""
        places: dict[Place, Widget] = {
            Place.LIST: self._lists.chosen,
            Place.MOVE: self._lists,
            Place.FILTER: self._typing.line.input,
        }
        await places.get(key.place, self).run_action(key.action)

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.press(message.key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where a filter is being typed `/` is a letter like any other, and Escape leaves the filter alone."""
        return action not in ("filter", "give_up") or not self.is_typing

    def action_filter(self) -> None:
        self._typing.begin()

    def action_clear_filter(self) -> None:
        self._filtering.clear()

    def action_give_up(self) -> None:
        if not self._lists.stop_searching():
            self._views.go_back()

    def action_switch_status(self, status: str) -> None:
        self._filtering.switch_status(status)

    def action_choose(self, field: Field) -> None:
        self._filtering.choose(field)

    def action_choose_like(self, without: bool) -> None:
        task = self._lists.chosen.selected
        if task is not None:
            self._filtering.choose_like(task, without=without)

    def action_choose_saved(self) -> None:
        self._filtering.choose_saved()

    def action_save_filter(self) -> None:
        self._filtering.save()

    def action_filter_guest(self) -> None:
        self._views.filter_guest(self._lists.chosen.selected)

    def action_stop(self) -> None:
        task = self._lists.chosen.selected
        if task is not None:
            self._stopping.ask(task)

    def action_statistics(self) -> None:
        self._views.open_statistics()

    def action_guests(self) -> None:
        self._views.open_guests()

    def action_export(self) -> None:
        self._views.export(self._filtering.wanted)

    def action_choose_columns(self) -> None:
        choose_columns(self.app, self._memory, self._history.hide)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen((Place.FILTER,) if self.is_typing else HERE))

    def action_remotes(self) -> None:
        self._views.open_remotes(lambda: self._live.seen)

    async def action_fetch(self) -> None:
        try:
            await asyncio.to_thread(self._cache.request_refresh)
        except CacheError as error:
            self._failed("fetch", str(error))
            return
        self._failed("fetch", "")
        tell(self.app, "Asked for a new round over all remotes")
