"""What one node has started since its cutoff, from its list to the disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.archive import Batch
from backend.archive.health import Round
from backend.client import RemoteClient
from backend.task import Task
from backend.workers.store import Store
from backend.workers.turns import Turns

BATCH_TASKS = 5_000
"""Tasks of a long history that are kept in memory before they are handed on."""


@dataclass(slots=True)
class Found:
    """What a node's list was like: `rejected` of its rows were no tasks, `dropped` running tasks were too many to
    keep."""

    rejected: int = 0
    dropped: int = 0


class NodeFetcher:
    """Fetches from nodes. Keeps in mind what stood at each node's cutoff, so that it is not stored each time."""

    def __init__(
        self, store: Store, turns: Turns, *, oldest: Callable[[], int], clock: Callable[[], float]
    ) -> None:
        """`turns` are taken for each page; `oldest` tells from when on (UNIX seconds) tasks are kept."""
        self._store = store
        self._turns = turns
        self._oldest = oldest
        self._clock = clock
        self._boundary: dict[tuple[str, str], tuple[int, frozenset[Task]]] = {}

    async def fetch(self, client: RemoteClient, node: str, round: Round, *, blind: bool) -> Found:
        """Hand on what a node has started since its cutoff, and move the cutoff once all of it is durable, unless
        the token is `blind` for the node: then nobody knows what is missing. Raises RemoteError or OSError."""
        key = (client.name, node)
        asked = self._now(client)
        cutoff = self._store.writer.cutoff(*key)
        if cutoff is not None and cutoff > asked:
            # It was set by a wrong clock: what has started before it may be missing.
            cutoff = None
        since = self._oldest() if cutoff is None else cutoff
        # `since` is inclusive: what started in the cutoff's own second comes again, and is known, unless the
        # cutoff was set back to have it again.
        boundary, known = self._boundary.get(key, (None, frozenset()))
        found = Found()
        newest: list[Task] = []
        pending: list[Task] = []
        pages = aiter(client.tasks(node, since=since))
        while True:
            async with self._turns.turn():
                page = await anext(pages, None)
            if page is None:
                break
            found.rejected += page.rejected
            # What a clock that is ahead has started must not move the cutoff past what starts once it is right.
            newest = _newest([*newest, *(task for task in page.tasks if since <= task.starttime <= asked)])
            tasks = [task for task in page.tasks if boundary != cutoff or task not in known]
            round.tasks += len(tasks)
            kept = self._store.bounded(client.name, tasks)
            found.dropped += len(tasks) - len(kept)
            pending.extend(kept)
            if len(pending) >= BATCH_TASKS:
                await self._store.put(Batch(pending))
                pending = []
        reached = newest[0].starttime if newest else cutoff
        if blind or found.dropped or reached is None:
            await self._store.put(Batch(pending))
        else:
            await self._store.put(Batch(pending, {key: reached}))
            self._boundary[key] = (reached, frozenset(task for task in newest if task.endtime is not None))
        return found

    def _now(self, client: RemoteClient) -> int:
        """The time (UNIX seconds) up to which a list asked for now is whole: the remote's, where that is behind
        ours."""
        now = self._clock()
        return int(now if client.clock_skew is None else min(now, time.time() + client.clock_skew))


def _newest(tasks: list[Task]) -> list[Task]:
    """Of some tasks those that started last, in the same second; not more than a batch."""
    latest = max((task.starttime for task in tasks), default=0)
    return [task for task in tasks if task.starttime == latest][:BATCH_TASKS]
