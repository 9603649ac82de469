"""The line a filter is typed into, with its counts or what is wrong with it beside it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from backend.text import safe
from tui.keys import Place, bindings


class FilterInput(Input):
    """The input itself; its own keys leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FILTER)]

    def action_keep(self) -> None:
        self.post_message(FilterLine.Kept())

    def action_give_up(self) -> None:
        self.post_message(FilterLine.GivenUp())


class FilterLine(Horizontal):
    """Shown while a filter is being typed."""

    DEFAULT_CSS = """
    FilterLine {
        height: 1; width: 1fr; display: none; background: $panel; color: $foreground;
        &.-open { display: block; layout: horizontal; }
        & > .filter-line--sign { width: 3; color: $accent; text-style: bold; }
        & > FilterInput { width: 1fr; min-width: 8; height: 1; border: none; padding: 0; background: $panel; }
        & > FilterInput:focus { border: none; background-tint: transparent; }
        & > .filter-line--words { width: auto; max-width: 75%; height: 1; padding: 0 1; color: $foreground 70%; }
        &.-wrong > .filter-line--words { color: $error; }
    }
    """

    class Kept(Message):
        """The filter is to stay."""

    class GivenUp(Message):
        """The filter is to go."""

    def compose(self) -> ComposeResult:
        yield Label(" / ", classes="filter-line--sign")
        field = FilterInput(select_on_focus=False, compact=True, id="filter-input")
        field.cursor_blink = False
        yield field
        yield Static(classes="filter-line--words", id="filter-words", markup=False)

    @property
    def input(self) -> FilterInput:
        return self.query_one(FilterInput)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, text: str) -> None:
        """Appear with this text, ready for typing."""
        self.add_class("-open")
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)
        self.screen.set_focus(self.input)

    def close(self) -> None:
        """Disappear."""
        self.remove_class("-open", "-wrong")

    def say(self, words: str, *, wrong: bool = False) -> None:
        """Show counts, or with `wrong` what is wrong with what was typed."""
        self.set_class(wrong, "-wrong")
        self.query_one("#filter-words", Static).update(Content(safe(words)))
