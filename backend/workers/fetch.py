"""Full rounds: every node of every remote is asked for the tasks it has started since its cutoff. A remote that
failed is asked again, after growing pauses, before the next round."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

from backend.archive import Batch
from backend.archive.health import Round
from backend.client import Node, NodeOfflineError, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.privileges import missing_privileges
from backend.workers.store import Store
from backend.workers.supervisor import BackOff, supervise

log = logging.getLogger(__name__)

BATCH_TASKS = 5_000
"""Tasks of a long history that are kept in memory before they are handed on."""
FIRST_RETRY = 5.0
"""Seconds after which a remote that failed is asked again, at first."""


class Fetcher:
    """Fetches from each remote by itself, so that none waits for another: at the start of each round, when asked
    to by `request`, and again after a growing pause while it fails."""

    def __init__(
        self,
        clients: Mapping[str, RemoteClient],
        store: Store,
        board: HealthBoard,
        *,
        interval: float,
        connections: int,
        oldest: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`interval` seconds lie between the starts of two rounds; `oldest` tells from when on tasks are kept."""
        self._clients = clients
        self._store = store
        self._board = board
        self._interval = interval
        self._oldest = oldest
        self._clock = clock
        # The polls keep some of the fleet's connections to themselves: they never queue behind a first fill.
        self._slots = asyncio.Semaphore(max(1, connections - max(1, connections // 4)))
        self._round_asked = asyncio.Event()
        self._asked = {name: asyncio.Event() for name in clients}
        self._round = Round(started=clock())
        self._awaited: set[str] = set()
        self._boundary: dict[tuple[str, str], tuple[int, frozenset[Task]]] = {}

    def request(self, remotes: Collection[str] = ()) -> None:
        """Fetch from these remotes as soon as possible; if none is named, begin a new round over all."""
        if not remotes:
            self._round_asked.set()
        for name in remotes:
            if name in self._asked:
                self._asked[name].set()

    async def run(self) -> None:
        """Round after round, for ever."""
        async with asyncio.TaskGroup() as group:
            for name in self._clients:
                work = partial(self._keep_fetching, name)
                group.create_task(supervise(f"fetching from {name}", work, self._board.problem))
            while True:
                self._round_asked.clear()
                self._begin_round()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._interval):
                        await self._round_asked.wait()

    def _begin_round(self) -> None:
        now = self._clock()
        self._awaited = set(self._clients)
        self._round = self._board.health.round = Round(
            started=now,
            finished=None if self._clients else now,
            next=now + self._interval,
            nodes_total=sum(max(1, len(self._board.health.remotes[name].nodes)) for name in self._clients),
        )
        self._board.changed = True
        for asked in self._asked.values():
            asked.set()

    async def _keep_fetching(self, name: str) -> None:
        asked = self._asked[name]
        back_off = BackOff(FIRST_RETRY, self._interval)
        pause: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await asked.wait()
            asked.clear()
            try:
                whole = await self._fetch_remote(name)
            except BaseException:
                asked.set()  # what it was asked for is still to be done
                raise
            if whole:
                back_off.reset()
                pause = None
            else:
                pause = back_off.next()

    async def _fetch_remote(self, name: str) -> bool:
        """Fetch from all nodes of a remote; returns whether all of it went well. Its nodes are asked for first and
        alone, so that a remote that hangs holds one connection and not many."""
        round = self._round if name in self._awaited else Round(started=self._clock())
        client = self._clients[name]
        expected = max(1, len(self._board.health.remotes[name].nodes))
        try:
            async with self._slots:
                nodes = await client.nodes()
                notes = missing_privileges(client, await client.permissions(), [node.name for node in nodes])
        except RemoteError as error:
            self._board.failed(name, "fetch", error)
            round.nodes_done += expected
            self._end(name, round)
            return False
        self._board.answered(name, "fetch", client.latency)
        self._board.nodes(name, [node.name for node in nodes])
        self._board.notes(name, notes)
        round.nodes_total += len(nodes) - expected
        async with asyncio.TaskGroup() as group:
            fetches = [group.create_task(self._fetch_node(client, node, round)) for node in nodes]
        self._end(name, round)
        return all(fetch.result() for fetch in fetches)

    def _end(self, name: str, round: Round) -> None:
        """Note that a remote's part of a round is over."""
        self._board.changed = True
        if round is not self._round:
            return
        self._awaited.discard(name)
        if not self._awaited:
            round.finished = self._clock()
            failing = len(self._board.health.failing)
            log.info(
                "round over: %d tasks from %d nodes in %.1f s%s",
                round.tasks,
                round.nodes_total,
                round.finished - round.started,
                f"; {failing} remotes failing" if failing else "",
            )

    async def _fetch_node(self, client: RemoteClient, node: Node, round: Round) -> bool:
        try:
            if node.online is False:
                raise NodeOfflineError(client.name, "the cluster reports this node as offline", node.name)
            await self._fetch_tasks(client, node.name, round)
        except RemoteError as error:
            self._board.node_failed(client.name, node.name, error.words)
            return False
        finally:
            round.nodes_done += 1
            self._board.changed = True
        self._board.node_answered(client.name, node.name)
        return True

    async def _fetch_tasks(self, client: RemoteClient, node: str, round: Round) -> None:
        """Hand on what the node has started since its cutoff, and move the cutoff once all of it is durable."""
        key = (client.name, node)
        newest: list[Task] = []
        pending: list[Task] = []
        async with self._slots:
            cutoff = self._store.writer.cutoff(*key)
            # `since` is inclusive: what started in the cutoff's own second comes again, and is known, unless the
            # cutoff was set back to have it again.
            boundary, known = self._boundary.get(key, (None, frozenset()))
            async for page in client.tasks(node, since=self._oldest() if cutoff is None else cutoff):
                tasks = [task for task in page.tasks if boundary != cutoff or task not in known]
                round.tasks += len(tasks)
                pending.extend(tasks)
                newest = _newest([*newest, *page.tasks])
                if len(pending) >= BATCH_TASKS:
                    await self._store.put(Batch(pending))
                    pending = []
            # The slot is given back before the disk is waited for, unless the disk is what all wait for.
            await self._store.room()
        # A clock that is ahead must not move the cutoff past what starts once it is right again.
        reached = min(newest[0].starttime, int(self._clock())) if newest else cutoff or 0
        await self._store.put(Batch(pending, {key: reached} if reached > 0 else {}))
        self._boundary[key] = (reached, frozenset(task for task in newest if task.endtime is not None))


def _newest(tasks: list[Task]) -> list[Task]:
    """Of some tasks those that started last, in the same second."""
    latest = max((task.starttime for task in tasks), default=0)
    return [task for task in tasks if task.starttime == latest]
