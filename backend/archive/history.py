"""The finished tasks of a snapshot as one list, newest start first: counted, paged, walked and searched."""

import bisect
import threading
from collections.abc import Iterable, Iterator
from functools import cached_property

from backend.archive.archive_file import REMEMBERED_FILTERS, ArchiveFile
from backend.archive.blocks import Key
from backend.archive.scan import Cancelled, ScanCancelled, never
from backend.archive.segments import Segment, join
from backend.query import Filter, Term
from backend.task import Task

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
        counts = self._counts_of(wanted)
        return sum(self._count(number, wanted, counts, cancelled) for number in range(len(counts)))

    def page(self, wanted: Filter | None, offset: int, limit: int, cancelled: Cancelled = never) -> list[Task]:
        """The matches from a position on, `limit` at most."""
        counts = self._counts_of(wanted)
        number, passed = self._skip(wanted, counts, offset, cancelled)
        page: list[Task] = []
        while len(page) < limit and number < len(counts):
            if self._count(number, wanted, counts, cancelled):
                first = max(0, offset - passed)
                missing = limit - len(page)
                if wanted:
                    page.extend(self._matches(number, wanted, cancelled)[first : first + missing])
                else:
                    page.extend(self.segments[number].rows(first, first + missing))
            passed += self._count(number, wanted, counts, cancelled)
            number += 1
        return page

    def locate(self, wanted: Filter | None, key: Key, cancelled: Cancelled = never) -> int:
        """The position, among the matches, of the first one at or behind a key."""
        counts = self._counts_of(wanted)
        number = self._segment_of(key)
        before = sum(self._count(one, wanted, counts, cancelled) for one in range(number))
        if number == len(counts):
            return before
        return before + sum(task.key < key for task in self._rows(number, wanted, cancelled))

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
        counts = self._counts_of(wanted)
        last = len(counts) - 1
        if start is None:
            number = last if reverse else 0
        else:
            number = min(self._segment_of(start), max(last, 0))
        for one in range(number, -1, -1) if reverse else range(number, last + 1):
            if one > last or not self._count(one, wanted, counts, cancelled):
                continue
            tasks = self._rows(one, wanted, cancelled)
            for task in reversed(tasks) if reverse else tasks:
                if start is None or one != number or (task.key <= start if reverse else task.key >= start):
                    yield task

    def _segment_of(self, key: Key) -> int:
        """The number of the segment in which a key stands or would stand."""
        return max(0, bisect.bisect_right(self.segments, key, key=lambda segment: segment.first) - 1)

    def _counts_of(self, wanted: Filter | None) -> Counts:
        """What is known of how many match in each segment."""
        terms = wanted.terms if wanted else ()
        with self._lock:
            counts = self._counts.pop(terms, None)
            if counts is None:
                counts = self._first_counts(wanted)
                if len(self._counts) >= REMEMBERED_FILTERS:
                    self._counts.pop(next(iter(self._counts)))
            self._counts[terms] = counts
            return counts

    def _first_counts(self, wanted: Filter | None) -> Counts:
        if wanted:
            return [None] * len(self.segments)
        return [None if one.extra or one.block is None else one.block.tasks for one in self.segments]

    def _count(self, number: int, wanted: Filter | None, counts: Counts, cancelled: Cancelled) -> int:
        known = counts[number]
        if known is None:
            if cancelled():
                raise ScanCancelled
            segment = self.segments[number]
            if not wanted:
                known = segment.size()
            elif not self._may_match(number, wanted):
                known = 0
            else:
                known = segment.count_matches(wanted, wanted.timeless, cancelled)
            counts[number] = known
        return known

    def _skip(self, wanted: Filter | None, counts: Counts, offset: int, cancelled: Cancelled) -> tuple[int, int]:
        """The number of the segment that holds the match at a position, and how many matches lie before it."""
        passed = 0
        for number in range(len(counts)):
            matching = counts[number]
            if matching is None:
                matching = self._count(number, wanted, counts, cancelled)
            if passed + matching > offset:
                return number, passed
            passed += matching
        return len(counts), passed

    def _matches(self, number: int, wanted: Filter, cancelled: Cancelled) -> list[Task]:
        return self.segments[number].matches(wanted, wanted.timeless, cancelled)

    def _rows(self, number: int, wanted: Filter | None, cancelled: Cancelled) -> list[Task]:
        return self._matches(number, wanted, cancelled) if wanted else self.segments[number].tasks()

    def _may_match(self, number: int, wanted: Filter) -> bool:
        """False where the start times of a segment alone rule it out."""
        since, until = wanted.bounds
        if -self.segments[number].first[0] < since:
            return False
        following = number + 1
        return following >= len(self.segments) or -self.segments[following].first[0] <= until
