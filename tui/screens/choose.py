"""Choosing from a list that narrows as one types: the values of a field, the columns, saved filters."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input

from backend.text import safe
from tui.format import count, fit
from tui.keys import Place, bindings, cap_of, labelled
from tui.screens.dialog import is_small
from tui.trouble import cannot_read
from tui.widgets.choice_list import Choice, ChoiceList, State
from tui.widgets.text_input import TextInput
from tui.widgets.words import Words

_PAGE = 10
_LONGEST_NAME = 40
"""Cells of a line's words that are repeated."""
_VERBS = {State.WITH: "takes", State.WITHOUT: "excludes", State.NOT: "drops"}
"""What is done with a line that becomes so."""


class Switched(NamedTuple):
    """A line, by its number, whose choice is to change: with its like only, or (`without`) without its like."""

    number: int
    without: bool


class Chosen(NamedTuple):
    """What the user chose: lines to switch, or a line to forget."""

    switched: tuple[Switched, ...] = ()
    forgotten: int | None = None


class _Narrowing(TextInput):
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
        verbs: what taking a line does, by how it becomes chosen.
        check: says why what is chosen cannot be taken; no words: it can.
    """

    DEFAULT_CSS = """
    ChooseScreen { align: center middle; background: $background 60%; }
    ChooseScreen > Vertical {
        width: 64; max-width: 96%; height: auto;
        background: $surface; border: round $accent 60%; padding: 0 1;
    }
    ChooseScreen Input { height: 1; border: none; padding: 0 1; background: $panel; }
    ChooseScreen Input:focus { border: none; background-tint: transparent; }
    ChooseScreen Words { padding: 0 1; color: $foreground 60%; }
    ChooseScreen.-small Words { display: none; }
    ChooseScreen.-wrong Words { display: block; color: $error; }
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
        legend: str = f"{State.WITH} means only with it, {State.WITHOUT} only without it",
        verbs: Mapping[State, str] = _VERBS,
        check: Callable[[Chosen], str] = lambda chosen: "",
    ) -> None:
        super().__init__()
        self._title = title
        self._load = load
        self._several = several
        self._excluding = excluding
        self._forgetting = forgetting
        self._start = start
        self._legend = legend
        self._verbs = verbs
        self._check = check
        self._wrong = ""
        self._lines: Sequence[Choice] | None = None
        self._seen: list[int] = []
        self._changed: dict[int, State] = {}
        self._narrowed: str | None = None

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
            yield Words((self._legend, ""))

    def on_mount(self) -> None:
        self.query_one(ChoiceList).explain("counting…")
        self.run_worker(self._fill())

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(is_small(event.size), "-small")
        # a share of the screen, less the frame, the input and the words below
        self.query_one(ChoiceList).styles.max_height = max(1, event.size.height * 4 // 5 - 6)

    async def _fill(self) -> None:
        try:
            self._lines = await self._load()
        except OSError as error:
            self.query_one(ChoiceList).explain(cannot_read(error))
        else:
            self._narrow()

    def _offers(self, action: str) -> bool:
        several, name = self._several, action.removeprefix("screen.")
        return {"switch": several, "switch_all": several, "forget": self._forgetting}.get(name, True)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that has nothing to do here is one of the input's."""
        return self._offers(action)

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._follow_typing()

    def _follow_typing(self) -> None:
        if self.query_one(Input).value != self._narrowed:
            self._narrow()

    async def _all_typed(self) -> None:
        """Wait until the lines are those that what was typed before leaves."""
        await self.query_one(_Narrowing).all_typed()
        if self.is_current:
            self._follow_typing()

    @on(ChoiceList.Clicked)
    async def _clicked(self) -> None:
        if self._several:
            await self.action_switch()
        else:
            await self.action_apply()

    @property
    def _without(self) -> bool:
        return self._excluding and self.query_one(Input).value.startswith("-")

    def _narrow(self) -> None:
        """Show the lines that hold what is typed."""
        if self._lines is None:
            return
        view = self.query_one(ChoiceList)
        text = self._narrowed = self.query_one(Input).value
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
        self._say_what_keys_do()

    def _say_what_keys_do(self) -> None:
        """Say what would be taken with each key."""
        lines, cursor = self._lines or (), self.query_one(ChoiceList).cursor
        does = []
        self.set_class(bool(self._wrong), "-wrong")
        # with none chosen, it would be the line under the cursor
        alone = {number: self._switched(number) for number in self._seen[cursor : cursor + 1]}
        changed = self._changes() or alone
        if self._wrong:
            does.append(f"✗ {self._wrong}")
        elif len(changed) > 1:
            numbers = Counter(changed.values())
            parts = [f"{verb} {numbers[state]}" for state, verb in self._verbs.items() if numbers[state]]
            does.append(f"{cap_of('take')} {', '.join(parts)}")
        for number, state in changed.items() if len(changed) == 1 and not self._wrong else ():
            words = safe(fit(lines[number].words, _LONGEST_NAME).rstrip())
            does.append(f"{cap_of('take')} {self._verbs[state]} {words}")
        if self._several and len(self._seen) > 1:
            which = "all" if len(self._seen) == len(lines) else "the matching"
            all_seen = f"{which} {count(len(self._seen))}"
            marks = self._switched_all() is self._wish
            to_do = self._verbs[self._wish].removesuffix("s")
            words = f"marks {all_seen} to {to_do}" if marks else f"unmarks {all_seen}"
            does.append(f"{cap_of('choose-all')} {words}")
        legend = [] if self._wrong else [self._legend]
        self.query_one(Words).say(*((words, "") for words in (*legend, *does)))

    def _state(self, number: int) -> State:
        return self._changed.get(number, (self._lines or ())[number].state)

    async def action_move(self, lines: int) -> None:
        await self._all_typed()
        view = self.query_one(ChoiceList)
        view.move_to(view.cursor + lines)
        self._say_what_keys_do()

    async def action_page(self, pages: int) -> None:
        await self.action_move(pages * _PAGE)

    async def action_switch(self) -> None:
        """Change how the line under the cursor is chosen."""
        await self._all_typed()
        self._switch()

    def _switch(self) -> None:
        view = self.query_one(ChoiceList)
        if not self._seen:
            return
        number = self._seen[view.cursor]
        self._change({number: self._switched(number)})

    async def action_switch_all(self) -> None:
        """Choose all lines that match; or, if they are, none of them."""
        await self._all_typed()
        self._change(dict.fromkeys(self._seen, self._switched_all()))

    def _change(self, states: Mapping[int, State]) -> None:
        """Have lines chosen so."""
        self._changed.update(states)
        self._wrong = self._check(Chosen(tuple(self._switches())))
        self._paint(self.query_one(ChoiceList).cursor)

    @property
    def _wish(self) -> State:
        return State.WITHOUT if self._without else State.WITH

    def _switched(self, number: int) -> State:
        """What a line is after one switch."""
        return State.NOT if self._state(number) is self._wish else self._wish

    def _switched_all(self) -> State:
        """What all matching lines are after one switch of them all."""
        return State.NOT if all(self._state(number) is self._wish for number in self._seen) else self._wish

    async def action_apply(self) -> None:
        await self._all_typed()
        if not self._changes():
            self._switch()
        if self._changes() and not self._wrong and self.is_current:
            self.dismiss(Chosen(tuple(self._switches())))

    async def action_forget(self) -> None:
        await self._all_typed()
        if self._seen and self.is_current:
            self.dismiss(Chosen(forgotten=self._seen[self.query_one(ChoiceList).cursor]))

    def _switches(self) -> list[Switched]:
        lines = self._lines or ()
        return [
            # back to neither is a switch of what it was
            Switched(number, (state if state is not State.NOT else lines[number].state) is State.WITHOUT)
            for number, state in self._changes().items()
        ]

    def _changes(self) -> dict[int, State]:
        """The lines that are chosen otherwise than before."""
        lines = self._lines or ()
        return {number: state for number, state in self._changed.items() if state is not lines[number].state}
