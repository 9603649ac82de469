"""What the dashboard's dialogs have in common: a titled, scrolling text over the lists, left with Escape."""

from collections.abc import Iterable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Static

from tui.keys import Key, Place, bindings, labelled

_LEAST_WIDTH = 40
_LEAST_HEIGHT = 10
"""The smallest screen (cells, lines) with room for a frame."""


def is_small(size: Size) -> bool:
    """Whether a frame would take what little room a screen has."""
    return size.width < _LEAST_WIDTH or size.height < _LEAST_HEIGHT


class _Text(VerticalScroll, inherit_bindings=False):
    """Scrolls by the dialog's keys: its own act after the next frame, and of several in one only one counts."""


class Dialog(ModalScreen[None]):
    """A text in a frame. What stands in it is the subclasses' matter."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.DIALOG)]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > Vertical {
        width: 100; max-width: 96%; height: auto; max-height: 90%;
        background: $surface; border: round $accent 60%; padding: 0 1;
    }
    Dialog VerticalScroll {
        height: auto; max-height: 100%; background: $surface;
        scrollbar-gutter: stable; scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 25%; scrollbar-background: $surface;
        scrollbar-color-hover: $accent; scrollbar-background-hover: $surface;
        scrollbar-color-active: $accent; scrollbar-background-active: $surface;
    }
    Dialog VerticalScroll:focus { background-tint: transparent; }
    Dialog Static { height: auto; }
    Dialog.-small > Vertical { width: 100%; max-width: 100%; max-height: 100%; border: none; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def keys(self) -> Iterable[Key]:
        """The keys that the frame names: to scroll, where not all of the text is in view."""
        scrolls = self._text.show_vertical_scrollbar
        return (key for key in labelled(Place.DIALOG) if scrolls or key.action != "page_down")

    def show_keys(self, keys: Iterable[Key]) -> None:
        """Name these keys in the frame; each can be clicked."""
        named = [
            Content.styled(f" {key.cap} {key.label} ", Style.from_meta({"@click": f"screen.{key.action}"}))
            for key in keys
        ]
        self._frame.border_subtitle = Content("·").join(named)

    def content(self, width: int) -> Content:
        """The dialog's text, in `width` cells."""
        raise NotImplementedError

    def head(self) -> ComposeResult:
        """What stands above the text."""
        yield from ()

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title = Content(f" {self._title} ")
            yield from self.head()
            with _Text():
                yield Static(markup=False)
            self._frame = frame

    def on_mount(self) -> None:
        self.watch(self._text, "show_vertical_scrollbar", lambda: self.show_keys(self.keys()))

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(is_small(event.size), "-small")
        self.call_after_refresh(self.show_content)

    def show_content(self) -> None:
        """Bring the text up to date."""
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one(Static).update(self.content(max(10, width)))

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen  # which is a dialog itself

        self.app.push_screen(HelpScreen((Place.DIALOG,)))

    def action_scroll_down(self) -> None:
        self._scroll(1)

    def action_scroll_up(self) -> None:
        self._scroll(-1)

    def action_page_down(self) -> None:
        self._scroll(self._text.scrollable_content_region.height)

    def action_page_up(self) -> None:
        self._scroll(-self._text.scrollable_content_region.height)

    def action_scroll_home(self) -> None:
        self._text.scroll_home(animate=False, immediate=True)

    def action_scroll_end(self) -> None:
        self._text.scroll_end(animate=False, immediate=True)

    def _scroll(self, lines: int) -> None:
        self._text.scroll_relative(y=lines, animate=False, immediate=True)

    @property
    def _text(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)
