"""The lines about appending and merging, about reads that arrive meanwhile, and about the room on the disk."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from backend.archive import Batch, CacheWriter
from tests.bench.child import start_reading
from tests.bench.ground import Days, Ground, open_writer
from tests.bench.measure import BenchError, Figure, median, repeat, seconds_of
from tests.bench.readers import CacheReader, Read, Reader, SqliteReader, read_on

MERGES: dict[Days, tuple[str, str, str]] = {
    "day": ("append", "merge-day", "merge-day-bytes"),
    "week": ("append", "merge-week", "merge-week-bytes"),
}
WAITS = ("wait-process", "wait-thread")
DISK = ("disk", "disk-bare")
NAMES = (*MERGES["day"], *MERGES["week"], *WAITS, *DISK)

_MERGES = 3
_LONGER = 10
"""A merge and what it takes to set up are long: they are repeated for so many times as long as a question."""
_AROUND = 0.5
"""Reads begin so much of a question's time before a merge, to compare with, and go on as long after it: who reads
first then has new files to open."""


class _Writing(NamedTuple):
    """What appending and merging took: seconds, and bytes where a merge wrote them."""

    append: float
    merge: float
    written: int
    by_kernel: int | None


def measure(ground: Ground, names: frozenset[str], seconds: float) -> Iterator[Figure]:
    """Measure those of the lines that are this module's."""
    yield from _merging(ground, names, seconds)
    if "wait-process" in names:
        yield _waiting(ground, "wait-process", _read_in_process, seconds)
    if "wait-thread" in names:
        yield _waiting(ground, "wait-thread", _read_in_thread, seconds)
    if names.intersection(DISK):
        yield from (figure for figure in _disk(ground) if figure.name in names)


def _merging(ground: Ground, names: frozenset[str], seconds: float) -> Iterator[Figure]:
    appends: list[tuple[_Writing, _Writing]] = []
    for days, (append, merge, written) in MERGES.items():
        # For appending alone, one kind of journal is enough.
        if names.isdisjoint((merge, written) if appends else (append, merge, written)):
            continue
        pairs = [
            (_write_cache(ground, days), _write_sqlite(ground, days)) for _ in repeat(seconds * _LONGER, _MERGES)
        ]
        appends += pairs
        ours, sqlite = zip(*pairs, strict=True)
        if merge in names:
            yield Figure(merge, [one.merge for one in ours], [one.merge for one in sqlite])
        if written in names:
            kernel = [one.by_kernel for one in ours if one.by_kernel is not None]
            note = f"{median([one.written for one in ours]) / ground.journal_bytes:.1f} times the journal"
            if kernel:
                note += f"; the kernel counts {median(kernel) / 1e6:.1f} MB"
            yield Figure(written, [one.written for one in ours], [one.written for one in sqlite], note)
    if "append" in names:
        yield Figure("append", [ours.append for ours, _ in appends], [other.append for _, other in appends])


def _write_cache(ground: Ground, days: Days) -> _Writing:
    batch = Batch([row.task for row in ground.journal(days)])
    with ground.copy() as directory, open_writer(directory) as writer:
        writer.housekeep()  # at its start a worker looks at all files once
        append = seconds_of(writer.store, batch)
        del batch  # as the workers do
        before, by_kernel = _inodes(directory), _bytes_by_kernel()
        merge = seconds_of(_merge, writer)
        kernel = _bytes_by_kernel()
        new = _inodes(directory).items() - before.items()
        written = sum((directory / name).stat().st_size for name, _ in new)
    by_kernel = None if kernel is None or by_kernel is None else kernel - by_kernel
    return _Writing(append, merge, written, by_kernel)


def _write_sqlite(ground: Ground, days: Days) -> _Writing:
    rows = ground.journal(days)
    with ground.open_database() as database, database.without_trace(rows):
        append = seconds_of(database.append, rows)
        begun = time.perf_counter()
        written = database.checkpoint()
        merge = time.perf_counter() - begun
    return _Writing(append, merge, written, None)


def _waiting(ground: Ground, name: str, reading: "_Reading", seconds: float) -> Figure:
    """The reads that arrive during a merge over all days, and in SQLite during a transaction of the same rows."""
    ours, sqlite, quiet = [], [], []
    for _ in repeat(seconds * _LONGER, _MERGES):
        with (
            ground.copy_with_journal("week") as directory,
            open_writer(directory) as writer,
            reading(ground, "cache", directory) as stop,
        ):
            time.sleep(_AROUND * seconds)
            begun = time.monotonic()
            _merge(writer)
            time.sleep(_AROUND * seconds)
            reads = stop()
        ours += [read.seconds for read in reads if read.begun + read.seconds > begun]
        quiet += [read.seconds for read in reads if read.begun + read.seconds <= begun]
        rows = ground.journal("week")
        with (
            ground.open_database() as database,
            database.without_trace(rows),
            reading(ground, "sqlite", ground.database) as stop,
        ):
            begun = time.monotonic()
            database.append(rows)
            database.checkpoint()
            time.sleep(_AROUND * seconds)
            reads = stop()
        del rows
        sqlite += [read.seconds for read in reads if read.begun + read.seconds > begun]
    if not ours or not sqlite:
        raise BenchError("no read arrived meanwhile")
    note = f"{len(ours)} reads"
    if quiet:
        note += f"; before the merge the worst took {max(quiet) * 1e3:.1f} ms"
    return Figure(name, ours, sqlite, note)


Stop = Callable[[], list[Read]]
_Reading = Callable[[Ground, str, Path], AbstractContextManager[Stop]]


def _read_in_process(ground: Ground, store: str, path: Path) -> AbstractContextManager[Stop]:
    return start_reading(store, path, ground.tasks)


@contextmanager
def _read_in_thread(ground: Ground, store: str, path: Path) -> Iterator[Stop]:
    ready, stopped = threading.Event(), threading.Event()
    reads: list[Read] = []

    def run() -> None:
        # SQLite's connections belong to one thread.
        reader: Reader = CacheReader(path, ground.tasks) if store == "cache" else SqliteReader(path)
        reads.extend(read_on(reader, ready.set, stopped.is_set))

    thread = threading.Thread(target=run, name="reader", daemon=True)
    thread.start()

    def stop() -> list[Read]:
        stopped.set()
        thread.join()
        return reads

    try:
        if not ready.wait(timeout=60):
            raise BenchError("the reading thread did not get ready")
        yield stop
    finally:
        stop()


def _disk(ground: Ground) -> Iterator[Figure]:
    files = [file for file in ground.cache.iterdir() if file.is_file()]
    bare = sum(file.stat().st_size for file in files if file.suffix != ".idx")
    sqlite = [ground.database.stat().st_size]
    yield Figure("disk", [sum(file.stat().st_size for file in files)], sqlite)
    yield Figure("disk-bare", [bare], sqlite)


def _merge(writer: CacheWriter) -> None:
    if not writer.housekeep(merge_now=True):
        raise BenchError("there was nothing to merge")


def _inodes(directory: Path) -> dict[str, int]:
    return {file.name: file.stat().st_ino for file in directory.iterdir()}


def _bytes_by_kernel() -> int | None:
    """What this process had the kernel write so far (proc_pid_io(5)); None where the kernel does not tell."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), None)
