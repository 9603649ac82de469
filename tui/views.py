"""The ways from the lists to the other screens: one task, statistics, guests, and writing to a file."""

import re
from collections.abc import Callable, Collection
from datetime import tzinfo
from typing import NamedTuple

from textual.screen import Screen

from backend.archive import TaskCache
from backend.query import Filter, guest_id
from backend.task import Task
from tui.access import Access
from tui.exporting import export_list
from tui.filter_text import term
from tui.format import local
from tui.guest_row import guest_filter
from tui.screens.ask import AskScreen
from tui.screens.guests import ChosenGuest, GuestsScreen, Look
from tui.screens.remotes import RemotesScreen
from tui.screens.statistics import StatisticsScreen
from tui.screens.task import TaskScreen
from tui.status import Seen


class _WayBack(NamedTuple):
    """From a guest's tasks, which a filter's text finds, to the guests, and to the filter before."""

    text: str
    before: str
    look: Look


class Views:
    """Opens screens over the lists.

    Args:
        screen: that of the lists.
        access: asks remotes.
        wanted: the text of the filter of the lists.
        take: has the lists narrowed by a filter's text.
        land: has the history's cursor on a task, in what the next filter finds.
        stop: asks whether to stop a task, and does so.
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
        land: Callable[[Task], None],
        stop: Callable[[Task], None],
        servers: Callable[[], Collection[str]],
        now: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        self._screen = screen
        self._cache = cache
        self._access = access
        self._wanted = wanted
        self._take = take
        self._land = land
        self._way_back: _WayBack | None = None
        self._stop = stop
        self._servers = servers
        self._now = now
        self._tz = tz

    @property
    def task_screen(self) -> TaskScreen | None:
        """The view of a task that is open, be it under a dialog."""
        return next((screen for screen in self._screen.app.screen_stack if isinstance(screen, TaskScreen)), None)

    def open_task(self, task: Task) -> None:
        """Show all of a task."""
        self._screen.app.push_screen(TaskScreen(task, self._cache, self._access, self._stop, self._now, self._tz))

    def open_statistics(self) -> None:
        """Show counts; what the user chooses there becomes the filter."""
        self._screen.app.push_screen(StatisticsScreen(self._cache, self._now, self._tz), self._take_chosen)

    def open_guests(self, look: Look | None = None) -> None:
        """Show the guests; of the one that the user chooses there the tasks are shown, with the cursor on its last
        backup, until `go_back`."""
        screen = GuestsScreen(self._cache, self._servers, self._now, self._tz, look or Look())

        def take(chosen: ChosenGuest | None) -> None:
            if chosen is not None:
                before = self._wanted()
                if chosen.backup is not None:
                    self._land(chosen.backup)
                self._take(chosen.text)
                self._way_back = _WayBack(self._wanted(), before, screen.look)

        self._screen.app.push_screen(screen, take)

    @property
    def can_go_back(self) -> bool:
        """Whether the lists show the tasks of a guest that was chosen among the guests, or some of those."""
        return self._way_back is not None and self._way_back.text in self._wanted()

    def go_back(self) -> bool:
        """Back to the guests, and to the filter before them; whether there was a way back."""
        way, possible = self._way_back, self.can_go_back
        self._way_back = None
        if way is not None and possible:
            self._take(way.before)
            self.open_guests(way.look)
        return possible

    def open_remotes(self, seen: Callable[[], Seen]) -> None:
        """Show the remotes, as they are seen at any time; of the one that the user chooses the tasks are shown."""
        self._screen.app.push_screen(RemotesScreen(seen, self._cache, self._now, self._tz), self._take_chosen)

    def filter_guest(self, task: Task | None) -> None:
        """Have the lists show the tasks of the guest that this one is about; of none, ask for a guest's number."""
        guest = None if task is None else guest_id(task.worker_id)
        if task is not None and guest is not None:
            self._take(guest_filter(task.parsed.type, task.remote, guest, self._servers()))
            return

        def take(number: str | None) -> None:
            if number is not None:
                self._take(term("vmid", number))

        hint = "a guest's number, as 101: its tasks on all remotes"
        self._screen.app.push_screen(AskScreen("guest", hint, _wrong_number), take)

    def export(self, wanted: Filter) -> None:
        """Write what the lists show to a file."""
        moment = local(self._now(), self._tz)
        export_list(self._screen.app, self._cache, wanted, f"{moment:%Y%m%d-%H%M}" if moment else "tasks")

    def _take_chosen(self, text: str | None) -> None:
        if text is not None:
            self._take(text)


def _wrong_number(answer: str) -> str:
    return "" if re.fullmatch("[0-9]{1,9}", answer) else "expected a guest's number, as 101"
