"""What a user does in the dashboard, key by key, and by what the screen shows that it is done. How long each takes
is told by the terminal."""

import re
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from tests.bench.data import NOW, OLDEST_DAY
from tests.bench.screen_terminal import Screen, Terminal

PAGE_DOWN, PAGE_UP, HOME, END, ENTER, ESCAPE = "\x1b[6~", "\x1b[5~", "\x1b[H", "\x1b[F", "\r", "\x1b"

DEPTHS = (0, 41, 67, 97)
"""Per cent of the way down at which pages are turned."""

WORDS = ("graz", "backup", "hamburg", "migrate", "linz", "console", "milano", "gent", "lvm", "porto")
"""What is typed as a filter, letter by letter. None begins as a field's name does: such a text could go on as a
field, and is not taken for a word yet."""

_BETWEEN_LETTERS = 0.1
"""Seconds: a fast typist's."""

_TITLE = re.compile(r"^ History (?:([\d,]+)|counting)")
_PLACE = re.compile(r" row ([\d,]+) · ")

Samples = dict[str, list[float]]
"""Seconds from key to painted, by the name of what was done."""


class History:
    """The dashboard's history as it stands on a screen."""

    def __init__(self, screen: Screen) -> None:
        lines = screen.lines
        self.title = next((line for line in lines if _TITLE.match(line)), "")
        heads = [number for number, line in enumerate(lines) if line.startswith("   START ")]
        # below the rows stand the one under the cursor in full, and the keys
        self.rows = lines[heads[0] + 1 : -2] if heads else []

    @property
    def total(self) -> int:
        """How many tasks match; 0 while that is not known."""
        title = _TITLE.match(self.title)
        return int(title[1].replace(",", "")) if title and title[1] else 0

    @property
    def row(self) -> int:
        """On which row the cursor is, from 1; 0 where that is not told."""
        place = _PLACE.search(self.title)
        return int(place[1].replace(",", "")) if place else 0

    @property
    def complete(self) -> bool:
        """Whether there are rows, and all of them are loaded."""
        return bool(self.rows and self.rows[0].strip()) and not any(row[:4] == "  … " for row in self.rows)

    def shows(self, filter: str) -> bool:
        """Whether the rows are those of this filter, counted or not."""
        return self.complete and (f" ── {filter} " in self.title if filter else " ── " not in self.title)


class Steps:
    """Goes through the dashboard, and notes how long each step takes.

    Args:
        scale: how many times each is done, of the usual number.
        going_on: asked between the steps whether to go on.
    """

    def __init__(self, terminal: Terminal, scale: float, going_on: Callable[[], bool]) -> None:
        self.samples: Samples = defaultdict(list)
        self._terminal = terminal
        self._scale = scale
        self._going_on = going_on

    @property
    def history(self) -> History:
        return History(self._terminal.screen)

    def walk(self) -> None:
        """Do all of it. Raises BenchError if the screen does not show what it should."""
        for depth in DEPTHS:
            if depth:
                self._go_to(f"{depth}%")
            for _ in self._times(50):
                self._do("page down", PAGE_DOWN, self._further())
        for _ in self._times(20):
            self._do("End", END, lambda now: now.row == now.total)
            self._do("Home", HOME, lambda now: now.row == 1)
        for number in self._times(20):
            second = OLDEST_DAY + (NOW - OLDEST_DAY) * ((number * 37 + 11) % 100) // 100
            self._go_to(time.strftime("%Y-%m-%d %H:%M", time.gmtime(second)), "go to a time")
        self._press(HOME, lambda now: now.row == 1)
        for _ in self._times(40):
            self._do("next error", "e", self._further())
        for _ in self._times(10):
            self._do("errors only", "1", lambda now: now.shows("status:error"))
            self._do("all again", "1", lambda now: now.shows(""))
        for word in WORDS[: max(1, round(len(WORDS) * self._scale))]:
            self._type(word)
        for _ in self._times(20):
            self._open()

    def _type(self, word: str) -> None:
        if not self._going_on():
            return
        self._terminal.press("/", lambda screen: any(line.startswith(" /") for line in screen.lines))
        for end in range(1, len(word) + 1):
            text = word[:end]
            self._terminal.rest(_BETWEEN_LETTERS)
            self._do("a letter of a filter", word[end - 1], partial(History.shows, filter=text))
        self._press(ESCAPE, lambda now: now.shows(""))

    def _go_to(self, place: str, name: str = "go to a part") -> None:
        """To a moment or a share: the cursor is then on another row."""
        self._terminal.press("g", lambda screen: any(line.startswith(" go to ") for line in screen.lines))
        for key in place:
            self._terminal.press(key, lambda screen: True)
        row = self.history.row
        self._do(name, ENTER, lambda now: now.row not in (0, row) and now.complete)

    def _open(self) -> None:
        self._do_screen("open a task", ENTER, lambda screen: any("UPID:" in line for line in screen.lines))
        self._press(ESCAPE, lambda now: now.row > 0 and now.complete)
        self._press("\x1b[B", self._further())

    def _further(self) -> Callable[[History], bool]:
        row = self.history.row
        return lambda now: now.row > row and now.complete

    def _do(self, name: str, keys: str, done: Callable[[History], bool]) -> None:
        self._do_screen(name, keys, lambda screen: done(History(screen)))

    def _do_screen(self, name: str, keys: str, done: Callable[[Screen], bool]) -> None:
        if self._going_on():
            self.samples[name].append(self._terminal.press(keys, done))

    def _press(self, keys: str, done: Callable[[History], bool]) -> None:
        self._terminal.press(keys, lambda screen: done(History(screen)))

    def _times(self, usual: int) -> range:
        return range(max(1, round(usual * self._scale)) if self._going_on() else 0)
