"""Tables for eyes: whole where a program or a file reads them, as wide as the terminal where somebody looks."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from backend.text import safe

_WIDTH_ROWS = 500
"""Rows that the widths are taken from: the rest streams through."""
_GAP = "  "


class Column(NamedTuple):
    """A column: its title, and how a record's text for it is made.

    Attributes:
        right: whether it is aligned to the right.
        least: the cells it may be cut down to where the terminal is narrow; None: it is never cut.
        spare: where that is not enough, the columns above 0 are left out, the highest first.
        below: of the last column: where it does not fit, it stands whole on a line of its own below each row.
    """

    title: str
    text: Callable[[Any], str]
    right: bool = False
    least: int | None = None
    spare: int = 0
    below: bool = False


def draw_table(records: Iterable[Any], columns: Sequence[Column], width: int | None = None) -> Iterator[str]:
    """The lines of a table, titles first; `width` is that of the terminal in cells, None for whole rows."""
    rows = ([safe(column.text(record)) for column in columns] for record in records)
    sample = list(islice(rows, _WIDTH_ROWS))
    needed = [
        max(_cells(row[number]) for row in [[column.title for column in columns], *sample])
        for number in range(len(columns))
    ]
    last = columns[-1]
    below = width is not None and last.below and _total(map(_least, columns, needed)) > width
    shown = list(range(len(columns) - below))
    widths = needed if width is None else _fit(columns, needed, shown, width)
    yield _line([columns[number].title for number in shown], columns, shown, widths)
    for row in chain(sample, rows):
        texts = [row[number] for number in shown]
        if width is not None:
            texts = [
                text if columns[number].least is None else cut(text, widths[number])
                for number, text in zip(shown, texts, strict=True)
            ]
        yield _line(texts, columns, shown, widths)
        if below and row[-1]:
            # not wrapped here: what is copied from a terminal is one line then
            yield f"{_GAP}{row[-1]}\n"


def _fit(columns: Sequence[Column], needed: list[int], shown: list[int], width: int) -> list[int]:
    """The widths with which the shown columns fit, as far as they can; those that have to go go from `shown`."""
    while _total(_least(columns[number], needed[number]) for number in shown) > width:
        spare = max(shown, key=lambda number: columns[number].spare)
        if not columns[spare].spare:
            break
        shown.remove(spare)
    widths = list(needed)
    while _total(widths[number] for number in shown) > width:
        wide = [number for number in shown if widths[number] > _least(columns[number], needed[number])]
        if not wide:
            break
        widths[max(wide, key=lambda number: widths[number])] -= 1
    return widths


def _total(widths: Iterable[int]) -> int:
    """The cells of a row."""
    listed = list(widths)
    return sum(listed) + len(_GAP) * (len(listed) - 1)


def _least(column: Column, needed: int) -> int:
    return needed if column.least is None else min(needed, max(column.least, len(column.title)))


def _line(texts: Sequence[str], columns: Sequence[Column], shown: Sequence[int], widths: Sequence[int]) -> str:
    cells = []
    for text, number in zip(texts, shown, strict=True):
        blank = " " * (widths[number] - _cells(text))
        cells.append(blank + text if columns[number].right else text + blank)
    return _GAP.join(cells).rstrip() + "\n"


def cut(text: str, width: int) -> str:
    """A text in at most so many cells of a terminal."""
    if _cells(text) <= width:
        return text
    cells = 1
    for number, character in enumerate(text):
        cells += _cells(character)
        if cells > width:
            return text[:number].rstrip() + "…"
    return text


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
