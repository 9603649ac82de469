"""Choosing from a list that narrows as one types: the values of a field, the columns, saved filters."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.format import count
from tui.keys import Place, bindings, labelled
from tui.screens.dialog import is_small
from tui.trouble import cannot_read
from tui.widgets.choice_list import Choice, ChoiceList, State

_PAGE = 10


class Switched(NamedTuple):
    """A line, by its number, whose choice is to change: with its like only, or (`without`) without its like."""

    number: int
    without: bool


class Chosen(NamedTuple):
    """What the user chose: lines to switch, or a line to forget."""

    switched: tuple[Switched, ...] = ()
    forgotten: int | None = None


class _Narrowing(Input):
    """What is typed into. It has the popup's keys, since it would take a space for itself."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.CHOOSE)]


class ChooseScreen(ModalScreen[Chosen | None]):
    """Lines to choose from. Typing narrows them; what begins with `-` makes choosing mean excluding.

    Args:
        title: what is chosen.
        load: gets the lines; they may take a while.
        several: whether more than one may be chosen.
        excluding: whether lines can be excluded; and, as `start` being "-", whether that is asked for at once.
        forgetting: whether lines can be forgotten.
        legend: what the sign of a chosen line means.
    """

    DEFAULT_CSS = """
    ChooseScreen { align: center middle; background: $background 60%; }
    ChooseScreen > Vertical {
        width: 64; max-width: 96%; height: auto;
        background: $surface; border: round $accent 60%; padding: 0 1;
    }
    ChooseScreen Input { height: 1; border: none; padding: 0 1; background: $panel; }
    ChooseScreen Input:focus { border: none; background-tint: transparent; }
    ChooseScreen Static { height: 1; padding: 0 1; color: $foreground 60%; }
    ChooseScreen.-small Static { display: none; }
    """

    def __init__(
        self,
        title: str,
        load: Callable[[], Awaitable[Sequence[Choice]]],
        *,
        several: bool = True,
        excluding: bool = True,
        forgetting: bool = False,
        start: str = "",
        legend: str = f"{State.WITH} only with it   {State.WITHOUT} only without it",
    ) -> None:
        super().__init__()
        self._title = title
        self._load = load
        self._several = several
        self._excluding = excluding
        self._forgetting = forgetting
        self._start = start
        self._legend = legend
        self._lines: Sequence[Choice] | None = None
        self._seen: list[int] = []
        self._changed: dict[int, State] = {}

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(f" {self._title} ")
            frame.border_subtitle = Content(
                " · ".join(
                    f" {key.cap} {key.label} " for key in labelled(Place.CHOOSE) if self._offers(key.action)
                )
            )
            placeholder = "type to narrow; begin with - to exclude" if self._excluding else "type to narrow"
            field = _Narrowing(self._start, select_on_focus=False, compact=True, placeholder=placeholder)
            field.cursor_blink = False
            yield field
            yield ChoiceList()
            yield Static(Content(self._legend), markup=False)

    def on_mount(self) -> None:
        self.query_one(ChoiceList).explain("counting…")
        self.run_worker(self._fill())

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(is_small(event.size), "-small")
        # a share of the screen, less the frame, the input and the legend
        self.query_one(ChoiceList).styles.max_height = max(1, event.size.height * 4 // 5 - 4)

    async def _fill(self) -> None:
        try:
            self._lines = await self._load()
        except OSError as error:
            self.query_one(ChoiceList).explain(cannot_read(error))
        else:
            self._narrow()

    def _offers(self, action: str) -> bool:
        return {"switch": self._several, "forget": self._forgetting}.get(action.removeprefix("screen."), True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that has nothing to do here is one of the input's."""
        return self._offers(action)

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._narrow()

    @on(ChoiceList.Clicked)
    def _clicked(self) -> None:
        if self._several:
            self.action_switch()
        else:
            self.action_apply()

    @property
    def _without(self) -> bool:
        return self._excluding and self.query_one(Input).value.startswith("-")

    def _narrow(self) -> None:
        """Show the lines that hold what is typed."""
        if self._lines is None:
            return
        view = self.query_one(ChoiceList)
        text = self.query_one(Input).value
        words = (text.removeprefix("-") if self._excluding else text).strip()
        found = [number for number, line in enumerate(self._lines) if line.has(words)]
        lines = self._lines
        # what begins with it is what is meant, be there ever so many others
        self._seen = sorted(found, key=lambda number: not lines[number].begins_with(words))
        view.explain("Nothing to choose from" if not self._lines else f"None of {count(len(self._lines))} matches")
        self._paint(0)

    def _paint(self, cursor: int) -> None:
        lines = self._lines or ()
        shown = [replace(lines[number], state=self._state(number)) for number in self._seen]
        self.query_one(ChoiceList).show(shown, cursor=cursor)

    def _state(self, number: int) -> State:
        return self._changed.get(number, (self._lines or ())[number].state)

    def action_move(self, lines: int) -> None:
        view = self.query_one(ChoiceList)
        view.move_to(view.cursor + lines)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * _PAGE)

    def action_switch(self) -> None:
        """Change how the line under the cursor is chosen, and go on to the next."""
        view = self.query_one(ChoiceList)
        if not self._seen:
            return
        number = self._seen[view.cursor]
        wish = State.WITHOUT if self._without else State.WITH
        self._changed[number] = State.NOT if self._state(number) is wish else wish
        self._paint(view.cursor)

    def action_apply(self) -> None:
        if not self._switches():
            self.action_switch()
        if self._switches():
            self.dismiss(Chosen(tuple(self._switches())))

    def action_forget(self) -> None:
        if self._seen:
            self.dismiss(Chosen(forgotten=self._seen[self.query_one(ChoiceList).cursor]))

    def _switches(self) -> list[Switched]:
        lines = self._lines or ()
        return [
            # back to neither is a switch of what it was
            Switched(number, (state if state is not State.NOT else lines[number].state) is State.WITHOUT)
            for number, state in self._changed.items()
            if state is not lines[number].state
        ]
