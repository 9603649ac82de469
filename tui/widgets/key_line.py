"""The bottom line: the keys, to be clicked as well, and for some seconds what has just happened."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget

from backend.text import safe
from tui.keys import Key

_TWO_LINES_FROM = 30
"""How high (lines) a screen must be to spare a second line for keys, unless its line is made otherwise."""
_TOLD = 3.0
"""For how long (seconds) what has happened stands in place of keys."""


class Shown(NamedTuple):
    """A key in the line, and what it is called there."""

    key: Key
    label: str

    @property
    def cells(self) -> int:
        """How wide it is."""
        return cell_len(self.key.cap) + 1 + cell_len(self.label)


class KeyLine(Widget):
    """The keys of a screen. Where not all fit, they stand closer, then under their short names, and then those of
    the highest rank go. On a high screen a second line takes what the first has no room for.

    Args:
        two_lines_from: how high (lines) a screen must be for a second line.
    """

    DEFAULT_CSS = """
    KeyLine { height: auto; width: 1fr; background: $panel; color: $foreground 75%; }
    """

    keys: reactive[tuple[Key, ...]] = reactive((), layout=True)
    idle: reactive[frozenset[str]] = reactive(frozenset())
    told: reactive[str] = reactive("")

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, two_lines_from: int = _TWO_LINES_FROM) -> None:
        super().__init__()
        self._two_lines_from = two_lines_from
        self._telling: Timer | None = None

    def show(self, keys: Iterable[Key], *, idle: Iterable[str] = ()) -> None:
        """Name these keys. Those named in `idle` have nothing to do now: they keep their places, dimmed."""
        self.keys = tuple(keys)
        self.idle = frozenset(idle)

    def tell(self, words: str) -> None:
        """Say for some seconds what has happened, in place of the first line of keys; made safe to print."""
        if self._telling is not None:
            self._telling.stop()
        self.told = safe(words)
        self._telling = self.set_timer(_TOLD, self._tell_no_more)

    def _tell_no_more(self) -> None:
        self.told = ""

    def on_click(self, event: events.Click) -> None:
        if self.told and event.y == 0:
            return
        lines, gap = self._fitting()
        start = 1
        for shown in lines[event.y] if event.y < len(lines) else ():
            end = start + shown.cells
            if start <= event.x < end:
                self.post_message(self.Pressed(shown.key))
            start = end + gap

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        most = 2 if viewport.height >= self._two_lines_from else 1
        return len(lay_out(self.keys, width, most)[0])

    def render(self) -> Content:
        lines, gap = self._fitting()
        shown = [self._line(line, gap) for line in lines]
        if self.told:
            shown[0] = Content.styled(f" {self.told}", "bold $foreground")
        return Content("\n").join(line.truncate(self.size.width, ellipsis=True) for line in shown)

    def _line(self, line: Sequence[Shown], gap: int) -> Content:
        return Content(" ") + Content(" " * gap).join(self._named(shown) for shown in line)

    def _named(self, shown: Shown) -> Content:
        if shown.key.name in self.idle:
            return Content.styled(f"{shown.key.cap} {shown.label}", "$foreground 40%")
        return Content.assemble((shown.key.cap, "bold $accent"), f" {shown.label}")

    def _fitting(self) -> tuple[list[list[Shown]], int]:
        return lay_out(self.keys, self.size.width, max(1, self.size.height))


def tell(app: App[None], words: str) -> None:
    """Say for some seconds what has happened, in the bottom line of the screen that the user looks at."""
    screens = [screen for screen in app.screen_stack if not isinstance(screen, ModalScreen)]
    next(line for screen in reversed(screens) for line in screen.query(KeyLine)).tell(words)


@lru_cache(maxsize=64)
def lay_out(keys: tuple[Key, ...], width: int, most: int) -> tuple[list[list[Shown]], int]:
    """The keys by lines of `width` cells, of which there are at least one and at most so many, and how many cells
    stand between two keys. Of several lines none is much longer than it must be."""
    left, gap, short = list(keys), 2, True
    for gap, short in ((3, False), (2, False), (2, True)):
        if len(_broken(left, width, gap, short=short)) <= most:
            break
    while len(left) > 1 and len(_broken(left, width, gap, short=short)) > most:
        # of the same rank the last one goes
        left.remove(max(reversed(left), key=lambda key: key.rank))
    lines = _broken(left, width, gap, short=short)
    while 1 < len(lines) < len(left) and len(narrower := _broken(left, width - 1, gap, short=short)) == len(lines):
        lines, width = narrower, width - 1
    return lines[:most], gap


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
