"""What one node has started since its cutoff, from its list to the disk."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from backend.archive import Batch
from backend.archive.health import Round
from backend.client import AnswerError, RemoteClient
from backend.task import Task
from backend.workers.retention import Retention
from backend.workers.store import Store
from backend.workers.turns import Turns

BATCH_TASKS = 5_000
"""Tasks of a long history that are kept in memory before they are handed on."""
LATEST = 2_000
"""Of a node's tasks, the latest to end: they tell how soon it forgets. Hardly any node remembers more."""
UNREADABLE_FOR = 3_600
"""Seconds for which a list with rows that are no tasks is asked for again, before the rest of it is believed."""
UNREADABLE_PAUSE = 900
"""Of the time between two such lists, the seconds that count: by then a node that can be asked was asked again."""
CLOCK_ERROR = 2
"""Seconds by which what we know of a remote's clock may be wrong."""


@dataclass(slots=True)
class Found:
    """What a node's list was like.

    Attributes:
        rejected: rows that were no tasks.
        dropped: running tasks that were too many to keep.
        forgotten: whether the node remembers no longer what it told the last time, so that more may be missing.
        pause: seconds within which it is to be asked again, lest it forgets; None for not before the next round.
    """

    rejected: int = 0
    dropped: int = 0
    forgotten: bool = False
    pause: float | None = None


class NodeFetcher:
    """Fetches from the nodes of one remote. Keeps in mind what stood at each node's cutoff, so that it is not
    stored each time."""

    def __init__(
        self,
        client: RemoteClient,
        store: Store,
        turns: Turns,
        *,
        oldest: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        """`turns` are taken for each page; `oldest` tells from when on (UNIX seconds) tasks are kept."""
        self._client = client
        self._store = store
        self._turns = turns
        self._oldest = oldest
        self._clock = clock
        self._boundary: dict[str, tuple[int, frozenset[Task]]] = {}
        self._retention: dict[str, Retention] = {}
        self._unreadable: dict[str, tuple[float, float]] = {}

    def keep(self, nodes: Collection[str]) -> None:
        """Forget all other nodes."""
        self._boundary = {node: known for node, known in self._boundary.items() if node in nodes}
        self._retention = {node: known for node, known in self._retention.items() if node in nodes}
        self._unreadable = {node: known for node, known in self._unreadable.items() if node in nodes}

    async def fetch(self, node: str, round: Round, *, blind: bool) -> Found:
        """Hand on what a node has started since its cutoff, and move the cutoff once all of it is durable, unless
        the token is `blind` for the node: then nobody knows what is missing. Raises RemoteError or OSError."""
        client = self._client
        asked = self._now()
        if (client.name, node) in self._store.writer.lowered:
            # Its cutoff may be what it was: what has started in that very second is to be had again, too.
            self._boundary.pop(node, None)
        cutoff = self._store.writer.cutoff(client.name, node)
        if cutoff is not None and cutoff > asked + CLOCK_ERROR:
            # It was set by a wrong clock: what has started before it may be missing.
            cutoff = None
        since = self._oldest() if cutoff is None else min(cutoff, asked)
        # `since` is inclusive: what started in the cutoff's own second comes again, and is known, unless the
        # cutoff was set back to have it again.
        boundary, known = self._boundary.get(node, (None, frozenset()))
        if boundary != cutoff:
            known = frozenset()
        found = Found()
        newest: list[Task] = []
        pending: list[Task] = []
        news: list[Task] = []
        recalled = not known
        pages = aiter(client.tasks(node, since=since))
        while True:
            async with self._turns.turn():
                page = await anext(pages, None)
            if page is None:
                break
            found.rejected += page.rejected
            # What a clock that is ahead has started must not move the cutoff past what starts once it is right.
            newest = _newest([*newest, *(task for task in page.tasks if since <= task.starttime <= asked)])
            tasks = [task for task in page.tasks if task not in known] if known else page.tasks
            recalled = recalled or len(tasks) < len(page.tasks)
            round.tasks += len(tasks)
            kept = self._store.bounded(client.name, tasks)
            found.dropped += len(tasks) - len(kept)
            if client.type == "pve":
                news = [*news, *kept][:LATEST]
            pending.extend(kept)
            if len(pending) >= BATCH_TASKS:
                await self._store.put(Batch(pending))
                pending = []
        reached = newest[0].starttime if newest else cutoff
        if found.rejected and self._may_mend(node):
            await self._store.put(Batch(pending))
            raise AnswerError(client.name, f"{found.rejected} rows of its task list were no tasks; asking again")
        if not found.rejected:
            self._unreadable.pop(node, None)
        if blind or found.dropped or reached is None:
            await self._store.put(Batch(pending))
        else:
            await self._store.put(Batch(pending, {(client.name, node): reached}))
            self._boundary[node] = (reached, frozenset(task for task in newest if task.endtime is not None))
        if client.type == "pve":
            found.pause = self._retention.setdefault(node, Retention()).pause(news)
            found.forgotten = not recalled and not blind
        return found

    def _may_mend(self, node: str) -> bool:
        """Whether a node that tells of rows that are no tasks may still come to tell what they are. Until then its
        cutoff stays; but a row that nobody can read must not have all others fetched for ever."""
        now = self._clock()
        spent, last = self._unreadable.get(node, (0.0, now))
        spent += min(abs(now - last), UNREADABLE_PAUSE)
        self._unreadable[node] = spent, now
        return spent < UNREADABLE_FOR

    def _now(self) -> int:
        """The time (UNIX seconds) up to which a list asked for now is whole: the remote's, where that is behind
        ours."""
        now, skew = self._clock(), self._client.clock_skew
        return int(now if skew is None else min(now, now + skew))


def _newest(tasks: list[Task]) -> list[Task]:
    """Of some tasks those that started last, in the same second; not more than a batch."""
    latest = max((task.starttime for task in tasks), default=0)
    return [task for task in tasks if task.starttime == latest][:BATCH_TASKS]
