"""An immutable view of the cache: the running tasks, and the history as one list, newest start first. Journal and
archive files are joined here; whoever lists tasks walks a snapshot."""

import bisect
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from types import TracebackType

from backend.archive.archive_file import ArchiveFile, Key
from backend.archive.journal import JournalContent
from backend.archive.segments import Segment, join
from backend.query import Filter, Term
from backend.task import Task

Cancelled = Callable[[], bool]


class ScanCancelled(Exception):
    """A scan was told that nobody waits for it any more."""


class Snapshot:
    """A view of the cache at one moment; it does not change while it is open. Close it, or use it as a context
    manager. Safe to use from several threads.

    Attributes:
        version: equal for two snapshots only if they show the same.
    """

    def __init__(
        self, running: dict[str, Task], journal: JournalContent, files: list[ArchiveFile], version: object
    ) -> None:
        self.version = version
        self._running = running
        self._journal = journal
        self._files = files  # newest first; acquired for this snapshot
        self._closed = False
        self._counts: dict[tuple[Term, ...], dict[int, int]] = {}

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        files, self._files = self._files, []
        self._closed = True
        self.__dict__.pop("_segments", None)
        for file in files:
            file.release()

    def running(self) -> list[Task]:
        """The running tasks, newest start first."""
        finished = self._journal.tasks
        return sorted((task for task in self._running.values() if task.upid not in finished), key=_key)

    def count(self, wanted: Filter | None = None, *, cancelled: Cancelled | None = None) -> int:
        """How many finished tasks match. Raises ScanCancelled once `cancelled` says so."""
        return sum(self._matches(number, wanted) for number in self._numbers(cancelled))

    def page(
        self,
        wanted: Filter | None = None,
        offset: int = 0,
        limit: int = 500,
        *,
        cancelled: Cancelled | None = None,
    ) -> list[Task]:
        """The matching finished tasks from position `offset` on, newest start first, `limit` at most."""
        page: list[Task] = []
        for number in self._numbers(cancelled):
            if len(page) >= limit:
                break
            matching = self._known_matches(number, wanted)
            if matching is None or matching > offset:
                rows = self._matching(number, wanted)
                page.extend(rows[offset : offset + limit - len(page)])
                matching = len(rows)
            offset = max(0, offset - matching)
        return page

    def locate(self, wanted: Filter | None, key: Key, *, cancelled: Cancelled | None = None) -> int:
        """The position, among the matching finished tasks, of the first one at or behind `key` (`Task.key`)."""
        position = 0
        for number in self._numbers(cancelled):
            following = self._segments[number + 1].first if number + 1 < len(self._segments) else None
            if following is not None and following <= key:
                position += self._matches(number, wanted)
                continue
            return position + sum(task.key < key for task in _filtered(self._segments[number].tasks(), wanted))
        return position

    def find(self, key: Key) -> Task | None:
        """The finished task with this key."""
        number = bisect.bisect_right(self._segments, key, key=lambda segment: segment.first) - 1
        if number < 0:
            return None
        return next((task for task in self._segments[number].tasks() if task.key == key), None)

    def iterate(
        self, wanted: Filter | None = None, *, start: Key | None = None, reverse: bool = False
    ) -> Iterator[Task]:
        """The matching finished tasks one by one, a block at a time: newest start first, or oldest first with
        `reverse`; from the task with the key `start` on, or from where it would stand."""
        segments = self._segments
        number = len(segments) - 1 if reverse else 0
        if start is not None:
            number = bisect.bisect_right(segments, start, key=lambda segment: segment.first) - 1
        numbers = range(number, -1, -1) if reverse else range(max(0, number), len(segments))
        for number in numbers:
            if wanted and not self._may_match(number, wanted):
                continue
            tasks = segments[number].tasks()
            for task in _filtered(reversed(tasks) if reverse else tasks, wanted):
                if start is None or (task.key <= start if reverse else task.key >= start):
                    yield task

    @property
    def damage(self) -> tuple[str, ...]:
        """What of the cache cannot be read, in words."""
        damage = [str(damage) for file in self._files for damage in file.damage]
        if self._journal.bad_lines:
            damage.append(f"journal: {self._journal.bad_lines} unreadable lines")
        return tuple(damage)

    @cached_property
    def _segments(self) -> list[Segment]:
        if self._closed:
            raise ValueError("the snapshot is closed")
        return join(self._files, self._journal.tasks.values())

    def _numbers(self, cancelled: Cancelled | None) -> Iterator[int]:
        for number in range(len(self._segments)):
            if cancelled is not None and cancelled():
                raise ScanCancelled
            yield number

    def _matching(self, number: int, wanted: Filter | None) -> list[Task]:
        """The tasks of a segment that match; their number is remembered."""
        rows = list(_filtered(self._segments[number].tasks(), wanted))
        counts, place = self._counts_of(number, wanted)
        counts[place] = len(rows)
        return rows

    def _matches(self, number: int, wanted: Filter | None) -> int:
        """How many tasks of a segment match."""
        known = self._known_matches(number, wanted)
        return len(self._matching(number, wanted)) if known is None else known

    def _known_matches(self, number: int, wanted: Filter | None) -> int | None:
        segment = self._segments[number]
        if not wanted and segment.block is not None and not segment.extra:
            return segment.block.tasks
        if wanted and not self._may_match(number, wanted):
            return 0
        counts, place = self._counts_of(number, wanted)
        return counts.get(place)

    def _counts_of(self, number: int, wanted: Filter | None) -> tuple[dict[int, int], int]:
        """Where the count of a segment's matches is remembered: with the file where it depends on the file alone,
        so that a later snapshot has it too."""
        terms = wanted.terms if wanted else ()
        _, file, block, extra = self._segments[number]
        if file is not None and block is not None and not extra:
            return file.match_counts(terms), block.offset
        return self._counts.setdefault(terms, {}), number

    def _may_match(self, number: int, wanted: Filter) -> bool:
        """False where the start times of a segment alone rule it out."""
        since, until = wanted.bounds
        segment = self._segments[number]
        newest = -segment.first[0]
        if newest < since:
            return False
        if number + 1 < len(self._segments):
            return -self._segments[number + 1].first[0] <= until
        return True


def _filtered(tasks: Iterable[Task], wanted: Filter | None) -> Iterable[Task]:
    return tasks if wanted is None or not wanted else filter(wanted.matcher(), tasks)


def _key(task: Task) -> Key:
    return task.key
