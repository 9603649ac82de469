"""Following the tasks that are known to run but no longer stand in a poll's answer, until their end is known."""

import asyncio
import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection

from backend.archive import Batch
from backend.client import AnswerError, ApiError, NodeOfflineError, RemoteClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from backend.workers.store import Store

log = logging.getLogger(__name__)

FOLLOWED_PER_POLL = 25
"""Tasks asked for one by one after a poll, at most; the others have their turn after the next."""
UNREADABLE_TIMES = 100
"""Times that a task is asked for whose row cannot be told from others that are no tasks, before it is looked for
without its row: that tells when it ended only by its start."""
LOST_STATUS = "unknown (its node no longer knows this task)"


class Follower:
    """Follows the tasks of one remote, one request at a time."""

    def __init__(
        self,
        client: RemoteClient,
        store: Store,
        board: HealthBoard,
        fetch: Callable[[Collection[str]], None],
    ) -> None:
        """`fetch` is told the nodes that were found to be out of reach: once one is fetched, it is there again."""
        self._client = client
        self._store = store
        self._board = board
        self._fetch = fetch
        self._last = ""
        self._troubles: dict[str, str] = {}
        self._unreadable: Counter[str] = Counter()

    async def follow(self, answered: Collection[str]) -> None:
        """Ask for each task that is known to run and is not among those `answered` (remote UPIDs); each end is
        durable before the next is asked for. A node that fails is asked once and not for all its tasks."""
        name = self._client.name
        running = {upid: task for upid, task in self._store.writer.running.items() if task.remote == name}
        missing = sorted(upid for upid in running if upid not in answered)
        first = bisect_right(missing, self._last)
        failed: set[str] = set()
        asked = 0
        for upid in missing[first:] + missing[:first]:
            if asked == FOLLOWED_PER_POLL:
                break
            task = running[upid]
            if task.node not in failed:
                asked += 1
                self._last = upid
                try:
                    await self._learn(task, await self._find(task))
                    self._troubles.pop(task.node, None)
                except RemoteError as error:
                    failed.add(task.node)
                    self._tell(task.node, error)
            if task.node in failed and self._has_left(task.node):
                await self._learn(task, None)
        self._unreadable = Counter({upid: self._unreadable[upid] for upid in missing if upid in self._unreadable})
        nodes = {running[upid].node for upid in missing}
        self._troubles = {node: words for node, words in self._troubles.items() if node in nodes}

    async def _find(self, task: Task) -> Task | None:
        """The task as its remote tells it; None if it knows of none."""
        if task.parsed.type != self._client.type:
            # The remote of this name is another one by now.
            return None
        try:
            pass_over = self._unreadable[task.upid] >= UNREADABLE_TIMES
            return await self._client.find(task.upid, pass_over=pass_over)
        except AnswerError:
            self._unreadable[task.upid] += 1
            raise
        except ApiError as error:
            if error.status != 400 or "upid" not in error.words:
                raise
            # It takes this for no task at all, and always will.
            return None

    async def _learn(self, task: Task, found: Task | None) -> None:
        """Note what a remote has told of a task."""
        writer, unlisted = self._store.writer, task.upid in self._store.writer.unlisted
        if found is None and unlisted:
            if await asyncio.to_thread(writer.untrack, task.upid):
                log.warning("%s: %s was to be tracked, but there is no such task", self._client.name, task.upid)
                self._board.no_such_task(task.upid)
            return
        found = found or self._lost(task)
        if unlisted or not found.running:
            await self._store.put(Batch([found]))

    def _tell(self, node: str, error: RemoteError) -> None:
        if isinstance(error, NodeOfflineError) and self._board.node_works(self._client.name, node):
            self._board.node_failed(self._client.name, node, error.words)
            self._fetch([node])
        if self._troubles.get(node) != error.words:
            self._troubles[node] = error.words
            log.info("%s: %s: the ends of its tasks are not known yet: %s", self._client.name, node, error.words)

    def _has_left(self, node: str) -> bool:
        """Whether a node is no member of its cluster any more. (A PBS host has another name in UPIDs.)"""
        members = self._board.members(self._client.name)
        return self._client.type == "pve" and members is not None and node not in members

    def _lost(self, task: Task) -> Task:
        """A task that nobody knows any more: it has ended, but nobody can tell when, and how. Its end is taken to
        be its start: any end that is told after all then counts as the later report."""
        log.warning("%s: %s has ended unseen", self._client.name, task.upid)
        return Task(task.upid, task.starttime, task.starttime, LOST_STATUS)
