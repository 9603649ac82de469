"""Full rounds: every node of every remote is asked for the tasks it has started since its cutoff. A remote that
failed is asked again, after growing pauses, before the next round."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

from backend.archive.health import Round
from backend.client import Node, NodeOfflineError, RemoteClient, RemoteError
from backend.workers.board import HealthBoard
from backend.workers.node import Found, NodeFetcher
from backend.workers.privileges import blind_nodes, missing_privileges
from backend.workers.store import TOO_MANY_RUNNING, Store
from backend.workers.supervisor import BackOff, supervise
from backend.workers.turns import Turns

log = logging.getLogger(__name__)

FIRST_RETRY = 5.0
"""Seconds after which a remote that failed is asked again, at first."""
PROGRESS = 10.0
"""Seconds between two words on how far a round is."""


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
        connections_per_remote: int,
        oldest: Callable[[], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`interval` seconds lie between the starts of two rounds; `connections` are the fleet's quick ones;
        `oldest` tells from when on (UNIX seconds) tasks are kept."""
        self._clients = clients
        self._board = board
        self._interval = interval
        self._clock = clock
        # The polls keep some connections to themselves, so that they never queue behind a first fill: a quarter of
        # the fleet's, and of a remote's two, of which the tasks that are followed take one.
        self._turns = Turns(max(1, connections - max(1, connections // 4)), store.room)
        self._nodes_at_a_time = max(1, connections_per_remote - 2)
        self._nodes = NodeFetcher(store, self._turns, oldest=oldest, clock=clock)
        self._round_asked = asyncio.Event()
        self._asked = {name: asyncio.Event() for name in clients}
        self._round = Round(started=clock())
        self._awaited: set[str] = set()

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
            group.create_task(self._tell_progress())
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

    async def _tell_progress(self) -> None:
        told = 0
        while True:
            await asyncio.sleep(PROGRESS)
            round = self._round
            if round.finished is None and round.nodes_done + round.tasks != told:
                told = round.nodes_done + round.tasks
                log.info(f"{round.nodes_done:,} of {round.nodes_total:,} nodes, {round.tasks:,} tasks")

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
            async with self._turns.turn():
                nodes = await client.nodes()
                permissions = await client.permissions()
        except RemoteError as error:
            self._board.failed(name, "fetch", error)
            round.nodes_done += expected
            self._end(name, round)
            return False
        self._board.answered(name, "fetch", client.latency)
        self._board.nodes(name, [node.name for node in nodes])
        round.nodes_total += len(nodes) - expected
        blind = blind_nodes(client, permissions, [node.name for node in nodes])
        own = asyncio.Semaphore(self._nodes_at_a_time)
        async with asyncio.TaskGroup() as group:
            fetches = [
                group.create_task(self._fetch_node(client, node, round, own, blind=node.name in blind))
                for node in nodes
            ]
        results = [fetch.result() for fetch in fetches]
        found = [result for result in results if result is not None]
        self._board.notes(name, "fetch", [*missing_privileges(client, permissions, blind), *_shortcomings(found)])
        self._end(name, round)
        return len(found) == len(nodes)

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

    async def _fetch_node(
        self, client: RemoteClient, node: Node, round: Round, own: asyncio.Semaphore, *, blind: bool
    ) -> Found | None:
        """Fetch from a node when it is its turn among its remote's `own`; None if it failed."""
        try:
            if node.online is False:
                raise NodeOfflineError(client.name, "the cluster reports this node as offline", node.name)
            async with own:
                found = await self._nodes.fetch(client, node.name, round, blind=blind)
        except RemoteError as error:
            self._board.node_failed(client.name, node.name, error.words)
            return None
        finally:
            round.nodes_done += 1
            self._board.changed = True
        self._board.node_answered(client.name, node.name)
        return found


def _shortcomings(found: list[Found]) -> list[str]:
    """What of the nodes' lists could not be taken, in words."""
    notes = []
    if rejected := sum(each.rejected for each in found):
        notes.append(f"{rejected} rows of its task lists were no tasks, and are not shown")
    if any(each.dropped for each in found):
        notes.append(TOO_MANY_RUNNING)
    return notes
