"""What of a part of the history matches a filter: counted once by segment, paged, walked and tallied."""

import bisect
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Key
from backend.archive.parts import Counts, Part
from backend.archive.scan import Cancelled, ScanCancelled
from backend.archive.segments import Question
from backend.query import Filter
from backend.task import Task

if TYPE_CHECKING:
    from backend.archive.tallies import Tally


class PartMatches:
    """The matches in one part, for one call. All methods raise ScanCancelled once `cancelled` says so."""

    def __init__(self, part: Part, wanted: Filter | None, question: Question | None, cancelled: Cancelled) -> None:
        """`question` is `wanted`, taken apart; both None for all tasks."""
        self._part = part
        self._wanted = wanted
        self._question = question
        self._cancelled = cancelled

    def count(self) -> int:
        """How many there are."""
        if not self._may_match():
            return 0
        if self._question is None and self._part.size is not None:
            return self._part.size
        counts = self._counts()
        if counts.ends is None:
            for number in range(len(counts.numbers)):
                self._count(counts, number)
            counts.fill()
        return counts.total

    def page(self, offset: int, limit: int) -> tuple[list[Task], int]:
        """The matches from a position on, `limit` at most, and how many were passed over on the way: `offset`, or
        all if there are no more."""
        page: list[Task] = []
        if not self._may_match():
            return page, 0
        if self._question is None and self._part.size is not None and offset >= self._part.size:
            return page, self._part.size
        counts = self._counts()
        number = passed = 0
        if counts.ends is not None:
            if offset >= counts.total:
                return page, counts.total
            number = bisect.bisect_right(counts.ends, offset)
            passed = counts.ends[number - 1] if number else 0
        for one, matching in self._matching(counts, range(number, len(counts.numbers))):
            if passed + matching > offset:
                first = max(0, offset - passed)
                page += self._rows(one, first, first + limit - len(page))
                if len(page) >= limit:
                    return page, offset
            passed += matching
        return page, min(offset, passed)

    def before(self, key: Key) -> int:
        """How many stand before a key of the part's time."""
        number = self._part.segment_of(key)
        if number is None or not self._may_match():
            return 0
        before = sum(matching for _, matching in self._matching(self._counts(), range(number)))
        return before + sum(task.key < key for task in self._rows(number))

    def walk(self, start: Key | None, reverse: bool) -> Iterator[Task]:
        """The matches one by one, read a segment at a time, from the one with the key `start` on or from where it
        would stand."""
        last = len(self._part.segments) - 1
        number = self._part.segment_of(start) if start is not None else last if reverse else 0
        if number is None or not self._may_match():
            return
        numbers = range(number, -1, -1) if reverse else range(number, last + 1)
        for one, _ in self._matching(self._counts(), numbers):
            tasks = self._rows(one)
            if start is not None and one == number:
                tasks = [task for task in tasks if (task.key <= start if reverse else task.key >= start)]
            yield from reversed(tasks) if reverse else tasks

    def tally(self, tally: "Tally") -> None:
        """Have all matches counted by what `tally` counts them by."""
        if not self._may_match():
            return
        file, question = self._part.file, self._question or Question(Filter())
        if file is not None and self._part.blocks:
            matcher = file.matcher(self._cancelled)
            rows = file.matches(question.terms, self._cancelled).mask(self._cancelled)
            rows = rows & matcher.starts_within(question.since, question.until)
            if len(self._part.blocks) < len(file.blocks):
                for block in set(file.blocks).difference(self._part.blocks):
                    rows[block.row : block.row + block.tasks] = False
        for segment in self._part.segments:
            if segment.extra:
                tally.add_tasks(segment.matches(question, self._cancelled))
                if segment.block is not None:
                    rows[segment.block.row : segment.block.row + segment.block.tasks] = False
        if file is not None and self._part.blocks:
            tally.add_columns(matcher, rows)

    def _may_match(self) -> bool:
        """False where the part's time alone rules it out."""
        question, first = self._question, self._part.first
        if first is None:
            return False
        return question is None or (-first[0] >= question.since and self._part.start <= question.until)

    def _counts(self) -> Counts:
        """What is known of how many match in each segment: all of it, where columns tell."""
        counts = self._part.counts(self._wanted)
        if not counts.filled and self._question is not None and self._part.file is not None:
            self._fill(counts, self._part.file, self._question)
        return counts

    def _fill(self, counts: Counts, file: ArchiveFile, question: Question) -> None:
        """Count all at once where the columns of the file alone tell."""
        by_block = file.matches(question.terms, self._cancelled).counts()
        if by_block is None:
            counts.fill()
            return
        unbounded = question.since == -math.inf and question.until == math.inf
        if unbounded and not self._part.loose and len(self._part.blocks) == len(by_block):
            counts.numbers[:] = by_block
        else:
            by_row = {block.row: number for block, number in zip(file.blocks, by_block, strict=True)}
            for number, segment in enumerate(self._part.segments):
                block = segment.block
                if block is not None and not segment.extra and (unbounded or question.covers(block)):
                    counts.numbers[number] = by_row[block.row]
        counts.fill()

    def _matching(self, counts: Counts, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Of some segments those in which any task matches, and how many do."""
        for number in numbers:
            known = counts.numbers[number]
            matching = self._count(counts, number) if known is None else known
            if matching:
                yield number, matching

    def _count(self, counts: Counts, number: int) -> int:
        """How many tasks of a segment match."""
        known = counts.numbers[number]
        if known is None:
            if self._cancelled():
                raise ScanCancelled
            known = counts.numbers[number] = self._look(number)
        return known

    def _look(self, number: int) -> int:
        segments, question = self._part.segments, self._question
        if question is None:
            return segments[number].size()
        if -segments[number].first[0] < question.since:
            return 0
        if number + 1 < len(segments) and -segments[number + 1].first[0] > question.until:
            return 0
        return segments[number].count_matches(question, self._cancelled)

    def _rows(self, number: int, first: int = 0, end: int | None = None) -> list[Task]:
        """The matching tasks of a segment, from one position among them to another."""
        segment = self._part.segments[number]
        if self._question is None:
            return segment.rows(first, end)
        return segment.matches(self._question, self._cancelled)[first:end]
