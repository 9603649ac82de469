"""Full rounds: when they begin, whom they wait for, what they tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from backend.archive.health import Health, NodeHealth, Round
from backend.client import UnreachableError
from backend.workers.board import HealthBoard
from backend.workers.rounds import Rounds
from tests.workers.fakes import settle
from tests.workers.fleet_at_work import Clock


class Ground:
    """Rounds over some remotes; `begun` notes whose part began."""

    def __init__(self, *names: str, interval: float = 1_000) -> None:
        self.clock = Clock()
        self.board = HealthBoard(Health(), {name: "pve" for name in (*names, "new")}, self.clock)
        self.rounds = Rounds(self.board, interval=interval, clock=self.clock)
        self.begun: list[str] = []
        for name in names:
            self.join(name)

    def join(self, name: str) -> None:
        self.rounds.join(name, lambda: self.begun.append(name))

    @property
    def round(self) -> Round:
        assert self.board.health.round is not None
        return self.board.health.round


@asynccontextmanager
async def running(at: Ground) -> AsyncIterator[None]:
    task = asyncio.create_task(at.rounds.run())
    await settle()
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_round_is_over_when_all_its_remotes_are() -> None:
    at = Ground("wien", "graz")
    at.board.health.remotes["graz"].nodes = {"pve1": NodeHealth(), "pve2": NodeHealth()}
    async with running(at):
        assert at.begun == ["wien", "graz"]
        assert at.round.nodes_total == 3
        at.rounds.expect("wien", 5)
        assert at.round.nodes_total == 7
        at.rounds.part_over("wien")
        at.rounds.part_over("wien")
        assert at.round.finished is None
        at.clock.now += 60
        at.rounds.give_up("graz")
        assert at.round.finished == at.clock.now
        assert at.round.nodes_done == 2
        assert at.round.next == at.round.started + 1_000


async def test_no_round_waits_for_a_remote_that_is_failing_though_it_is_asked() -> None:
    at = Ground("wien", "graz")
    async with running(at):
        at.board.failed("graz", "poll", UnreachableError("graz", "silent"))
        at.begun.clear()
        at.rounds.request()
        await settle()
        assert at.begun == ["wien", "graz"]
        at.rounds.of("graz").tasks += 5
        # What counts beside a round can be known again.
        assert at.rounds.of("graz") is at.rounds.of("graz") is not at.round
        beside = at.rounds.of("graz")
        at.rounds.part_over("wien")
        assert at.round.finished is not None and at.round.tasks == 0
        assert at.rounds.of("wien") is beside
        at.rounds.request()
        await settle()
        assert at.rounds.of("graz") is not beside


async def test_what_joins_is_fetched_at_once_and_counts_for_the_round_that_goes_on() -> None:
    at = Ground("wien")
    async with running(at):
        first = at.round
        at.join("new")
        await settle()
        assert at.begun == ["wien", "new"] and at.round is first and first.nodes_total == 2
        at.rounds.part_over("wien")
        assert first.finished is None
        at.rounds.part_over("new")
        assert first.finished is not None


async def test_what_joins_between_two_rounds_has_a_round_of_its_own_and_the_next_comes_as_planned() -> None:
    at = Ground("wien")
    async with running(at):
        at.rounds.part_over("wien")
        planned = at.round.next
        at.clock.now += 50
        at.join("new")
        await settle()
        assert at.begun == ["wien", "new"]
        assert at.round.started == at.clock.now and at.round.next == planned
        assert at.round.nodes_total == 1


async def test_a_round_does_not_wait_for_who_has_left() -> None:
    at = Ground("wien", "graz")
    async with running(at):
        at.rounds.part_over("wien")
        at.rounds.leave("graz")
        assert at.round.finished is not None
        at.rounds.request()
        await settle()
        assert at.begun == ["wien", "graz", "wien"]


async def test_of_who_leaves_in_the_middle_of_a_round_only_the_nodes_that_are_done_count() -> None:
    at = Ground("wien", "graz")
    async with running(at):
        at.rounds.expect("wien", 3)
        at.rounds.node_done("wien")
        at.rounds.node_done("wien")
        at.rounds.leave("wien")
        assert (at.round.nodes_done, at.round.nodes_total) == (2, 3)
        # Under a changed configuration it is there again, and asked for all of its nodes.
        at.join("wien")
        await settle()
        at.rounds.expect("wien", 2)
        at.rounds.expect("graz", 1)
        for name in ("wien", "wien", "graz"):
            at.rounds.node_done(name)
        at.rounds.part_over("wien")
        at.rounds.part_over("graz")
        assert at.round.finished is not None
        assert (at.round.nodes_done, at.round.nodes_total) == (5, 5)


async def test_a_round_over_no_remotes_is_over_at_once() -> None:
    at = Ground()
    async with running(at):
        assert at.round.finished is not None


async def test_another_interval_applies_to_the_round_that_was_planned() -> None:
    at = Ground("wien")
    async with running(at):
        at.rounds.set_interval(7)
        await settle()
        assert at.round.next == at.round.started + 7
        assert at.begun == ["wien"]
        at.rounds.set_interval(0)
        await settle()
        assert len(at.begun) > 1


@pytest.mark.parametrize(("done", "left"), [(0, None), (4, None), (50, 60.0), (100, 0.0)])
def test_how_long_a_round_still_takes_is_told_once_it_can_be_reckoned(done: int, left: float | None) -> None:
    round = Round(started=1_000.0, nodes_done=done, nodes_total=100)
    assert round.left(1_060.0) == left
    round.finished = 1_060.0
    assert round.left(1_060.0) is None


async def test_a_remote_that_is_asked_anew_in_the_middle_of_a_round_counts_once() -> None:
    at = Ground("wien", "graz")
    async with running(at):
        for name in ("wien", "graz"):
            at.rounds.expect(name, 3)
        at.rounds.node_done("wien")
        at.rounds.node_done("wien")
        assert (at.round.nodes_done, at.round.nodes_total) == (2, 6)
        at.rounds.expect("wien", 3)
        assert at.round.nodes_done == 0
        at.rounds.node_done("wien")
        at.rounds.give_up("wien")
        assert (at.round.nodes_done, at.round.nodes_total) == (3, 6)
