"""The remotes at work: each has a client, its fetching and its polling, and is started and stopped by itself as
the configuration changes."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection

from backend.archive import Batch
from backend.archive.state import NodeKey
from backend.client import FleetLimit, RemoteClient, open_client
from backend.config import Config, ConfigError, RemoteConfig, Settings
from backend.config.watch import config_changes
from backend.text import counted
from backend.upid import parse_remote_upid
from backend.workers.board import HealthBoard
from backend.workers.fetch import RemoteFetcher
from backend.workers.node import NodeFetcher
from backend.workers.pace import PollPace
from backend.workers.poll import Poller
from backend.workers.rounds import Rounds
from backend.workers.store import Store
from backend.workers.supervisor import supervise
from backend.workers.turns import Turns

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 5.0
"""Seconds for connecting to an endpoint, and again for the TLS handshake: two lost packets are made up for by
then."""


class Fleet:
    """Works on the remotes of a configuration, and takes over each that follows: what is the same goes on."""

    def __init__(
        self,
        config: Config,
        store: Store,
        board: HealthBoard,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._next = config
        self._config = Config(settings=config.settings)
        self._store = store
        self._board = board
        self._clock = clock
        self._group = asyncio.TaskGroup()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._fetchers: dict[str, RemoteFetcher] = {}
        self._pollers: dict[str, Poller] = {}
        self._rounds = Rounds(board, interval=config.settings.fetch_interval, clock=clock)
        self._connect(config.settings)

    async def run(self) -> None:
        """Work until cancelled."""
        report = self._board.problem
        async with self._group as group:
            await self._take_over(self._next)
            group.create_task(supervise("the rounds", self._rounds.run, report))
            group.create_task(supervise("reading the configuration", self._follow_configuration, report))

    def request(self, remotes: Collection[str]) -> None:
        """Fetch from these remotes as soon as possible; if none is named, begin a new round over all."""
        if not remotes:
            self._rounds.request()
        for name in remotes:
            if name in self._fetchers:
                self._fetchers[name].request()

    def request_nodes(self, nodes: Collection[NodeKey]) -> None:
        """Fetch from these nodes as soon as possible."""
        for name in {remote for remote, _ in nodes} & self._fetchers.keys():
            self._fetchers[name].request([node for remote, node in nodes if remote == name])

    def within_reach(self, nodes: Collection[NodeKey]) -> list[NodeKey]:
        """Of these nodes those that are there and do not fail. One that fails is asked again by itself, and what
        is missing of it comes with its next fetch that succeeds."""
        return [
            (remote, node)
            for remote, node in nodes
            if remote in self._fetchers
            and node in (self._board.members(remote) or ())
            and self._board.node_works(remote, node)
        ]

    async def track(self, upids: Collection[str]) -> None:
        """Follow these tasks (typed remote UPIDs) until they end, and poll their remotes at once: somebody waits
        for the ends. Those of other remotes are passed over. Raises OSError or CacheError."""
        known = [upid for upid in upids if parse_remote_upid(upid).remote in self._config.remotes]
        await asyncio.to_thread(self._store.writer.track, known)
        for name in {parse_remote_upid(upid).remote for upid in known} & self._pollers.keys():
            self._pollers[name].soon()

    async def _follow_configuration(self) -> None:
        async for change in config_changes(self._config):
            if isinstance(change, ConfigError):
                problem = f"{change}; the configuration from before stays in use"
                log.error("%s", problem)
                self._board.problem("configuration", problem)
            else:
                self._board.problem("configuration", None)
                await self._take_over(change)

    async def _take_over(self, config: Config) -> None:
        before, settings = self._config, config.settings
        reconnect = _limits(settings) != _limits(before.settings)
        changed = {name for name in self._working if config.remotes.get(name) != before.remotes[name]}
        await self._stop(self._working.keys() if reconnect else changed)
        self._config = config
        self._board.keep({name: remote.type for name, remote in config.remotes.items()})
        self._store.writer.keep(settings.keep_days)
        if reconnect:
            self._connect(settings)
        self._pace.set_interval(settings.poll_interval)
        self._rounds.set_interval(settings.fetch_interval)
        added = [remote for name, remote in config.remotes.items() if name not in self._working]
        # The polls spread over the interval by themselves, so that the fleet is not asked all at once.
        spread = min(settings.poll_interval, len(added) / settings.max_connections)
        for remote in added:
            self._start(remote, random.uniform(0, spread))
        removed = before.remotes.keys() - config.remotes.keys()
        if before.path is not None:
            log.info(
                "took over %s: %s, %d new or changed; %d removed",
                config.path,
                counted(len(config.remotes), "remote"),
                len(added),
                len(removed),
            )
        if not config.remotes:
            log.warning("no remotes are configured in %s", config.path)
        if removed or before.path is None:
            forget = supervise("forgetting removed remotes", self._forget_others, self._board.problem)
            self._group.create_task(forget)

    def _connect(self, settings: Settings) -> None:
        connections = settings.max_connections
        self._limit = FleetLimit(connections)
        # The polls keep some connections to themselves, so that they never queue behind a first fill: a tenth of
        # the fleet's, and of a remote's two, of which the tasks that are followed take one.
        self._turns = Turns(max(1, connections - max(1, connections // 10)), self._store.room)
        self._pace = PollPace(settings.poll_interval, connections, self._board.problem)

    def _start(self, remote: RemoteConfig, start_after: float) -> None:
        connections = self._config.settings.max_connections_per_remote
        client = open_client(
            remote,
            limit=self._limit,
            connections=connections,
            connect_timeout=CONNECT_TIMEOUT,
            clock=self._clock,
        )
        writer = self._store.writer
        nodes = NodeFetcher(client, self._store, self._turns, oldest=lambda: writer.oldest, clock=self._clock)
        fetcher = RemoteFetcher(
            client, nodes, self._rounds, self._board, self._turns, nodes_at_a_time=max(1, connections - 2)
        )
        poller = Poller(
            client,
            self._store,
            self._board,
            self._pace,
            start_after=start_after,
            fetch=fetcher.request,
            one_by_one=fetcher.nodes_to_poll,
        )
        self._fetchers[remote.name] = fetcher
        self._pollers[remote.name] = poller
        self._rounds.join(remote.name, fetcher.begin_part)
        self._working[remote.name] = self._group.create_task(self._work(client, fetcher, poller))

    async def _work(self, client: RemoteClient, fetcher: RemoteFetcher, poller: Poller) -> None:
        report = self._board.problem
        async with client, asyncio.TaskGroup() as group:
            group.create_task(supervise(f"fetching from {client.name}", fetcher.run, report))
            group.create_task(supervise(f"polling {client.name}", poller.run, report))

    async def _stop(self, names: Collection[str]) -> None:
        """Stop working on remotes; what was handed over of them goes to the disk all the same."""
        stopping = [self._working.pop(name) for name in list(names)]
        for working in stopping:
            working.cancel()
        if stopping:
            await asyncio.wait(stopping)
        for name in list(self._fetchers):
            if name not in self._working:
                del self._fetchers[name], self._pollers[name]
                self._rounds.leave(name)
                self._pace.forget(name)

    async def _forget_others(self) -> None:
        """Forget the running tasks and the cutoffs of remotes that are there no longer."""
        # Behind all that waits to be written.
        await self._store.put(Batch())
        await asyncio.to_thread(self._store.writer.keep_only, frozenset(self._config.remotes))


def _limits(settings: Settings) -> tuple[int, int]:
    return settings.max_connections, settings.max_connections_per_remote
