"""The fleet's limit: how many requests go on at a time, and that silent remotes wait for each other alone."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from backend.client import FleetLimit, quick_connections
from backend.client import limit as limit_module
from backend.client.limit import Lane

Ask = Callable[[], Awaitable[str]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limit_module, "PATIENCE", 0.05)


class Fleet:
    """Counts the requests that go on."""

    def __init__(self, connections: int) -> None:
        self.limit = FleetLimit(connections)
        self.busy = self.most = self.asked = 0

    def asking(self, seconds: float, error: Exception | None = None) -> Ask:
        async def ask() -> str:
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
    assert 1 <= quick_connections(connections) <= max(1, connections - 1)


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
