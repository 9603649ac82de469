"""A task's log on the screen: its lines coloured by what they say, the end followed, what was searched for marked.
Where lines come from is `task_log`'s matter."""

import re

from rich.cells import cell_len

from tui.format import ELLIPSIS
from tui.row import Tone
from tui.task_log import TaskLog
from tui.widgets.row_list import MATCH, Drawn, RowList

# before each line of a Backup Server's log
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-][\d:]+): ")
_TONES = (
    (Tone.ERROR, re.compile(r"\b(?:TASK )?ERROR\b|^error\b|: error: ")),
    (Tone.WARNING, re.compile(r"\b(?:TASK )?WARN(?:ING)?S?\b|^warning\b")),
    (Tone.OK, re.compile(r"^TASK OK$")),
)


class LogView(RowList):
    """The lines of a log. It begins at the end, and stays there as lines come until the user goes elsewhere.

    Attributes:
        following: whether it stays at the end.
        marked: what is marked in the lines; None: nothing.
    """

    def __init__(self) -> None:
        super().__init__(self._line, id="log")
        self.following = True
        self.marked: re.Pattern[str] | None = None
        self._log: TaskLog | None = None
        self._hearing = False

    def show_log(self, log: TaskLog) -> None:
        """Show another log, or the same one as it has become."""
        if log is not self._log:
            self._log = log
            self.following = True
            self._shift = 0
        self._hearing = True
        self.show(len(log), cursor=len(log) - 1 if self.following else None)
        self._hearing = False
        self._need()

    @property
    def selected(self) -> str | None:
        """The line under the cursor, if it is there."""
        return None if self._log is None or not len(self) else self._log[self.cursor]

    @property
    def is_wide(self) -> bool:
        """Whether lines in view go on beyond the screen, or begin before it."""
        lines = range(self.top, min(len(self), self.top + self.page_rows))
        texts = () if self._log is None else (self._log[line] for line in lines)
        return self._shift > 0 or any(cell_len(text) >= self.row_width for text in texts if text is not None)

    def mark(self, pattern: re.Pattern[str] | None) -> None:
        """Mark what matches."""
        self.marked = pattern
        self.reload()

    def _changed(self) -> None:
        if not self._hearing:
            self.following = self.at_end
        self._need()
        super()._changed()

    def _need(self) -> None:
        if self._log is not None:
            self._log.need(self.top, self.top + self.page_rows - 1)

    def _line(self, position: int, width: int) -> Drawn:
        text = None if self._log is None else self._log[position]
        if text is None:
            return [(f" {ELLIPSIS}", Tone.DIM)]
        moment = _MOMENT.match(text)
        start = moment.end() if moment else 0
        tone = next((tone for tone, pattern in _TONES if pattern.search(text, start)), Tone.TEXT)
        pieces: list[tuple[str, str]] = [(f" {text[:start]}", Tone.DIM)]
        if self.marked is not None:
            for match in self.marked.finditer(text, start):
                pieces += [(text[start : match.start()], tone), (match[0], MATCH)]
                start = match.end()
        pieces.append((text[start:], tone))
        return pieces
