"""The finished tasks of a snapshot as one list, newest start first: counted, paged, walked and searched."""

import bisect
import math
import threading
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from backend.archive.archive_file import REMEMBERED_FILTERS, ArchiveFile
from backend.archive.blocks import Key
from backend.archive.scan import Cancelled, ScanCancelled, never
from backend.archive.segments import Question, Segment, join
from backend.query import Filter, Term
from backend.task import Task

if TYPE_CHECKING:
    from backend.archive.tallies import FieldTally, TimeTally

Counts = list[int | None]
"""How many tasks of each segment match, None where nobody has counted yet."""


class History:
    """An immutable list of tasks over open archive files and a journal. Safe to use from several threads.

    Its methods take `cancelled`, ask it now and then, and raise ScanCancelled once it says so.
    """

    def __init__(self, files: list[ArchiveFile], journal: Iterable[Task], known: "History | None" = None) -> None:
        """`files` newest first, `journal` in any order. What an earlier history knows and is still so is used."""
        self._files = files
        self._journal = journal
        self._known = known
        self._counts: dict[tuple[Term, ...], Counts] = {}
        self._lock = threading.Lock()

    @cached_property
    def segments(self) -> list[Segment]:
        """The stretches it is made of."""
        segments = join(self._files, self._journal)
        known, self._known = self._known, None
        if known is not None and "segments" in known.__dict__:
            earlier = {segment.block: segment for segment in known.segments if segment.extra and segment.block}
            for segment in segments:
                if segment.extra and segment.block in earlier:
                    segment.take_over(earlier[segment.block])
        return segments

    def count(self, wanted: Filter | None = None, cancelled: Cancelled = never) -> int:
        """How many match."""
        matching = self._counter(wanted, cancelled).matching(range(len(self.segments)))
        return sum(number for _, number in matching)

    def page(self, wanted: Filter | None, offset: int, limit: int, cancelled: Cancelled = never) -> list[Task]:
        """The matches from a position on, `limit` at most."""
        counter = self._counter(wanted, cancelled)
        page: list[Task] = []
        passed = 0
        for number, matching in counter.matching(range(len(self.segments))):
            if passed + matching > offset:
                first = max(0, offset - passed)
                page.extend(counter.rows(number, first, first + limit - len(page)))
                if len(page) >= limit:
                    break
            passed += matching
        return page

    def locate(self, wanted: Filter | None, key: Key, cancelled: Cancelled = never) -> int:
        """The position, among the matches, of the first one at or behind a key."""
        counter = self._counter(wanted, cancelled)
        number = self._segment_of(key)
        before = sum(matching for _, matching in counter.matching(range(number)))
        if number == len(self.segments):
            return before
        return before + sum(task.key < key for task in counter.rows(number))

    def find(self, key: Key) -> Task | None:
        """The task with this key."""
        number = self._segment_of(key)
        tasks = self.segments[number].tasks() if number < len(self.segments) else []
        return next((task for task in tasks if task.key == key), None)

    def iterate(
        self, wanted: Filter | None, start: Key | None = None, reverse: bool = False, cancelled: Cancelled = never
    ) -> Iterator[Task]:
        """The matches one by one, read a segment at a time, from the one with the key `start` on or from where it
        would stand."""
        counter = self._counter(wanted, cancelled)
        last = len(self.segments) - 1
        if start is None:
            number = last if reverse else 0
        else:
            number = min(self._segment_of(start), max(last, 0))
        numbers = range(min(number, last), -1, -1) if reverse else range(number, last + 1)
        for one, _ in counter.matching(numbers):
            tasks = counter.rows(one)
            if start is not None and one == number:
                tasks = [task for task in tasks if (task.key <= start if reverse else task.key >= start)]
            yield from reversed(tasks) if reverse else tasks

    def tally(self, wanted: Filter | None, tally: "FieldTally | TimeTally", cancelled: Cancelled = never) -> None:
        """Have all matches counted."""
        question = Question(wanted or Filter())
        for file, group in groupby(self.segments, lambda one: one.file):
            segments = list(group)
            if file is None:
                tally.add_tasks(task for one in segments for task in one.matches(question, cancelled))
                continue
            matcher = file.matcher(cancelled)
            rows = file.matches(question.terms, cancelled).mask(cancelled) & matcher.starts_within(
                question.since, question.until
            )
            for segment in segments:
                if segment.extra and segment.block is not None:
                    rows[segment.block.row : segment.block.row + segment.block.tasks] = False
                    tally.add_tasks(segment.matches(question, cancelled))
            tally.add_columns(matcher, rows)

    def _segment_of(self, key: Key) -> int:
        """The number of the segment in which a key stands or would stand."""
        return max(0, bisect.bisect_right(self.segments, key, key=lambda segment: segment.first) - 1)

    def _counter(self, wanted: Filter | None, cancelled: Cancelled) -> "_Counter":
        """What counts the matches of a filter, with what is known of it already."""
        terms = wanted.terms if wanted else ()
        with self._lock:
            counts = self._counts.pop(terms, None)
            if counts is None:
                if terms:
                    counts = [None] * len(self.segments)
                else:
                    counts = [None if one.extra or one.block is None else one.block.tasks for one in self.segments]
                if len(self._counts) >= REMEMBERED_FILTERS:
                    self._counts.pop(next(iter(self._counts)))
            self._counts[terms] = counts
        return _Counter(self.segments, Question(wanted) if wanted else None, counts, cancelled)


class _Counter:
    """Counts how many tasks of each segment match, once for all who ask for the same filter."""

    def __init__(
        self, segments: list[Segment], question: Question | None, counts: Counts, cancelled: Cancelled
    ) -> None:
        self._segments = segments
        self._question = question
        self._counts = counts
        self._cancelled = cancelled

    def count(self, number: int) -> int:
        """How many tasks of a segment match."""
        known = self._counts[number]
        if known is None:
            if self._cancelled():
                raise ScanCancelled
            known = self._look(number)
            self._counts[number] = known
        return known

    def matching(self, numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Of some segments those in which any task matches, and how many do."""
        counts = self._counts
        for number in numbers:
            known = counts[number]
            matching = self.count(number) if known is None else known
            if matching:
                yield number, matching

    def rows(self, number: int, first: int = 0, end: int | None = None) -> list[Task]:
        """The matching tasks of a segment, from one position among them to another."""
        segment = self._segments[number]
        if self._question is None:
            return segment.rows(first, end)
        return segment.matches(self._question, self._cancelled)[first:end]

    def _look(self, number: int) -> int:
        segment, question = self._segments[number], self._question
        if question is None:
            return segment.size()
        if not self._may_match(number, question):
            return 0
        if segment.is_plain(question) and segment.file is not None:
            self._fill(number, segment.file, question)
            known = self._counts[number]
            if known is not None:
                return known
        return segment.count_matches(question, self._cancelled)

    def _fill(self, number: int, file: ArchiveFile, question: Question) -> None:
        """Count a file's segments from one on, all at once, where its columns alone tell."""
        counts = file.matches(question.terms, self._cancelled).counts()
        if counts is None:
            return
        unbounded = question.since == -math.inf and question.until == math.inf
        for one in range(number, len(self._segments)):
            segment = self._segments[one]
            if segment.file is not file or segment.block is None:
                break
            if not segment.extra and (unbounded or question.covers(segment.block)):
                self._counts[one] = counts[segment.block.row]

    def _may_match(self, number: int, question: Question) -> bool:
        """False where the start times of a segment alone rule it out."""
        if -self._segments[number].first[0] < question.since:
            return False
        following = number + 1
        return following >= len(self._segments) or -self._segments[following].first[0] <= question.until
