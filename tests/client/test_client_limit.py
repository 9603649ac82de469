"""The fleet's limit: how many requests go on at a time, and that silent remotes wait for each other alone."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from backend.client import FleetLimit
from backend.client import limit as limit_module
from backend.client.connection import Connection
from backend.client.limit import LONG_TRY, Lane
from backend.config import Endpoint, RemoteConfig, Secret

Ask = Callable[[bool], Awaitable[str]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_module, "PATIENCE", 0.05)


class Fleet:
    """Counts the requests that go on."""

    def __init__(self, connections: int) -> None:
        self.limit = FleetLimit(connections)
        self.busy = self.most = self.asked = 0

    def asking(self, seconds: float, error: Exception | None = None) -> Ask:
        async def ask(brief: bool) -> str:
            self.asked += 1
            self.busy += 1
            self.most = max(self.most, self.busy)
            try:
                await asyncio.sleep(seconds)
            finally:
                self.busy -= 1
            if error is not None:
                raise error
            return "answer"

        return ask


async def cancel(tasks: "list[asyncio.Task[str]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("connections", [1, 2, 3, 4, 20])
async def test_of_all_kinds_together_no_more_than_the_limit_go_on(connections: int) -> None:
    fleet = Fleet(connections)
    silent = [asyncio.create_task(Lane(fleet.limit).run(fleet.asking(60), repeatable=True)) for _ in range(30)]
    await asyncio.sleep(0.2)
    lane = Lane(fleet.limit)
    if connections == 1:
        await cancel(silent)
    assert await lane.run(fleet.asking(0), repeatable=True) == "answer"
    await cancel(silent)
    assert fleet.most <= connections


async def test_many_silent_remotes_cost_another_no_more_than_the_patience() -> None:
    fleet = Fleet(20)
    loop = asyncio.get_running_loop()
    silent = [asyncio.create_task(Lane(fleet.limit).run(fleet.asking(60), repeatable=True)) for _ in range(30)]
    began = loop.time()
    healthy = [Lane(fleet.limit) for _ in range(10)]
    await asyncio.gather(*(lane.run(fleet.asking(0), repeatable=True) for lane in healthy))
    assert loop.time() - began < 5 * 0.05
    await asyncio.sleep(0.2)
    began = loop.time()
    await asyncio.gather(*(lane.run(fleet.asking(0), repeatable=True) for lane in healthy))
    assert loop.time() - began < 0.04
    await cancel(silent)


async def test_what_is_slow_but_answers_has_a_slot_beside_what_does_not() -> None:
    fleet = Fleet(20)
    slow = Lane(fleet.limit)
    assert await slow.run(fleet.asking(0.1), repeatable=True) == "answer"
    silent = [asyncio.create_task(Lane(fleet.limit).run(fleet.asking(60), repeatable=True)) for _ in range(30)]
    await asyncio.sleep(0.2)
    async with asyncio.timeout(1):
        assert await slow.run(fleet.asking(0.1), repeatable=True) == "answer"
    await cancel(silent)


async def test_a_slow_request_is_made_twice_the_first_time_and_then_once() -> None:
    fleet = Fleet(20)
    lane = Lane(fleet.limit)
    await lane.run(fleet.asking(0.1), repeatable=True)
    assert fleet.asked == 2
    await lane.run(fleet.asking(0.1), repeatable=True)
    assert fleet.asked == 3
    await lane.run(fleet.asking(0), repeatable=True)
    await lane.run(fleet.asking(0.1), repeatable=True)
    assert fleet.asked == 6


async def test_what_must_not_be_sent_twice_is_sent_once_however_slow() -> None:
    fleet = Fleet(20)
    assert await Lane(fleet.limit).run(fleet.asking(0.1), repeatable=False) == "answer"
    assert fleet.asked == 1


async def test_an_error_passes_through() -> None:
    fleet = Fleet(20)
    with pytest.raises(KeyError):
        await Lane(fleet.limit).run(fleet.asking(0, KeyError()), repeatable=True)
    assert fleet.asked == 1


async def test_without_a_fleet_a_request_takes_its_time() -> None:
    fleet = Fleet(1)
    assert await Lane(None).run(fleet.asking(0.1), repeatable=True) == "answer"
    assert fleet.asked == 1


async def test_what_does_not_answer_is_tried_briefly_most_times_and_by_one_request_at_a_time() -> None:
    fleet = Fleet(20)
    lane = Lane(fleet.limit)
    briefs: list[bool] = []

    async def ask(brief: bool) -> str:
        briefs.append(brief)
        # Silent for as long as it is waited for: a remote that fails at once is asked among the quick ones again.
        await asyncio.sleep(0.06 if brief else 0.1)
        raise ConnectionError("silent")

    with pytest.raises(ConnectionError):
        await lane.run(ask, repeatable=True)
    # Given up by the quick ones, then tried with all the time there is.
    assert briefs == [False, False]
    outcomes = await asyncio.gather(*(lane.run(ask, repeatable=True) for _ in range(10)), return_exceptions=True)
    assert {str(outcome) for outcome in outcomes} == {"silent"}
    assert len(briefs) == 3
    for _ in range(2 * LONG_TRY - 1):
        with pytest.raises(ConnectionError):
            await lane.run(ask, repeatable=True)
    assert briefs[1:].count(False) == 3


async def test_who_comes_back_is_served_soon_though_many_others_stay_silent() -> None:
    fleet = Fleet(20)
    loop = asyncio.get_running_loop()

    def asking_like_a_client(seconds: float) -> Ask:
        async def ask(brief: bool) -> str:
            # Silent: until the time for a connection is over, which is five times the patience.
            await asyncio.sleep(min(seconds, 0.05 if brief else 0.25))
            if seconds > 0.25:
                raise ConnectionError("silent")
            return "answer"

        return ask

    async def keep_asking(lane: Lane) -> None:
        while True:
            with contextlib.suppress(ConnectionError):
                await lane.run(asking_like_a_client(60), repeatable=True)
            await asyncio.sleep(0.75)

    silent = [asyncio.create_task(keep_asking(Lane(fleet.limit))) for _ in range(30)]
    back = Lane(fleet.limit)
    with pytest.raises(ConnectionError):
        await back.run(asking_like_a_client(60), repeatable=True)
    await asyncio.sleep(1.5)
    began = loop.time()
    assert await back.run(asking_like_a_client(0), repeatable=True) == "answer"
    took = loop.time() - began
    for task in silent:
        task.cancel()
    await asyncio.gather(*silent, return_exceptions=True)
    # With 30 others before it, each for the whole time over five connections, it would take 1.5 s.
    assert took < 0.6


async def test_answers_are_read_one_by_one_and_the_loop_goes_on_between_them() -> None:
    remote = RemoteConfig("wien", "pve", (Endpoint("127.0.0.1", 1),), "a@pve!b", Secret("x"))
    limit = FleetLimit(20)
    connection = Connection(remote, timeout=1, connect_timeout=1, connections=5, limit=limit)
    order: list[str] = []

    async def read(name: str) -> None:
        async with connection.turn_to_read():
            order.append(name)

    async def go_on() -> None:
        for _ in range(3):
            order.append("loop")
            await asyncio.sleep(0)

    await asyncio.gather(read("one"), read("two"), read("three"), go_on())
    assert order.index("one") < order.index("loop") < order.index("two")
    await connection.aclose()
