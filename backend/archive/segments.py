"""Archive files and journal joined into one list: stretches that follow each other, newest start first."""

import bisect
from collections.abc import Iterable, Iterator, Sequence

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Block, Key
from backend.archive.frames import FRAME_TASKS
from backend.archive.scan import Cancelled
from backend.query import Filter
from backend.task import Task, later, latest


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
            stored = self.file.read(self.block)
            self._replaced = frozenset(row for row, task in enumerate(stored) if task.upid in upids)
        return self._replaced

    def take_over(self, known: "Segment") -> None:
        """Take what another segment has found out, if it is of the same tasks."""
        if self.file is known.file and self.block == known.block and self.extra == known.extra:
            self._replaced = known._replaced

    def is_plain(self, question: Question) -> bool:
        """Whether the masks of its file alone tell what of it matches."""
        return self.block is not None and not self.extra and question.covers(self.block)

    def count_matches(self, question: Question, cancelled: Cancelled) -> int:
        """How many of its tasks match. Raises ScanCancelled."""
        if self.file is None or self.block is None or not self.is_plain(question):
            return len(self.matches(question, cancelled))
        return self.file.matches(question.terms, cancelled).count(self.block)

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


def merge_tasks(stored: Sequence[Task], newer: Iterable[Task]) -> list[Task]:
    """Two ordered runs as one, each task once, in its later form; meant for few `newer` ones."""
    merged: list[Task] = []
    ages = [-task.starttime for task in stored]
    position = 0
    for task in newer:
        age = -task.starttime
        place = bisect.bisect_left(ages, age, position)
        while place < len(ages) and ages[place] == age and stored[place].upid < task.upid:
            place += 1
        merged += stored[position:place]
        position = place
        if place < len(ages) and stored[place].upid == task.upid:
            task = later(stored[place], task)
            position += 1
        merged.append(task)
    merged += stored[position:]
    return merged


def join(files: Iterable[ArchiveFile], journal: Iterable[Task]) -> list[Segment]:
    """The history of these files, newest first, and of the journal's rows, whatever their order.

    Rows of a file that lie outside its time, as after a crash between two renames or by other hands, go where they
    belong, as those of the journal do. Of both, what is from before the oldest file has left the history, so it
    is not listed.
    """
    blocks: list[tuple[ArchiveFile, Block]] = []
    misplaced: list[Task] = []
    upper: int | None = None
    for file in files:
        for block in file.blocks:
            in_time = -block.last[0] >= file.start and (upper is None or -block.first[0] < upper)
            if in_time and (not blocks or block.first > blocks[-1][1].last):
                blocks.append((file, block))
            else:
                misplaced.extend(file.read(block))
        upper = file.start
    loose = latest([*misplaced, *journal]) if misplaced else {task.upid: task for task in journal}
    kept = [task for task in loose.values() if upper is None or task.starttime >= upper]
    return list(_place(blocks, sorted(kept, key=_key)))


def _place(blocks: list[tuple[ArchiveFile, Block]], rows: list[Task]) -> Iterator[Segment]:
    """Give each block the rows that belong between its first row and the next block; what is newer than all
    blocks makes segments of its own."""
    leading = bisect.bisect_left(rows, blocks[0][1].first, key=_key) if blocks else len(rows)
    for start in range(0, leading, FRAME_TASKS):
        chunk = tuple(rows[start : min(start + FRAME_TASKS, leading)])
        yield Segment(chunk[0].key, None, None, chunk)
    position = leading
    for number, (file, block) in enumerate(blocks):
        end = len(rows)
        if position < end and number + 1 < len(blocks):
            end = bisect.bisect_left(rows, blocks[number + 1][1].first, lo=position, key=_key)
        yield Segment(block.first, file, block, tuple(rows[position:end]))
        position = end


def _key(task: Task) -> Key:
    return task.key
