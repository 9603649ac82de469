"""How far a file has been written, and giving it up."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend.archive import CacheError
from backend.client import RemoteError
from backend.text import safe
from tui.access import NoAccess
from tui.format import count
from tui.keys import Place, bindings, labelled
from tui.widgets.lines import KeyLine

Tell = Callable[[int, int | None], None]
"""Told from any thread how much is written, and of how much, where that is known."""

Write = Callable[[Tell], Awaitable[int]]
"""Writes a file, and returns how much was written. Cancelled, it leaves nothing behind. Raises OSError,
CacheError, RemoteError or NoAccess."""

_BAR = 40
_LOOK_EVERY = 0.1


class ProgressScreen(ModalScreen[None]):
    """Writes a file while it is shown, says how that went, and goes.

    Args:
        place: the file, in words.
        noun: what is written, in the plural.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.PROGRESS)]
    DEFAULT_CSS = """
    ProgressScreen { align: center middle; background: $background 60%; }
    ProgressScreen > Vertical {
        width: 72; max-width: 96%; height: auto; max-height: 80%;
        background: $surface; border: round $accent 60%; padding: 0 1;
    }
    ProgressScreen Static { height: auto; }
    ProgressScreen KeyLine { background: $surface; margin: 1 0 0 0; }
    """

    def __init__(self, place: str, noun: str, write: Write) -> None:
        super().__init__()
        self._place = place
        self._noun = noun
        self._total: int | None = None
        self._write = write
        self._written = 0

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(" Writing a file ")
            yield Static(markup=False)
            line = KeyLine()
            line.show(labelled(Place.PROGRESS))
            yield line

    def on_mount(self) -> None:
        self._show()
        self.set_interval(_LOOK_EVERY, self._show)
        self.run_worker(self._run())

    async def _run(self) -> None:
        try:
            number = await self._write(self._tell)
        except FileExistsError as error:
            self._end(f"Not written: {safe(str(error))}", failed=True)
        except OSError as error:
            self._end(f"Not written: {safe(f'{self._place}: {error.strerror or error}')}", failed=True)
        except (CacheError, RemoteError, NoAccess) as error:
            self._end(f"Not written: {safe(str(error))}", failed=True)
        else:
            self._end(f"Wrote {count(number)} {self._noun} to {safe(self._place)}")

    def _tell(self, written: int, total: int | None) -> None:
        self._written, self._total = written, total

    def _show(self) -> None:
        words = f"{count(self._written)} {self._noun}"
        lines = [safe(self._place)]
        if self._total:
            share = min(1.0, self._written / self._total)
            words = f"{count(self._written)} of {count(self._total)} {self._noun} · {share:.0%}"
            full = int(share * _BAR)
            lines.append("━" * full + "╌" * (_BAR - full))
        self.query_one(Static).update(Content("\n".join([*lines, words])))

    def _end(self, words: str, *, failed: bool = False) -> None:
        self.app.notify(words, severity="error" if failed else "information", markup=False, timeout=8)
        self.dismiss()

    def action_give_up(self) -> None:
        self.workers.cancel_node(self)
        self.app.notify("Given up; no file was written", markup=False, timeout=3)
        self.dismiss()

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.run_action(message.key.action)
