"""What there is to see before any remote is configured: the two ways on. It goes by itself once there is one."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from backend.text import safe
from tui.keys import Place, bindings, cap_of
from tui.screens.keyed import KeyedScreen
from tui.widgets.lines import PaneTitle

_DIM = "$foreground 60%"


class WelcomeScreen(KeyedScreen[None]):
    """How to begin.

    Args:
        file: where the configuration is expected.
        options: what the command's line needs so that it is found there.

    Attributes:
        demo_wanted: whether the user left for the demo.
        command: what adds a remote.
    """

    PLACES = (Place.START,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.START)]
    DEFAULT_CSS = """
    WelcomeScreen { background: $background; }
    WelcomeScreen VerticalScroll { height: 1fr; scrollbar-size-vertical: 1; }
    WelcomeScreen Static { height: auto; padding: 1 2; }
    """

    def __init__(self, file: Path, options: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.demo_wanted = False
        self._file = file
        self.command = shlex.join(["remote-tasks", *options, "remotes", "add"]) + " NAME"
        self._trouble = ""
        self._title = PaneTitle()
        self._text = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self._title
        with VerticalScroll():
            yield self._text
        yield self.key_line

    def on_mount(self) -> None:
        self._title.heading = "remote-tasks"
        self._title.active = True
        self.key_line.show(self.keys())
        self._show()

    def help_places(self) -> Sequence[Place]:
        return self.PLACES

    def say(self, trouble: str) -> None:
        """Say what is wrong with the configuration, if there is one; no words: nothing is."""
        self._trouble = trouble if self._file.exists() else ""
        self._show()

    def _show(self) -> None:
        self._text.update(self._content())

    def _content(self) -> Content:
        lines = [
            Content.styled("No remote is configured yet", "bold"),
            Content.styled(f"The configuration is expected in {safe(str(self._file))}", _DIM),
            Content(""),
        ]
        if self._trouble:
            lines += [Content.styled(f"✗ {safe(self._trouble)}", "$error"), Content("")]
        lines += [
            Content("Add a cluster or a Backup Server of yours, from another terminal:"),
            Content.styled(f"    {safe(self.command)}", "bold $accent"),
            Content("This dashboard goes on by itself as soon as it is there."),
            Content(""),
            Content.assemble(
                "Or look around on a simulated fleet, with nothing to configure and nothing left behind: press ",
                (cap_of("demo"), "bold $accent"),
                ", or run",
            ),
            Content.styled("    remote-tasks --demo", "bold $accent"),
        ]
        return Content("\n").join(lines)

    def action_demo(self) -> None:
        """Leave, for the demo."""
        self.demo_wanted = True
        self.app.exit()
