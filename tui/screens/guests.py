"""The guests and backup groups, a row each, the worst first: all of them, those whose rows have some words, or
those without a backup to rely on."""

from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from backend.archive import CacheError, Snapshot, TaskCache
from backend.guests import Guest, last_backup, one_row_each
from backend.query import FIELDS, guest_id
from backend.task import Task
from backend.text import counted, safe
from tui.format import count, span
from tui.guest_row import (
    GuestColumns,
    backup_words,
    guest_columns,
    guest_filter,
    guest_header,
    guest_name,
    guest_row,
    whose_words,
)
from tui.keys import Place, bindings
from tui.reading import read_cache
from tui.screens.ask import AskScreen
from tui.screens.help import GUEST_WORDS
from tui.screens.keyed import OverviewScreen, TasksToShow
from tui.status import Part
from tui.trouble import cannot_read
from tui.widgets.lines import ColumnHeader, PaneTitle
from tui.widgets.row_list import Drawn, RowList

_READ_EVERY = 30.0
_ENOUGH = 112
"""Cells that have room for all that is said of a guest's backups."""
_LEAST_HEIGHT = 15
"""The lowest screen (lines) with room for that below the rows."""
_TROUBLE = "none or failed"


class GuestsScreen(OverviewScreen):
    """The guests. It is left with the tasks of the one that was chosen and, among them, its last backup; or None.

    Args:
        servers: the names of the Backup Servers.
    """

    PLACES = (Place.ROWS, Place.GUESTS)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.GUESTS)]
    DEFAULT_CSS = """
    GuestsScreen { background: $background; }
    GuestsScreen #known { height: 1; padding: 0 1; color: $foreground 60%; }
    GuestsScreen #whole { height: 1; padding: 0 1; color: $foreground 75%; }
    """

    def __init__(
        self,
        cache: TaskCache,
        servers: Callable[[], Collection[str]],
        clock: Callable[[], float],
        tz: tzinfo | None,
    ) -> None:
        super().__init__(self._read, _READ_EVERY)
        self._cache = cache
        self._servers = servers
        self._clock = clock
        self._tz = tz
        self._guests: Sequence[Guest] | None = None
        self._known = 0
        self._kept = ""
        self._shown: Sequence[Guest] = ()
        self._words = ""
        self._trouble = False
        self._columns = GuestColumns(0, 0, 0, 0)
        self._title = PaneTitle()
        self._header = ColumnHeader()
        self._list = RowList(self._row, id="guests")
        self._known_words = Static(id="known", markup=False)
        self._whole = Static(id="whole", markup=False)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._header
        yield self._list
        yield self._known_words
        yield self._whole
        yield self.key_line

    def on_mount(self) -> None:
        self._list.focus()
        self._title.heading = "Guests"
        self._title.active = True
        self._list.explain("Looking through the kept days…")
        self.key_line.show(self.keys())

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    def acting(self, place: Place) -> Widget:
        return self._list if place is Place.ROWS else self

    async def _read(self) -> None:
        def read(snapshot: Snapshot, cancelled: Callable[[], bool]) -> tuple[list[Guest], Task | None]:
            oldest = next(snapshot.iterate(reverse=True, cancelled=cancelled), None)
            return snapshot.guests(cancelled=cancelled), oldest

        try:
            found, oldest = await read_cache(self._cache, read)
        except (CacheError, OSError) as error:
            self._title.place = (Part(safe(cannot_read(error)), 0),)
            self._list.explain(safe(cannot_read(error)))
            return
        self._guests = found
        self._known = len(one_row_each(found))
        if oldest is not None:
            self._kept = span(self._clock() - oldest.starttime)
            words = f"Known by their tasks: a guest that had no task in {self._kept} is not listed"
            self._known_words.update(words, layout=False)
        self._show()

    def _show(self, guest: Guest | None = None) -> None:
        """Show the guests that are wanted, with the cursor on this one, by default where it is."""
        if self._guests is None:
            return
        selected = guest or self._selected
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
    def _looked_for(self) -> str:
        """What the guests that are shown have in common."""
        field = next((word.partition(":")[0] for word in self._words.split() if _is_term(word)), "")
        if field:
            return f"matches: here words are looked for, {field}: works in the lists"
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
            Part(f"{count(without) if without else 'none'} without a good backup", 0),
            Part(f"then {count(failed)} whose last failed or is unknown", 1),
            Part("then the oldest good first", 2),
        )

    def _lay_out(self) -> None:
        self._columns = guest_columns(self._shown, self._list.row_width)
        self._header.names = guest_header(self._columns)
        self._known_words.display = self.size.height >= _LEAST_HEIGHT
        # where rows have room for all words, or the screen has none for more, they do
        self._whole.display = self._columns.backups < _ENOUGH and self.size.height >= _LEAST_HEIGHT
        self._whole.styles.height = 1 if self.size.width > _ENOUGH else 2
        self._say_whole()
        self._list.reload()

    @on(RowList.Moved)
    def _say_whole(self) -> None:
        """All that is known of the backups of the guest under the cursor, which its row may have no room for."""
        guest = self._selected
        words = ""
        if guest is not None:
            backup = backup_words(guest, self._kept, self._clock(), self._tz)
            words = f"{guest_name(guest)}: {backup}"
        self._whole.update(Content(safe(words)))

    def _row(self, position: int, width: int) -> Drawn:
        return guest_row(self._shown[position], self._columns, self._kept, self._clock(), self._tz)

    @property
    def _selected(self) -> Guest | None:
        return self._shown[self._list.cursor] if self._shown else None

    @on(RowList.Opened)
    async def _open(self) -> None:
        guest = self._selected
        if guest is not None:
            backup = await self._last_backup(guest)
            text = guest_filter(guest.type, guest.remote, guest.label, self._servers())
            whose = whose_words(guest.type, guest.label, self._servers())
            self.choose(TasksToShow(text, backup, whose))

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
        """Narrow the guests as the user types."""
        before, guest = self._words, self._selected

        def take(words: str | None) -> None:
            if words is None:
                self._narrow(before, guest)
            else:
                self._narrow(words)

        hint = f"{GUEST_WORDS}; nothing: all guests"
        question = AskScreen("only", hint, lambda _: "", answer=before, typed=self._narrow)
        self.app.push_screen(question, take)

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

    def _narrow(self, words: str, guest: Guest | None = None) -> None:
        self._words = " ".join(words.lower().split())
        self._show(guest)


def _is_term(word: str) -> bool:
    """Whether a word is a term of the lists' filter."""
    name, colon, _ = word.removeprefix("-").partition(":")
    return bool(colon) and name in FIELDS


def _has(guest: Guest, words: str) -> bool:
    """Whether a guest's row has all of these words (lower case). A number is the guest's whole number, or a part
    of its remote's name."""
    remote, name = guest.remote.lower(), guest_name(guest).lower()
    number = guest.label if guest.type == "pve" else guest_id(guest.label)
    return all(
        word in remote or (number.startswith(word) if word.isdecimal() and number else word in name)
        for word in words.split()
    )


def _same(guest: Guest, other: Guest | None) -> bool:
    return other is not None and guest[:3] == other[:3]
