"""How far a file has been written, giving it up, and how it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend.archive import CacheError
from backend.client import RemoteError
from backend.text import counted, safe
from tui.access import NoAccess
from tui.format import count
from tui.keys import Place, bindings, labelled
from tui.screens.dialog import is_small
from tui.widgets.key_line import KeyLine, tell

Tell = Callable[[int, int | None], None]
"""Told from any thread how much is written, and of how much, where that is known."""

Write = Callable[[Tell], Awaitable[str]]
"""Writes a file, and returns in words what was written. Cancelled, it leaves nothing behind. Raises OSError,
CacheError, RemoteError or NoAccess."""

_BAR = 40
_LOOK_EVERY = 0.1


class ProgressScreen(ModalScreen[None]):
    """Writes a file while it is shown, and says how that went and where the file is.

    Args:
        place: the file, in words.
        noun: what is written, in the singular.
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
    ProgressScreen.-small > Vertical { width: 100%; max-width: 100%; max-height: 100%; border: none; }
    ProgressScreen.-small KeyLine { dock: bottom; margin: 0; }
    """

    def __init__(self, place: str, noun: str, write: Write) -> None:
        super().__init__()
        self._place = place
        self._noun = noun
        self._total: int | None = None
        self._write = write
        self._written = 0
        self._ended = False

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(" Writing a file ")
            yield Static(markup=False)
            yield KeyLine()

    def on_mount(self) -> None:
        self._show()
        self._show_keys()
        self.set_interval(_LOOK_EVERY, self._show)
        self.run_worker(self._run())

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(is_small(event.size), "-small")

    def _show_keys(self) -> None:
        # the same key in the same place, whenever the file is there
        keys = [key for key in labelled(Place.PROGRESS) if key.action == "give_up"]
        self.query_one(KeyLine).show(replace(key, label="back") if self._ended else key for key in keys)

    async def _run(self) -> None:
        try:
            written = await self._write(self._tell)
        except FileExistsError as error:
            self._end(f"✗ Not written: {error}")
        except OSError as error:
            self._end(f"✗ Not written: {self._place}: {error.strerror or error}")
        except (CacheError, RemoteError, NoAccess) as error:
            self._end(f"✗ Not written: {error}")
        else:
            self._end(f"✓ Wrote {written} to", self._place)

    def _tell(self, written: int, total: int | None) -> None:
        self._written, self._total = written, total

    def _show(self) -> None:
        if self._ended:
            return
        words = counted(self._written, self._noun)
        lines = [safe(self._place)]
        if self._total:
            share = min(1.0, self._written / self._total)
            words = f"{count(self._written)} of {counted(self._total, self._noun)} · {share:.0%}"
            full = int(share * _BAR)
            lines.append("━" * full + "╌" * (_BAR - full))
        self.query_one(Static).update(Content("\n".join([*lines, words])))

    def _end(self, *lines: str) -> None:
        self._ended = True
        self.query_one(Static).update(Content("\n".join(map(safe, lines))))
        self._show_keys()

    def action_close(self) -> None:
        if self._ended:
            self.dismiss()

    def action_give_up(self) -> None:
        if not self._ended:
            self.workers.cancel_node(self)
            tell(self.app, "Given up; no file was written")
        self.dismiss()

    @on(KeyLine.Pressed)
    async def _key_clicked(self, message: KeyLine.Pressed) -> None:
        await self.run_action(message.key.action)
