"""One who reads pages of 500 from our cache or from SQLite: what runs in other processes and threads than the one
that measures."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from backend.archive import TaskCache
from backend.query import parse_filter
from backend.task import Task
from tests.bench.data import NOW, OLDEST_DAY
from tests.bench.sqlite import ERRORS, Database, Where

PAGE = 500

_WARMING = 100
"""Reads before those that count."""
_PAUSE = 0.001
"""Seconds between two reads, so that they do not take a core for themselves."""


class Read(NamedTuple):
    """A read: when it began (monotonic seconds, the same clock for all processes) and how long it took."""

    begun: float
    seconds: float


class Reader(Protocol):
    def page(self, offset: int) -> list[Task]:
        """PAGE finished tasks from that position on, as they are now."""

    def errors(self) -> list[Task]:
        """The first PAGE tasks that failed."""

    def somewhere(self, share: float) -> list[Task]:
        """PAGE finished tasks from about that share of all (0 to 1) on, found in the best way there is."""

    def iterate(self) -> Iterator[Task]:
        """All finished tasks, newest start first."""


class CacheReader:
    """Reads our cache, a snapshot each time."""

    def __init__(self, directory: Path, tasks: int) -> None:
        self._cache = TaskCache(directory)
        self._tasks = tasks

    def page(self, offset: int) -> list[Task]:
        with self._cache.snapshot() as tasks:
            return tasks.page(None, offset, PAGE)

    def errors(self) -> list[Task]:
        with self._cache.snapshot() as tasks:
            return tasks.page(parse_filter("status:error"), 0, PAGE)

    def somewhere(self, share: float) -> list[Task]:
        return self.page(int(share * self._tasks))

    def iterate(self) -> Iterator[Task]:
        with self._cache.snapshot() as tasks:
            yield from tasks.iterate()


class SqliteReader:
    """Reads SQLite: a position by OFFSET, a share of all by the start time that lies there."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def page(self, offset: int) -> list[Task]:
        return self._database.page(Where(), offset, PAGE)

    def errors(self) -> list[Task]:
        return self._database.page(ERRORS, 0, PAGE)

    def somewhere(self, share: float) -> list[Task]:
        return self._database.page_from(NOW - int(share * (NOW - OLDEST_DAY)), "", PAGE)

    def iterate(self) -> Iterator[Task]:
        return self._database.iterate()


def read_on(reader: Reader, ready: Callable[[], None], stopped: Callable[[], bool]) -> list[Read]:
    """Read pages anywhere; say when that is warm, and go on until it is stopped. Returns the reads since."""
    draw = random.Random(5)
    for _ in range(_WARMING):
        reader.somewhere(draw.random())
    ready()
    reads = []
    while not stopped():
        share = draw.random()
        begun = time.monotonic()
        reader.somewhere(share)
        reads.append(Read(begun, time.monotonic() - begun))
        time.sleep(_PAUSE)
    return reads
