"""Putting rows between the rows of archive blocks: the stored lines and their columns are taken over as they are,
only what is new is encoded. Columns tell what goes where; a stored line is read only where starts tie."""

from collections.abc import Iterable
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from backend.archive.blocks import Block
from backend.archive.columns import Columns, ColumnWriter
from backend.archive.frames import FRAME_TASKS, FrameWriter
from backend.archive.lines import decode_own, encode
from backend.archive.scan import Cancelled, ScanCancelled
from backend.archive.segments import Segment
from backend.task import Task, later

Order = NDArray[np.int64]


class Rewriter:
    """Adds the tasks of segments, in order, to an archive file and its columns. `close` after the last."""

    def __init__(self, writer: FrameWriter, columns: ColumnWriter, start: int, upper: float) -> None:
        """Of the segments what started from `start` on and before `upper` is added (UNIX seconds)."""
        self._writer = writer
        self._columns = columns
        self._start = start
        self._upper = upper
        self._lines: list[bytes] = []
        self._parts: list[Columns] = []
        self._part_rows = 0
        self._tasks: list[Task] = []
        # Rows of the parts by their number, new tasks by -1 less theirs.
        self._order: list[Order] = []

    def add(self, segments: Iterable[Segment], cancelled: Cancelled) -> None:
        """Add segments. Raises ScanCancelled."""
        for segment in segments:
            if cancelled():
                raise ScanCancelled
            file, block = segment.file, segment.block
            lines = file.lines(block) if file is not None and block is not None and self._holds(block) else []
            if file is not None and block is not None and lines:
                self._add_between(file.columns(cancelled), block, lines, self._within(segment.extra))
            else:
                self._add_new(self._within(segment.tasks()))
            self._write_lines(len(self._lines) // FRAME_TASKS * FRAME_TASKS)

    def close(self) -> None:
        """Write what is left."""
        self._write_lines(len(self._lines))
        if not self._order:
            return
        order = np.concatenate(self._order)
        order = np.where(order < 0, self._part_rows - 1 - order, order)
        self._columns.add_merged(self._parts, self._tasks, order)

    def _holds(self, block: Block) -> bool:
        return -block.first[0] < self._upper and -block.last[0] >= self._start

    def _within(self, tasks: Iterable[Task]) -> list[Task]:
        return [task for task in tasks if self._start <= task.starttime < self._upper]

    def _add_new(self, tasks: list[Task]) -> None:
        self._order.append(-1 - np.arange(len(self._tasks), len(self._tasks) + len(tasks), dtype=np.int64))
        self._tasks.extend(tasks)
        self._lines.extend(map(encode, tasks))

    def _add_between(self, columns: Columns, block: Block, lines: list[bytes], extra: list[Task]) -> None:
        """Add a block's lines, with other tasks between them or in the place of their earlier forms."""
        part = columns.part(block.row, block.tasks)
        # Ascending, for searching: the later a task started, the nearer to the block's front it is.
        ages = -part.starttime.astype(np.int64)
        keys = np.fromiter((-task.starttime for task in extra), np.int64, len(extra))
        firsts = np.searchsorted(ages, keys, side="left").tolist()
        ends = np.searchsorted(ages, keys, side="right").tolist()
        # Those that started in the same second, decoded in one go.
        tied = list(dict.fromkeys(chain.from_iterable(map(range, firsts, ends))))
        stored = dict(zip(tied, decode_own(b"".join([lines[row] for row in tied])), strict=True))
        places: list[int] = []
        added: list[Task] = []
        dropped: list[int] = []
        for task, place, end in zip(extra, firsts, ends, strict=True):
            while place < end and stored[place].upid < task.upid:
                place += 1
            if place < end and stored[place].upid == task.upid:
                if later(stored[place], task) is not task:
                    continue
                dropped.append(place)
            places.append(place)
            added.append(task)
        numbers = -1 - np.arange(len(self._tasks), len(self._tasks) + len(added), dtype=np.int64)
        kept = np.arange(self._part_rows, self._part_rows + block.tasks, dtype=np.int64)
        order = np.insert(kept, places, numbers)
        if dropped:
            order = order[~np.isin(order, kept[dropped])]
        self._order.append(order)
        self._parts.append(part)
        self._part_rows += block.tasks
        self._tasks.extend(added)
        gone = set(dropped)
        position = 0
        for place, task in zip(places, added, strict=True):
            self._lines.extend(lines[position:place])
            self._lines.append(encode(task))
            position = place + 1 if place in gone else place
        self._lines.extend(lines[position:])

    def _write_lines(self, count: int) -> None:
        """Write so many of the lines: whole frames, while more may come."""
        if count:
            self._writer.write_lines(self._lines[:count])
            del self._lines[:count]
