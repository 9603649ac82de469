"""The live poll: what runs now on a remote, and what just ended. Each running task is followed until its end is
known, whether or not it stands in the answer."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from backend.archive import Batch
from backend.client import Current, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.store import Store
from backend.workers.supervisor import BackOff

log = logging.getLogger(__name__)

FOLLOWED_PER_POLL = 25
"""Tasks asked for one by one in a poll, at most; the others have their turn in the next."""
LOST_STATUS = "unknown (its node no longer knows this task)"


class Poller:
    """Polls one remote. It stops asking for nothing: a remote that fails is asked less often, until it answers."""

    def __init__(
        self,
        client: RemoteClient,
        store: Store,
        board: HealthBoard,
        *,
        interval: float,
        start_after: float,
        fetch: Callable[[Collection[str]], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`interval` and `start_after` in seconds; `fetch` asks for a full fetch of remotes whose answers show a
        gap."""
        self._client = client
        self._store = store
        self._board = board
        self._interval = interval
        self._start_after = start_after
        self._fetch = fetch
        self._clock = clock
        self._seen: dict[str, frozenset[Task]] = {}
        self._turn = 0

    async def run(self) -> None:
        """Poll for ever."""
        name = self._client.name
        await asyncio.sleep(self._start_after)
        back_off = BackOff(self._interval, max(60.0, self._interval))
        failing = False
        while True:
            started = time.monotonic()
            try:
                await self.poll()
            except RemoteError as error:
                failing = True
                self._board.failed(name, "poll", error)
                await asyncio.sleep(back_off.next())
                continue
            self._board.answered(name, "poll", self._client.latency)
            if failing:
                failing = False
                self._fetch([name])
            back_off.reset()
            await asyncio.sleep(max(0.0, self._interval - (time.monotonic() - started)))

    async def poll(self) -> None:
        """Ask once; what the answer tells is durable when this returns. Raises RemoteError."""
        name = self._client.name
        current = await self._client.current()
        by_node: dict[str, set[Task]] = {}
        for task in current.finished:
            by_node.setdefault(task.node, set()).add(task)
        news = [task for node, tasks in by_node.items() for task in tasks - self._seen.get(node, frozenset())]
        await self._store.put(Batch([*current.running, *news]))
        gaps = [
            node for node, tasks in by_node.items() if node in self._seen and tasks.isdisjoint(self._seen[node])
        ]
        if current.truncated or gaps:
            # More has run since the last poll than one answer tells.
            self._fetch([name])
        self._seen.update((node, frozenset(tasks)) for node, tasks in by_node.items())
        ended = [task for task in await self._follow(current) if task.endtime is not None]
        if ended:
            await self._store.put(Batch(ended))

    async def _follow(self, current: Current) -> list[Task]:
        """The tasks that are known to run but are not in the answer, as the remote now tells of each."""
        answered = {task.upid for task in current.running} | {task.upid for task in current.finished}
        missing = sorted(
            upid
            for upid, task in self._store.writer.running.items()
            if task.remote == self._client.name and upid not in answered
        )
        if len(missing) > FOLLOWED_PER_POLL:
            first = self._turn % len(missing)
            self._turn = first + FOLLOWED_PER_POLL
            missing = (missing + missing)[first : first + FOLLOWED_PER_POLL]
        found = []
        for upid in missing:
            try:
                task = await self._client.find(upid)
            except RemoteError as error:
                log.info("%s: %s: its end is not known yet: %s", self._client.name, upid, error.words)
                continue
            found.append(task or self._lost(upid))
        return found

    def _lost(self, upid: str) -> Task:
        """A task whose node has forgotten it: it has ended, but nobody can tell when, and how."""
        running = self._store.writer.running.get(upid)
        log.warning("%s: %s has ended unseen", self._client.name, upid)
        started = running.starttime if running is not None else int(self._clock())
        return Task(upid, started, max(started, int(self._clock())), LOST_STATUS)
