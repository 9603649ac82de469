"""Clocks of the simulated fleet: off from the start, jumping while it runs, and faster than the wall's."""

from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.simulator import Simulator, SimulatorOptions
from backend.simulator.clock import NodeClock
from backend.upid import parse_upid
from tests.simulator.faulty import NOW, SMALL, Clock, Fleet, faulty

MOMENTS = st.integers(-30, 60)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20, 20)), max_size=5), MOMENTS, MOMENTS)
def test_the_moments_at_which_a_clock_showed_a_time_are_those_at_which_it_told_it(
    jumps: list[tuple[int, int]], since: int, until: int
) -> None:
    clock = NodeClock()
    for moment, ahead in sorted(jumps):
        clock.jump(moment, ahead)

    for first, last in ((since, until), (None, until), (since, None)):
        found = list(clock.moments(first, last))
        for moment in range(-60, 90):
            told = clock.told(moment)
            is_within = (first is None or told >= first) and (last is None or told <= last)
            hits = sum((low is None or moment >= low) and (high is None or moment <= high) for low, high in found)
            assert hits == is_within


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(-9, 9)), max_size=6), st.integers(0, 50))
def test_a_jump_changes_nothing_that_was_told_before(jumps: list[tuple[int, int]], now: int) -> None:
    clock = NodeClock()
    for moment, ahead in sorted(jumps):
        before = [clock.told(earlier) for earlier in range(moment + 1)]
        clock.jump(moment, ahead)
        assert [clock.told(earlier) for earlier in range(moment + 1)] == before
        assert clock.told(moment + 1) == moment + 1 + ahead


def date_of(answer: httpx.Response) -> int:
    """The Date header, UNIX seconds."""
    return int(parsedate_to_datetime(answer.headers["date"]).replace(tzinfo=UTC).timestamp())


async def tasks_of(fleet: Fleet, remote: str, node: str, **params: Any) -> dict[str, dict[str, Any]]:
    """A node's rows by UPID, running tasks included."""
    if remote == "wien":
        params["source"] = "all"
    rows = await fleet.rows(remote, f"/nodes/{node}/tasks", limit=5_000, **params)
    return {row["upid"]: row for row in rows}


@pytest.mark.parametrize(("remote", "node"), [("wien", "pve1"), ("pbs-001", "localhost")])
async def test_a_clock_that_is_behind_from_the_start_shows_in_every_time_and_nowhere_else(
    tmp_path: Path, remote: str, node: str
) -> None:
    async with faulty(tmp_path) as fleet:
        right = await tasks_of(fleet, remote, node)
    async with faulty(tmp_path, f"{remote}:clock=-2h") as fleet:
        behind = await tasks_of(fleet, remote, node)
        assert date_of(await fleet.ask(remote, "/version")) == NOW - 7_200
        assert await fleet.clients[remote].version() and fleet.clients[remote].clock_skew is not None

        starts = sorted(row["starttime"] for row in behind.values())
        since, until = starts[20], starts[40]
        between = await tasks_of(fleet, remote, node, since=since, until=until)

        assert starts == sorted(row["starttime"] - 7_200 for row in right.values())
        assert sorted(row.get("endtime", 0) for row in behind.values()) == sorted(
            row["endtime"] - 7_200 if "endtime" in row else 0 for row in right.values()
        )
        assert all(
            parse_upid(upid, fleet.simulator.remotes[remote].type).starttime == row["starttime"]
            for upid, row in behind.items()
        )
        assert set(between) == {upid for upid, row in behind.items() if since <= row["starttime"] <= until}
        assert len(between) >= 20


async def test_a_jump_leaves_what_was_told_and_holds_for_what_comes_after(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty(tmp_path, clock=clock) as fleet:
        ended = fleet.simulator.start_task("wien", "pve1", "qmstart", "100", duration=1)
        running = fleet.simulator.start_task("wien", "pve1", "vzdump", "101", duration=100)
        clock.now += 1
        before = await tasks_of(fleet, "wien", "pve1")

        await fleet.simulator.set_fault("wien/pve1:clock=-3600")
        assert await tasks_of(fleet, "wien", "pve1") == before
        clock.now += 1
        late = fleet.simulator.start_task("wien", "pve1", "qmstart", "102", duration=5)
        clock.now += 100
        after = await tasks_of(fleet, "wien", "pve1")

        assert after[ended] == before[ended]
        assert (after[running]["starttime"], after[running]["endtime"]) == (NOW, NOW + 100 - 3_600)
        assert (after[late]["starttime"], after[late]["endtime"]) == (NOW + 2 - 3_600, NOW + 7 - 3_600)
        assert date_of(await fleet.ask("wien", "/version")) == NOW + 102 - 3_600
        assert set(await tasks_of(fleet, "wien", "pve1", since=NOW)) & {ended, running, late} == {ended, running}
        assert late in await tasks_of(fleet, "wien", "pve1", since=NOW - 3_598, until=NOW - 3_598)
        for upid in (ended, running, late):
            state = await fleet.rows("wien", f"/nodes/pve1/tasks/{upid}/status")
            log = await fleet.rows("wien", f"/nodes/pve1/tasks/{upid}/log", limit=500)
            assert (state["status"], log[-1]["t"]) == ("stopped", "TASK OK")
        # the other node's clock is right
        other = fleet.simulator.start_task("wien", "pve2", "qmstart", "100", duration=5)
        assert parse_upid(other, "pve").starttime == NOW + 102

        await fleet.simulator.clear_fault("wien/pve1:clock=0")
        clock.now += 1
        again = fleet.simulator.start_task("wien", "pve1", "qmstart", "103", duration=5)
        assert parse_upid(again, "pve").starttime == NOW + 103
        assert (await tasks_of(fleet, "wien", "pve1"))[late]["starttime"] == NOW + 2 - 3_600


async def test_all_that_a_fast_fleet_tells_goes_by_its_own_clock() -> None:
    wall = Clock()
    fast = Simulator(replace(SMALL, rate=60, speed=120), wall)
    steady = Clock()
    slow = Simulator(replace(SMALL, rate=60), steady)

    wall.now += 30
    steady.now += 3_600

    assert fast.clock() == slow.clock() == NOW + 3_600
    assert list(fast.truth()) == list(slow.truth())
    fresh = [task for task in fast.truth() if task.starttime > NOW]
    assert len(fresh) == pytest.approx(3_600, rel=0.1)


async def test_a_fast_fleet_tells_its_date_and_lets_its_logs_grow(tmp_path: Path) -> None:
    wall = Clock()
    async with faulty(tmp_path, options=replace(SMALL, speed=60), clock=wall) as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", "100", duration=600)
        lengths = []
        for _ in range(3):
            assert date_of(await fleet.ask("wien", "/version")) == int(fleet.simulator.clock())
            lengths.append(len(await fleet.rows("wien", f"/nodes/pve1/tasks/{upid}/log", limit=5_000)))
            wall.now += 2

        assert lengths == [8, 28, 47]
        assert fleet.simulator.clock() == NOW + 360
        wall.now += 4
        assert (await fleet.rows("wien", f"/nodes/pve1/tasks/{upid}/status"))["exitstatus"] == "OK"


async def test_timeouts_of_connections_stay_on_the_walls_clock(tmp_path: Path) -> None:
    options = SimulatorOptions(remotes=1, nodes=1, tasks_per_node=5, speed=10_000, auth_delay=0.05)
    async with faulty(tmp_path, options=options) as fleet:
        remote = fleet.simulator.remotes["wien"]
        url = f"https://127.0.0.1:{remote.port}/api2/json/version"
        answer = await fleet.plain.get(url)

        assert answer.status_code == 401
        assert answer.elapsed.total_seconds() >= 0.05
