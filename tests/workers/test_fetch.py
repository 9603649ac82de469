"""Fetching: which cutoffs move and how far, what is fetched again and what is not, and who waits for whom."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.health import Round
from backend.client import ApiError, PermissionDeniedError
from backend.workers import fetch as fetch_module
from backend.workers import node as node_module
from backend.workers import store as store_module
from backend.workers import turns as turns_module
from backend.workers.fetch import Fetcher
from backend.workers.node import Found, NodeFetcher
from backend.workers.store import Store
from backend.workers.turns import Turns
from tests.workers.fakes import FakeRemote, Ground, ended, ground, nothing, settle, started
from tests.workers.fleet_at_work import NOW, eventually, tasks_of

HOUR = 3_600


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as at:
        yield at


def fetched(at: Ground) -> set[str | None]:
    """The ids of the tasks in the cache."""
    return {task.worker_id for task in tasks_of(TaskCache(at.writer.directory))}


class Fetch:
    """Fetches from the node pve1 of one remote, again and again."""

    def __init__(self, at: Ground, remote: FakeRemote) -> None:
        self.round = Round(started=0)
        self.blind = False
        self._at = at
        self._remote = remote
        self._store = Store(at.writer)
        turns = Turns(1, self._store.room)
        self._nodes = NodeFetcher(self._store, turns, oldest=lambda: int(NOW) - 3 * 86_400, clock=at.clock)

    async def __call__(self) -> Found:
        async with self._store:
            return await self._nodes.fetch(self._remote, "pve1", self.round, blind=self.blind)


@pytest.mark.parametrize("future", [15, 5 * HOUR])
async def test_a_task_that_starts_while_a_list_with_a_future_task_is_asked_for_is_not_missed(
    at: Ground, future: int
) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 5), ended(2, NOW + future)]

    async def start() -> None:
        remote.meanwhile = nothing
        remote.remembered.append(ended(3, NOW + 10))
        at.clock.now += 20

    remote.meanwhile = start
    fetch = Fetch(at, remote)
    await fetch()
    assert at.cutoff == NOW - 5
    at.clock.now += 600
    await fetch()
    assert fetched(at) == {"1", "2", "3"}


@pytest.mark.parametrize("ahead", [-7 * HOUR, -HOUR, 0, HOUR, 7 * HOUR])
@pytest.mark.parametrize("future", [0, HOUR // 2, 8 * HOUR])
async def test_nothing_is_missed_of_a_node_whose_clock_is_wrong_even_after_it_was_another_way_wrong(
    at: Ground, monkeypatch: pytest.MonkeyPatch, ahead: int, future: int
) -> None:
    monkeypatch.setattr(time, "time", at.clock)
    remote = FakeRemote()
    remote.skew = ahead
    here = NOW + ahead
    remote.remembered = [ended(1, here - 5), ended(2, here + future)]
    fetch = Fetch(at, remote)
    for number in range(3, 20):
        at.clock.now += 600
        await fetch()
        at.clock.now += 5
        remote.remembered.append(ended(number, at.clock.now + ahead))
    await fetch()
    assert fetched(at) == {str(number) for number in range(1, 20)}


async def test_a_cutoff_that_lies_ahead_hides_nothing(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50)]
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) + 12 * HOUR}))
    await Fetch(at, remote)()
    assert fetched(at) == {"1"}
    assert at.cutoff == NOW - 50


async def test_an_empty_list_moves_no_cutoff(at: Ground) -> None:
    remote = FakeRemote()
    fetch = Fetch(at, remote)
    await fetch()
    assert at.cutoff is None
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 50}))
    await fetch()
    assert at.cutoff == NOW - 50


async def test_a_refused_list_moves_no_cutoff_and_is_told(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 40, node="pve2")]
    remote.errors["pve1"] = PermissionDeniedError("wien", "the token lacks Sys.Audit")
    async with fetching(at, remote):
        await eventually(lambda: at.board.health.round is not None and at.board.health.round.finished is not None)
    assert at.cutoff is None
    assert at.writer.cutoff("wien", "pve2") == NOW - 40
    assert "Sys.Audit" in (at.board.health.remotes["wien"].nodes["pve1"].error or "")


async def test_what_a_blind_token_could_not_see_comes_once_it_may(at: Ground) -> None:
    remote = FakeRemote()
    remote.audit = False
    remote.remembered = [ended(1, NOW - 900), ended(2, NOW - 500, user="mon@pve!t"), ended(3, NOW - 400)]
    async with fetching(at, remote) as fetcher:
        await eventually(lambda: fetched(at) == {"2"})
        await eventually(lambda: "Sys.Audit" in " ".join(at.notes))
        assert at.cutoff is None
        remote.audit = True
        fetcher.request()
        await eventually(lambda: fetched(at) == {"1", "2", "3"})
        await eventually(lambda: at.notes == [])
    assert at.cutoff == NOW - 400


async def test_what_is_known_of_the_cutoffs_own_second_is_not_stored_again(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 50), ended(3, NOW - 60)]
    fetch = Fetch(at, remote)
    await fetch()
    assert fetch.round.tasks == 3
    remote.remembered.append(ended(4, NOW - 50))
    await fetch()
    assert fetch.round.tasks == 4
    assert fetched(at) == {"1", "2", "3", "4"}


async def test_what_is_known_is_stored_again_when_the_cutoff_was_set_back_to_have_it(at: Ground) -> None:
    remote = FakeRemote()
    remote.remembered = [ended(1, NOW - 50), ended(2, NOW - 60)]
    fetch = Fetch(at, remote)
    await fetch()
    at.writer.store(Batch([], {("wien", "pve1"): int(NOW) - 60}))
    await fetch()
    assert fetch.round.tasks == 4


async def test_a_long_history_is_handed_on_in_pieces_and_whole(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_module, "BATCH_TASKS", 100)
    sizes: list[int] = []
    store = CacheWriter.store

    def note(self: CacheWriter, batch: Batch) -> None:
        sizes.append(len(batch.tasks))
        store(self, batch)

    monkeypatch.setattr(CacheWriter, "store", note)
    remote = FakeRemote()
    remote.page_rows = 30
    remote.remembered = [ended(number, NOW - number) for number in range(1, 1_001)]
    await Fetch(at, remote)()
    assert len(fetched(at)) == 1_000
    assert max(sizes) < 130


async def test_rows_that_are_no_tasks_are_told_in_words(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.rejected = 3
    async with fetching(at, remote):
        await eventually(lambda: bool(at.notes))
    assert at.notes == ["6 rows of its task lists were no tasks, and are not shown"]


async def test_more_running_tasks_than_can_be_followed_are_told_and_move_no_cutoff(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RUNNING_TASKS", 10)
    remote = FakeRemote()
    remote.remembered = [started(number, NOW - number) for number in range(1, 31)]
    remote.remembered.append(ended(99, NOW - 99))
    async with fetching(at, remote):
        await eventually(lambda: bool(at.notes))
    assert "running tasks; the others are not shown" in at.notes[0]
    assert len(at.writer.running) == 10 and "99" in fetched(at)
    assert at.cutoff is None


@asynccontextmanager
async def fetching(at: Ground, *remotes: FakeRemote, connections: int = 20) -> AsyncIterator[Fetcher]:
    """Full rounds over these remotes while the context lasts; the second only when it is asked for."""
    async with Store(at.writer) as store:
        fetcher = Fetcher(
            {remote.name: remote for remote in remotes},
            store,
            at.board,
            interval=1_000,
            connections=connections,
            connections_per_remote=5,
            oldest=lambda: int(NOW) - 86_400,
            clock=at.clock,
        )
        running = asyncio.create_task(fetcher.run())
        try:
            yield fetcher
            assert not running.done()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


class Gate:
    """Where remotes wait while they answer. `inside` are those that wait, `most` how many did at a time."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self._open = asyncio.Event()

    async def __call__(self) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self._open.wait()
        finally:
            self.inside -= 1

    def open(self) -> None:
        self._open.set()


def held(gate: Callable[[], Awaitable[None]], name: str = "wien", nodes: int = 100) -> FakeRemote:
    remote = FakeRemote(name, tuple(f"pve{number}" for number in range(nodes)))
    remote.meanwhile = gate
    return remote


async def test_a_remote_whose_nodes_all_hang_leaves_the_others_their_turns(at: Ground) -> None:
    gate = Gate()
    slow, healthy = held(gate), FakeRemote("graz")
    async with fetching(at, slow) as fetcher:
        await eventually(lambda: gate.inside > 0)
        await settle()
        assert gate.most == 3
        gate.open()
    gate = Gate()
    slow.meanwhile = gate
    async with fetching(at, slow, healthy) as fetcher:
        await eventually(lambda: gate.inside == 3)
        healthy.asked.clear()
        fetcher.request(["graz"])
        await eventually(lambda: healthy.asked == ["nodes", "pve1"], 1.0)


async def test_nodes_are_asked_only_so_many_at_a_time_over_the_fleet(at: Ground) -> None:
    gate = Gate()
    async with fetching(at, held(gate), held(gate, "graz"), connections=4):
        await eventually(lambda: gate.inside == 3)
        await settle()
        assert gate.most == 3


async def test_turns_that_last_too_long_no_longer_count(at: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "PATIENCE", 0.05)
    gate = Gate()
    async with fetching(at, held(gate), FakeRemote("graz"), connections=2) as fetcher:
        await eventually(lambda: gate.inside == 3)
        fetcher.request(["graz"])
        await eventually(lambda: at.board.members("graz") is not None, 1.0)


async def test_no_turn_begins_while_too_much_waits_to_be_written() -> None:
    room = asyncio.Event()

    async def wait() -> None:
        await room.wait()

    turns = Turns(2, wait)
    reached: list[int] = []

    async def take(number: int) -> None:
        async with turns.turn():
            reached.append(number)

    takers = [asyncio.create_task(take(number)) for number in range(5)]
    await settle()
    assert reached == []
    room.set()
    await asyncio.gather(*takers)
    assert reached == [0, 1, 2, 3, 4]


async def test_a_remote_that_fails_in_part_is_asked_again_after_a_growing_pause(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_RETRY", 0.01)
    remote = FakeRemote()
    remote.errors["pve1"] = ApiError("wien", "not now", 500)
    remote.remembered = [ended(1, NOW - 50)]
    async with fetching(at, remote):
        await eventually(lambda: remote.asked.count("pve1") >= 3)
        remote.errors.clear()
        await eventually(lambda: fetched(at) == {"1"})
        await eventually(lambda: at.board.health.remotes["wien"].nodes["pve1"].error is None)


async def test_a_long_round_tells_how_far_it_is(
    at: Ground, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(fetch_module, "PROGRESS", 0.02)
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.remembered = [ended(number, NOW - number) for number in range(1, 1_201)]
    gate = Gate()

    async def hang_on_the_second() -> None:
        if remote.asked[-1] == "pve2":
            await gate()

    remote.meanwhile = hang_on_the_second
    async with fetching(at, remote):
        await eventually(lambda: "1 of 2 nodes, 1,200 tasks" in caplog.messages)
        await asyncio.sleep(0.1)
        assert caplog.messages.count("1 of 2 nodes, 1,200 tasks") == 1
        gate.open()
        await eventually(lambda: caplog.messages[-1].startswith("round over: 1200 tasks from 2 nodes"))
