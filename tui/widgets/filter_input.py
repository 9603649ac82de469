"""The input that a filter is typed into; its own keys leave it, complete what is typed, and recall what was
typed earlier."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from rich.cells import cell_len
from textual.binding import BindingType
from textual.geometry import Region
from textual.suggester import Suggester

from tui.completion import Completion, is_begun
from tui.keys import Place, bindings
from tui.widgets.text_input import TextInput

_EXAMPLE = "words, status:error, type:vzdump, remote:…, since:2h, -node:…"


class Owner(Protocol):
    """What the input's keys act on."""

    def keep(self) -> None:
        """Keep the filter, and leave."""

    def give_up(self) -> None:
        """Leave without the filter."""

    async def go_on(self) -> None:
        """Have what is typed go on as is proposed."""

    def save(self) -> None:
        """Keep the filter under a name, and go on typing."""

    def recall(self, step: int) -> None:
        """Show an earlier filter (1), or a later one (-1)."""


class FilterInput(TextInput):
    """The input itself. Each of its keys acts on all that was typed before, and before the next key is read."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FILTER)]

    def __init__(self, owner: Owner, complete: Callable[[str], Sequence[Completion]]) -> None:
        super().__init__(
            select_on_focus=False,
            compact=True,
            id="filter-input",
            placeholder=_EXAMPLE,
            suggester=_Proposal(complete),
        )
        self.cursor_blink = False
        self._owner = owner

    def show_cursor(self) -> None:
        """Scroll to where the cursor is, once the text has its place: a text that comes in one piece, pasted or
        recalled, is scrolled in before it has."""

        def scroll() -> None:
            cells = cell_len(self.value[: self.cursor_position])
            self.scroll_to_region(Region(cells, 0, 1, 1), force=True, animate=False)

        self.call_after_refresh(scroll)

    async def action_keep(self) -> None:
        await self.all_typed()
        self._owner.keep()

    async def action_give_up(self) -> None:
        await self.all_typed()
        self._owner.give_up()

    async def action_complete(self) -> None:
        await self.all_typed()
        await self._owner.go_on()

    async def action_save(self) -> None:
        await self.all_typed()
        self._owner.save()

    async def action_recall(self, step: int) -> None:
        await self.all_typed()
        self._owner.recall(step)


class _Proposal(Suggester):
    """What the input shows dimmed behind the cursor: the likeliest completion of a term that has been begun."""

    def __init__(self, complete: Callable[[str], Sequence[Completion]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        return next((one.text for one in self._complete(value)), None) if is_begun(value) else None
