"""A remote that answers from memory, and what the workers need around it, for tests in milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from backend.archive import CacheWriter
from backend.archive.health import Health
from backend.client import AnswerError, Current, Node, Page, Permissions, PveClient, RemoteError
from backend.task import Task
from backend.workers.board import HealthBoard
from tests.workers.fleet_at_work import NOW, Clock


def started(
    number: int, start: float, *, end: float | None = None, node: str = "pve1", user: str = "root@pam"
) -> Task:
    """A task of the remote `wien`; running unless it has an end."""
    upid = f"pve:wien!UPID:{node}:{number:08X}:0D015579:{int(start):08X}:qmstart:{number}:{user}:"
    return Task(upid, int(start)) if end is None else Task(upid, int(start), int(end), "OK")


def ended(number: int, start: float, *, node: str = "pve1", user: str = "root@pam") -> Task:
    """One that ended a second after its start."""
    return started(number, start, end=start + 1, node=node, user=user)


async def nothing() -> None:
    """What happens while a remote answers, unless a test says otherwise."""


class FakeRemote(PveClient):
    """The remote `wien`, or another one. A test sets what it remembers and how it behaves; `asked` notes what it
    was asked for."""

    def __init__(self, name: str = "wien", nodes: tuple[str, ...] = ("pve1",)) -> None:
        self.name = name
        self.members = nodes
        self.offline: set[str] = set()
        self.audit = True
        self.audits_all = True
        self.remembered: list[Task] = []
        self.now = Current([], [])
        self.skew: float | None = None
        self.set_back_to = inf
        self.page_rows = 10_000
        self.rejected = 0
        self.errors: dict[str, RemoteError] = {}
        self.asked: list[str] = []
        self.meanwhile: Callable[[], Awaitable[None]] = nothing

    @property
    def latency(self) -> float | None:
        return 0.0

    @property
    def clock_skew(self) -> float | None:
        return self.skew

    def take_set_back(self) -> float:
        taken, self.set_back_to = self.set_back_to, inf
        return taken

    async def nodes(self) -> list[Node]:
        self.asked.append("nodes")
        return [Node(name, name not in self.offline) for name in self.members]

    async def permissions(self) -> Permissions:
        path = "/" if self.audits_all else "/nodes"
        return Permissions({path: {"Sys.Audit": True}} if self.audit else {})

    async def current(self, nodes: Collection[str] = ()) -> Current:
        self.asked.append(" ".join(["current", *nodes]))
        await self.meanwhile()
        return self.now

    async def tasks(self, node: str, *, since: int | None = None, until: int | None = None) -> AsyncIterator[Page]:
        """As PVE does: what starts from `since` on, and of others' tasks nothing without the privilege."""
        self.asked.append(node)
        if node in self.errors:
            raise self.errors[node]
        seen = [
            task
            for task in self.remembered
            if task.node == node and task.starttime >= (since or 0) and (self.audit or "!" in task.user)
        ]
        await self.meanwhile()
        for first in range(0, max(1, len(seen)), self.page_rows):
            page = seen[first : first + self.page_rows]
            yield Page(page, len(page) + self.rejected, self.rejected)

    async def find(self, upid: str, *, pass_over: bool = False) -> Task | None:
        self.asked.append(upid)
        node = self._own(upid).upid.node
        if node in self.errors:
            raise self.errors[node]
        await self.meanwhile()
        if self.rejected and not pass_over:
            raise AnswerError(self.name, f"{self.rejected} rows are no tasks")
        return next((task for task in self.remembered if task.upid == upid), None)


@dataclass
class Ground:
    """What the workers stand on: an empty cache with a writer, a health board for `wien`, a clock."""

    clock: Clock
    writer: CacheWriter
    board: HealthBoard

    @property
    def notes(self) -> list[str]:
        return self.board.health.remotes["wien"].notes

    @property
    def cutoff(self) -> int | None:
        """The cutoff of wien's pve1."""
        return self.writer.cutoff("wien", "pve1")


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Ground to stand on while the context lasts."""
    clock = Clock(NOW)
    with CacheWriter(folder / "cache", clock=clock) as writer:
        yield Ground(clock, writer, HealthBoard(Health(), {"wien": "pve", "graz": "pve"}, clock))


async def settle() -> None:
    """Let all that can go on go on; nothing of it may need time."""
    for _ in range(50):
        await asyncio.sleep(0)
