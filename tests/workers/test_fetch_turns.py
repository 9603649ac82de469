"""Fetching in turns: who waits for whom, who is asked again by itself, and what a long round tells."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from backend.client import ApiError
from backend.workers import fetch as fetch_module
from backend.workers import retention
from backend.workers import rounds as rounds_module
from backend.workers import turns as turns_module
from backend.workers.turns import Turns
from tests.workers.fakes import FakeRemote, Ground, ended, settle
from tests.workers.fetching import fetched, fetching
from tests.workers.fleet_at_work import NOW, eventually


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
        fetcher.request("graz")
        await eventually(lambda: healthy.asked == ["nodes", "pve1"], 1.0)


async def test_nodes_are_asked_only_so_many_at_a_time_over_the_fleet(at: Ground) -> None:
    gate = Gate()
    async with fetching(at, held(gate), held(gate, "graz"), turns=3):
        await eventually(lambda: gate.inside == 3)
        await settle()
        assert gate.most == 3


async def test_turns_that_last_too_long_no_longer_count(at: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "PATIENCE", 0.05)
    gate = Gate()
    async with fetching(at, held(gate), FakeRemote("graz"), turns=1) as fetcher:
        await eventually(lambda: gate.inside == 3)
        fetcher.request("graz")
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
    monkeypatch.setattr(rounds_module, "PROGRESS", 0.02)
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
        await eventually(lambda: caplog.messages[-1].startswith("round over: 1,200 tasks from 2 nodes"))


async def test_a_node_that_fails_is_asked_again_and_the_others_are_not(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_RETRY", 0.01)
    remote = FakeRemote(nodes=("pve1", "pve2", "pve3"))
    remote.errors["pve2"] = ApiError("wien", "not now", 500)
    async with fetching(at, remote):
        await eventually(lambda: remote.asked.count("pve2") >= 4)
        assert remote.asked.count("nodes") == remote.asked.count("pve1") == remote.asked.count("pve3") == 1
        assert at.board.health.remotes["wien"].error is None


async def test_a_node_asked_for_by_itself_is_fetched_alone(at: Ground) -> None:
    remote = FakeRemote(nodes=("pve1", "pve2"))
    async with fetching(at, remote) as fetching_:
        await eventually(lambda: remote.asked == ["nodes", "pve1", "pve2"])
        remote.asked.clear()
        remote.remembered = [ended(1, NOW - 5, node="pve2")]
        fetching_.fetchers["wien"].request(["pve2"])
        await eventually(lambda: fetched(at) == {"1"})
        assert remote.asked == ["pve2"]


async def test_a_node_that_the_cluster_reports_as_offline_is_asked_when_it_is_back(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_module, "FIRST_RETRY", 0.01)
    remote = FakeRemote(nodes=("pve1", "pve2"))
    remote.offline = {"pve2"}
    remote.remembered = [ended(1, NOW - 5, node="pve2")]
    async with fetching(at, remote):
        await eventually(lambda: remote.asked.count("nodes") >= 3)
        assert "pve2" not in remote.asked
        assert "offline" in (at.board.health.remotes["wien"].nodes["pve2"].error or "")
        remote.offline.clear()
        await eventually(lambda: fetched(at) == {"1"})
        await eventually(lambda: at.board.health.remotes["wien"].nodes["pve2"].error is None)
    assert remote.asked.count("pve1") == 1


async def test_a_node_that_could_forget_before_the_next_round_is_fetched_before_that(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SHARE", 0.005)
    monkeypatch.setattr(retention, "SHORTEST", 0.0)
    remote = FakeRemote()
    # 500 in a second: an index file may be full some seconds later.
    remote.remembered = [ended(number, NOW - 5) for number in range(500)]
    async with fetching(at, remote):
        await eventually(lambda: remote.asked.count("pve1") >= 2)
