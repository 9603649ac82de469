"""The list of tasks that both panes are: millions of rows, a cursor, the keyboard and the mouse. It paints what
its rows hold in memory and knows nothing of where they come from."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.cache import LRUCache
from textual.filter import LineFilter
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from backend.task import Task
from tui.format import ELLIPSIS, fit
from tui.keys import Place, bindings
from tui.row import Piece, Tone
from tui.rows import ListedRows, Rows
from tui.widgets.row_scroll import RowScrollView

Draw = Callable[[Task, Task | None, int], Sequence[Piece]]
"""Lays out a row: the task, the one above it (None at the top of the view), and the width in cells."""

_STRIPS = 400


class TaskList(RowScrollView, can_focus=True, inherit_bindings=False):
    """A scrolling list of tasks. `show` hands it rows and where to stand in them, in one step."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Place.LIST)]
    COMPONENT_CLASSES = {f"task-list--{tone}" for tone in Tone} | {"task-list--cursor", "task-list--idle-cursor"}
    DEFAULT_CSS = """
    TaskList {
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

        & > .task-list--text { color: $foreground; }
        & > .task-list--dim { color: $foreground 60%; }
        & > .task-list--running { color: $accent; }
        & > .task-list--ok { color: $success; }
        & > .task-list--warning { color: $warning; }
        & > .task-list--error { color: $error; }
        & > .task-list--unknown { color: $foreground 75%; text-style: bold; }
        & > .task-list--cursor { background: $accent 35%; }
        & > .task-list--idle-cursor { background: $foreground 10%; }

        &:nocolor > .task-list--cursor { background: $background; text-style: reverse; }
        &:nocolor > .task-list--idle-cursor { background: $background; text-style: underline; }
        &:ansi > .task-list--cursor { background: ansi_default; text-style: reverse; }
        &:ansi > .task-list--idle-cursor { background: ansi_default; text-style: underline; }
    }
    """

    class Moved(Message):
        """The cursor or the view has moved."""

        def __init__(self, task_list: "TaskList") -> None:
            super().__init__()
            self.task_list = task_list

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, TaskList.Moved) and message.task_list is self.task_list

    class Opened(Message):
        """The user asks for all of a task."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    def __init__(self, draw: Draw, *, id: str, moved: Callable[[], None] | None = None) -> None:
        """`moved` is called before a move is painted, so that what tells of it is in the same frame."""
        super().__init__(id=id)
        self._draw = draw
        self._moved = moved
        self._rows: Rows = ListedRows()
        self._cursor = 0
        self._words = ""
        self._page_rows = 1
        self._strips: LRUCache[tuple[int, bool], Strip] = LRUCache(_STRIPS)
        self._styles: dict[tuple[Tone, str], Style] = {}

    @property
    def rows(self) -> Rows:
        """What it shows."""
        return self._rows

    @property
    def cursor(self) -> int:
        """The position of the row under the cursor; 0 where there are no rows."""
        return self._cursor

    @property
    def selected(self) -> Task | None:
        """The task under the cursor, if there is one and it has been loaded."""
        return self._rows[self._cursor] if len(self._rows) else None

    @property
    def following(self) -> bool:
        """Whether it stands at the top, where new tasks come in."""
        return self._cursor == 0 and self.top == 0

    @property
    def cursor_in_view(self) -> bool:
        """Whether the row under the cursor is one of those in view."""
        return self.top <= self._cursor < self.top + self.page_rows

    def show(self, rows: Rows, *, cursor: int, top: int) -> None:
        """Take other rows, with the cursor and the view at these positions, as far as the rows reach."""
        self._rows = rows
        self._strips.clear()
        length = len(rows)
        self._cursor = max(0, min(cursor, length - 1))
        self.virtual_size = Size(1, length)
        self.scroll_to_row(top)
        self._changed()
        self.refresh()

    def reload(self) -> None:
        """Paint anew: rows have been loaded, or what they show has changed, and maybe how many there are."""
        self._strips.clear()
        if self.virtual_size.height != len(self._rows):
            self.virtual_size = Size(1, len(self._rows))
            self._cursor = max(0, min(self._cursor, len(self._rows) - 1))
        self.refresh()

    def explain(self, words: str) -> None:
        """Say why there are no rows; shown only while there are none."""
        if words != self._words:
            self._words = words
            if not len(self._rows):
                self.refresh()

    def move_to(self, position: int) -> None:
        """Put the cursor on a row, and scroll as little as that needs."""
        position = max(0, min(position, len(self._rows) - 1))
        before, self._cursor = self._cursor, position
        top, page = self.top, self.page_rows
        if position < top:
            self.scroll_to_row(position)
        elif position >= top + page:
            self.scroll_to_row(position - page + 1)
        self.refresh_line(before)
        self.refresh_line(position)
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
        self.move_to(len(self._rows) - 1)

    def action_open(self) -> None:
        task = self.selected
        if task is not None:
            self.post_message(self.Opened(task))

    def on_click(self, event: events.Click) -> None:
        position = self.top + event.y
        if position >= len(self._rows):
            return
        self.move_to(position)
        if event.chain == 2:
            self.action_open()

    def on_resize(self, event: events.Resize) -> None:
        was_in_view = self.top <= self._cursor < self.top + self._page_rows
        self._page_rows = self.page_rows
        self._strips.clear()
        if was_in_view and len(self._rows):
            self.move_to(self._cursor)
        self._changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._changed()

    def _changed(self) -> None:
        self._rows.need(self.top, self.top + self.page_rows - 1)
        if self._moved is not None and self.is_mounted:
            self._moved()
        self.post_message(self.Moved(self))

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self.refresh_line(self._cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self._strips.clear()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing here is in ANSI colours, so only a wish for no colours leaves something to filter."""
        return self.app.get_line_filters() if self.app.no_color else ()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Paint without Textual's cache of lines: every scroll would renew all of it, and our own knows rows."""
        strips = [self.render_line(y) for y in crop.line_range]
        background = self.background_colors[1]
        for line_filter in self.get_line_filters():
            strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        position = self.top + y
        if position >= len(self._rows):
            words = self._words if y == 0 and not len(self._rows) else ""
            return Strip([Segment(fit(f"  {words}" if words else "", width), self._style(Tone.DIM, ""))], width)
        if position == self._cursor:
            return self._row(position, y, width, "cursor" if self.has_focus else "idle-cursor")
        # the row at the top of the view differs: it has the date
        key = (position, y == 0)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._row(position, y, width, "")
        return strip

    def _row(self, position: int, y: int, width: int, cursor: str) -> Strip:
        task = self._rows[position]
        if task is None:
            return Strip([Segment(fit(f"  {ELLIPSIS}", width), self._style(Tone.DIM, cursor))], width)
        above = self._rows[position - 1] if y > 0 else None
        pieces = self._draw(task, above, self.row_width)
        segments = [Segment(text, self._style(tone, cursor)) for text, tone in pieces]
        return Strip(segments).adjust_cell_length(width, self._style(Tone.TEXT, cursor))

    def _style(self, tone: Tone, cursor: str) -> Style:
        style = self._styles.get((tone, cursor))
        if style is None:
            style = self.get_component_rich_style(f"task-list--{tone}")
            if cursor:
                # the cursor's background and attributes, but the tone's own colour: a status stays told by it
                under = self.get_component_rich_style(f"task-list--{cursor}")
                style += Style(bgcolor=under.bgcolor, reverse=under.reverse, underline=under.underline)
            self._styles[tone, cursor] = style
        return style
