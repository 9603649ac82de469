"""Every remote with its state, those with trouble first; and all that is known of one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from backend.archive import CacheError, Snapshot, TaskCache
from backend.archive.health import Health, RemoteHealth
from backend.counts import count_by
from backend.query import parse_filter
from backend.task import Status
from backend.text import safe
from tui.filter_text import term
from tui.format import count
from tui.keys import Place, bindings
from tui.reading import read_cache
from tui.remote_row import (
    Cells,
    by_trouble,
    remote_cells,
    remote_columns,
    remote_details,
    remote_header,
    remote_row,
    remote_status,
    remote_troubles,
)
from tui.row import SIGNS
from tui.screens.dialog import Dialog
from tui.screens.keyed import OverviewScreen, TasksToShow
from tui.sections import table
from tui.status import ADD_COMMAND, Part, Seen, idle, round_words
from tui.trouble import cannot_read, work_troubles
from tui.widgets.key_line import tell
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.row_list import Drawn, RowList

_COUNT_EVERY = 30.0
_MOST_TROUBLES = 3


class RemotesScreen(OverviewScreen):
    """The fleet, remote by remote, kept up to date while it is looked at. It is left with the tasks of the remote
    that was chosen, or None.

    Args:
        seen: what is known now.
    """

    PLACES = (Place.ROWS, Place.REMOTES)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.REMOTES)]
    DEFAULT_CSS = """
    RemotesScreen { background: $background; }
    RemotesScreen Static { height: auto; display: none; }
    RemotesScreen Static.-some { display: block; }
    RemotesScreen #troubles { max-height: 3; color: $error; }
    RemotesScreen #whole { max-height: 25%; }
    """

    def __init__(
        self, seen: Callable[[], Seen], cache: TaskCache, clock: Callable[[], float], tz: tzinfo | None
    ) -> None:
        super().__init__(self._count, _COUNT_EVERY)
        self._seen = seen
        self._cache = cache
        self._clock = clock
        self._tz = tz
        self._tasks: Counter[str] | None = None
        self._remotes: list[tuple[str, RemoteHealth]] = []
        self._cells: list[Cells] = []
        self._columns: dict[str, int] = {}
        self._title = PaneTitle()
        self._troubles = Static(id="troubles", markup=False)
        self._whole = Static(id="whole", markup=False)
        self._header = ColumnHeader()
        self._list = RowList(self._row, id="remotes")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._troubles
        yield self._header
        yield self._list
        yield self._whole
        yield self.key_line

    def on_mount(self) -> None:
        self._list.focus()
        self._title.active = True
        self.key_line.show(self.keys())
        self._show()
        self.set_interval(1, self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def acting(self, place: Place) -> Widget:
        return self._list if place is Place.ROWS else self

    async def _count(self) -> None:
        """Count what each remote ran within a day."""
        wanted = parse_filter("since:24h", now=self._clock(), tz=self._tz)

        def read(snapshot: Snapshot, cancelled: Callable[[], bool]) -> Counter[str]:
            counts = count_by(snapshot, "remote", wanted, cancelled=cancelled)
            return Counter({name: statuses.total() for name, statuses in counts.items()})

        try:
            self._tasks = await read_cache(self._cache, read)
        except (CacheError, OSError) as error:
            tell(self.app, cannot_read(error))
            return
        self._show()

    def _show(self) -> None:
        """Bring all of it up to date; the cursor stays on its remote."""
        if self.is_left:
            return
        seen, now, selected = self._seen(), self._clock(), self._selected
        health = seen.health
        self._remotes = sorted(health.remotes.items(), key=by_trouble)
        self._cells = [
            remote_cells(name, remote, self._tasks_of(name), health.round, now) for name, remote in self._remotes
        ]
        self._lay_out()
        self._title.heading = f"Remotes {count(len(self._remotes))}"
        self._title.place = self._places(health, now)
        if not self._remotes:
            waiting = not health.updated and not idle(seen, now) and not seen.unconfigured
            words = "Waiting for whoever fetches" if waiting else "No remote is configured"
            self._list.explain(f"{words}; {seen.add_command or ADD_COMMAND} adds one")
        self._list.show(len(self._remotes), cursor=self._place(selected))
        self._say_whole()
        self._say_troubles([*work_troubles(seen, now), *(f"damaged: {what}" for what in seen.damage)])

    def _places(self, health: Health, now: float) -> tuple[Part, ...]:
        failing, words = len(health.failing), round_words(health, now)
        told = not failing or "failing" in words
        return tuple(
            part for part in (Part("" if told else f"{count(failing)} failing", 0), Part(words, 1)) if part.text
        )

    def _place(self, selected: str | None) -> int:
        """Where the remote is that was under the cursor; at the top nothing is chosen yet, and the worst stays."""
        if self._list.cursor == 0:
            return 0
        return next((at for at, (name, _) in enumerate(self._remotes) if name == selected), self._list.cursor)

    def _say_troubles(self, troubles: Sequence[str]) -> None:
        more = len(troubles) - _MOST_TROUBLES
        lines = [f" ✗ {safe(words)}" for words in troubles[:_MOST_TROUBLES]]
        if more > 0:
            lines[-1] += f" · and {count(more)} more"
        self._troubles.set_class(bool(lines), "-some")
        self._troubles.update(Content("\n".join(lines)))

    @on(RowList.Moved)
    def _say_whole(self) -> None:
        """What is wrong with the remote under the cursor, in as many lines as that takes."""
        name, remote = self._remotes[self._list.cursor] if self._remotes else ("", RemoteHealth())
        lines = [
            Content.styled(f" {SIGNS[status]} {safe(words)}", "$error" if status is Status.ERROR else "$warning")
            for status, words in remote_troubles(name, remote, self._clock())
        ]
        self._whole.set_class(bool(lines), "-some")
        self._whole.update(Content("\n").join(lines))

    def _lay_out(self) -> None:
        self._columns = remote_columns(self._cells, self._list.row_width)
        self._header.names = remote_header(self._columns)

    def _row(self, position: int, width: int) -> Drawn:
        return remote_row(self._cells[position], remote_status(self._remotes[position][1]), self._columns)

    @property
    def _selected(self) -> str | None:
        return self._remotes[self._list.cursor][0] if self._remotes else None

    def _tasks_of(self, name: str) -> int | None:
        return None if self._tasks is None else self._tasks[name]

    def details(self, name: str, width: int) -> Content:
        """All that is known of a remote."""
        health = self._seen().health
        remote = health.remotes.get(name)
        if remote is None:
            return Content("It is configured no longer")
        rows = remote_details(name, remote, self._tasks_of(name), health.round, self._clock(), self._tz)
        return table(rows, width)

    @on(RowList.Opened)
    def _open(self) -> None:
        if self._selected is not None:
            self.choose(TasksToShow(term("remote", self._selected)))

    def action_details(self) -> None:
        if self._selected is not None:
            self.app.push_screen(RemoteDetails(self._selected, self.details))

    async def action_fetch_one(self) -> None:
        if self._selected is not None:
            await self._fetch([self._selected], self._selected)

    async def action_fetch_all(self) -> None:
        await self._fetch([], "all remotes")

    async def _fetch(self, names: Sequence[str], words: str) -> None:
        try:
            await asyncio.to_thread(self._cache.request_refresh, names)
        except CacheError as error:
            tell(self.app, str(error))
            return
        unheard = " (but nobody is fetching)" if idle(self._seen(), self._clock()) else ""
        tell(self.app, f"Asked for a fetch from {words}{unheard}")


class RemoteDetails(Dialog):
    """One remote in full, kept up to date."""

    def __init__(self, name: str, details: Callable[[str, int], Content]) -> None:
        super().__init__(safe(name))
        self._name_of_remote = name
        self._details = details

    def on_mount(self) -> None:
        self.set_interval(1, self.show_content)

    def content(self, width: int) -> Content:
        return self._details(self._name_of_remote, width)
