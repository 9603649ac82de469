"""The guests and backup groups, a row each, the worst first: all of them, those whose rows have some words, or
those without a backup to rely on."""

from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from backend.archive import CacheError, Snapshot, TaskCache
from backend.guests import Guest, last_backup, one_row_each
from backend.query import guest_id
from backend.task import Task
from backend.text import safe
from tui.format import count, counted
from tui.guest_row import GuestColumns, guest_columns, guest_filter, guest_header, guest_name, guest_row
from tui.keys import Place, bindings
from tui.reading import read_cache
from tui.refresher import Refresher
from tui.screens.ask import AskScreen
from tui.screens.keyed import KeyedScreen
from tui.status import Part
from tui.trouble import cannot_read
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.row_list import Drawn, RowList

_READ_EVERY = 30.0
_TROUBLE = "none or failed"


class ChosenGuest(NamedTuple):
    """What is to be shown of a guest: the tasks that a filter's text finds, and of them its last backup, where
    that has ended."""

    text: str
    backup: Task | None


class Look(NamedTuple):
    """How the guests are looked at: narrowed to what, and with the cursor on which one."""

    words: str = ""
    trouble: bool = False
    guest: Guest | None = None


class GuestsScreen(KeyedScreen[ChosenGuest | None]):
    """The guests. It is left with what is to be shown of the one that was chosen, or None.

    Args:
        servers: the names of the Backup Servers.
        look: how to look at them at first.
    """

    PLACES = (Place.ROWS, Place.GUESTS)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.GUESTS)]
    DEFAULT_CSS = """
    GuestsScreen { background: $background; }
    """

    def __init__(
        self,
        cache: TaskCache,
        servers: Callable[[], Collection[str]],
        clock: Callable[[], float],
        tz: tzinfo | None,
        look: Look,
    ) -> None:
        super().__init__()
        self._cache = cache
        self._servers = servers
        self._clock = clock
        self._tz = tz
        self._guests: Sequence[Guest] | None = None
        self._known = 0
        self._shown: Sequence[Guest] = ()
        self._words = look.words
        self._trouble = look.trouble
        self._begin_at = look.guest
        self._columns = GuestColumns(0, 0, 0, 0)
        self._title = PaneTitle()
        self._header = ColumnHeader()
        self._list = RowList(self._row, id="guests")
        self._reading = Refresher(self._read, every=_READ_EVERY)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._header
        yield self._list
        yield self.key_line

    def on_mount(self) -> None:
        self._list.focus()
        self._title.heading = "Guests"
        self._title.active = True
        self._list.explain("Looking through the kept days…")
        self.key_line.show(self.keys())
        self.run_worker(self._reading.run())

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def acting(self, place: Place) -> Widget:
        return self._list if place is Place.ROWS else self

    async def _read(self) -> None:
        def read(snapshot: Snapshot, cancelled: Callable[[], bool]) -> list[Guest]:
            return snapshot.guests(cancelled=cancelled)

        try:
            self._guests = await read_cache(self._cache, read)
        except (CacheError, OSError) as error:
            self._title.place = (Part(safe(cannot_read(error)), 0),)
            self._list.explain(safe(cannot_read(error)))
            return
        self._known = len(one_row_each(self._guests))
        self._show()

    def _show(self) -> None:
        """Show the guests that are wanted; the cursor stays on its guest."""
        if self._guests is None:
            return
        selected, self._begin_at = self._begin_at or self._selected, None
        # words choose among a guest's groups, but whether it is in trouble its worst one tells
        rows = one_row_each(guest for guest in self._guests if _has(guest, self._words))
        self._shown = [guest for guest in rows if guest.failed or guest.without or not self._trouble]
        self._list.explain(
            f"None of {counted(self._known, 'guest')} {self._looked_for}"
            if self._guests
            else "No task is about a guest, and no Backup Server took a backup"
        )
        self._lay_out()
        places = (number for number, guest in enumerate(self._shown) if _same(guest, selected))
        self._list.show(len(self._shown), cursor=next(places, 0))
        self._say_counts()

    @property
    def look(self) -> Look:
        """How the guests are looked at now."""
        return Look(self._words, self._trouble, self._selected)

    @property
    def _looked_for(self) -> str:
        """What the guests that are shown have in common."""
        return "matches" if self._words else "is without a good backup, and none failed the last time"

    def _say_counts(self) -> None:
        narrowed = self._words or self._trouble
        of = f" of {count(self._known)}" if narrowed else ""
        self._title.heading = f"Guests {count(len(self._shown))}{of}"
        self._title.wanted = " · ".join(filter(None, [_TROUBLE if self._trouble else "", safe(self._words)]))
        without = sum(guest.without for guest in self._shown)
        failed = sum(guest.failed and not guest.without for guest in self._shown)
        # the order of the rows, too
        self._title.place = (
            Part(f"{count(without)} never good", 0),
            Part(f"then {count(failed)} failed last", 1),
            Part("then the oldest good first", 2),
        )

    def _lay_out(self) -> None:
        self._columns = guest_columns(self._shown, self._list.row_width)
        self._header.names = guest_header(self._columns)
        self._list.reload()

    def _row(self, position: int, width: int) -> Drawn:
        return guest_row(self._shown[position], self._columns, self._clock(), self._tz)

    @property
    def _selected(self) -> Guest | None:
        return self._shown[self._list.cursor] if self._shown else None

    @on(RowList.Opened)
    async def _open(self) -> None:
        guest = self._selected
        if guest is not None:
            backup = await self._last_backup(guest)
            if self.is_current:
                text = guest_filter(guest.type, guest.remote, guest.label, self._servers())
                self.dismiss(ChosenGuest(text, backup))

    async def _last_backup(self, guest: Guest) -> Task | None:
        start = guest.last
        if start is None:
            return None

        def read(snapshot: Snapshot, cancelled: Callable[[], bool]) -> Task | None:
            return last_backup(guest, snapshot.iterate(start=(-start, ""), cancelled=cancelled))

        try:
            return await read_cache(self._cache, read)
        except (CacheError, OSError):
            # the lists will tell why they cannot be read
            return None

    def action_narrow(self) -> None:
        """Ask which guests to show."""

        def take(words: str | None) -> None:
            if words is not None:
                self._narrow(words)

        hint = "a guest's number, a part of a remote's name, VM, CT or a store; nothing: all guests"
        self.app.push_screen(AskScreen("only", hint, lambda _: "", answer=self._words), take)

    def action_switch_trouble(self) -> None:
        """Show only guests whose last backup failed or that have none; again: all."""
        self._trouble = not self._trouble
        self._show()

    def action_back(self) -> None:
        if self._words or self._trouble:
            self._trouble = False
            self._narrow("")
        else:
            self.dismiss()

    def _narrow(self, words: str) -> None:
        self._words = " ".join(words.lower().split())
        self._show()


def _has(guest: Guest, words: str) -> bool:
    """Whether a guest's row has all of these words (lower case). A number is the guest's whole number, or a part
    of its remote's name."""
    remote, name = guest.remote.lower(), guest_name(guest).lower()
    number = guest.label if guest.type == "pve" else guest_id(guest.label)
    return all(
        word in remote or (word == number if word.isdecimal() and number else word in name)
        for word in words.split()
    )


def _same(guest: Guest, other: Guest | None) -> bool:
    return other is not None and guest[:3] == other[:3]
