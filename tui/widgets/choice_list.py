"""A list of lines to choose from: what popups show. What choosing means is their matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.format import fit


class State(StrEnum):
    """How a line is chosen; the value is its sign."""

    NOT = " "
    WITH = "+"
    WITHOUT = "-"


@dataclass(frozen=True, slots=True)
class Choice:
    """A line: its words, what they mean, a note at its end, and what of the note is about errors. None of it need
    be safe."""

    words: str
    note: str = ""
    errors: str = ""
    state: State = State.NOT
    meaning: str = ""

    def has(self, words: str) -> bool:
        """Whether it holds all of these words, in whatever order and case."""
        text = f"{self.words} {self.meaning}".lower()
        return all(word in text for word in words.lower().split())

    def begins_with(self, words: str) -> bool:
        """Whether that is what it begins with."""
        return self.words.lower().startswith(words.lower())


class ChoiceList(Widget):
    """Lines with a cursor, of which as many are seen as have room."""

    DEFAULT_CSS = """
    ChoiceList { height: auto; width: 1fr; background: $surface; color: $foreground; }
    """

    class Clicked(Message):
        """The user clicked on the line under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[Choice] = ()
        self.cursor = 0
        self._top = 0
        self._words = ""
        self._words_width = 0
        self._note = 0
        self._errors = 0

    def show(self, lines: Sequence[Choice], *, cursor: int = 0) -> None:
        """Take other lines."""
        higher = len(lines) != len(self.lines)
        self.lines = lines
        self._words_width = max((cell_len(line.words) for line in lines if line.meaning), default=0)
        self._note = max((cell_len(line.note) for line in lines), default=0)
        self._errors = max((cell_len(line.errors) for line in lines), default=0)
        self.move_to(cursor)
        self.refresh(layout=higher)

    def explain(self, words: str) -> None:
        """Say why there are no lines."""
        self._words = words
        self.refresh(layout=True)

    def move_to(self, number: int) -> None:
        """Put the cursor on a line."""
        self.cursor = max(0, min(number, len(self.lines) - 1))
        self._top = max(self.cursor - max(1, self.size.height) + 1, min(self._top, self.cursor))
        self.refresh()

    def on_resize(self) -> None:
        self.move_to(self.cursor)

    def on_click(self, event: events.Click) -> None:
        number = self._top + event.y
        if number < len(self.lines):
            self.move_to(number)
            self.post_message(self.Clicked())

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return max(1, len(self.lines))

    def render(self) -> Content:
        if not self.lines:
            return Content.styled(fit(self._words, self.size.width), "$foreground 60%")
        seen = self.lines[self._top : self._top + self.size.height]
        return Content("\n").join([self._line(choice, self._top + number) for number, choice in enumerate(seen)])

    def _line(self, choice: Choice, number: int) -> Content:
        room = max(8, self.size.width - self._note - self._errors - 5)
        words = fit(choice.words, min(room, self._words_width)) if choice.meaning else choice.words
        meaning = fit(f"  {choice.meaning}", max(0, room - cell_len(words))) if choice.meaning else ""
        line = Content.assemble(
            (f" {choice.state} ", "bold $accent"),
            fit(words, room - cell_len(meaning)),
            (meaning, "$foreground 60%"),
            (f" {fit(choice.note, self._note, right=True)} ", "$foreground 60%"),
            (fit(choice.errors, self._errors, right=True), "$error"),
        )
        line = line.pad_right(max(0, self.size.width - line.cell_length))
        if number != self.cursor:
            return line
        return line.stylize("reverse" if self.app.no_color else "on $accent 35%")
