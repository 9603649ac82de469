"""The line a filter is typed into, with its counts beside it and what is wrong with it below. It decides when what
is typed is taken at its word."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from backend.query import Filter, FilterError
from backend.text import safe
from tui.keys import Place, bindings
from tui.typed import Typed

_SETTLED = 0.6
"""After how long (seconds) without a key a term that could still become something else counts as finished."""

_EXAMPLE = "words, status:error, type:vzdump, remote:…, since:2h, -node:…"


class FilterInput(Input):
    """The input itself; its own keys leave it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.FILTER)]

    class Kept(Message):
        """The filter is to stay."""

    class GivenUp(Message):
        """The filter is to go."""

    def action_keep(self) -> None:
        self.post_message(self.Kept())

    def action_give_up(self) -> None:
        self.post_message(self.GivenUp())


class FilterLine(Vertical):
    """Shown while a filter is being typed.

    Args:
        read: makes something of a text, told whether the cursor is at its end.
    """

    DEFAULT_CSS = """
    FilterLine {
        height: auto; width: 1fr; display: none; background: $panel; color: $foreground;
        &.-open { display: block; }
        & > Horizontal { height: 1; }
        & .filter-line--sign { width: 3; color: $accent; text-style: bold; }
        & FilterInput { width: 1fr; min-width: 8; height: 1; border: none; padding: 0; background: $panel; }
        & FilterInput:focus { border: none; background-tint: transparent; }
        & #filter-counts { width: auto; max-width: 50%; height: 1; padding: 0 1; color: $foreground 70%; }
        & #filter-error { display: none; width: 1fr; height: auto; max-height: 3; padding: 0 1; color: $error; }
        &.-wrong #filter-error { display: block; }
        &.-wrong #filter-counts { display: none; }
    }
    """

    class Judged(Message):
        """The lists are to show `wanted`, or with None what they show already. `wrong`: it is not what is typed,
        because that is wrong."""

        def __init__(self, wanted: Filter | None, *, wrong: bool) -> None:
            super().__init__()
            self.wanted = wanted
            self.wrong = wrong

    class Left(Message):
        """The user is done with the line."""

    def __init__(self, read: Callable[[str, bool], Typed]) -> None:
        super().__init__()
        self._read = read
        self._before = Filter()
        self._settling: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(" / ", classes="filter-line--sign")
            field = FilterInput(select_on_focus=False, compact=True, id="filter-input", placeholder=_EXAMPLE)
            field.cursor_blink = False
            yield field
            yield Static(id="filter-counts", markup=False)
        yield Static(id="filter-error", markup=False)

    @property
    def input(self) -> FilterInput:
        return self.query_one(FilterInput)

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    @property
    def wrong(self) -> bool:
        """Whether it says that something is wrong with what is typed."""
        return self.has_class("-wrong")

    def open(self, wanted: Filter) -> None:
        """Appear with the filter that the lists show now, ready for typing."""
        self._before = wanted
        self.add_class("-open")
        with self.input.prevent(Input.Changed):
            self.input.value = wanted.text
        self.input.cursor_position = len(wanted.text)
        self.screen.set_focus(self.input)

    def leave(self) -> None:
        """Disappear. What is typed stays the filter; where it is wrong, the one from before comes back."""
        self._close(self._typed().whole or self._before)

    def say(self, counts: str) -> None:
        """Show how many match."""
        self.query_one("#filter-counts", Static).update(Content(counts))

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if self.is_open:
            self._judge()

    @on(FilterInput.Kept)
    def _keep(self, message: FilterInput.Kept) -> None:
        message.stop()
        if self.is_open and self._judge(settled=True):
            self.post_message(self.Left())

    @on(FilterInput.GivenUp)
    def _give_up(self, message: FilterInput.GivenUp) -> None:
        message.stop()
        if self.is_open:
            self._close(self._before if self._typed().whole is None else Filter())
            self.post_message(self.Left())

    def _judge(self, *, settled: bool = False) -> bool:
        """Have the lists show what can be shown of what is typed, and say what is wrong with it: at once if it is
        `settled` or was wrong before, else once the user pauses. Returns whether all of it is right."""
        self._wait(None)
        typed = self._typed()
        wanted = typed.whole if settled and typed.whole is not None else typed.finished
        error = typed.error if settled or self.wrong or wanted is None else None
        if typed.unfinished and not settled and error is None:
            self._wait(self.set_timer(_SETTLED, partial(self._judge, settled=True)))
        self._tell(error)
        self.post_message(self.Judged(wanted, wrong=error is not None))
        return typed.whole is not None

    def _typed(self) -> Typed:
        field = self.input
        return self._read(field.value, field.cursor_position == len(field.value))

    def _tell(self, error: FilterError | None) -> None:
        self.set_class(error is not None, "-wrong")
        if error is not None:
            words = safe(f"✗ {error.expected} · {error.word}")
            self.query_one("#filter-error", Static).update(Content(words))

    def _wait(self, timer: Timer | None) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = timer

    def _close(self, wanted: Filter) -> None:
        self._wait(None)
        self.remove_class("-open", "-wrong")
        self.post_message(self.Judged(wanted, wrong=False))
