"""What the keys of the lists' screen do, apart from moving in the lists. Each action is another module's matter;
what they act on is `main`'s."""

import asyncio
from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from backend.archive import CacheError, TaskCache
from backend.query import Filter
from tui.columns import choose_columns
from tui.filter_typing import FilterTyping
from tui.filtering import Filtering
from tui.keys import Place, bindings
from tui.live import Live
from tui.memory import Memory
from tui.screens.help import HelpScreen
from tui.screens.lists import Lists
from tui.stopping import Stopping
from tui.values import Field
from tui.views import Views
from tui.widgets.filter_input import FilterInput
from tui.widgets.history_pane import HistoryPane

HERE = (Place.FIND, Place.LIST, Place.MOVE, Place.SCREEN)
"""Whose keys work in the lists."""


class ActionsScreen(Screen[None]):
    """The actions, of a screen that has all this.

    Attributes:
        history_pane: the pane of what has run.
        lists: the two lists.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FIND), *bindings(Place.SCREEN)]

    history_pane: HistoryPane
    lists: Lists
    _cache: TaskCache
    _memory: Memory
    _live: Live
    _filtering: Filtering
    _typing: FilterTyping
    _stopping: Stopping
    _views: Views

    def fail(self, what: str, words: str) -> None:
        """Say that something does not work; no words: it works again."""
        raise NotImplementedError

    def action_filter(self) -> None:
        self._typing.begin()

    def action_clear_filter(self) -> None:
        if not self.lists.stop_searching():
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
        self._views.filter_guest(self.lists.chosen.selected)

    def action_stop(self) -> None:
        task = self.lists.chosen.selected
        if task is not None:
            self._stopping.ask(task)

    def action_statistics(self) -> None:
        self._views.open_statistics()

    def action_guests(self) -> None:
        self._views.open_guests()

    def action_export(self) -> None:
        self._views.export(self._filtering.wanted)

    def action_choose_columns(self) -> None:
        choose_columns(self.app, self._memory, self.history_pane.hide)

    def action_help(self) -> None:
        self.app.push_screen(HelpScreen((Place.FILTER,) if isinstance(self.focused, FilterInput) else HERE))

    def action_remotes(self) -> None:
        self._views.open_remotes(lambda: self._live.seen)

    async def action_fetch(self) -> None:
        try:
            await asyncio.to_thread(self._cache.request_refresh)
        except CacheError as error:
            self.fail("fetch", str(error))
            return
        self.fail("fetch", "")
        self.notify("Asked for a new round over all remotes", markup=False, timeout=3)
