"""The bottom line: the keys that work right now, to be clicked as well."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.keys import Key

_TWO_LINES_FROM = 30
"""How high (lines) a screen must be to spare a second line for keys."""


class Shown(NamedTuple):
    """A key in the line, and what it is called there."""

    key: Key
    label: str

    @property
    def cells(self) -> int:
        """How wide it is."""
        return cell_len(self.key.cap) + 1 + cell_len(self.label)


class KeyLine(Widget):
    """The keys that work right now. Where not all fit, they stand closer, then under their short names, and then
    those of the highest rank go. On a high screen a second line takes what the first has no room for."""

    DEFAULT_CSS = """
    KeyLine { height: auto; width: 1fr; background: $panel; color: $foreground 75%; }
    """

    keys: reactive[tuple[Key, ...]] = reactive((), layout=True)

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def show(self, keys: Iterable[Key]) -> None:
        """Name these keys."""
        self.keys = tuple(keys)

    def on_click(self, event: events.Click) -> None:
        lines, gap = self._fitting()
        start = 1
        for shown in lines[event.y] if event.y < len(lines) else ():
            end = start + shown.cells
            if start <= event.x < end:
                self.post_message(self.Pressed(shown.key))
            start = end + gap

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(lay_out(self.keys, width, _most_lines(viewport))[0])

    def render(self) -> Content:
        lines, gap = self._fitting()
        return Content("\n").join(self._line(line, gap) for line in lines)

    def _line(self, line: Sequence[Shown], gap: int) -> Content:
        parts = [Content.assemble((shown.key.cap, "bold $accent"), f" {shown.label}") for shown in line]
        return (Content(" ") + Content(" " * gap).join(parts)).truncate(self.size.width, ellipsis=True)

    def _fitting(self) -> tuple[list[list[Shown]], int]:
        return lay_out(self.keys, self.size.width, max(1, self.size.height))


def _most_lines(screen: Size) -> int:
    return 2 if screen.height >= _TWO_LINES_FROM else 1


def lay_out(keys: Sequence[Key], width: int, most: int) -> tuple[list[list[Shown]], int]:
    """The keys by lines of `width` cells, of which there are at least one and at most so many, and how many cells
    stand between two keys."""
    left = list(keys)
    for gap, short in ((3, False), (2, False), (2, True)):
        lines = _broken(left, width, gap, short=short)
        if len(lines) <= most:
            return lines, gap
    while len(left) > 1 and len(lines) > most:
        # of the same rank the last one goes
        left.remove(max(reversed(left), key=lambda key: key.rank))
        lines = _broken(left, width, 2, short=True)
    return lines[:most], 2


def _broken(keys: Sequence[Key], width: int, gap: int, *, short: bool) -> list[list[Shown]]:
    """The keys in as many lines as they need; the last cell of each stays free."""
    lines: list[list[Shown]] = [[]]
    used = 1
    for key in keys:
        shown = Shown(key, (key.short or key.label) if short else key.label)
        if lines[-1] and used + shown.cells > width - 1:
            lines.append([])
            used = 1
        lines[-1].append(shown)
        used += shown.cells + gap
    return lines
