"""A poller and a follower on a remote that answers from memory, driven by hand, for tests."""

from collections.abc import Collection

from backend.archive import Batch, TaskCache
from backend.task import Task
from backend.workers.follow import Follower
from backend.workers.pace import PollPace
from backend.workers.poll import Poller
from backend.workers.store import Store
from tests.workers.fakes import FakeRemote, Ground
from tests.workers.fleet_at_work import tasks_of


class Live:
    """A poller and a follower of the remote `wien`, driven by hand. `fetches` notes of what nodes."""

    def __init__(self, at: Ground, store: Store, remote: FakeRemote) -> None:
        self.at = at
        self.store = store
        self.remote = remote
        self.fetches: list[set[str]] = []
        self.one_by_one: list[str] = []
        self.pace = PollPace(0.01, 14, at.board.problem)
        self.poller = Poller(
            remote,
            store,
            at.board,
            self.pace,
            start_after=0,
            fetch=self.note_fetch,
            one_by_one=lambda: self.one_by_one,
        )
        self.follower = Follower(remote, store, at.board, self.note_fetch)

    def note_fetch(self, nodes: Collection[str]) -> None:
        self.fetches.append(set(nodes))

    def run_already(self, *tasks: Task) -> None:
        """These tasks are known to run."""
        self.at.writer.store(Batch(tasks))

    async def follow(self, answered: Collection[str] = ()) -> None:
        await self.follower.follow(answered)

    @property
    def tasks(self) -> list[Task]:
        return tasks_of(TaskCache(self.at.writer.directory))
