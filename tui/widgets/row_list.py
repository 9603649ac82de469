"""The one widget that all lists are: any number of rows and a cursor, with keyboard and mouse, painted line by
line from what its owner draws."""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.format import fit
from tui.keys import Place, bindings
from tui.row import Tone
from tui.widgets.row_scroll import RowScrollView, in_colour

MATCH = "match"
"""The style of what was searched for."""

Drawn = Sequence[tuple[str, str]]
"""A row: texts that are safe to print, each with the name of its style, a Tone or MATCH."""

Draw = Callable[[int, int], Drawn]
"""Draws the row at a position, for a width in cells. It may be longer than that."""

_STRIPS = 400


class _View(NamedTuple):
    """How the lines of one repaint are painted: from which row on, how wide a line and what its owner draws of it
    are (cells), and the style of the row under the cursor."""

    top: int
    width: int
    row_width: int
    cursor: str


class RowList(RowScrollView, can_focus=True, inherit_bindings=False):
    """Rows by position. Its owner says with `show` how many there are, and draws those in view. What is drawn is
    kept until the next `show` or `reload`, but for the row under the cursor."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.ROWS)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"row-list--{name}" for name in (*Tone, MATCH, "cursor", "idle-cursor")
    }
    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-color: $foreground 25%;
        scrollbar-background: $background;
        scrollbar-color-hover: $accent;
        scrollbar-color-active: $accent;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        background: $background;
        color: $foreground;

        & > .row-list--text { color: $foreground; }
        & > .row-list--dim { color: $foreground 60%; }
        & > .row-list--running { color: $accent; }
        & > .row-list--ok { color: $success; }
        & > .row-list--warning { color: $warning; }
        & > .row-list--error { color: $error; }
        & > .row-list--unknown { color: $foreground 75%; text-style: bold; }
        & > .row-list--match { color: $background; background: $warning; }
        & > .row-list--cursor { background: $accent 35%; }
        & > .row-list--idle-cursor { background: $foreground 10%; }

        &:nocolor > .row-list--cursor { background: $background; text-style: reverse; }
        &:nocolor > .row-list--idle-cursor { background: $background; text-style: underline; }
        &:nocolor > .row-list--match { background: $background; text-style: bold underline; }
        &:ansi > .row-list--cursor { background: ansi_default; text-style: reverse; }
        &:ansi > .row-list--idle-cursor { background: ansi_default; text-style: underline; }
        &:ansi > .row-list--match { background: ansi_default; text-style: bold underline; }
    }
    """

    class Moved(Message):
        """The cursor or the view has moved."""

        def __init__(self, row_list: "RowList") -> None:
            super().__init__()
            self.row_list = row_list

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, RowList.Moved) and message.row_list is self.row_list

    class Opened(Message):
        """The user wants what the row under the cursor stands for."""

    def __init__(self, draw: Draw, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._length = 0
        self._cursor = 0
        self._shift = 0
        self._words = ""
        self._page_rows = 1
        self._cursor_in_view = True
        self._strips: LRUCache[tuple[int, bool], Strip] = LRUCache(_STRIPS)
        self._styles: dict[tuple[str, str], Style] = {}

    def __len__(self) -> int:
        """How many rows there are."""
        return self._length

    @property
    def cursor(self) -> int:
        """The position of the row under the cursor; 0 where there are no rows."""
        return self._cursor

    @property
    def cursor_in_view(self) -> bool:
        """Whether the row under the cursor is one of those in view."""
        return self.top <= self._cursor < self.top + self.page_rows

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last row, and that in view."""
        return self._cursor >= self._length - 1 and self._length <= self.top + self.page_rows

    def show(self, length: int, *, cursor: int | None = None, top: int | None = None) -> None:
        """Show so many rows, drawn anew, with the cursor on this one, by default where it is; and with the view at
        `top`, by default where the cursor is in it. All as far as the rows reach."""
        self._strips.clear()
        if length != self._length:
            self._length = length
            self._reach(length)
        wish = self._cursor if cursor is None else cursor
        if top is not None:
            self._cursor = self._reached(wish)
            self.scroll_to_row(top)
            self._changed()
        elif cursor is not None or wish != self._reached(wish):
            self.move_to(wish)
        self.refresh()

    def reload(self) -> None:
        """Draw the rows anew: what they say has changed."""
        self._strips.clear()
        self.refresh()

    def explain(self, words: str) -> None:
        """Say why there are no rows; shown only while there are none."""
        if words != self._words:
            self._words = words
            if not self._length:
                self.refresh()

    def move_to(self, position: int) -> None:
        """Put the cursor on a row, and scroll as little as that needs."""
        before, self._cursor = self._cursor, self._reached(position)
        top, page = self.top, self.page_rows
        if self._cursor < top:
            self.scroll_to_row(self._cursor)
        elif self._cursor >= top + page:
            self.scroll_to_row(self._cursor - page + 1)
        self.refresh_line(before)
        self.refresh_line(self._cursor)
        self._changed()

    def jump_to(self, position: int) -> None:
        """Put the cursor on a row; one out of view comes to the upper third of it."""
        if not self.top <= position < self.top + self.page_rows:
            self.scroll_to_row(position - self.page_rows // 3)
        self.move_to(position)

    def recall_cursor(self) -> bool:
        """Have the cursor in view: on the row nearest to where it is, if it is not. Whether it had to move."""
        nearest = max(self.top, min(self._cursor, self.top + self.page_rows - 1))
        moves = nearest != self._cursor
        if moves:
            self.move_to(nearest)
        return moves

    def action_move(self, rows: int) -> None:
        """Go on from the cursor; after the view alone was scrolled, from the view."""
        if not self.recall_cursor():
            self.move_to(self._cursor + rows)

    def action_page(self, pages: int) -> None:
        """The view and the cursor go on together, so that the cursor keeps its place on the screen."""
        self.recall_cursor()
        step = pages * max(1, self.page_rows - 1)
        self.scroll_to_row(self.top + step)
        self.move_to(self._cursor + step)

    def action_top(self) -> None:
        self.scroll_to_row(0)
        self.move_to(0)

    def action_bottom(self) -> None:
        self.move_to(self._length - 1)

    def action_open(self) -> None:
        if self._length:
            self.post_message(self.Opened())

    def shift(self, cells: int) -> None:
        """Show rows from this many cells further on."""
        self._shift = max(0, self._shift + cells)
        self.reload()

    def on_click(self, event: events.Click) -> None:
        position = self.top + event.y
        if position < self._length:
            self.move_to(position)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        was_in_view, self._page_rows = self._cursor_in_view, self.page_rows
        self.reload()
        if was_in_view and self._length:
            self.move_to(self._cursor)
        self._changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._changed()

    def _changed(self) -> None:
        """The cursor or the view has moved, or there are other rows."""
        # while a screen takes another size, its lists are now and then higher than they will be, and so may be
        # moved up: the user has not moved anything
        if self.page_rows == self._page_rows:
            self._cursor_in_view = self.top <= self._cursor < self.top + self._page_rows
        self.post_message(self.Moved(self))

    def _reached(self, position: int) -> int:
        """The row at a position, or the nearest one that there is."""
        return max(0, min(position, self._length - 1))

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh_line(self._cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint without Textual's cache of lines: every scroll would renew all of it, and our own knows rows."""
        # what lay under a scrollbar would have to be cut off again
        width = self.scrollable_content_region.width if self.show_vertical_scrollbar else self.size.width
        # asked for once: Textual works each of them out anew
        view = _View(self.top, width, self.row_width, "cursor" if self.has_focus else "idle-cursor")
        strips = in_colour(self, [self._painted(y, view) for y in crop.line_range])
        first, end = crop.column_span
        if first or end < width:
            strips = [strip.crop(first, end) for strip in strips]
        return strips

    def _painted(self, y: int, view: "_View") -> Strip:
        position = view.top + y
        if position >= self._length:
            words = f"  {self._words}" if y == 0 and not self._length and self._words else ""
            return Strip([Segment(fit(words, view.width), self._style(Tone.DIM, ""))], view.width)
        if position == self._cursor:
            return self._strip(position, view, view.cursor)
        # the row at the top of the view may differ: a task's has the date
        key = (position, y == 0)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip(position, view, "")
        return strip

    def _strip(self, position: int, view: "_View", cursor: str) -> Strip:
        pieces = self._draw(position, view.row_width)
        segments = [Segment(text, self._style(name, cursor)) for text, name in pieces if text]
        end = self._shift + view.width
        length = sum(cell_len(text) for text, *_ in segments)
        if length < end:
            segments.append(Segment(" " * (end - length), self._style(Tone.TEXT, cursor)))
        strip = Strip(segments, max(length, end))
        return strip if strip.cell_length == view.width else strip.crop(self._shift, end)

    def _style(self, name: str, cursor: str) -> Style:
        style = self._styles.get((name, cursor))
        if style is None:
            style = self.get_component_rich_style(f"row-list--{name}")
            if cursor and name != MATCH:
                # the cursor's background and attributes, but the tone's own colour: a status stays told by it
                under = self.get_component_rich_style(f"row-list--{cursor}")
                style += Style(bgcolor=under.bgcolor, reverse=under.reverse, underline=under.underline)
            self._styles[name, cursor] = style
        return style
