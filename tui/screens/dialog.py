"""What the dashboard's dialogs have in common: a titled, scrolling text over the lists, left with Escape."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import Place, bindings, labelled


class Dialog(ModalScreen[None]):
    """A text in a frame. What stands in it is the subclasses' matter."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.DIALOG)]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > Vertical {
        width: 100; max-width: 96%; height: auto; max-height: 90%;
        background: $surface; border: round $accent 60%; padding: 0 1;
    }
    Dialog VerticalScroll {
        height: auto; max-height: 100%; background: $surface;
        scrollbar-size-vertical: 1; scrollbar-color: $foreground 25%; scrollbar-background: $surface;
        scrollbar-color-hover: $accent; scrollbar-background-hover: $surface;
        scrollbar-color-active: $accent; scrollbar-background-active: $surface;
    }
    Dialog VerticalScroll:focus { background-tint: transparent; }
    Dialog Static { height: auto; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def content(self, width: int) -> Content:
        """The dialog's text, in `width` cells."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(f" {self._title} ")
            frame.border_subtitle = Content(
                " · ".join(f" {key.cap} {key.label} " for key in labelled(Place.DIALOG))
            )
            with VerticalScroll():
                yield Static(markup=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_content)

    def show_content(self) -> None:
        """Bring the text up to date."""
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(Static).update(self.content(max(10, width)))

    def action_scroll_down(self) -> None:
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_scroll_up(self) -> None:
        self.query_one(VerticalScroll).scroll_up(animate=False)


def table(rows: list[tuple[str, Content]], width: int) -> Content:
    """Labels and what belongs to them, wrapped beside its label."""
    indent = min(max((len(label) for label, _ in rows), default=0) + 2, max(0, width // 3))
    lines = []
    for label, value in rows:
        for number, line in enumerate(value.wrap(max(1, width - indent)) or [Content("")]):
            name = label[:indent] if number == 0 else ""
            lines.append(Content.styled(name.ljust(indent), "$foreground 60%") + line)
    return Content("\n").join(lines)
