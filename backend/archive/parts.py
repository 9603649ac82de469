"""The history in parts, one for each archive file: its blocks, and the loose rows of its time, as the journal's.
A part that a change of the cache does not touch goes on into the next snapshot, with what was counted in it."""

import bisect
import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate

from backend.archive.archive_file import REMEMBERED_FILTERS, ArchiveFile
from backend.archive.blocks import Block, Key
from backend.archive.frames import FRAME_TASKS
from backend.archive.segments import Segment
from backend.query import Filter, Term
from backend.task import Task, in_order, latest


class Counts:
    """How many tasks of each segment of a part match a filter.

    Attributes:
        numbers: by segment, None where nobody has counted yet.
        filled: whether all was counted that is counted at once.
        ends: how many match up to each segment's end, once all are counted.
    """

    __slots__ = ("ends", "filled", "numbers")

    def __init__(self, numbers: list[int | None]) -> None:
        self.numbers = numbers
        self.filled = False
        self.ends: list[int] | None = None

    @property
    def total(self) -> int:
        """How many match in the part, once all are counted."""
        assert self.ends is not None
        return self.ends[-1] if self.ends else 0

    def fill(self) -> None:
        """Note that all was counted that is counted at once."""
        self.filled = True
        known = [number for number in self.numbers if number is not None]
        if len(known) == len(self.numbers):
            self.ends = list(accumulate(known))


class Part:
    """The history of one archive file's time. Parts do not overlap.

    Attributes:
        file: None where there is no archive file at all.
        blocks: of the file, those that lie within its time, in order.
        loose: rows of that time that lie elsewhere, in order.
    """

    def __init__(
        self, file: ArchiveFile | None, blocks: Sequence[Block], loose: list[Task], earlier: "Part | None" = None
    ) -> None:
        """`earlier` is the part of the same file in the snapshot before."""
        self.file = file
        self.blocks = blocks
        self.loose = loose
        # Of one that nobody looked into, what it was to use itself.
        self._earlier: Part | None = (
            earlier if earlier is None or "segments" in earlier.__dict__ else earlier._earlier
        )
        self._counts: dict[tuple[Term, ...], Counts] = {}
        self._lock = threading.Lock()

    @property
    def start(self) -> float:
        """When its time begins (UNIX seconds)."""
        return float("-inf") if self.file is None else self.file.start

    @property
    def first(self) -> Key | None:
        """The key of its newest task; None if it is empty."""
        firsts = [row.key for row in self.loose[:1]] + [block.first for block in self.blocks[:1]]
        return min(firsts, default=None)

    @cached_property
    def size(self) -> int | None:
        """How many tasks it has, where that is known without a closer look."""
        return None if self.loose else sum(block.tasks for block in self.blocks)

    @cached_property
    def segments(self) -> list[Segment]:
        """What it is made of: its blocks, each with the rows that belong between its first row and the next block;
        and before them stretches of the rows that are newer."""
        file, blocks, rows = self.file, self.blocks, self.loose
        position = bisect.bisect_left(rows, blocks[0].first, key=_key) if blocks else len(rows)
        starts = range(0, position, FRAME_TASKS)
        chunks = [tuple(rows[start : min(start + FRAME_TASKS, position)]) for start in starts]
        segments = [Segment(chunk[0].key, None, None, chunk) for chunk in chunks]
        segments += [Segment(block.first, file, block, ()) for block in blocks]
        while position < len(rows):
            number = bisect.bisect_right(blocks, rows[position].key, key=_first) - 1
            end = len(rows)
            if number + 1 < len(blocks):
                end = bisect.bisect_left(rows, blocks[number + 1].first, lo=position, key=_key)
            segment = Segment(blocks[number].first, file, blocks[number], tuple(rows[position:end]))
            segments[len(chunks) + number] = segment
            position = end
        self._take_over(segments)
        return segments

    def segment_of(self, key: Key) -> int | None:
        """The number of the segment in which a key of this part's time stands or would stand; None if the part is
        empty."""
        number = bisect.bisect_right(self.segments, key, key=lambda segment: segment.first) - 1
        return max(0, number) if self.segments else None

    def counts(self, wanted: Filter | None) -> Counts:
        """What is known of how many tasks match a filter. Without one, all of it, but where a block and loose rows
        may be of the same tasks."""
        terms = wanted.terms if wanted else ()
        with self._lock:
            counts = self._counts.pop(terms, None)
            if counts is None:
                if len(self._counts) >= REMEMBERED_FILTERS:
                    self._counts.pop(next(iter(self._counts)))
                counts = Counts([None if terms else _plain_size(segment) for segment in self.segments])
                if not terms:
                    counts.fill()
            self._counts[terms] = counts
        return counts

    def _take_over(self, segments: list[Segment]) -> None:
        earlier, self._earlier = self._earlier, None
        if earlier is not None:
            known = {segment.block: segment for segment in earlier.segments if segment.extra and segment.block}
            for segment in segments:
                if segment.extra and segment.block in known:
                    segment.take_over(known[segment.block])


def make_parts(files: Iterable[ArchiveFile], rows: list[Task], known: Iterable[Part] = ()) -> list[Part]:
    """The history of these files, newest first, and of the journal's rows, newest first. A part of `known` that
    still is the same is taken over.

    Rows of a file that lie outside its time, as after a crash between two renames or by other hands, go where they
    belong, as those of the journal do. Of both, what is from before the oldest file has left the history, so it
    is not listed.
    """
    kept: list[tuple[ArchiveFile | None, Sequence[Block]]] = []
    misplaced: list[Task] = []
    upper: float = float("inf")
    for file in files:
        within, outside = _sort_out(file, upper)
        kept.append((file, within))
        for block in outside:
            misplaced += file.read(block)
        upper = file.start
    if misplaced:
        rows = in_order(latest([*misplaced, *rows]).values())
    if not kept:
        kept.append((None, ()))
    earlier = {part.file: part for part in known}
    parts = []
    position = 0
    for place, blocks in kept:
        end = len(rows) if place is None else bisect.bisect_right(rows, -place.start, lo=position, key=_age)
        loose, position = rows[position:end], end
        part = earlier.get(place)
        if part is None or part.blocks != blocks or part.loose != loose:
            part = Part(place, blocks, loose, part)
        parts.append(part)
    return parts


def _sort_out(file: ArchiveFile, upper: float) -> tuple[Sequence[Block], Sequence[Block]]:
    """The blocks of a file that lie within its time, in order, and the others, as other hands leave them."""
    blocks = file.blocks
    if file.in_order and (not blocks or (-blocks[0].first[0] < upper and -blocks[-1].last[0] >= file.start)):
        return blocks, ()
    within: list[Block] = []
    outside: list[Block] = []
    for block in blocks:
        in_time = -block.first[0] < upper and -block.last[0] >= file.start
        in_order = not within or block.first > within[-1].last
        (within if in_time and in_order else outside).append(block)
    return within, outside


def _plain_size(segment: Segment) -> int | None:
    """How many tasks a segment has, where that is known without reading it."""
    if segment.block is None:
        return len(segment.extra)
    return None if segment.extra else segment.block.tasks


def _key(task: Task) -> Key:
    return task.key


def _age(task: Task) -> int:
    return -task.starttime


def _first(block: Block) -> Key:
    return block.first
