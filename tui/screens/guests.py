"""The guests and backup groups by the age of their last good backup, the worst first: all of them, those whose
rows have some words, or those without a backup to rely on."""

from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget

from backend.archive import CacheError, Snapshot, TaskCache
from backend.guests import Guest, worst_first
from backend.query import guest_id
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


class GuestsScreen(KeyedScreen[str | None]):
    """The guests. It is left with the text of the filter that finds the tasks of the one that was chosen, or None.

    Args:
        servers: the names of the Backup Servers.
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
    ) -> None:
        super().__init__()
        self._cache = cache
        self._servers = servers
        self._clock = clock
        self._tz = tz
        self._guests: Sequence[Guest] | None = None
        self._shown: Sequence[Guest] = ()
        self._words = ""
        self._trouble = False
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
            return worst_first(snapshot.guests(cancelled=cancelled))

        try:
            self._guests = await read_cache(self._cache, read)
        except (CacheError, OSError) as error:
            self._title.place = (Part(safe(cannot_read(error)), 0),)
            self._list.explain(safe(cannot_read(error)))
            return
        self._show()

    def _show(self) -> None:
        """Show the guests that are wanted; the cursor stays on its guest."""
        if self._guests is None:
            return
        selected = self._selected
        self._shown = [guest for guest in self._guests if self._wants(guest)]
        self._list.explain(
            f"None of {counted(len(self._guests), 'guest')} {self._looked_for}"
            if self._guests
            else "No task is about a guest, and no Backup Server took a backup"
        )
        self._lay_out()
        places = (number for number, guest in enumerate(self._shown) if _same(guest, selected))
        self._list.show(len(self._shown), cursor=next(places, 0))
        self._say_counts()

    def _wants(self, guest: Guest) -> bool:
        return not (self._trouble and not (guest.failed or guest.without)) and _has(guest, self._words)

    @property
    def _looked_for(self) -> str:
        """What the guests that are shown have in common."""
        return "matches" if self._words else "is without a good backup, and none failed the last time"

    def _say_counts(self) -> None:
        shown, known = len(self._shown), len(self._guests or ())
        narrowed = self._words or self._trouble
        self._title.heading = f"Guests {count(shown)}" + (f" of {count(known)}" if narrowed else "")
        self._title.wanted = " · ".join(filter(None, [_TROUBLE if self._trouble else "", safe(self._words)]))
        without = sum(guest.without for guest in self._shown)
        failed = sum(guest.failed for guest in self._shown)
        self._title.place = (
            Part(f"{count(without)} without a good backup", 0),
            Part(f"{count(failed)} failed the last time", 1),
        )

    def _lay_out(self) -> None:
        self._columns = guest_columns(self._shown, self._list.row_width)
        self._header.names = guest_header(self._columns)
        self._list.refresh()

    def _row(self, position: int, width: int) -> Drawn:
        return guest_row(self._shown[position], self._columns, self._clock(), self._tz)

    @property
    def _selected(self) -> Guest | None:
        return self._shown[self._list.cursor] if self._shown else None

    @on(RowList.Opened)
    def _open(self) -> None:
        guest = self._selected
        if guest is not None and self.is_current:
            self.dismiss(guest_filter(guest.type, guest.remote, guest.label, self._servers()))

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
