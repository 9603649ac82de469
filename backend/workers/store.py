"""The way of fetched tasks to the disk: batches that come while one is being written go together with the next."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType

from backend.archive import Batch, CacheWriter
from backend.archive.state import NodeKey
from backend.task import Task

BACKLOG_TASKS = 20_000
"""Tasks that may wait to be written before fetching has to wait as well."""
WRITE_TASKS = 5_000
"""Tasks after which no more batches go into the same write. It has steps that hold the interpreter for as long as
they take: with 20,000 tasks the event loop waited up to 15 ms for one."""
RUNNING_TASKS = 10_000
"""Running tasks of a remote that are kept, at most: each is followed until its end."""
TOO_MANY_RUNNING = f"it tells of more than {RUNNING_TASKS:,} running tasks; the others are not shown"


class Store:
    """Hands batches to the archive in a thread, many at a time. An async context manager: what was handed over is
    durable when it ends, also when it ends by a cancellation."""

    def __init__(self, writer: CacheWriter) -> None:
        self.writer = writer
        self._backlog = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self._waiting = deque[tuple[Batch, asyncio.Future[None]]]()
        self._drain: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Store":
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._drain is not None:
            await self._drain

    def bounded(self, remote: str, tasks: Sequence[Task]) -> list[Task]:
        """A remote's tasks without the running ones that would make more than RUNNING_TASKS of it."""
        if not any(task.running for task in tasks):
            return list(tasks)
        known = {upid for upid in self.writer.running if upid.partition("!")[0].endswith(f":{remote}")}
        kept = []
        for task in tasks:
            if task.running and task.upid not in known:
                if len(known) >= RUNNING_TASKS:
                    continue
                known.add(task.upid)
            kept.append(task)
        return kept

    async def room(self) -> None:
        """Wait until not too much waits to be written: ask before fetching more."""
        await self._drained.wait()

    async def put(self, batch: Batch) -> None:
        """Store a batch; it is durable when this returns, and will be if the wait is cancelled. Raises OSError
        or CacheError if it cannot be written: then it is not stored, and none of its cutoffs has moved."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        self._backlog += len(batch.tasks)
        if self._backlog > BACKLOG_TASKS:
            self._drained.clear()
        if self._drain is None:
            self._drain = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            tasks: list[Task] = []
            cutoffs: dict[NodeKey, int] = {}
            taken = []
            while self._waiting and len(tasks) < WRITE_TASKS:
                batch, done = self._waiting.popleft()
                tasks.extend(batch.tasks)
                cutoffs.update(batch.cutoffs)
                taken.append(done)
            error = await self._write(tasks, cutoffs)
            self._backlog -= len(tasks)
            if self._backlog <= BACKLOG_TASKS:
                self._drained.set()
            for done in taken:
                if done.cancelled():
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
        self._drain = None

    async def _write(self, tasks: list[Task], cutoffs: Mapping[NodeKey, int]) -> Exception | None:
        try:
            await asyncio.to_thread(self.writer.store, Batch(tasks, cutoffs))
        except Exception as error:
            return error
        return None
