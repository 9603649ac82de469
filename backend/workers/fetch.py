"""Full rounds: every node of every remote is asked for the tasks it has started since its cutoff. What failed is
asked again, after growing pauses, before the next round."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping

from backend.archive import Batch
from backend.archive.health import Round
from backend.client import Node, NodeOfflineError, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.privileges import missing_privileges
from backend.workers.store import Store
from backend.workers.supervisor import BackOff

log = logging.getLogger(__name__)

BATCH_TASKS = 5_000
"""Tasks of a long history that are kept in memory before they are handed on."""
FIRST_RETRY = 5.0
"""Seconds after which a remote that failed is asked again, at first."""


class Fetcher:
    """Runs the rounds. `request` asks for remotes out of turn."""

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
        self._requested: set[str] = set()
        self._wake = asyncio.Event()
        self._boundary: dict[tuple[str, str], frozenset[Task]] = {}

    def request(self, remotes: Collection[str] = ()) -> None:
        """Fetch from these remotes as soon as possible; from all if none is named."""
        self._requested.update(name for name in (remotes or self._clients) if name in self._clients)
        self._wake.set()

    async def run(self) -> None:
        """Round after round, for ever."""
        while True:
            next_round = self._clock() + self._interval
            failed = await self._round(self._clients, next_round)
            back_off = BackOff(FIRST_RETRY, self._interval)
            retry = self._clock() + back_off.next()
            while (now := self._clock()) < next_round:
                if failed and now >= retry:
                    failed = await self._round(failed, next_round)
                    retry = self._clock() + back_off.next()
                elif self._requested:
                    requested, self._requested = self._requested, set()
                    failed = (failed - requested) | await self._round(requested, next_round)
                else:
                    await self._sleep(min(next_round, retry if failed else next_round) - now)

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _round(self, remotes: Collection[str], next_round: float) -> set[str]:
        """Fetch from some remotes; returns those that failed, wholly or in part."""
        round = Round(started=self._clock(), next=next_round)
        whole = len(remotes) == len(self._clients)
        if whole:
            self._board.health.round = round
            round.nodes_total = sum(max(1, len(self._board.health.remotes[name].nodes)) for name in remotes)
        async with asyncio.TaskGroup() as group:
            fetches = {name: group.create_task(self._fetch_remote(name, round)) for name in remotes}
        round.finished = self._clock()
        failed = {name for name, fetch in fetches.items() if not fetch.result()}
        self._board.changed = True
        if whole or round.tasks:
            log.info(
                "fetched %d tasks from %d remotes in %.1f s%s",
                round.tasks,
                len(remotes),
                round.finished - round.started,
                f"; {len(failed)} failed" if failed else "",
            )
        return failed

    async def _fetch_remote(self, name: str, round: Round) -> bool:
        """Fetch from all nodes of a remote. Its nodes are asked for first and alone, so that a remote that hangs
        holds one connection and not many."""
        client = self._clients[name]
        expected = max(1, len(self._board.health.remotes[name].nodes))
        try:
            async with self._slots:
                nodes = await client.nodes()
                notes = missing_privileges(client, await client.permissions(), [node.name for node in nodes])
        except RemoteError as error:
            self._board.failed(name, error)
            round.nodes_done += expected
            return False
        self._board.answered(name, client.latency)
        self._board.nodes(name, [node.name for node in nodes])
        self._board.notes(name, notes)
        round.nodes_total += len(nodes) - expected
        async with asyncio.TaskGroup() as group:
            fetches = [group.create_task(self._fetch_node(client, node, round)) for node in nodes]
        return all(fetch.result() for fetch in fetches)

    async def _fetch_node(self, client: RemoteClient, node: Node, round: Round) -> bool:
        try:
            if node.online is False:
                raise NodeOfflineError(client.name, "the cluster reports this node as offline", node.name)
            async with self._slots:
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
        cutoff = self._store.writer.cutoff(*key)
        # `since` is inclusive: what started in the cutoff's own second comes again, and is known.
        known = self._boundary.get(key, frozenset())
        newest: list[Task] = []
        pending: list[Task] = []
        async for page in client.tasks(node, since=self._oldest() if cutoff is None else cutoff):
            tasks = [task for task in page.tasks if task not in known]
            round.tasks += len(tasks)
            pending.extend(tasks)
            newest = _newest([*newest, *page.tasks])
            if len(pending) >= BATCH_TASKS:
                await self._store.put(Batch(pending))
                pending = []
        # A clock that is ahead must not move the cutoff past what starts once it is right again.
        reached = min(newest[0].starttime, int(self._clock())) if newest else cutoff or 0
        await self._store.put(Batch(pending, {key: reached} if reached > 0 else {}))
        self._boundary[key] = frozenset(task for task in newest if task.endtime is not None)


def _newest(tasks: list[Task]) -> list[Task]:
    """Of some tasks those that started last, in the same second."""
    latest = max((task.starttime for task in tasks), default=0)
    return [task for task in tasks if task.starttime == latest]
