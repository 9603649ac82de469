"""The finished tasks of one snapshot that match one filter, as the rows of a list: pages of them, read in threads
when they come into view, and the few last read ones kept."""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Protocol, TypeVar

from backend.archive import ScanCancelled, Snapshot, TaskCache
from backend.query import Filter
from backend.task import Task
from tui.timeline import Times, edges, times

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Key = tuple[int, str]

Loaded = Callable[[OSError | None], None]
"""Told that a page has come into memory, or why it could not be read."""

PAGE = 256
_KEPT_PAGES = 24
_NEAR = PAGE // 2
"""From how near (rows) a page is loaded before it comes into view. Not from further: a thread that reads takes
turns with the one that paints."""


class Scan(Protocol[T_co]):
    """A read of a snapshot that may take long: given a function that says whether to stop."""

    def __call__(self, cancelled: Callable[[], bool], /) -> T_co: ...


class HistoryRows:
    """The matching finished tasks by position. It owns the snapshot, and closes it once it is closed itself and
    no thread reads any more.

    Attributes:
        wanted: the filter; None or empty for all tasks.
        total: how many match; None until they have been counted.
    """

    def __init__(self, snapshot: Snapshot, wanted: Filter | None, loaded: Loaded) -> None:
        self.snapshot = snapshot
        self.wanted = wanted
        self.total: int | None = None
        self._loaded = loaded
        self._known = 0
        self._pages: OrderedDict[int, list[Task]] = OrderedDict()
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False
        # Threads that scan take turns with the one that paints: one that reads pages, beside the one that counts.
        self._turn = asyncio.Lock()

    def __len__(self) -> int:
        """How many there are; as long as they have not been counted, how many are known to be there."""
        return self._known if self.total is None else self.total

    def __getitem__(self, position: int) -> Task | None:
        page = self._pages.get(position // PAGE)
        within = position % PAGE
        return page[within] if page is not None and within < len(page) else None

    def need(self, first: int, last: int) -> None:
        """Load what of these positions, and of the pages near to them, is not here; stop loading anything else."""
        if self._closed or not len(self):
            return
        wanted = self._pages_of(first, last)
        around = self._pages_of(max(0, first - _NEAR), min(last + _NEAR, len(self) - 1))
        for number in [number for number in self._loading if number not in around]:
            self._loading.pop(number).cancel()
        for number in (*wanted, *around):
            if number in self._pages:
                self._pages.move_to_end(number)
            elif number not in self._loading:
                self._loading[number] = asyncio.create_task(self._load_page(number))

    async def load(self, first: int, last: int) -> None:
        """Have these positions in memory, as far as there are so many."""
        for number in self._pages_of(max(0, first), max(0, last)):
            if number not in self._pages:
                self._keep(number, await self._read_page(number))

    async def locate(self, key: Key) -> int:
        """The position of the first match at or behind this key (`Task.key`)."""
        return await self.scan(lambda cancelled: self.snapshot.locate(self.wanted, key, cancelled=cancelled))

    async def count(self) -> int:
        """Count the matches; `total` is known from then on."""
        if self.total is None:
            self.total = await self.scan(lambda cancelled: self.snapshot.count(self.wanted, cancelled=cancelled))
        return self.total

    async def times(self, cells: int, now: float, tz: tzinfo | None) -> Times | None:
        """The matches over time in at most so many cells: from the oldest task of all, or the filter's `since`, to
        the newest, or its `until`. None where there is nothing between them."""

        def read(cancelled: Callable[[], bool]) -> Times | None:
            everything = self.snapshot.count(cancelled=cancelled)
            newest = self.snapshot.page(None, 0, 1, cancelled=cancelled)
            oldest = self.snapshot.page(None, max(0, everything - 1), 1, cancelled=cancelled)
            if not newest or not oldest:
                return None
            first, last = oldest[0].starttime, newest[0].starttime
            if first <= now:
                # a node whose clock is ahead does not squeeze all others into a corner
                last = min(last, int(now))
            since, until = self.wanted.bounds if self.wanted else (first, last)
            first, last = int(max(first, since)), int(min(last, until))
            if first > last:
                return None
            between = edges(first, last, cells, tz)
            return times(between, self.snapshot.histogram(between, self.wanted, cancelled=cancelled))

        return await self.scan(read)

    async def scan(self, read: Scan[T]) -> T:
        """Read the snapshot in a thread. If the caller is cancelled, so is the read, soon after."""
        stop = threading.Event()

        def run() -> T:
            with self._reading():
                return read(lambda: stop.is_set() or self._closed)

        try:
            return await asyncio.to_thread(run)
        except ScanCancelled:
            raise asyncio.CancelledError from None
        finally:
            stop.set()

    def close(self) -> None:
        """Stop every read; nothing is loaded any more."""
        for task in self._loading.values():
            task.cancel()
        self._loading.clear()
        with self._lock:
            self._closed = True
            idle = self._readers == 0
        if idle:
            self.snapshot.close()

    async def _load_page(self, number: int) -> None:
        try:
            self._keep(number, await self._read_page(number))
        except OSError as error:
            self._loaded(error)
        else:
            self._loaded(None)
        if self._loading.get(number) is asyncio.current_task():
            del self._loading[number]

    async def _read_page(self, number: int) -> list[Task]:
        async with self._turn:
            return await self.scan(
                lambda cancelled: self.snapshot.page(self.wanted, number * PAGE, PAGE, cancelled=cancelled)
            )

    def _keep(self, number: int, tasks: list[Task]) -> None:
        self._pages[number] = tasks
        if tasks:
            self._known = max(self._known, number * PAGE + len(tasks))
        if len(self._pages) > _KEPT_PAGES:
            self._pages.popitem(last=False)

    def _pages_of(self, first: int, last: int) -> range:
        last = max(0, min(last, len(self) - 1)) if self.total is not None else last
        return range(min(first, last) // PAGE, last // PAGE + 1)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise ScanCancelled
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                last = self._closed and self._readers == 0
            if last:
                self.snapshot.close()


async def take_snapshot(cache: TaskCache) -> Snapshot:
    """A snapshot, taken in a thread: taking one may have to wait for a lock. Raises CacheError and OSError."""
    taking = asyncio.ensure_future(asyncio.to_thread(cache.snapshot))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        taking.add_done_callback(_close_unwanted)
        raise


def _close_unwanted(taken: "asyncio.Future[Snapshot]") -> None:
    if not taken.cancelled() and taken.exception() is None:
        taken.result().close()
