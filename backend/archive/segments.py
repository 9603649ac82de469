"""Stretches of the history, a block of an archive file each, with what belongs between its rows; and what of them
a filter matches."""

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Block, Key
from backend.archive.scan import Cancelled
from backend.query import Filter
from backend.task import Task, merge_tasks


class Question:
    """A filter, taken apart for a scan.

    Attributes:
        since, until: the start times (UNIX seconds) outside of which nothing matches.
        terms: those whose meaning is not all in these times.
        test: whether a task matches.
    """

    __slots__ = ("since", "terms", "test", "until")

    def __init__(self, wanted: Filter) -> None:
        self.since, self.until = wanted.bounds
        self.terms = wanted.timeless
        self.test = wanted.matcher()

    def covers(self, block: Block) -> bool:
        """Whether a block lies within the times, all of it."""
        return self.since <= -block.last[0] and -block.first[0] <= self.until


class Segment:
    """A stretch of the history: a block of an archive file, and the rows that belong between its rows but lie
    elsewhere (in the journal, mostly). Segments do not overlap."""

    __slots__ = ("_replaced", "block", "extra", "file", "first")

    def __init__(self, first: Key, file: ArchiveFile | None, block: Block | None, extra: tuple[Task, ...]) -> None:
        self.first = first
        self.file = file
        self.block = block
        self.extra = extra
        self._replaced: frozenset[int] | None = None

    def size(self) -> int:
        """How many tasks it has."""
        if self.block is None:
            return len(self.extra)
        return self.block.tasks + len(self.extra) - (len(self.replaced()) if self.extra else 0)

    def tasks(self) -> list[Task]:
        """Its tasks, in order, each once."""
        stored = self.file.read(self.block) if self.file is not None and self.block is not None else []
        return merge_tasks(stored, self.extra) if self.extra else stored

    def rows(self, first: int, end: int | None) -> list[Task]:
        """Those of its tasks from one position to another."""
        if self.extra or self.file is None or self.block is None:
            return self.tasks()[first:end]
        return self.file.read(self.block, slice(first, end))

    def replaced(self) -> frozenset[int]:
        """The numbers within the block of the rows that extra rows are another form of."""
        if self._replaced is None:
            assert self.file is not None and self.block is not None
            upids = {task.upid for task in self.extra}
            stored = self.file.read(self.block) if self.file.may_hold(self.block, self.extra) else []
            self._replaced = frozenset(row for row, task in enumerate(stored) if task.upid in upids)
        return self._replaced

    def take_over(self, known: "Segment") -> None:
        """Take what another segment has found out, if it is of the same tasks."""
        if self.block == known.block and self.extra == known.extra:
            self._replaced = known._replaced

    def count_matches(self, question: Question, cancelled: Cancelled) -> int:
        """How many of its tasks match. Raises ScanCancelled."""
        if self.file is None or self.block is None or not question.covers(self.block):
            return len(self.matches(question, cancelled))
        if self.extra and self.replaced():
            return len(self.matches(question, cancelled))
        return self.file.matches(question.terms, cancelled).count(self.block) + sum(map(question.test, self.extra))

    def matches(self, question: Question, cancelled: Cancelled) -> list[Task]:
        """Those of its tasks that match, in order. Raises ScanCancelled."""
        extra = list(filter(question.test, self.extra))
        if self.file is None or self.block is None:
            return extra
        if self.extra and self.replaced():
            # Which of two forms of a task is the later one, only both together tell.
            return list(filter(question.test, self.tasks()))
        rows = self.file.matches(question.terms, cancelled).rows(self.block)
        stored = self.file.read(self.block, rows) if rows else []
        if not question.covers(self.block):
            stored = list(filter(question.test, stored))
        return merge_tasks(stored, extra) if extra else stored
