"""What of one archive file matches a filter: masks over its columns, and counts by block."""

from typing import TYPE_CHECKING

import numpy as np

from backend.archive.blocks import Block
from backend.archive.matching import IN_NUMBERS, Mask, Matched
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
        self._needle = _needle(terms)
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
        rows = np.flatnonzero(unknown).tolist()
        if rows and self._needle is not None and self._file.copyable:
            rows = [row for row in self._file.rows_with(block, self._needle) if unknown[row]]
        if rows:
            matches = self._filter.matcher()
            for row, task in zip(rows, self._file.read(block, rows), strict=False):
                if matches(task):
                    sure[block.row + row] = True
        self._looked.add(block.row)


def _needle(terms: tuple[Term, ...]) -> bytes | None:
    """What must stand in the line of each row that only its text can tell: the one word that may stand in a UPID's
    numbers, if there is just one. A line holds such a word as the UPID does."""
    words = [term for term in terms if term.field == "word" and IN_NUMBERS.fullmatch(term.values[0])]
    if len(words) != 1 or words[0].negated or set(":*\n") & set(words[0].values[0]):
        return None
    return words[0].values[0].encode()
