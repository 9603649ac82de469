"""The live poll: what runs now on a remote, and what just ended. What no longer stands in an answer is followed by
itself (`follow`)."""

import asyncio
import time
from collections.abc import Callable, Collection

from backend.archive import Batch
from backend.client import Current, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.follow import Follower
from backend.workers.store import TOO_MANY_RUNNING, Store
from backend.workers.supervisor import BackOff


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
        self._seen: dict[str, frozenset[Task]] = {}
        self._follower = Follower(client, store, board, clock)
        self._answered: frozenset[str] = frozenset()
        self._polled = asyncio.Event()

    async def run(self) -> None:
        """Poll for ever. Following goes on beside it: it waits for silent nodes, the poll does not."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_polling())
            group.create_task(self._keep_following())

    async def _keep_polling(self) -> None:
        name = self._client.name
        await asyncio.sleep(self._start_after)
        back_off = BackOff(self._interval, max(60.0, self._interval))
        failing = False
        while True:
            started = time.monotonic()
            try:
                self._answered = await self.poll()
            except RemoteError as error:
                failing = True
                self._board.failed(name, "poll", error)
                await asyncio.sleep(back_off.next())
                continue
            self._polled.set()
            self._board.answered(name, "poll", self._client.latency)
            if failing:
                failing = False
                self._fetch([name])
            back_off.reset()
            await asyncio.sleep(max(0.0, self._interval - (time.monotonic() - started)))

    async def _keep_following(self) -> None:
        while True:
            await self._polled.wait()
            self._polled.clear()
            await self._follower.follow(self._answered)

    async def poll(self) -> frozenset[str]:
        """Ask once; what the answer tells is durable when this returns, and which tasks (remote UPIDs) it tells of
        is returned. Raises RemoteError."""
        name = self._client.name
        current = await self._client.current()
        by_node: dict[str, set[Task]] = {}
        for task in current.finished:
            by_node.setdefault(task.node, set()).add(task)
        news = [task for node, tasks in by_node.items() for task in tasks - self._seen.get(node, frozenset())]
        running = self._store.bounded(name, current.running)
        await self._store.put(Batch([*running, *news]))
        gaps = [
            node for node, tasks in by_node.items() if node in self._seen and tasks.isdisjoint(self._seen[node])
        ]
        if current.truncated or gaps:
            # More has run since the last poll than one answer tells.
            self._fetch([name])
        # A member that is missing in this answer is still known in the next; any other name is forgotten.
        members = self._board.members(name) or frozenset()
        kept = {node: seen for node, seen in self._seen.items() if node in members}
        self._seen = kept | {node: frozenset(tasks) for node, tasks in by_node.items()}
        self._board.notes(name, "poll", self._shortcomings(current, len(running)))
        return frozenset(task.upid for task in [*current.running, *current.finished])

    def _shortcomings(self, current: Current, kept: int) -> list[str]:
        """What of the answer could not be taken, in words."""
        notes = []
        if current.rejected:
            notes.append(f"{current.rejected} rows of what runs now were no tasks, and are not shown")
        if kept < len(current.running):
            notes.append(TOO_MANY_RUNNING)
        return notes
