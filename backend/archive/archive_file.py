"""One archive file, open for reading: where its blocks of tasks lie, what each holds, and which are damaged. It
keeps what it learns for as long as it is open; a file is never changed in place, only replaced."""

import contextlib
import os
import re
import threading
import weakref
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from backend.archive.blocks import Block, Damage
from backend.archive.files import list_archives
from backend.archive.frames import ArchiveStamp, read_stamp
from backend.archive.index import BadIndex, Index, index_path
from backend.archive.lines import LineError, decode_all, decode_own
from backend.archive.recent import RecentContents
from backend.archive.scan import Cancelled, ScanCancelled, never
from backend.archive.survey import finished_in_order, survey, unpack
from backend.query import Term
from backend.task import Task

if TYPE_CHECKING:
    from backend.archive.columns import Columns
    from backend.archive.matches import FileMatches
    from backend.archive.matching import ColumnMatcher

Identity = tuple[str, int, int, int]
"""Name, inode, size and time of change (ns) of a file: equal for the same content."""

REMEMBERED_FILTERS = 6
"""The filters whose matches are kept with a file, the last used."""


_ALL = slice(None)
_AFTER_UPID = b'","starttime":'
"""What stands behind the UPID in a line."""
_ESCAPE = re.compile(rb"\\[bu]")
"""What stands in a line for a character, and looks like hex digits."""
_recent = RecentContents(8 << 20)


class ArchiveFile:
    """An open archive file. Several snapshots share one: each `acquire` wants a `release`, the last one closes.

    Attributes:
        start: UNIX seconds; the file holds the tasks that started then or later.
        identity: changes with the content.
        checked: whether all of it was looked at when it was opened.
        index_problem: why its index is not used, in words; None if it is.
    """

    def __init__(self, path: Path, start: int, *, checked: bool = False) -> None:
        """Open a file. With `checked` every block is unpacked at the first look, so that all damage is known;
        otherwise where a sound index tells what the blocks hold, damage shows when a block is read."""
        self.path = path
        self.start = start
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Also for who forgets the last `release`.
        self._close = weakref.finalize(self, os.close, self._handle)
        stat = os.fstat(self._handle)
        self.identity: Identity = (path.name, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        self._size = stat.st_size
        self._users = 1
        self._lock = threading.Lock()
        self._compressed = path.suffix == ".zst"
        self._framed = False
        self.checked = checked
        self._spoilt = False
        self._blocks: list[Block] | None = None
        self._damage: list[Damage] = []
        self._columns: Columns | None = None
        self._index_checked = False
        self._matcher: ColumnMatcher | None = None
        self._matches: dict[tuple[Term, ...], FileMatches] = {}
        self.index_problem: str | None = None
        self._index: Index | None = None
        # Opened with the file, so that it belongs to it, and read when somebody wants to know.
        self._close_index: weakref.finalize[[int], ArchiveFile] | None = None
        self._index_handle = _open_or_none(index_path(path)) if self._compressed else None
        if self._index_handle is not None:
            self._close_index = weakref.finalize(self, os.close, self._index_handle)

    def is_current(self) -> bool:
        """Whether the file of this name still is this one, and nothing was found wrong with it that its blocks do
        not tell. Raises FileNotFoundError if there is none."""
        stat = os.stat(self.path)
        return not self._spoilt and self.identity == (self.path.name, stat.st_ino, stat.st_size, stat.st_mtime_ns)

    @property
    def spoilt(self) -> bool:
        """Whether a block turned out to be damaged that the index calls sound."""
        return self._spoilt

    def acquire(self) -> "ArchiveFile":
        """Count one more user."""
        with self._lock:
            self._users += 1
        return self

    def release(self) -> None:
        """Count one user less; the last one closes the file."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._close()
                self._handle = -1  # a read that comes too late must not find another file's number
                self._index = None
                if self._close_index is not None:
                    self._close_index()

    @property
    def blocks(self) -> list[Block]:
        """The readable blocks, newest first. Without an index the first call reads the file."""
        return self._first_look()

    def _first_look(self) -> list[Block]:
        """Learn, once, what the file holds and what of it is damaged."""
        with self._lock:
            if self._blocks is None:
                self._index = self._read_index()
                if self._index is not None and not self.checked:
                    self._framed = True
                    self._blocks = self._index.blocks
                else:
                    found = survey(self.path.name, self.start, self._handle, self._size, self._compressed)
                    self._blocks, self._framed = found.blocks, found.framed
                    self._damage += found.damage
            return self._blocks

    @property
    def damage(self) -> list[Damage]:
        """What is known not to be readable."""
        self._first_look()
        return self._damage

    @cached_property
    def in_order(self) -> bool:
        """Whether each block begins behind the end of the one before it."""
        return all(above.last < below.first for above, below in pairwise(self.blocks))

    @property
    def copyable(self) -> bool:
        """Whether the blocks can go into another file as they are: only of a file that was written in frames."""
        self._first_look()
        return self._framed

    def read(self, block: Block, rows: Sequence[int] | slice = _ALL) -> list[Task]:
        """The tasks of a block, in order, or some of them by their numbers in it. A block that turns out to be
        damaged has none; `spoilt` tells so."""
        # All of a file is read whole blocks at a time: that would leave nothing else of what is kept.
        content = self._content(block) if rows == _ALL else self._kept_content(block)
        if not self._framed:  # written by other hands: neither order nor form is to be relied on
            tasks = finished_in_order(decode_all(content)[0])
            return tasks[rows] if isinstance(rows, slice) else [tasks[row] for row in rows]
        try:
            if isinstance(rows, slice) and rows == _ALL:
                tasks = decode_own(content)
                if len(tasks) != block.tasks:
                    raise LineError("not its tasks")
                return tasks
            if isinstance(rows, slice):
                lines = content.split(b"\n")
                if len(lines) != block.tasks + 1:
                    raise LineError("not its tasks")
                return decode_own(b"\n".join([*lines[:-1][rows], b""]))
            return decode_own(_lines_at(content, rows, block.tasks))
        except LineError:
            self._spoil(block)
            return []

    def rows_with(self, block: Block, digits: bytes) -> list[int] | None:
        """The numbers of the tasks of a block whose UPIDs hold some hex digits (lower case); None where the bare
        lines do not tell: in a damaged block, say, or one written by other hands."""
        if not self._framed:
            return None
        content = self._kept_content(block).lower()
        if not content.count(b"\n") == content.count(_AFTER_UPID) == block.tasks or _ESCAPE.search(content):
            return None
        lines = content.split(b"\n") if digits in content else []
        return [row for row, line in enumerate(lines) if 0 <= line.find(digits) < line.find(_AFTER_UPID)]

    def may_hold(self, block: Block, tasks: Sequence[Task]) -> bool:
        """Whether any of these tasks may be in a block. That none is, only columns that are in memory tell."""
        return self._columns is None or self._columns.part(block.row, block.tasks).may_hold(tasks)

    def lines(self, block: Block) -> list[bytes]:
        """The lines of a block that was written in frames, with their line feeds; none of any other."""
        lines = self._content(block).splitlines(keepends=True) if self._framed else []
        return lines if len(lines) == block.tasks else []

    def raw(self, block: Block) -> bytes:
        """A block's bytes, as they lie in the file."""
        return os.pread(self._handle, block.size, block.offset)

    def columns(self, cancelled: Cancelled = never) -> "Columns":
        """The file's tasks as columns: of its index, or made by reading all of it. Raises ScanCancelled."""
        columns = self._columns
        if columns is None:
            columns = self._columns = self._indexed_columns() or self._read_columns(cancelled)
        return columns

    def matcher(self, cancelled: Cancelled) -> "ColumnMatcher":
        """What matches filters against the columns. Raises ScanCancelled."""
        from backend.archive.matching import ColumnMatcher  # only who filters pays for numpy

        if self._matcher is None:
            self._matcher = ColumnMatcher(self.columns(cancelled))
        return self._matcher

    def has_sound_index(self) -> bool:
        """Whether a sound index lies beside it. Of a `checked` file all of the index is looked at."""
        self._first_look()
        if self.checked and not self._index_checked:
            # not kept: who checks it need not be the one who filters by it
            self._indexed_columns()
            self._index_checked = True
        return self._index is not None

    @property
    def stamp(self) -> ArchiveStamp | None:
        """What its index must bear; None if it was not written in frames."""
        return read_stamp(self._handle, self._size) if self._compressed else None

    def matches(self, terms: tuple[Term, ...], cancelled: Cancelled) -> "FileMatches":
        """What matches these terms; kept for the filters used last. Raises ScanCancelled."""
        from backend.archive.matches import FileMatches

        with self._lock:
            matches = self._matches.pop(terms, None)
        if matches is None:
            matches = FileMatches(self, terms, cancelled)
        with self._lock:
            if len(self._matches) >= REMEMBERED_FILTERS:
                self._matches.pop(next(iter(self._matches)))
            self._matches[terms] = matches
        return matches

    def _spoil(self, block: Block) -> None:
        """Note that a block is damaged that its file's index calls sound."""
        damage = Damage(self.path.name, f"a damaged frame at byte {block.offset}", -block.last[0], -block.first[0])
        with self._lock:
            self._spoilt = True
            if damage not in self._damage:
                self._damage.append(damage)

    def _read_index(self) -> Index | None:
        """The index, if there is a sound one."""
        handle, self._index_handle = self._index_handle, None
        stamp = self.stamp
        if handle is None or stamp is None:
            self.index_problem = "absent"
            return None
        try:
            return Index(handle, stamp)
        except (BadIndex, OSError, ValueError) as error:
            self.index_problem = str(error)
            return None

    def _indexed_columns(self) -> "Columns | None":
        blocks = self.blocks
        if self._index is None or blocks != self._index.blocks:
            return None
        try:
            return self._index.columns()
        except BadIndex as error:
            self.index_problem = str(error)
            self._index = None
            return None

    def _read_columns(self, cancelled: Cancelled) -> "Columns":
        from backend.archive.columns import ColumnWriter

        writer = ColumnWriter()
        for block in self.blocks:
            if cancelled():
                raise ScanCancelled
            tasks = self.read(block)
            # The rows of one that turns out to be damaged keep their places, until the file is opened anew.
            absent = Task(block.first[1], -block.first[0], -block.first[0], "")
            writer.add_tasks(tasks + [absent] * (block.tasks - len(tasks)))
        return writer.columns()

    def _content(self, block: Block) -> bytes:
        return unpack(os.pread(self._handle, block.size, block.offset), self._compressed, self._framed)

    def _kept_content(self, block: Block) -> bytes:
        """A block's content, kept for who looks at the same one soon."""
        return _recent.get((self.identity, block.offset), partial(self._content, block))


def _lines_at(content: bytes, rows: Sequence[int], lines: int) -> bytes:
    """Some of the lines of a block, by their numbers. Raises LineError if it does not have so many."""
    import numpy as np  # who asks for single rows has filtered, and paid for it

    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == 10)
    if len(ends) != lines:
        raise LineError("not its tasks")
    wanted = np.asarray(rows)
    starts = np.where(wanted == 0, 0, ends[wanted - 1] + 1)
    return b"".join(
        [content[start : end + 1] for start, end in zip(starts.tolist(), ends[wanted].tolist(), strict=True)]
    )


def _open_or_none(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def open_archives(
    directory: Path, known: dict[Path, ArchiveFile], *, checked: bool = False
) -> dict[Path, ArchiveFile]:
    """The archive files of a directory, newest first. Those of `known` that still are the same are taken over, the
    others of it released. `checked` is for those opened here. Raises OSError, and then `known` is as it was."""
    opened: dict[Path, ArchiveFile] = {}
    fresh: list[ArchiveFile] = []
    try:
        for start, path in list_archives(directory):
            with contextlib.suppress(FileNotFoundError):
                file = known.get(path)
                if file is None or not file.is_current():
                    # What its index calls sound and is not wants a look at all of it.
                    file = ArchiveFile(path, start, checked=checked or (file is not None and file.spoilt))
                    fresh.append(file)
                opened[path] = file
    except OSError:
        for file in fresh:
            file.release()
        raise
    for path, file in known.items():
        if opened.get(path) is not file:
            file.release()
    return opened
