"""Fetching from remotes that answer from memory, for tests: rounds over them, and what came of it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from backend.archive import TaskCache
from backend.workers.fetch import RemoteFetcher
from backend.workers.node import NodeFetcher
from backend.workers.rounds import Rounds
from backend.workers.store import Store
from backend.workers.turns import Turns
from tests.workers.fakes import FakeRemote, Ground
from tests.workers.fleet_at_work import NOW, tasks_of


def fetched(at: Ground) -> set[str | None]:
    """The ids of the tasks in the cache."""
    return {task.worker_id for task in tasks_of(TaskCache(at.writer.directory))}


class Fetching:
    """Full rounds over some remotes; the second only when it is asked for."""

    def __init__(self, at: Ground, store: Store, remotes: Collection[FakeRemote], turns: int) -> None:
        self.rounds = Rounds(at.board, interval=1_000, clock=at.clock)
        self.fetchers: dict[str, RemoteFetcher] = {}
        shared = Turns(turns, store.room)
        for remote in remotes:
            nodes = NodeFetcher(remote, store, shared, oldest=lambda: int(NOW) - 86_400, clock=at.clock)
            fetcher = RemoteFetcher(remote, nodes, self.rounds, at.board, shared, nodes_at_a_time=3)
            self.fetchers[remote.name] = fetcher
            self.rounds.join(remote.name, fetcher.begin_part)

    def request(self, *remotes: str) -> None:
        """Fetch from these, or begin a round over all."""
        if not remotes:
            self.rounds.request()
        for name in remotes:
            self.fetchers[name].request()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.rounds.run())
            for fetcher in self.fetchers.values():
                group.create_task(fetcher.run())


@asynccontextmanager
async def fetching(at: Ground, *remotes: FakeRemote, turns: int = 15) -> AsyncIterator[Fetching]:
    """Fetch from these remotes while the context lasts."""
    async with Store(at.writer) as store:
        fetching = Fetching(at, store, remotes, turns)
        running = asyncio.create_task(fetching.run())
        try:
            yield fetching
            assert not running.done()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
