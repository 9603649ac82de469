"""The finished tasks of a snapshot as one list, newest start first: counted, paged, walked and searched."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Key
from backend.archive.part_matches import PartMatches
from backend.archive.parts import Part, make_parts
from backend.archive.scan import Cancelled, ScanCancelled, never
from backend.archive.segments import Question
from backend.query import Filter
from backend.task import Task

if TYPE_CHECKING:
    from backend.archive.tallies import Tally


class History:
    """An immutable list of tasks over open archive files and a journal. Safe to use from several threads.

    Its methods take `cancelled`, ask it now and then, and raise ScanCancelled once it says so.
    """

    def __init__(self, files: Iterable[ArchiveFile], journal: list[Task], known: "History | None" = None) -> None:
        """`files` and `journal` newest first. What an earlier history knows and is still so is used."""
        self.files = list(files)
        self._journal = journal
        # Of one that nobody asked anything, what it was to use itself.
        self._known: History | None = known if known is None or "parts" in known.__dict__ else known._known

    @cached_property
    def parts(self) -> list[Part]:
        """What it is made of, newest first."""
        known, self._known = self._known, None
        return make_parts(self.files, self._journal, known.parts if known is not None else ())

    def count(self, wanted: Filter | None = None, cancelled: Cancelled = never) -> int:
        """How many match."""
        return sum(matches.count() for matches in self._matches(self.parts, wanted, cancelled))

    def page(self, wanted: Filter | None, offset: int, limit: int, cancelled: Cancelled = never) -> list[Task]:
        """The matches from a position on, `limit` at most."""
        page: list[Task] = []
        for matches in self._matches(self.parts, wanted, cancelled):
            tasks, passed = matches.page(offset, limit - len(page))
            page += tasks
            offset -= passed
            if len(page) >= limit:
                break
        return page

    def locate(self, wanted: Filter | None, key: Key, cancelled: Cancelled = never) -> int:
        """The position, among the matches, of the first one at or behind a key."""
        number = self._part_of(key)
        before = sum(matches.count() for matches in self._matches(self.parts[:number], wanted, cancelled))
        within = self._matches(self.parts[number : number + 1], wanted, cancelled)
        return before + sum(matches.before(key) for matches in within)

    def find(self, key: Key) -> Task | None:
        """The task with this key."""
        for part in self.parts[(number := self._part_of(key)) : number + 1]:
            segment = part.segment_of(key)
            tasks = part.segments[segment].tasks() if segment is not None else []
            return next((task for task in tasks if task.key == key), None)
        return None

    def known(self, keys: Iterable[Key]) -> set[Key]:
        """Those of some keys whose tasks are here; each segment is read once, however many it may hold."""
        parts, sought = self.parts, defaultdict[tuple[int, int], set[Key]](set)
        for key in keys:
            number = self._part_of(key)
            segment = parts[number].segment_of(key) if number < len(parts) else None
            if segment is not None:
                sought[number, segment].add(key)
        return {
            task.key
            for (number, segment), wanted in sought.items()
            for task in parts[number].segments[segment].tasks()
            if task.key in wanted
        }

    def iterate(
        self, wanted: Filter | None, start: Key | None = None, reverse: bool = False, cancelled: Cancelled = never
    ) -> Iterator[Task]:
        """The matches one by one, read a segment at a time, from the one with the key `start` on or from where it
        would stand."""
        parts = self.parts[::-1] if reverse else self.parts
        if start is not None:
            number = self._part_of(start)
            parts = self.parts[number::-1] if reverse else self.parts[number:]
        for place, matches in enumerate(self._matches(parts, wanted, cancelled)):
            yield from matches.walk(start if place == 0 else None, reverse)

    def tally(self, wanted: Filter | None, tally: "Tally", cancelled: Cancelled = never) -> None:
        """Have all matches counted."""
        for matches in self._matches(self.parts, wanted, cancelled):
            matches.tally(tally)

    def _part_of(self, key: Key) -> int:
        """The number of the part in whose time a key lies; of one from before all, how many parts there are."""
        return bisect.bisect_left(self.parts, float(key[0]), key=lambda part: -part.start)

    def _matches(self, parts: list[Part], wanted: Filter | None, cancelled: Cancelled) -> Iterator[PartMatches]:
        question = Question(wanted) if wanted else None
        for part in parts:
            if cancelled():
                raise ScanCancelled
            yield PartMatches(part, wanted, question, cancelled)
