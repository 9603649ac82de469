"""What is measured on: a cache directory, written by the project's own writer, and an SQLite database with the
same tasks. Made once into a directory, and reused if that is kept."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal

from backend.archive import Batch, CacheWriter
from backend.task import Task
from tests.bench.data import KEEP_DAYS, NEWEST_DAY, NOW, OLDEST_DAY, Row, history, newly_finished, running
from tests.bench.measure import seconds_of
from tests.bench.sqlite import Database

RUNNING = 200
"""How many tasks run."""
FULL_SIZE = 1_500_000
"""The number of tasks that the budgets are for."""
JOURNAL_BYTES = 5 << 20
"""The journal's size, at a tenth of FULL_SIZE and beyond."""

_BATCH = 100_000
_FORMAT = 2

Tell = Callable[[str], None]
Days = Literal["day", "week"]


class Ground:
    """The prepared data.

    Attributes:
        tasks: how many finished tasks there are.
        cache: the cache directory; never written to once it is made.
        database: the SQLite file; whoever writes to it takes that back.
        made_in: the seconds that storing all tasks took, by store: `cache`, `sqlite`.
    """

    def __init__(self, directory: Path, tasks: int, tell: Tell) -> None:
        """Make the data below `directory`, unless it is there. Raises OSError, CacheError, sqlite3.Error."""
        self.tasks = tasks
        self._place = directory / f"tasks-{tasks}"
        self.cache = self._place / "cache"
        self.database = self._place / "sqlite.db"
        self._work = self._place / "work"
        note = self._place / f"made-{_FORMAT}.json"
        if note.exists():
            tell(f"reusing {self._place}")
            with self.open_database() as database:  # a run that was killed may have left them
                database.remove(self.journal("day") + self.journal("week"))
        else:
            shutil.rmtree(self._place, ignore_errors=True)
            self._place.mkdir(parents=True)
            self._make(note, tell)
        self.made_in: dict[str, float] = json.loads(note.read_text())
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()

    def journal(self, days: Days) -> list[Row]:
        """A journal's rows, of the newest day or spread over all days. They are made each time, since whoever
        keeps them gives the garbage collector work that a dashboard does not have."""
        return newly_finished(self.journal_bytes, NEWEST_DAY if days == "day" else OLDEST_DAY)

    @property
    def two_thirds(self) -> int:
        """The offset where deep pages begin."""
        return self.tasks * 2 // 3

    @property
    def journal_bytes(self) -> int:
        return min(JOURNAL_BYTES, JOURNAL_BYTES * self.tasks * 10 // FULL_SIZE)

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A cache directory with the same content, to write to. The archive files are hard links: their content is
        never changed in place, only replaced."""
        with tempfile.TemporaryDirectory(dir=self._work) as name:
            directory = Path(name)
            for file in self.cache.iterdir():
                if file.name.startswith("archive."):
                    os.link(file, directory / file.name)
                elif file.name in ("active", "state"):
                    shutil.copy2(file, directory / file.name)
            yield directory

    @contextmanager
    def copy_with_journal(self, days: Days) -> Iterator[Path]:
        """The same, with a journal that is not merged."""
        with self.copy() as directory:
            with open_writer(directory) as writer:
                writer.store(Batch([row.task for row in self.journal(days)]))
            yield directory

    @contextmanager
    def open_database(self) -> Iterator[Database]:
        database = Database(self.database)
        try:
            yield database
        finally:
            database.close()

    def _make(self, note: Path, tell: Tell) -> None:
        cache, sqlite, done = 0.0, 0.0, 0
        with (
            open_writer(self.cache) as writer,
            self.open_database() as database,
        ):
            database.create()
            for rows in chain(_batches(history(self.tasks)), [running(RUNNING)]):
                cache += seconds_of(_store, writer, [row.task for row in rows])
                sqlite += seconds_of(database.insert, rows)
                done += len(rows)
                tell(f"stored {done:,} of {self.tasks + RUNNING:,} tasks in the cache and in SQLite")
            tell("indexing SQLite")
            sqlite += seconds_of(database.index)
        note.write_text(json.dumps({"cache": cache, "sqlite": sqlite}))


def open_writer(directory: Path) -> CacheWriter:
    """The writer of a cache, at the moment of all measuring."""
    return CacheWriter(directory, keep_days=KEEP_DAYS, clock=lambda: NOW)


def _store(writer: CacheWriter, tasks: list[Task]) -> None:
    writer.store(Batch(tasks))
    writer.housekeep(merge_now=True)


def _batches(chunks: Iterator[list[Row]]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for rows in chunks:
        batch += rows
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
