"""Merging: the journal's rows into archive files of one UTC day each. Untouched blocks are copied as they are, old
days go, and every new file is written beside the old one; `Merge.commit` renames them."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Block, Damage
from backend.archive.files import DAY, archive_name, locked, new_file, sync_directory
from backend.archive.frames import ArchiveStamp, FrameWriter
from backend.archive.index import index_path, write_index
from backend.archive.parts import make_parts
from backend.archive.scan import Cancelled, ScanCancelled, never
from backend.archive.segments import Segment
from backend.task import Task, in_order

if TYPE_CHECKING:
    from backend.archive.columns import Columns, ColumnWriter


def day_starts(now: float, keep_days: int) -> list[int]:
    """Where the archive files of the kept UTC days start, newest first (UNIX seconds)."""
    today = int(now) // DAY * DAY
    return [today - day * DAY for day in range(keep_days)]


def layout_is_due(files: list[ArchiveFile], days: list[int]) -> bool:
    """Whether a day lacks its file, or a file is of no kept day, as after midnight or after a wrong clock."""
    starts = {file.start for file in files}
    return not starts.issuperset(days) or min(starts) < days[-1] or max(starts) > days[0]


@dataclass(slots=True)
class Merge:
    """A merge that is ready: new files, written beside the old ones, and those that go with its commit.

    Attributes:
        moved: rows that were in an archive file they do not belong to: the journal must hold them during the
            commit, since the file that loses a row may be replaced before the one that gains it.
    """

    written: list[tuple[Path, Path]] = field(default_factory=list)
    obsolete: list[Path] = field(default_factory=list)
    moved: list[Task] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)

    def commit(self, directory: Path) -> None:
        """Put the new files in place, under the cache's lock. A crash in the middle leaves rows in two places, not
        in none, and readers show such rows once."""
        with locked(directory, exclusive=True):
            for temporary, path in self.written:
                os.replace(temporary, path)
        # Readers need not wait for the disk.
        sync_directory(directory)
        if self.obsolete:
            with locked(directory, exclusive=True):
                for path in self.obsolete:
                    path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the new files again."""
        for temporary, _ in self.written:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()


def prepare_merge(
    directory: Path,
    files: list[ArchiveFile],
    journal: Mapping[str, Task],
    days: list[int],
    *,
    cancelled: Cancelled = never,
) -> Merge:
    """Merge a journal's rows into these archive files (newest first) so that they are of `days` (newest first),
    of which the oldest file covers the first.

    Rows from before the oldest day are left out. What cannot be read is left behind and reported: its time range
    wants to be fetched again before the commit makes the loss final. Raises ScanCancelled once `cancelled` says
    so, and then nothing is left behind.
    """
    starts = sorted({*days, *(file.start for file in files if days[-1] <= file.start <= days[0])}, reverse=True)
    by_start = {file.start: file for file in files}
    segments = [segment for part in make_parts(files, in_order(journal.values())) for segment in part.segments]
    merge = Merge()
    merge.moved = [task for one in segments for task in one.extra if journal.get(task.upid) != task]
    try:
        upper: float = float("inf")
        for start in starts:
            within = [
                segment for number, segment in enumerate(segments) if _reaches(segments, number, start, upper)
            ]
            known = by_start.pop(start, None)
            if known is None or not _is_unchanged(known, within, start, upper):
                path = directory / (archive_name(start) if within else f"archive.{start}")
                _write_file(merge, path, within, start, upper, cancelled)
                if known is not None and known.path != path:
                    merge.obsolete.append(known.path)
            upper = start
    except BaseException:
        merge.discard()
        raise
    # After all was read: some damage shows only then.
    merge.damage = [damage for file in files for damage in file.damage]
    for file in by_start.values():
        merge.obsolete += [file.path, index_path(file.path)]
    return merge


def prepare_index(file: ArchiveFile, cancelled: Cancelled) -> Merge:
    """Make the missing index of a file that was written in frames. Raises ScanCancelled, and then nothing is left
    behind."""
    merge = Merge()
    columns = file.columns(cancelled)
    if file.stamp is not None and not file.spoilt:
        _write_index(merge, file.path, file.stamp, file.blocks, columns)
    return merge


def _reaches(segments: list[Segment], number: int, start: int, upper: float) -> bool:
    """Whether a segment may hold tasks that started from `start` on and before `upper`."""
    segment = segments[number]
    oldest = -segment.extra[-1].key[0] if segment.extra else -segment.first[0]
    if segment.block is not None:
        oldest = min(oldest, -segment.block.last[0])
    return -segment.first[0] >= start and oldest < upper


def _is_unchanged(file: ArchiveFile, segments: list[Segment], start: int, upper: float) -> bool:
    """Whether a file holds just what these segments do, in frames, from `start` on and before `upper`."""
    return (
        not file.damage
        and (file.copyable or not file.blocks)
        and [(one.file, one.block) for one in segments] == [(file, block) for block in file.blocks]
        and all(_lies_within(block, start, upper) for block in file.blocks)
        and all(_adds_nothing(one) for one in segments)
    )


def _adds_nothing(segment: Segment) -> bool:
    """Whether a block holds all rows already that belong into it."""
    if not segment.extra or segment.file is None or segment.block is None:
        return not segment.extra
    stored = set(segment.file.read(segment.block))
    return all(task in stored for task in segment.extra)


def _lies_within(block: Block, start: int, upper: float) -> bool:
    return -block.first[0] < upper and -block.last[0] >= start


def _write_file(
    merge: Merge, path: Path, segments: list[Segment], start: int, upper: float, cancelled: Cancelled
) -> None:
    """Write an archive file of what these segments hold from `start` on and before `upper`, and its index."""
    # numpy: who only reads need not wait for it
    from backend.archive.columns import ColumnWriter
    from backend.archive.rewrite import Rewriter

    with new_file(path) as (file, temporary):
        merge.written.append((temporary, path))
        if not segments:
            return
        columns = ColumnWriter()
        with FrameWriter(file) as writer:
            for copied, group in groupby(segments, lambda one: _is_copyable(one, start, upper)):
                if copied:
                    _copy(writer, columns, list(group), cancelled)
                else:
                    rewriter = Rewriter(writer, columns, start, upper)
                    rewriter.add(group, cancelled)
                    rewriter.close()
            stamp = writer.close()
    _write_index(merge, path, stamp, writer.blocks, columns.columns())


def _is_copyable(segment: Segment, start: int, upper: float) -> bool:
    file, block = segment.file, segment.block
    if file is None or block is None or segment.extra or not file.copyable:
        return False
    return _lies_within(block, start, upper)


def _copy(writer: FrameWriter, columns: "ColumnWriter", segments: list[Segment], cancelled: Cancelled) -> None:
    """Add blocks as they are, and their rows of the columns, run by run."""
    for file, group in groupby(segments, lambda one: one.file):
        blocks = [one.block for one in group if one.block is not None]
        assert file is not None
        known = file.columns(cancelled)
        for block in blocks:
            if cancelled():
                raise ScanCancelled
            writer.copy(file.raw(block), block)
        first, last = blocks[0], blocks[-1]
        if last.row + last.tasks - first.row == sum(block.tasks for block in blocks):
            columns.add_columns(known.part(first.row, last.row + last.tasks - first.row))
        else:
            for block in blocks:
                columns.add_columns(known.part(block.row, block.tasks))


def _write_index(
    merge: Merge, archive: Path, stamp: ArchiveStamp, blocks: list[Block], columns: "Columns"
) -> None:
    path = index_path(archive)
    with new_file(path, durable=False) as (file, temporary):
        merge.written.append((temporary, path))
        write_index(file, stamp, blocks, columns)


def lost_since(damage: list[Damage], days: list[int]) -> int | None:
    """From where on tasks must be fetched again to replace what is damaged (UNIX seconds)."""
    since: Iterator[int] = (days[-1] if one.since is None else one.since for one in damage)
    return min(since, default=None)
