"""The ways from the lists to the other screens: one task, statistics, guests, and writing to a file."""

import importlib
import re
from collections.abc import Callable, Collection
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple

from textual.screen import Screen

from backend.archive import TaskCache
from backend.query import Filter, guest_id, split_terms
from backend.task import Task
from backend.times import local
from tui.access import Access
from tui.filter_text import term
from tui.guest_row import guest_filter, whose_words
from tui.last_heard import LastHeard
from tui.screens.ask import AskScreen
from tui.screens.keyed import OverviewScreen, TasksToShow
from tui.status import Seen
from tui.stopping import Stopping
from tui.widgets.key_line import KeyLine

if TYPE_CHECKING:
    from tui.screens.task import TaskScreen

_SCREENS = (
    "tui.screens.task",
    "tui.screens.guests",
    "tui.screens.statistics",
    "tui.screens.remotes",
    "tui.exporting",
)
"""Imported where they are opened: the lists are there without them."""


def import_screens() -> None:
    """Import what is opened over the lists, for the first to open as quickly as the next."""
    for name in _SCREENS:
        importlib.import_module(name)


class _WayBack(NamedTuple):
    """From what was chosen on a screen, which a filter's text finds, to that screen, by its key's name; and to the
    filter and the place before."""

    text: str
    name: str
    screen: OverviewScreen
    before: str
    return_there: Callable[[], None]


class Views:
    """Opens screens over the lists.

    Args:
        screen: that of the lists.
        access: asks remotes.
        wanted: the text of the filter of the lists.
        take: has the lists narrowed by a filter's text that the user typed.
        bring: the same, by one that comes from a task or another screen.
        restore: the same, by one that was there before.
        place: notes where the user is in the lists; what it gives leads there again.
        land: has the history's cursor on a task, in what the next filter finds; None: at the top.
        stopping: asks whether to stop a task, does so, and knows those that were stopped.
        heard: knows what the elapsed times of running tasks count to.
        servers: the names of the Backup Servers.
    """

    def __init__(
        self,
        screen: Screen[None],
        cache: TaskCache,
        access: Access,
        *,
        wanted: Callable[[], str],
        take: Callable[[str], None],
        bring: Callable[[str], None],
        restore: Callable[[str], None],
        place: Callable[[], Callable[[], None]],
        land: Callable[[Task | None], None],
        stopping: Stopping,
        heard: LastHeard,
        servers: Callable[[], Collection[str]],
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        self._screen = screen
        self._cache = cache
        self._access = access
        self._wanted = wanted
        self._take = take
        self._bring = bring
        self._restore = restore
        self._place = place
        self._land = land
        self._task_screen: TaskScreen | None = None
        self._way_back: _WayBack | None = None
        self._stopping = stopping
        self._heard = heard
        self._servers = servers
        self._now = now
        self._tz = tz

    @property
    def task_screen(self) -> "TaskScreen | None":
        """The view of a task that is open, be it under a dialog."""
        return self._task_screen if self._task_screen in self._screen.app.screen_stack else None

    def open_task(self, task: Task) -> None:
        """Show all of a task."""
        from tui.screens.task import TaskScreen

        self._task_screen = TaskScreen(
            task, self._cache, self._access, self._stopping, self._heard, self._now, self._tz
        )
        self._screen.app.push_screen(self._task_screen)

    def open_statistics(self) -> None:
        """Show counts."""
        from tui.screens.statistics import StatisticsScreen

        self._open("statistics", StatisticsScreen(self._cache, self._now, self._tz))

    def open_guests(self) -> None:
        """Show the guests."""
        from tui.screens.guests import GuestsScreen

        self._open("guests", GuestsScreen(self._cache, self._servers, self._now, self._tz))

    def open_remotes(self, seen: Callable[[], Seen]) -> None:
        """Show the remotes, as they are seen at any time."""
        from tui.screens.remotes import RemotesScreen

        self._open("remotes", RemotesScreen(seen, self._cache, self._now, self._tz))

    def _open(self, name: str, screen: OverviewScreen) -> None:
        """Show a screen; what the user chooses there is shown in the lists, until `go_back`."""

        def take(chosen: TasksToShow | None) -> None:
            if chosen is None:
                return
            before, return_there = self._wanted(), self._place()
            self._land(chosen.task)
            self._bring(chosen.text)
            self._say(chosen.words)
            self._forget_way()
            self._way_back = _WayBack(self._wanted(), name, screen, before, return_there)

        self._screen.app.push_screen(screen, take)

    @property
    def way_back(self) -> str:
        """The name of the key to the screen that the tasks in the lists, or more than those, were chosen on; empty
        where there is none."""
        return "" if self._way_back is None else self._way_back.name

    def note_filter(self) -> None:
        """The filter has changed: what was chosen on another screen may be shown no longer."""
        if self._way_back is not None:
            chosen, wanted = split_terms(self._way_back.text), split_terms(self._wanted())
            # all tasks, once they are narrowed, are any tasks
            if not set(chosen) <= set(wanted) or (wanted and not chosen):
                self._forget_way()

    def go_back(self) -> None:
        """Back to that screen as it was left, and to the filter and the place before it."""
        way = self._way_back
        if way is not None:
            self._way_back = None
            self._screen.app.uninstall_screen(way.screen)
            way.return_there()
            self._restore(way.before)
            self._open(way.name, way.screen)

    def _forget_way(self) -> None:
        if self._way_back is not None:
            self._screen.app.uninstall_screen(self._way_back.screen)
            self._way_back.screen.remove()
            self._way_back = None

    def filter_guest(self, task: Task | None) -> None:
        """Have the lists show the tasks of the guest that this one is about; of none, ask for a guest's number."""
        guest = None if task is None else guest_id(task.worker_id)
        if task is not None and guest is not None:
            self._bring(guest_filter(task.parsed.type, task.remote, guest, self._servers()))
            self._say(whose_words(task.parsed.type, guest, self._servers()))
            return

        def take(number: str | None) -> None:
            if number is not None:
                self._take(term("vmid", number))

        hint = "a guest's number, as 101: its tasks on all remotes"
        self._screen.app.push_screen(AskScreen("guest", hint, _wrong_number), take)

    def export(self, wanted: Filter) -> None:
        """Write what the lists show to a file."""
        from tui.exporting import export_list

        moment = local(self._now(), self._tz)
        export_list(self._screen.app, self._cache, wanted, f"{moment:%Y%m%d-%H%M}" if moment else "tasks")

    def _say(self, words: str) -> None:
        if words:
            self._screen.query_one(KeyLine).tell(words)


def _wrong_number(answer: str) -> str:
    return "" if re.fullmatch("[0-9]{1,9}", answer) else "expected a guest's number, as 101"
