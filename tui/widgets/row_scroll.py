"""What the lists have in common as views of rows: a scrollbar whose thumb is where the mouse is, over any number
of rows. Textual's own moves by pages where its track is clicked, which over millions of rows is nowhere, and while
it is dragged it loses the mouse wherever the thumb is higher than its share."""

from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar, ScrollBarRender, ScrollDown, ScrollTo, ScrollUp
from textual.strip import Strip
from textual.widget import Widget


class _RowScrollBar(ScrollBar):
    """A vertical scrollbar, painted by lines: every page paints it anew, and Textual's way to do that takes as
    long as all the rows."""

    def render_lines(self, crop: Region) -> list[Strip]:
        bar = self.render()
        assert isinstance(bar, ScrollBarRender) and isinstance(bar.style, Style)
        assert bar.style.bgcolor is not None and bar.style.color is not None
        segments = bar.render_bar(
            self.size.height,
            bar.virtual_size,
            bar.window_size,
            bar.position,
            back_color=bar.style.bgcolor,
            bar_color=bar.style.color,
        ).segments
        return in_colour(self, [Strip([segment], 1) for segment in segments][crop.y : crop.bottom])


def in_colour(widget: Widget, strips: list[Strip]) -> list[Strip]:
    """Lines as the terminal is to have them. Nothing here is in ANSI colours, so only a wish for no colours leaves
    something to do."""
    if not widget.app.no_color:
        return strips
    background = widget.background_colors[1]
    for line_filter in widget.app.get_line_filters():
        strips = [strip.apply_filter(line_filter, background) for strip in strips]
    return strips


class RowScrollView(ScrollView, inherit_bindings=False):
    """A view that scrolls by whole rows, and at once: over millions of them an animation only stutters."""

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        bar = self._vertical_scrollbar
        if bar is None:
            bar = self._vertical_scrollbar = _RowScrollBar(name="vertical", thickness=self.scrollbar_size_vertical)
            bar.display = False
            self.app._start_widget(self, bar)
        return bar

    @property
    def top(self) -> int:
        """The position of the first row in view."""
        return self.scroll_offset.y

    @property
    def page_rows(self) -> int:
        """How many rows fit the view."""
        return max(1, self.scrollable_content_region.height)

    @property
    def row_width(self) -> int:
        """How many cells a row has; the last one before the scrollbar stays free."""
        return max(1, self.scrollable_content_region.width - 1)

    @property
    def last_top(self) -> int:
        """The row at the top when the view is at the end."""
        return max(0, self.virtual_size.height - self.page_rows)

    def _reach(self, rows: int) -> None:
        """Have so many rows to scroll through. The view stays as high as it is, so this does without the new
        layout of the whole screen that setting `virtual_size` asks for."""
        self.set_reactive(Widget.virtual_size, Size(1, rows))
        self._scroll_update(self.virtual_size)

    def scroll_to_row(self, top: int) -> None:
        """Have this row at the top, as far as the rows reach. Forced, since a list that has just been given its
        rows has no scrollbar yet, and would not scroll otherwise."""
        self.scroll_to(y=max(0, min(top, self.last_top)), animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        # a scrollbar that is not seen yet would not be told
        self.vertical_scrollbar.position = new_value

    def _on_scroll_to(self, message: ScrollTo) -> None:
        """The thumb is dragged. The message counts as if the thumb had its share of the track; from the way of the
        mouse follows how far it really is."""
        message.stop()
        message.prevent_default()
        bar = self.vertical_scrollbar
        if message.y is not None and bar.window_virtual_size:
            cells = (message.y - bar.grabbed_position) * bar.window_size / bar.window_virtual_size
            self.scroll_to_row(round(bar.grabbed_position + cells * self._rows_a_cell))

    def _on_scroll_up(self, message: ScrollUp) -> None:
        self._go_to_mouse(message)

    def _on_scroll_down(self, message: ScrollDown) -> None:
        self._go_to_mouse(message)

    def _go_to_mouse(self, message: ScrollUp | ScrollDown) -> None:
        """The track is clicked: the middle of the thumb comes there."""
        message.stop()
        message.prevent_default()
        cell = self.app.mouse_position.y - self.vertical_scrollbar.region.y
        self.scroll_to_row(round((cell - (self._thumb - 1) / 2) * self._rows_a_cell))

    @property
    def _thumb(self) -> float:
        """How high the thumb is, in cells."""
        bar = self.vertical_scrollbar
        return max(1.0, bar.size.height * bar.window_size / max(1, bar.window_virtual_size))

    @property
    def _rows_a_cell(self) -> float:
        """How many rows the view goes on with each cell that the thumb does."""
        bar = self.vertical_scrollbar
        way = bar.size.height - self._thumb
        return (bar.window_virtual_size - bar.window_size) / way if way > 0 else 0.0
