"""A question that is answered with one line of text, at the foot of the screen: the lists stay in sight."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui.keys import Place, bindings


class AskScreen(ModalScreen[str | None]):
    """Asks for one line.

    Args:
        question: what is asked, in a word or two.
        examples: what answers look like.
        check: says what is wrong with an answer; no words: nothing.
        answer: what stands there at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.ASK)]
    DEFAULT_CSS = """
    AskScreen { align: left bottom; background: transparent; }
    AskScreen > Vertical { height: auto; width: 1fr; background: $panel; color: $foreground; }
    AskScreen Horizontal { height: 1; }
    AskScreen Label { width: auto; padding: 0 1; color: $accent; text-style: bold; }
    AskScreen Input { width: 1fr; height: 1; border: none; padding: 0; background: $panel; }
    AskScreen Input:focus { border: none; background-tint: transparent; }
    AskScreen #hint { height: auto; max-height: 3; padding: 0 1; color: $foreground 60%; }
    AskScreen #hint.-wrong { color: $error; }
    """

    def __init__(self, question: str, examples: str, check: Callable[[str], str], *, answer: str = "") -> None:
        super().__init__()
        self._question = question
        self._examples = examples
        self._check = check
        self._answer = answer

    def compose(self) -> ComposeResult:
        with Vertical():
            with Horizontal():
                yield Label(self._question, markup=False)
                field = Input(self._answer, select_on_focus=False, compact=True)
                field.cursor_blink = False
                yield field
            yield Static(Content(self._examples), id="hint", markup=False)

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        self._say(self._examples, wrong=False)

    def action_answer(self) -> None:
        """Take the answer once what was typed before has arrived in it."""
        self.query_one(Input).call_later(self._take)

    def _take(self) -> None:
        """Take the answer, or say what is wrong with it."""
        if not self.is_current:
            return
        answer = self.query_one(Input).value.strip()
        wrong = self._check(answer)
        if wrong:
            self._say(f"✗ {wrong}", wrong=True)
        else:
            self.dismiss(answer)

    def _say(self, words: str, *, wrong: bool) -> None:
        hint = self.query_one("#hint", Static)
        hint.set_class(wrong, "-wrong")
        hint.update(Content(words))
