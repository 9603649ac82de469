"""What of one archive file matches a filter: masks over its columns, and counts by block."""

from typing import TYPE_CHECKING

import numpy as np

from backend.archive.blocks import Block
from backend.archive.matching import DIGITS, Mask, Matched, is_in_numbers
from backend.archive.scan import Cancelled, ScanCancelled
from backend.query import Filter, Term

if TYPE_CHECKING:
    from backend.archive.archive_file import ArchiveFile


class FileMatches:
    """The matches of a filter's terms in one archive file. Rows that cannot be told by their columns are looked at
    in the text when their block is asked for, once. Safe to use from several threads."""

    def __init__(self, file: "ArchiveFile", terms: tuple[Term, ...], cancelled: Cancelled) -> None:
        """Match the terms. Raises ScanCancelled."""
        self._file = file
        self._filter = Filter("", terms)
        self._matched: Matched = file.matcher(cancelled).match(terms)
        self._digits = _digits(terms)
        self._looked: set[int] = set()
        self._blocks = file.blocks

    def counts(self) -> list[int] | None:
        """How many tasks of each block match; None if that takes a look at their text."""
        if self._matched.open is not None or not self._blocks:
            return None
        starts = [block.row for block in self._blocks]
        counts = np.add.reduceat(self._matched.sure.view(np.uint8), starts, dtype=np.int32)
        by_block: list[int] = counts.tolist()
        return by_block

    def mask(self, cancelled: Cancelled) -> Mask:
        """For each row whether it matches. Raises ScanCancelled."""
        for block in self._blocks:
            if cancelled():
                raise ScanCancelled
            self._look(block)
        return self._matched.sure

    def count(self, block: Block) -> int:
        """How many tasks of a block match."""
        self._look(block)
        return int(np.count_nonzero(self._matched.sure[block.row : block.row + block.tasks]))

    def rows(self, block: Block) -> list[int]:
        """The numbers within a block of those that match."""
        self._look(block)
        rows: list[int] = np.flatnonzero(self._matched.sure[block.row : block.row + block.tasks]).tolist()
        return rows

    def _look(self, block: Block) -> None:
        """Tell the rows of a block that only their text can tell."""
        sure, open = self._matched
        if open is None or block.row in self._looked:
            return
        unknown = open[block.row : block.row + block.tasks]
        if unknown.any():
            sure[block.row : block.row + block.tasks] |= self._told_by_text(block, unknown)
        self._looked.add(block.row)

    def _told_by_text(self, block: Block, unknown: Mask) -> Mask:
        """Which of the unknown rows of a block match."""
        told = np.zeros(block.tasks, np.bool_)
        hits = None if self._digits is None else self._file.rows_with(block, self._digits)
        if hits is not None:
            told[hits] = True
            return told & unknown
        matches = self._filter.matcher()
        rows = np.flatnonzero(unknown).tolist()
        for row, task in zip(rows, self._file.read(block, rows), strict=False):
            told[row] = matches(task)
        return told


def _digits(terms: tuple[Term, ...]) -> bytes | None:
    """What alone tells of the rows that columns do not tell: the one word of hex digits that a UPID is to hold, if
    there is just one such word."""
    words = [term for term in terms if is_in_numbers(term)]
    if len(words) != 1 or words[0].negated or not DIGITS.fullmatch(words[0].values[0]):
        return None
    return words[0].values[0].encode()
