"""The journal: finished tasks not yet merged into the archive files, a line each, appended and fsynced."""

import os
from pathlib import Path
from typing import NamedTuple

from backend.archive.files import sync_directory
from backend.archive.lines import decode_all
from backend.task import Task, later


class JournalContent(NamedTuple):
    """What a journal held when it was read. `size` is where the last whole line ends (bytes): what lies behind it
    is still being written, or was torn. `inode` changes when a merge replaces the journal."""

    inode: int
    size: int
    tasks: dict[str, Task]
    bad_lines: int


EMPTY = JournalContent(0, 0, {}, 0)


def read_journal(path: Path, known: JournalContent = EMPTY) -> JournalContent:
    """Read the journal, its tasks by remote UPID, each in its latest form. Of what `known` holds already only what
    was appended since is read; `known` itself stays as it is."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return EMPTY
    try:
        stat = os.fstat(handle)
        if stat.st_ino != known.inode or stat.st_size < known.size:
            known = EMPTY
        if stat.st_ino == known.inode and stat.st_size == known.size:
            return known
        data = os.pread(handle, stat.st_size - known.size, known.size)
    finally:
        os.close(handle)
    whole = data.rfind(b"\n") + 1
    added, bad = decode_all(data[:whole])
    tasks = dict(known.tasks)
    for task in added:
        if task.endtime is not None:
            earlier = tasks.get(task.upid)
            tasks[task.upid] = task if earlier is None else later(earlier, task)
    return JournalContent(stat.st_ino, known.size + whole, tasks, known.bad_lines + bad)


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
