"""Fetching from one remote: all its nodes in each round, and single ones in between, when something calls for it.
A node that fails is asked again by itself, and so is a remote, after growing pauses."""

import asyncio
import contextlib
from collections.abc import Collection
from functools import partial
from math import inf

from backend.archive.health import NODE_OFFLINE
from backend.client import Node, NodeOfflineError, RemoteClient, RemoteError
from backend.workers.board import HealthBoard
from backend.workers.node import Found, NodeFetcher
from backend.workers.privileges import Sight, missing_privileges, sight_of
from backend.workers.rounds import Rounds
from backend.workers.schedule import NodeSchedule
from backend.workers.store import TOO_MANY_RUNNING
from backend.workers.supervisor import BackOff
from backend.workers.turns import Turns

FIRST_RETRY = 5.0
LONGEST_RETRY = 600.0
"""Seconds after which what failed is asked again: at first, and in the end."""


class RemoteFetcher:
    """Fetches from one remote by itself, so that none waits for another."""

    def __init__(
        self,
        client: RemoteClient,
        nodes: NodeFetcher,
        rounds: Rounds,
        board: HealthBoard,
        turns: Turns,
        *,
        nodes_at_a_time: int,
    ) -> None:
        """`turns` are taken for what is asked of the remote as a whole; `nodes` takes them for itself."""
        self._client = client
        self._fetcher = nodes
        self._rounds = rounds
        self._board = board
        self._turns = turns
        self._own = asyncio.Semaphore(nodes_at_a_time)
        self._asked = False
        self._again = inf
        self._back_off = BackOff(FIRST_RETRY, LONGEST_RETRY)
        self._schedule = NodeSchedule(partial(BackOff, FIRST_RETRY, LONGEST_RETRY))
        self._nodes: dict[str, Node] = {}
        self._sight = Sight()
        self._outstanding: set[str] = set()
        self._found: dict[str, Found] = {}
        self._wake = asyncio.Event()

    def begin_part(self) -> None:
        """Fetch from all nodes, as a part of the round that has just begun."""
        self._asked = True
        self._wake.set()

    def request(self, nodes: Collection[str] = ()) -> None:
        """Fetch from these nodes as soon as possible; if none is named, from all."""
        known = [node for node in nodes if node in self._nodes]
        if known:
            self._schedule.ask(known, asyncio.get_running_loop().time())
        else:
            self._asked = True
        self._wake.set()

    def nodes_to_poll(self) -> list[str]:
        """The nodes to be asked one by one for what they run; none where the remote tells it for all."""
        if self._sight.whole:
            return []
        seen = (node for node in self._nodes.values() if node.name not in self._sight.blind)
        return [node.name for node in seen if node.online is not False]

    async def run(self) -> None:
        """Fetch whenever it is due, for ever."""
        loop = asyncio.get_running_loop()
        self._schedule.restart(loop.time())
        async with asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                if self._asked or loop.time() >= self._again:
                    await self._ask_remote()
                for node in self._schedule.take(loop.time()):
                    group.create_task(self._fetch_node(node))
                if not self._asked:
                    due = min(self._again, self._schedule.next_due())
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout_at(None if due == inf else due):
                            await self._wake.wait()

    async def _ask_remote(self) -> None:
        """Have all nodes of the remote fetched. They are asked for first and alone, so that a remote that hangs
        holds one connection and not many."""
        name = self._client.name
        # Until it is done, what it was asked for is still to be done.
        self._again = 0.0
        self._asked = False
        try:
            await self._learn()
        except RemoteError as error:
            self._board.failed(name, "fetch", error)
            self._rounds.give_up(name)
            self._again = asyncio.get_running_loop().time() + self._back_off.next()
            return
        self._again = inf
        self._back_off.reset()
        self._rounds.expect(name, len(self._nodes))
        self._outstanding = set(self._nodes)
        self._schedule.ask(self._nodes, asyncio.get_running_loop().time())

    async def _learn(self) -> None:
        """Learn the remote's nodes, and what the token sees of them. Raises RemoteError."""
        client = self._client
        async with self._turns.turn():
            nodes = await client.nodes()
            permissions = await client.permissions()
        self._nodes = {node.name: node for node in nodes}
        self._sight = sight_of(client, permissions, self._nodes)
        self._found = {node: found for node, found in self._found.items() if node in self._nodes}
        self._schedule.keep(self._nodes)
        self._fetcher.keep(self._nodes)
        self._board.answered(client.name, "fetch", client.latency, client.clock_skew)
        self._board.nodes(client.name, self._nodes)

    async def _fetch_node(self, node: str) -> None:
        name, loop = self._client.name, asyncio.get_running_loop()
        round = self._rounds.of(name)
        try:
            async with self._own:
                if self._is_offline(node) and node not in self._outstanding:
                    # The cluster said so some time ago.
                    await self._learn()
                if self._is_offline(node):
                    raise NodeOfflineError(name, NODE_OFFLINE, node)
                found = await self._fetcher.fetch(node, round, blind=node in self._sight.blind)
        except RemoteError as error:
            self._schedule.failed(node, loop.time())
            if node in self._nodes:
                self._board.node_failed(name, node, error.words)
        else:
            self._schedule.fetched(node, loop.time(), found.pause)
            if node in self._nodes:
                self._found[node] = found
                self._board.node_answered(name, node)
        # What began before the round did may lack what the round is to bring; the node is asked again for it.
        if node in self._outstanding and round is self._rounds.of(name):
            self._rounds.node_done(name)
            self._outstanding.discard(node)
            if not self._outstanding:
                self._rounds.part_over(name)
        if not self._outstanding:
            self._board.notes(name, "fetch", self._shortcomings())
        self._wake.set()

    def _is_offline(self, node: str) -> bool:
        known = self._nodes.get(node)
        return known is not None and known.online is False

    def _shortcomings(self) -> list[str]:
        """What of the nodes' tasks cannot be shown, in words."""
        notes = missing_privileges(self._client, self._sight)
        if rejected := sum(found.rejected for found in self._found.values()):
            notes.append(f"{rejected} rows of its task lists were no tasks, and are not shown")
        if any(found.dropped for found in self._found.values()):
            notes.append(TOO_MANY_RUNNING)
        forgetful = [node for node, found in self._found.items() if found.forgotten]
        if forgetful:
            notes.append(f"more has run than {', '.join(forgetful)} remembers: some tasks may be missing")
        return notes
