"""A question that is answered with one line of text, at the foot of the screen: the lists stay in sight."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui.keys import Place, bindings
from tui.widgets.text_input import TextInput
from tui.widgets.words import Words


class AskScreen(ModalScreen[str | None]):
    """Asks for one line.

    Args:
        question: what is asked, in a word or two.
        examples: what answers look like.
        check: says what is wrong with an answer; no words: nothing.
        answer: what stands there at first.
        replaced: whether what is typed takes its place; else it is added to.
        typed: told what stands there whenever that changes.
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

    def __init__(
        self,
        question: str,
        examples: str,
        check: Callable[[str], str],
        *,
        answer: str = "",
        replaced: bool = False,
        typed: Callable[[str], None] = lambda answer: None,
    ) -> None:
        super().__init__()
        self._question = question
        self._examples = examples
        self._check = check
        self._answer = answer
        self._replaced = replaced
        self._tell_typed = typed
        self._refused: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical():
            with Horizontal():
                yield Label(self._question, markup=False)
                field = TextInput(self._answer, select_on_focus=self._replaced, compact=True)
                field.cursor_blink = False
                yield field
            yield Words((self._examples, ""), id="hint")

    def explain(self, examples: str) -> None:
        """Say from now on what answers look like."""
        before, self._examples = self._examples, examples
        for hint in self.query("#hint").results(Words):
            if not hint.has_class("-wrong") and before != examples:
                self._say(examples, wrong=False)

    def on_mount(self) -> None:
        # at once: the next key is for it
        self.set_focus(self.query_one(TextInput))

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        # told late of what has been judged or left already, where keys come in one piece
        answer = self.query_one(Input).value
        if answer != self._refused:
            self._say(self._examples, wrong=False)
        if self.is_current:
            self._tell_typed(answer)

    async def action_answer(self) -> None:
        """Take the answer, or say what is wrong with it."""
        await self.query_one(TextInput).all_typed()
        if not self.is_current:
            return
        answer = self.query_one(Input).value.strip()
        wrong = self._check(answer)
        if wrong:
            self._refused = self.query_one(Input).value
            self._say(f"✗ {wrong}", wrong=True)
        else:
            self.dismiss(answer)

    def _say(self, words: str, *, wrong: bool) -> None:
        hint = self.query_one("#hint", Words)
        hint.set_class(wrong, "-wrong")
        hint.say((words, ""))
