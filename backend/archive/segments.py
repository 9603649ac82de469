"""Archive files and journal joined into one list: stretches that follow each other, newest start first."""

import bisect
import heapq
from collections.abc import Iterable
from typing import NamedTuple

from backend.archive.archive_file import ArchiveFile, Block, Key
from backend.archive.frames import FRAME_TASKS, chunks
from backend.task import Task, later


class Segment(NamedTuple):
    """A stretch of the history: a block of an archive file, and the rows that belong between its rows but lie
    elsewhere (in the journal, mostly). Segments do not overlap."""

    first: Key
    file: ArchiveFile | None
    block: Block | None
    extra: tuple[Task, ...]

    def tasks(self) -> list[Task]:
        """The segment's tasks, in order, each once."""
        stored = self.file.read(self.block) if self.file is not None and self.block is not None else []
        return merge_tasks(stored, self.extra) if self.extra else stored


def merge_tasks(stored: Iterable[Task], newer: Iterable[Task]) -> list[Task]:
    """Two ordered runs as one, each task once, in its later form."""
    merged: list[Task] = []
    for task in heapq.merge(stored, newer, key=_key):
        if merged and merged[-1].key == task.key:
            merged[-1] = later(merged[-1], task)
        else:
            merged.append(task)
    return merged


def join(files: Iterable[ArchiveFile], journal: Iterable[Task]) -> list[Segment]:
    """The history of these files, newest first, and of the journal's rows, whatever their order.

    Rows of a file that lie outside its time, as after a crash between two renames or by other hands, go where they
    belong, as those of the journal do. Of both, what is from before the oldest file has left the history, so it
    is not listed.
    """
    blocks: list[tuple[ArchiveFile, Block]] = []
    loose: dict[str, Task] = {}
    upper: int | None = None
    for file in files:
        for block in file.blocks:
            in_time = -block.last[0] >= file.start and (upper is None or -block.first[0] < upper)
            if in_time and (not blocks or block.first > blocks[-1][1].last):
                blocks.append((file, block))
            else:
                _add(loose, file.read(block))
        upper = file.start
    _add(loose, journal)
    kept = [task for task in loose.values() if upper is None or task.starttime >= upper]
    return _place(blocks, sorted(kept, key=_key))


def _place(blocks: list[tuple[ArchiveFile, Block]], rows: list[Task]) -> list[Segment]:
    """Give each block the rows that belong between its first row and the next block; what is newer than all
    blocks makes segments of its own."""
    leading = bisect.bisect_left(rows, blocks[0][1].first, key=_key) if blocks else len(rows)
    segments = [Segment(chunk[0].key, None, None, tuple(chunk)) for chunk in chunks(rows[:leading], FRAME_TASKS)]
    position = leading
    for number, (file, block) in enumerate(blocks):
        end = len(rows)
        if number + 1 < len(blocks):
            end = bisect.bisect_left(rows, blocks[number + 1][1].first, lo=position, key=_key)
        segments.append(Segment(block.first, file, block, tuple(rows[position:end])))
        position = end
    return segments


def _add(tasks: dict[str, Task], more: Iterable[Task]) -> None:
    for task in more:
        known = tasks.get(task.upid)
        tasks[task.upid] = task if known is None else later(known, task)


def _key(task: Task) -> Key:
    return task.key
