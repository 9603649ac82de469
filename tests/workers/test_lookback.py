"""Which nodes are fetched again because their cutoffs were set back, and how often."""

from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import pytest

from backend.archive import CacheWriter
from backend.archive.state import NodeKey
from backend.simulator import Simulator, SimulatorOptions
from backend.workers import fetch, supervisor
from backend.workers.lookback import FIRST_PAUSE, LONGEST_PAUSE, LookBacks
from tests.workers.fleet_at_work import Clock, at_work, configure, eventually, round_is_over, tasks_of

ONE, OTHER = ("wien", "pve1"), ("graz", "pve1")


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "jittered", lambda seconds: seconds)


@pytest.mark.usefixtures("steady")
def test_a_node_is_looked_back_to_at_once_and_then_after_growing_pauses() -> None:
    look_backs = LookBacks()
    lowered = set()
    named = []
    for now in range(4_000):
        if now % 10 == 0:
            lowered.add(ONE)
        if look_backs.due(lowered, now):
            named.append(now)
            lowered.clear()
    pauses = [later - sooner for sooner, later in pairwise(named)]
    assert named[0] == 0 and pauses == sorted(pauses)
    assert pauses[0] <= 2 * FIRST_PAUSE and pauses[-1] == LONGEST_PAUSE


@pytest.mark.usefixtures("steady")
def test_each_node_has_its_own_pause_and_after_some_quiet_none() -> None:
    look_backs = LookBacks()
    assert look_backs.due({ONE}, 0) == {ONE}
    assert look_backs.due({ONE, OTHER}, 1) == {OTHER}
    assert look_backs.due({ONE}, FIRST_PAUSE) == {ONE}
    assert look_backs.due((), 1_000) == set()
    assert look_backs.due({ONE}, 1_001) == {ONE}
    assert look_backs.due({ONE}, 1_000 + FIRST_PAUSE) == set()
    assert look_backs.due({ONE}, 1_001 + FIRST_PAUSE) == {ONE}


async def test_a_task_that_comes_late_has_its_node_alone_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    options = SimulatorOptions(remotes=2, pbs=0, nodes=3, tasks_per_node=60, days=5, rate=0)
    async with Simulator(options, clock) as simulator:
        simulator.start_task("wien", "pve2", "qmstart", "100", duration=1)
        clock.now += 5
        config = configure(simulator, tmp_path, poll_interval=1)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            await simulator.set_faults(["wien/pve2:clock=-20m"])
            clock.now += 5
            simulator.requests.clear()
            late = f"pve:wien!{simulator.start_task('wien', 'pve2', 'qmstart', '101', duration=1)}"
            await eventually(lambda: simulator.requests["wien GET /nodes/pve2/tasks"] > 0)
            assert late in {task.upid for task in tasks_of(cache)}
            assert {key for key in simulator.requests if "/nodes/" in key} == {"wien GET /nodes/pve2/tasks"}


async def test_looking_back_to_a_node_that_fails_asks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked again at its own pace, and tells then all that is missing."""
    monkeypatch.setattr(fetch, "FIRST_RETRY", 600.0)
    clock = Clock()
    options = SimulatorOptions(remotes=1, pbs=0, nodes=2, tasks_per_node=5, rate=0)
    async with Simulator(options, clock) as simulator:
        simulator.set_offline("wien", "pve2")
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            simulator.requests.clear()
            caplog.clear()
            lowered = frozenset({("wien", "pve1"), ("wien", "pve2")})
            monkeypatch.setattr(CacheWriter, "lowered", lowered)
            due, named = LookBacks.due, set[NodeKey]()

            def noted(look_backs: LookBacks, nodes: Collection[NodeKey], now: float) -> set[NodeKey]:
                found = due(look_backs, nodes, now)
                named.update(found)
                return found

            monkeypatch.setattr(LookBacks, "due", noted)
            await eventually(lambda: simulator.requests["wien GET /nodes/pve1/tasks"] > 0)
            # what was not asked for has no pause before it may be, either
            assert named == {("wien", "pve1")}
            assert set(simulator.requests) == {"wien GET /nodes/pve1/tasks"}
            assert not [record for record in caplog.records if record.name.startswith("backend")]
