"""The journal: finished tasks not yet merged into the archive files, a line each, appended and fsynced."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from backend.archive.files import sync_directory
from backend.archive.lines import decode_all, encode_all
from backend.task import Task, in_order, latest, merge_tasks


class JournalContent(NamedTuple):
    """What a journal held when it was read. `size` is where the last whole line, `tail`, ends (bytes): what lies
    behind it is still being written, or was torn. A journal only grows, until a merge replaces it: then `inode`
    or, if that number comes again, `tail` is another. `rows` are the `tasks`, newest start first."""

    inode: int
    size: int
    tail: bytes
    tasks: dict[str, Task]
    rows: list[Task]
    bad_lines: int


EMPTY = JournalContent(0, 0, b"", {}, [], 0)


def open_journal(path: Path) -> int | None:
    """A handle to read the journal by, however it is replaced afterwards; None if there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None


def read_open_journal(handle: int, known: JournalContent = EMPTY) -> JournalContent:
    """Read an open journal, its tasks by remote UPID, each in its latest form. Of what `known` holds already only
    what was appended since is read; `known` itself stays as it is."""
    inode, size = (status := os.fstat(handle)).st_ino, status.st_size
    start = known.size - len(known.tail)
    data = os.pread(handle, size - start, start) if inode == known.inode and size >= start else b""
    if not known.tail or not data.startswith(known.tail):
        known = EMPTY
        data = os.pread(handle, size, 0)
    added = data[len(known.tail) : data.rfind(b"\n") + 1]
    if not added:
        return known._replace(inode=inode)
    tasks, bad = decode_all(added)
    new = latest(task for task in tasks if not task.running)
    rows = merge_tasks(known.rows, in_order(new.values()))
    tail = added[added.rfind(b"\n", 0, -1) + 1 :]
    size, bad_lines = known.size + len(added), known.bad_lines + bad
    return JournalContent(inode, size, tail, latest(new.values(), known.tasks), rows, bad_lines)


def read_journal(path: Path, known: JournalContent = EMPTY) -> JournalContent:
    """Read the journal of this path, as `read_open_journal` does; without a journal, an empty one."""
    handle = open_journal(path)
    if handle is None:
        return EMPTY
    try:
        return read_open_journal(handle, known)
    finally:
        os.close(handle)


def read_behind(path: Path, size: int) -> bytes:
    """What was appended to the journal since it was of `size` bytes."""
    try:
        with path.open("rb") as file:
            file.seek(size)
            return file.read()
    except FileNotFoundError:
        return b""


def append_to_journal(path: Path, lines: bytes) -> None:
    """Append whole lines; they are on disk when this returns. A failed append leaves no half line behind."""
    existed = path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(handle).st_size
        try:
            view = memoryview(lines)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if not existed:
        sync_directory(path.parent)


def cut_torn_tail(path: Path) -> int:
    """Cut off a last line that was not written whole, so that the next line does not continue it; returns the
    bytes cut. Only for the holder of the worker's lock."""
    try:
        with path.open("r+b") as file:
            data = file.read()
            torn = len(data) - (data.rfind(b"\n") + 1)
            if torn:
                file.truncate(len(data) - torn)
                os.fsync(file.fileno())
            return torn
    except FileNotFoundError:
        return 0


class Journal:
    """The journal as its one writer holds it: `tasks` by remote UPID in their latest form, `size` in bytes."""

    def __init__(self, path: Path) -> None:
        """Read the journal. Raises OSError."""
        self._path = path
        self.read()

    def read(self) -> None:
        """Read it anew, as after a merge has replaced it."""
        content = read_journal(self._path)
        self.size = content.size
        self.tasks = dict(content.tasks)
        self.bad_lines = content.bad_lines

    def append(self, tasks: Sequence[Task]) -> None:
        """Append storable finished tasks that hold against what is known of them. Raises OSError, and then nothing
        was appended."""
        lines = encode_all(tasks)
        append_to_journal(self._path, lines)
        self.size += len(lines)
        self.tasks.update((task.upid, task) for task in tasks)
