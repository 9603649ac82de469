"""The same tasks in SQLite, as a good engineer would keep them: one table, an index for each question, a
write-ahead log. It is what our cache is compared with."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

from backend.task import Task
from tests.bench.data import Row

_TABLE = """
CREATE TABLE tasks (
    upid TEXT PRIMARY KEY, remote TEXT NOT NULL, node TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    user TEXT NOT NULL, starttime INTEGER NOT NULL, endtime INTEGER, status TEXT, status_class TEXT NOT NULL
)
"""
_INDEXES = """
CREATE INDEX history ON tasks (starttime DESC, upid) WHERE endtime IS NOT NULL;
CREATE INDEX by_status ON tasks (status_class, starttime DESC, upid);
CREATE INDEX by_type ON tasks (type, status_class, starttime DESC);
CREATE INDEX by_user ON tasks (user, starttime DESC);
CREATE INDEX by_guest ON tasks (id, starttime DESC);
CREATE INDEX by_place ON tasks (remote, node, starttime DESC);
ANALYZE;
"""
_TASK = "SELECT upid, starttime, endtime, status FROM tasks"
_ORDER = "ORDER BY starttime DESC, upid LIMIT ? OFFSET ?"
_FINISHED = "endtime IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Where:
    """A filter as SQL: a condition on finished tasks, and its values."""

    condition: str = _FINISHED
    values: tuple[str | int, ...] = ()


ERRORS = Where("status_class = 'error'")


class Database:
    """A connection to the table; use it in one thread. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        # Transactions are begun and ended by hand.
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA mmap_size = 1073741824")
        self._connection.execute("PRAGMA cache_size = -32768")

    def close(self) -> None:
        self._connection.close()

    def create(self) -> None:
        """Make the table. Its indexes come once it is filled."""
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_TABLE)

    def insert(self, rows: list[Row]) -> None:
        """Add rows, in a transaction of their own."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._insert(rows)
        self._connection.execute("COMMIT")

    def index(self) -> None:
        """Make the indexes of a table that is filled."""
        self._connection.executescript(_INDEXES)
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def running(self) -> list[Task]:
        return self._tasks(f"{_TASK} WHERE status_class = 'running' ORDER BY starttime DESC, upid")

    def page(self, where: Where, offset: int, limit: int) -> list[Task]:
        """By OFFSET, as one would write it."""
        return self._tasks(f"{_TASK} WHERE {where.condition} {_ORDER}", (*where.values, limit, offset))

    def page_from(self, starttime: int, upid: str, limit: int) -> list[Task]:
        """By key: the finished tasks from that one on, newest start first."""
        return self._tasks(
            f"{_TASK} WHERE {_FINISHED} AND starttime <= ? AND (starttime < ? OR upid >= ?) {_ORDER}",
            (starttime, starttime, upid, limit, 0),
        )

    def count(self, where: Where) -> int:
        row = self._connection.execute(f"SELECT count(*) FROM tasks WHERE {where.condition}", where.values)
        count: int = row.fetchone()[0]
        return count

    def iterate(self) -> Iterator[Task]:
        """The finished tasks one by one, newest start first."""
        return starmap(Task, self._connection.execute(f"{_TASK} WHERE {_FINISHED} ORDER BY starttime DESC, upid"))

    def begin(self, rows: list[Row]) -> None:
        """Add rows that only this connection sees, until `rollback`."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._insert(rows)

    def rollback(self) -> None:
        self._connection.execute("ROLLBACK")

    def append(self, rows: list[Row]) -> None:
        """Add rows, durable in the write-ahead log when this returns."""
        self._connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._connection.execute("PRAGMA synchronous = FULL")
        self.insert(rows)

    def checkpoint(self) -> int:
        """Move the write-ahead log into the database. Returns the bytes written to the latter."""
        busy, _, pages = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        size: int = self._connection.execute("PRAGMA page_size").fetchone()[0]
        if busy:
            raise sqlite3.OperationalError("the write-ahead log could not be moved into the database")
        return size * int(pages)

    @contextmanager
    def without_trace(self, rows: list[Row]) -> Iterator[None]:
        """Take these rows out again at the end, whatever happened."""
        try:
            yield
        finally:
            self.remove(rows)

    def remove(self, rows: list[Row]) -> None:
        """Take rows out again, if they are there."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("DELETE FROM tasks WHERE upid = ?", ((row.upid,) for row in rows))
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _insert(self, rows: list[Row]) -> None:
        self._connection.executemany("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _tasks(self, query: str, values: tuple[str | int, ...] = ()) -> list[Task]:
        return list(starmap(Task, self._connection.execute(query, values)))
