"""Sections of a text, each a heading over labels and what belongs to them; side by side where there is room.
Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content

_COLUMN = 70
"""The narrowest column (cells) beside another."""
_BETWEEN = 4
_LEAST_BESIDE_LABEL = 40
"""The narrowest text (cells) with room for a value beside its label."""


class Section(NamedTuple):
    """A heading, words below it, and rows of a label and what belongs to it."""

    heading: str
    rows: Sequence[tuple[str, Content]]
    words: str = ""

    def narrowed(self, wanted: Sequence[str]) -> "Section | None":
        """What of it has all of these words (lower case); where its heading has them, all of it. None: nothing."""
        if _has(self.heading, wanted):
            return self
        rows = [(label, value) for label, value in self.rows if _has(f"{label} {value.plain}", wanted)]
        words = self.words if _has(self.words, wanted) else ""
        return Section(self.heading, rows, words) if rows or words else None

    def lines(self, width: int) -> list[Content]:
        """Its lines, of so many cells at most, and an empty one."""
        words = [] if not self.words else Content(self.words).wrap(width)
        rows = table(self.rows, width).split("\n") if self.rows else []
        return [Content.styled(self.heading, "bold $accent"), *words, *rows, Content("")]


def table(rows: Sequence[tuple[str, Content]], width: int) -> Content:
    """Labels and what belongs to them, wrapped beside its label; in a narrow text below it."""
    if width < _LEAST_BESIDE_LABEL:
        texts = [Content.assemble((label, "bold"), "  ", value) for label, value in rows]
        return Content("\n").join(line for text in texts for line in text.wrap(max(1, width)))
    indent = min(max((len(label) for label, _ in rows), default=0) + 2, max(0, width // 3))
    lines = []
    for label, value in rows:
        for number, line in enumerate(value.wrap(max(1, width - indent)) or [Content("")]):
            name = label[:indent] if number == 0 else ""
            lines.append(Content.styled(name.ljust(indent), "$foreground 60%") + line)
    return Content("\n").join(lines)


def beside_each_other(sections: Sequence[Section], width: int) -> Content:
    """Sections in as many columns as `width` cells have room for, of about the same height; each reads on at the
    top of the next one."""
    number = max(1, (width + _BETWEEN) // (_COLUMN + _BETWEEN))
    column = (width + _BETWEEN) // number - _BETWEEN
    columns = _shared([section.lines(column) for section in sections], number)
    if len(columns) == 1:
        return Content("\n").join(columns[0])
    height = max(map(len, columns))
    return Content("\n").join(
        Content(" " * _BETWEEN).join(
            _filled(lines[line] if line < len(lines) else Content(""), column) for lines in columns
        )
        for line in range(height)
    )


def _shared(sections: Sequence[list[Content]], number: int) -> list[list[Content]]:
    """The lines of sections in so many columns at most, the lowest that hold them in their order."""
    lowest, whole = max(map(len, sections)), sum(map(len, sections))
    for height in range(lowest, whole + 1):
        columns: list[list[Content]] = [[]]
        for lines in sections:
            if columns[-1] and len(columns[-1]) + len(lines) > height:
                columns.append([])
            columns[-1] += lines
        if len(columns) <= number:
            return columns
    return [[line for lines in sections for line in lines]]


def _filled(line: Content, width: int) -> Content:
    return line + " " * max(0, width - line.cell_length)


def _has(text: str, wanted: Sequence[str]) -> bool:
    lowered = text.lower()
    return all(word in lowered for word in wanted)
