"""The live poll: what runs now on a remote, and what just ended. What no longer stands in an answer is followed by
itself (`follow`)."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from math import inf

from backend.archive import Batch
from backend.archive.state import NodeKey
from backend.client import Current, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.follow import Follower
from backend.workers.pace import PollPace
from backend.workers.store import TOO_MANY_RUNNING, Store
from backend.workers.supervisor import BackOff

LONGEST_PAUSE = 30.0
"""Seconds after which a remote that does not answer is asked again, in the end."""
ANSWER_TASKS = 25
"""Tasks of a node that its cluster tells, running ones and the last to end together (PVE::RPCEnvironment)."""

LISTED_WITHIN = 60
"""Seconds after which a task that has started stands in its node's list, at the latest."""


class Poller:
    """Polls one remote. It stops asking for nothing: a remote that fails is asked less often, until it answers."""

    def __init__(
        self,
        client: RemoteClient,
        store: Store,
        board: HealthBoard,
        pace: PollPace,
        *,
        start_after: float,
        fetch: Callable[[Collection[str]], None],
        one_by_one: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`start_after` is in seconds; `fetch` asks for a fetch of nodes of which the answers show a gap, or of
        all nodes if none is named; `one_by_one` are the nodes to be asked by themselves."""
        self._client = client
        self._store = store
        self._board = board
        self._pace = pace
        self._start_after = start_after
        self._fetch = fetch
        self._one_by_one = one_by_one
        self._seen: dict[str, frozenset[Task]] = {}
        self._follower = Follower(client, store, board, fetch)
        self._answered: frozenset[str] = frozenset()
        self._set_back_to = inf
        self._late: dict[NodeKey, int] = {}
        self._polled = asyncio.Event()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Poll for ever. Following goes on beside it: it waits for silent nodes, the poll does not."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_polling())
            group.create_task(self._keep_following())

    def soon(self) -> None:
        """Ask at once instead of after the usual pause. A remote that fails is not asked sooner."""
        self._wanted.set()

    async def _keep_polling(self) -> None:
        name, client, pace = self._client.name, self._client, self._pace
        await asyncio.sleep(self._start_after)
        back_off: BackOff | None = None
        while True:
            started = time.monotonic()
            self._wanted.clear()
            try:
                self._answered = await self.poll()
            except RemoteError as error:
                self._board.failed(name, "poll", error)
                pace.forget(name)
                back_off = back_off or BackOff(pace.interval, max(LONGEST_PAUSE, pace.interval))
                await asyncio.sleep(back_off.next())
                continue
            self._polled.set()
            self._board.answered(name, "poll", client.latency, client.clock_skew)
            pace.answered(name, client.latency)
            self._board.polls_every(pace.interval)
            if back_off is not None:
                back_off = None
                self._fetch(())
            with contextlib.suppress(TimeoutError):
                # not wait_for: before Python 3.12 that loses a cancellation that comes with the event
                async with asyncio.timeout(max(0.0, pace.interval - (time.monotonic() - started))):
                    await self._wanted.wait()

    async def _keep_following(self) -> None:
        while True:
            await self._polled.wait()
            self._polled.clear()
            await self._follower.follow(self._answered)

    async def poll(self) -> frozenset[str]:
        """Ask once; what the answer tells is durable when this returns, and which tasks (remote UPIDs) it tells of
        is returned. Raises RemoteError."""
        name = self._client.name
        current = await self._client.current(self._one_by_one())
        ended: dict[str, set[Task]] = {task.node: set() for task in current.running}
        for task in current.finished:
            ended.setdefault(task.node, set()).add(task)
        news = [task for node, tasks in ended.items() for task in tasks - self._seen.get(node, frozenset())]
        running = self._store.bounded(name, current.running)
        await self._look_back([*running, *news])
        await self._store.put(Batch([*running, *news]))
        more = {*current.truncated, *self._gaps(current, ended)}
        if more:
            # More has run since the last poll than one answer tells.
            self._fetch(more)
        # A member that is missing in this answer is still known in the next; any other name is forgotten.
        members = self._board.members(name) or frozenset()
        kept = {node: seen for node, seen in self._seen.items() if node in members}
        # Where those that run leave no room for what has ended, what ended before that is still known.
        told = {node: frozenset(tasks) for node, tasks in ended.items() if tasks or node not in kept}
        self._seen = kept | told
        self._board.notes(name, "poll", self._shortcomings(current, len(running)))
        return frozenset(task.upid for task in [*current.running, *current.finished])

    async def _look_back(self, tasks: Sequence[Task]) -> None:
        """Set back the cutoffs before which tasks may be missing: a clock that was behind dates tasks to before
        those that are known already. Some of these tell of it, or the dates of the answers do."""
        writer, name = self._store.writer, self._client.name
        # Kept until it is noted: the disk may refuse.
        self._set_back_to = min(self._set_back_to, self._client.take_set_back())
        lowered = {
            key: int(self._set_back_to)
            for key, cutoff in writer.cutoffs.items()
            if key[0] == name and self._set_back_to < cutoff
        }
        late = [task for task in tasks if task.starttime < writer.cutoffs.get(self._key(task), 0)]
        oldest, running = writer.oldest, writer.running
        late = [task for task in late if task.starttime >= oldest and task.upid not in running]
        if late:
            for task in sorted(await asyncio.to_thread(writer.unknown, late), key=lambda one: one.starttime):
                key, since = self._key(task), task.starttime
                known = self._late.get(key)
                self._late[key] = since
                if writer.cutoffs.get(key, 0) - since > LISTED_WITHIN:
                    # A clock that is behind may have been so for some time: all is looked at once, and from then
                    # on what has started since the last of its tasks. (Else it was only listed a moment later.)
                    since = 0 if known is None or since < known else known
                lowered[key] = min(since, lowered.get(key, since))
        if lowered:
            await asyncio.to_thread(writer.lower, lowered)
        self._set_back_to = inf

    def _key(self, task: Task) -> NodeKey:
        return self._client.name, self._client.node_of(task.parsed)

    def _gaps(self, current: Current, ended: dict[str, set[Task]]) -> list[str]:
        """The nodes of which tasks may have ended that were in no answer."""
        if self._client.type == "pbs":
            return []
        running = Counter(task.node for task in current.running)
        return [
            node
            for node, tasks in ended.items()
            if node in self._seen
            and tasks.isdisjoint(self._seen[node])
            and (tasks or running[node] >= ANSWER_TASKS)
        ]

    def _shortcomings(self, current: Current, kept: int) -> list[str]:
        """What of the answer could not be taken, in words."""
        notes = []
        if current.rejected:
            notes.append(f"{current.rejected} rows of what runs now were no tasks, and are not shown")
        if kept < len(current.running):
            notes.append(TOO_MANY_RUNNING)
        return notes
