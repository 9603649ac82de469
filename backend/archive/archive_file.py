"""One archive file, open for reading: where its blocks of tasks lie, what each holds, and which are damaged. It
keeps what it learns for as long as it is open; a file is never changed in place, only replaced."""

import contextlib
import os
import threading
from pathlib import Path
from typing import NamedTuple

from backend.archive import zstd
from backend.archive.files import list_archives
from backend.archive.frames import FRAME_TASKS, MAX_CONTENT, Extent, find_frames
from backend.archive.lines import LineError, decode, decode_all
from backend.task import Task, later

Key = tuple[int, str]
"""What tasks are ordered by (`Task.key`)."""

Identity = tuple[str, int, int, int]
"""Name, inode, size and time of change (ns) of a file: equal for the same content."""


REMEMBERED_FILTERS = 8
"""The filters whose counts are kept with a file, the last used."""


class Block(NamedTuple):
    """Some tasks that lie together: where (bytes), how many, and the keys of the first and the last of them."""

    offset: int
    size: int
    content_size: int
    tasks: int
    first: Key
    last: Key


class Damage(NamedTuple):
    """What of a file cannot be read: `since` and `until` bound the start times of the tasks lost (UNIX seconds,
    None where the file's end is the bound)."""

    name: str
    what: str
    since: int | None
    until: int | None

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


class ArchiveFile:
    """An open archive file. Several snapshots share one: each `acquire` wants a `release`, the last one closes.

    Attributes:
        start: UNIX seconds; the file holds the tasks that started then or later.
        identity: changes with the content.
    """

    def __init__(self, path: Path, start: int) -> None:
        self.path = path
        self.start = start
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        stat = os.fstat(self._handle)
        self.identity: Identity = (path.name, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        self._size = stat.st_size
        self._users = 1
        self._lock = threading.Lock()
        self._compressed = path.suffix == ".zst"
        self._framed = False
        self._blocks: list[Block] | None = None
        self._damage: list[Damage] = []
        self._match_counts: dict[object, dict[int, int]] = {}

    def is_current(self) -> bool:
        """Whether the file of this name still is this one. Raises FileNotFoundError if there is none."""
        stat = os.stat(self.path)
        return self.identity == (self.path.name, stat.st_ino, stat.st_size, stat.st_mtime_ns)

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
                os.close(self._handle)
                self._handle = -1  # a read that comes too late must not find another file's number

    @property
    def blocks(self) -> list[Block]:
        """The readable blocks, newest first. The first call reads the file."""
        with self._lock:
            if self._blocks is None:
                self._blocks = self._scan()
            return self._blocks

    @property
    def damage(self) -> list[Damage]:
        """What cannot be read, newest first."""
        return self._damage if self.blocks is not None else []

    @property
    def copyable(self) -> bool:
        """Whether the blocks can go into another file as they are: only of a file that was written in frames."""
        return self.blocks is not None and self._framed

    def read(self, block: Block) -> list[Task]:
        """The tasks of a block, in order."""
        tasks, _ = decode_all(self._content(block.offset, block.size))
        return tasks if self._framed else _in_order(tasks)

    def raw(self, block: Block) -> bytes:
        """A block's bytes, as they lie in the file."""
        return os.pread(self._handle, block.size, block.offset)

    def match_counts(self, terms: object) -> dict[int, int]:
        """How many tasks match a filter's terms, by the offset of their block, as far as somebody counted."""
        with self._lock:
            counts = self._match_counts.pop(terms, None)
            if counts is None:
                counts = {}
                if len(self._match_counts) >= REMEMBERED_FILTERS:
                    self._match_counts.pop(next(iter(self._match_counts)))
            self._match_counts[terms] = counts
            return counts

    def _content(self, offset: int, size: int) -> bytes:
        data = os.pread(self._handle, size, offset)
        if not self._compressed:
            return data
        try:
            return zstd.decompress(data, MAX_CONTENT)
        except zstd.ZstdError:
            return zstd.decompress_some(data, MAX_CONTENT)

    def _scan(self) -> list[Block]:
        extents, self._framed = self._extents()
        blocks: list[Block] = []
        lost: list[tuple[int, str]] = []  # how many blocks stand before the damage, and what it is
        for offset, size in extents:
            block, problem = self._look_into(offset, size)
            if problem:
                lost.append((len(blocks), problem))
            if block is not None:
                blocks.append(block)
        for position, problem in lost:
            # Between frames the order tells what a lost one held; of other files nothing is certain.
            until = -blocks[position - 1].last[0] if self._framed and position > 0 else None
            since = -blocks[position].first[0] if self._framed and position < len(blocks) else self.start
            self._damage.append(Damage(self.path.name, problem, since, until))
        return blocks

    def _extents(self) -> tuple[list[Extent], bool]:
        data = os.pread(self._handle, self._size, 0)
        if self._compressed:
            extents, framed = find_frames(memoryview(data))
            # Other hands write one frame a file, and all of it. Of several frames the last may be missing.
            if not framed and (len(extents) != 1 or extents[0] != (0, len(data))):
                self._damage.append(Damage(self.path.name, "no whole zstd file", self.start, None))
            return extents, framed
        extents, start, end, lines = [], 0, 0, 0
        while end < len(data):
            newline = data.find(b"\n", end)
            end = len(data) if newline < 0 else newline + 1
            lines += 1
            if lines == FRAME_TASKS or end == len(data):
                extents.append((start, end - start))
                start, lines = end, 0
        return extents, False

    def _look_into(self, offset: int, size: int) -> tuple[Block | None, str]:
        """A block, and what is wrong with it. A frame that a seek table names was written line by checked line
        under a checksum: there, counting line feeds is enough."""
        problem = ""
        data = os.pread(self._handle, size, offset)
        content = data
        if self._compressed:
            try:
                content = zstd.decompress(data, MAX_CONTENT)
            except zstd.ZstdError as error:
                if self._framed:
                    return None, f"a damaged frame at byte {offset} ({error})"
                content = zstd.decompress_some(data, MAX_CONTENT)
                problem = f"a damaged frame at byte {offset} ({error})"
        if self._framed:
            try:
                first = decode(content[: content.index(b"\n")])
                last = decode(content[content.rindex(b"\n", 0, -1) + 1 :] if content.count(b"\n") > 1 else content)
            except (LineError, ValueError) as error:
                return None, f"a frame at byte {offset} that holds no tasks ({error})"
            return Block(offset, size, len(content), content.count(b"\n"), first.key, last.key), ""
        tasks, bad = decode_all(content)
        if bad and not problem:
            problem = f"{bad} unreadable line{'s' if bad > 1 else ''} at byte {offset}"
        tasks = _in_order(tasks)
        if not tasks:
            return None, problem
        return Block(offset, size, len(content), len(tasks), tasks[0].key, tasks[-1].key), problem


def open_archives(directory: Path, known: dict[Path, ArchiveFile]) -> dict[Path, ArchiveFile]:
    """The archive files of a directory, newest first. Those of `known` that still are the same are taken over, the
    others of it released. Raises OSError, and then `known` is as it was."""
    opened: dict[Path, ArchiveFile] = {}
    fresh: list[ArchiveFile] = []
    try:
        for start, path in list_archives(directory):
            with contextlib.suppress(FileNotFoundError):
                file = known.get(path)
                if file is None or not file.is_current():
                    file = ArchiveFile(path, start)
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


def _in_order(tasks: list[Task]) -> list[Task]:
    """The finished tasks of a block that other hands wrote: in order, each once."""
    finished: dict[str, Task] = {}
    for task in tasks:
        if not task.running:
            known = finished.get(task.upid)
            finished[task.upid] = task if known is None else later(known, task)
    return sorted(finished.values(), key=lambda task: task.key)
