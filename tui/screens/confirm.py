"""The question before something is done that cannot be taken back."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from backend.text import safe
from tui.keys import Place, bindings, cap, cap_of, labelled
from tui.screens.dialog import is_small
from tui.widgets.key_line import KeyLine
from tui.widgets.words import Words


class ConfirmScreen(ModalScreen[bool]):
    """Asks whether to. Only the keys for yes and no answer; of any other it is told that it does not.

    Args:
        question: what would be done.
        lines: to what; they need not be safe to print.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.CONFIRM)]
    DEFAULT_CSS = """
    ConfirmScreen { align: center middle; background: $background 60%; }
    ConfirmScreen > Vertical {
        width: 72; max-width: 96%; height: auto; max-height: 80%;
        background: $surface; border: round $warning; padding: 0 1;
    }
    ConfirmScreen KeyLine { background: $surface; margin: 1 0 0 0; }
    ConfirmScreen.-small > Vertical { width: 100%; max-width: 100%; max-height: 100%; border: none; }
    ConfirmScreen.-small KeyLine { dock: bottom; margin: 0; }
    """

    def __init__(self, question: str, *lines: str) -> None:
        super().__init__()
        self._question = question
        self._lines = lines
        self._withdrawn = ""

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(f" {self._question} ")
            yield Words()
            line = KeyLine()
            line.show(labelled(Place.CONFIRM))
            yield line

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(is_small(event.size), "-small")
        self._show()

    def _show(self) -> None:
        small = self.has_class("-small")
        # without a frame there is no title
        lines = [*([self._question] if small else []), *self._lines]
        words = [(safe(line), "") for line in lines]
        gap = [] if small else [("", "")]
        if self._withdrawn:
            words += [*gap, (safe(self._withdrawn), "bold $warning")]
        elif not small:
            words += [*gap, (f"{cap_of('yes')} does it; {cap('enter')} does nothing", "$foreground 60%")]
        self.query_one(Words).say(*words)

    def withdraw(self, why: str) -> None:
        """Nothing is left to be done. It stays until the next key, which may be the answer already and must not
        mean what it means below."""
        self._withdrawn = why
        self._show()
        self.query_one(KeyLine).tell("Any key closes this")

    def on_key(self, event: events.Key) -> None:
        """A key that is no answer."""
        if self._withdrawn:
            self.dismiss(False)
            return
        written = event.character if event.is_printable and event.character else cap(event.key)
        answers = f"{cap_of('yes')} for yes, {cap_of('no')} for no"
        self.query_one(KeyLine).tell(f"{written} is no answer: {answers}")

    def action_confirm(self) -> None:
        self.dismiss(not self._withdrawn)

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.run_action(message.key.action)
