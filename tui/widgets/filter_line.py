"""The line a filter is typed into, with its counts beside it, and below how it can go on or what is wrong with it.
It decides when what is typed is taken at its word."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Label, Static

from backend.query import Filter, FilterError
from backend.text import safe
from tui.completion import Completing, Completion, one_day
from tui.typed import Typed
from tui.widgets.filter_input import FilterInput

_SETTLED = 0.6
"""After how long (seconds) without a key a term that could still become something else is taken as it stands."""


class FilterLine(Vertical):
    """Shown while a filter is being typed.

    Args:
        read: makes something of a text, told where the cursor is in it.
        period: the words for when a filter's tasks started; none where it leaves that open.
        complete: how a text can go on at its end, the likeliest way first.
        earlier: the filters of before, the last one first.
        informed: returns once it is known what a text can go on with.
        judged: told what filter the lists are to show, with None what they show already; and whether what is typed
            is wrong, and therefore not that filter.
        left: told that the user is done with the line, and whether the filter stays.
        saved: told that what is typed, a filter that has been judged right, is to be saved.
    """

    DEFAULT_CSS = """
    FilterLine {
        height: auto; width: 1fr; display: none; background: $panel; color: $foreground;
        &.-open { display: block; }
        & > Horizontal { height: 1; }
        & .filter-line--sign { width: 3; color: $accent; text-style: bold; }
        & FilterInput { width: 1fr; min-width: 8; height: 1; border: none; padding: 0; background: $panel; }
        & FilterInput:focus { border: none; background-tint: transparent; }
        & #filter-counts {
            width: 24; max-width: 50%; height: 1; padding: 0 1; color: $foreground 70%; text-align: right;
        }
        & #filter-error { display: none; width: 1fr; height: auto; max-height: 3; padding: 0 1; color: $error; }
        & #filter-meaning {
            display: none; width: 1fr; height: auto; max-height: 8; padding: 0 1 0 3; color: $foreground 70%;
        }
        &.-explained #filter-meaning { display: block; }
        & #filter-hint {
            width: 1fr; height: 1; padding: 0 1 0 3; color: $foreground 70%;
            text-wrap: nowrap; text-overflow: ellipsis;
        }
        &.-wrong #filter-error { display: block; }
        &.-wrong #filter-hint, &.-wrong #filter-meaning { display: none; }
        &.-wrong #filter-counts { display: none; }
    }
    """

    def __init__(
        self,
        read: Callable[[str, int], Typed],
        period: Callable[[Filter], str],
        complete: Callable[[str], Sequence[Completion]],
        earlier: Callable[[], Sequence[str]],
        *,
        informed: Callable[[], Awaitable[None]],
        judged: Callable[[Filter | None, bool], None],
        left: Callable[[bool], None],
        saved: Callable[[], None],
    ) -> None:
        super().__init__()
        self._read = read
        self._period = period
        self._earlier = earlier
        self._informed = informed
        self._judged = judged
        self._left = left
        self._saved = saved
        self._completing = Completing(complete)
        self._recalled = 0
        self._draft = ""
        self._before = Filter()
        self._settling: Timer | None = None
        # what is asked of it may come before it is composed
        self.input = FilterInput(self, complete)
        self._counts = Static(id="filter-counts", markup=False)
        self._error = Static(id="filter-error", markup=False)
        self._meaning = Static(id="filter-meaning", markup=False)
        self._explained = ""
        self._hint = Static(id="filter-hint", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Label(" / ", classes="filter-line--sign")
            yield self.input
            yield self._counts
        yield self._error
        yield self._meaning
        yield self._hint

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
        self._completing.begin()
        self.add_class("-open")
        # behind a space: what is typed is a term of its own
        text = f"{wanted.text} " if wanted.text else ""
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)
        self._recalled = 0
        typed = self.typed()
        self.show_completions(typed)
        self._explain(typed)
        self.screen.set_focus(self.input)

    def leave(self) -> None:
        """Disappear. What is typed stays the filter; where it is wrong, the one from before comes back."""
        whole = self.typed().whole
        self._close(self._before if whole is None else whole)

    def say(self, counts: str) -> None:
        """Show how many match."""
        self._counts.update(Content(counts), layout=False)

    def typed(self) -> Typed:
        """What to make of what is typed so far."""
        return self._read(self.input.value, self.input.cursor_position)

    def show_completions(self, typed: Typed) -> None:
        """Name the ways in which what is typed can go on; or, where there are none, what is expected."""
        text, completing = self.input.value, self._completing
        parts = [Content(safe(completion.word)) for completion in completing.offers(text)]
        if not parts and typed.error is not None:
            parts = [Content(safe(typed.error.expected))]
        elif parts and completing.has_asked(text):
            parts.insert(0, Content.styled("once more:", "bold $accent"))
        elif parts and completing.marks_first(text):
            parts[0] = parts[0].stylize("bold $accent")
        day = one_day(text)
        if day:
            parts.append(Content(safe(f"one day: {day}")))
        self._hint.update(Content("  ").join(parts), layout=False)

    def on_resize(self) -> None:
        # how much of a filter fits is known only now
        if self.is_open:
            self._explain(self.typed())

    def _explain(self, typed: Typed) -> None:
        """Show when a filter's tasks started, and all of it where it is longer than the line."""
        wanted = typed.whole if typed.whole is not None else typed.finished
        text = self.input.value
        # a cell of the input is the cursor's
        whole = safe(text) if cell_len(text) >= self.input.size.width > 0 else ""
        if whole:
            self.input.show_cursor()
        period = "" if wanted is None else self._period(wanted)
        explained = "\n".join(filter(None, (period, whole)))
        if explained != self._explained:
            self._explained = explained
            self.set_class(bool(explained), "-explained")
            self._meaning.update(Content(explained))

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if self.is_open:
            typed = self.typed()
            self.show_completions(typed)
            self._explain(typed)
            self._judge(typed)

    async def go_on(self) -> None:
        """Have what is typed go on as is proposed."""
        await self._informed()
        field = self.input
        if field.cursor_position != len(field.value):
            return
        text = self._completing.go_on(field.value)
        if text is None:
            self.show_completions(self.typed())
        else:
            self._put(text)

    def recall(self, step: int) -> None:
        """Go through the filters of before; what was being typed is the last of them."""
        earlier = self._earlier()
        if self._recalled == 0:
            self._draft = self.input.value
        self._recalled = max(0, min(len(earlier), self._recalled + step))
        self._put(safe(earlier[self._recalled - 1]) if self._recalled else self._draft)

    def _put(self, text: str) -> None:
        self.input.value = text
        self.input.cursor_position = len(text)

    def keep(self) -> None:
        """Keep the filter and leave, unless it is wrong."""
        if self.is_open and self._judge(self.typed(), done=True):
            self._shut()
            self._left(True)

    def save(self) -> None:
        """Have the filter saved, unless it is wrong, and stay."""
        if self.is_open and self._judge(self.typed(), done=True):
            self._saved()

    def give_up(self) -> None:
        """Leave with the filter from before."""
        if self.is_open:
            self._close(self._before)
            self._left(False)

    def _judge(self, typed: Typed, *, paused: bool = False, done: bool = False) -> bool:
        """Have the lists show what can be shown of what is typed, and say what is wrong with it. The term at the
        cursor, which may be in the making, is shown once the user has paused, and what is wrong with it is said
        once the user is done. Returns whether all of it is right."""
        self._wait(None)
        wanted = typed.whole if (paused or done) and typed.whole is not None else typed.finished
        error = typed.error if done or wanted is None else None
        if typed.unfinished and typed.whole is not None and not (paused or done):
            self._wait(self.set_timer(_SETTLED, partial(self._judge, typed, paused=True)))
        self._tell(error)
        self._judged(wanted, error is not None)
        return typed.whole is not None

    def _tell(self, error: FilterError | None) -> None:
        self.set_class(error is not None, "-wrong")
        if error is not None:
            words = safe(f"✗ {error.expected} · {error.word}")
            self._error.update(Content(words))

    def _wait(self, timer: Timer | None) -> None:
        if self._settling is not None:
            self._settling.stop()
        self._settling = timer

    def _shut(self) -> None:
        self._wait(None)
        self.remove_class("-open", "-wrong")

    def _close(self, wanted: Filter) -> None:
        self._shut()
        self._judged(wanted, False)
