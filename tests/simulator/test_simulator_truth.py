"""The truth about the simulated fleet, compared with what one sees who looks at every node every second."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from backend.simulator import Simulator, SimulatorError, SimulatorOptions, TrueTask
from backend.simulator.messages import Request
from backend.simulator.pbs import answer_pbs
from backend.simulator.pve import answer_pve
from backend.simulator.truth import write_truth
from backend.task import Task
from tests.simulator.faulty import NOW, Clock, authorization

SECONDS = 240


def stop(simulator: Simulator, task: Task) -> None:
    """Stop a task over the API, without a socket."""
    remote = simulator.remotes[task.remote]
    node = task.node if remote.type == "pve" else "localhost"
    path = f"/api2/json/nodes/{node}/tasks/{task.parsed.upid.text}"
    request = Request("DELETE", path, {"authorization": authorization(remote)})
    answer = (answer_pve if remote.type == "pve" else answer_pbs)(remote, request, simulator.clock(), 0)
    assert answer.status == 200


class Watcher:
    """Looks at the whole fleet every second, and remembers of each task the last report and when it was gone."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.seen: dict[str, Task] = {}
        self.gone: dict[str, int] = {}

    def look(self) -> None:
        now = int(self._simulator.clock())
        listed = {task.upid: task for name in self._simulator.remotes for task in self._simulator.remembered(name)}
        for upid in self.seen.keys() - listed.keys() - self.gone.keys():
            self.gone[upid] = now
        assert not listed.keys() & self.gone.keys()
        self.seen |= listed


async def act(simulator: Simulator, random: Random) -> None:
    """Something that happens in a fleet now and then."""
    node = random.choice(("pve1", "pve2"))
    remote, node = random.choice((("wien", node), ("pbs-001", "localhost")))
    match random.randrange(6):
        case 0 | 1:
            for _ in range(random.randrange(4)):
                simulator.start_task(remote, node, "backup", "x", duration=random.randrange(1, 90), status="so so")
        case 2 | 3:
            running = [task for task in simulator.remembered(remote) if task.running]
            for task in random.sample(running, min(len(running), 3)):
                stop(simulator, task)
        case 4:
            await simulator.set_fault(f"{remote}/{node}:burst={random.choice((30, 240, 600))}")
        case _:
            await simulator.set_faults([f"{remote}/{node}:clock={random.randrange(-5_000, 5_000)}"])


@pytest.mark.parametrize("seed", range(4))
async def test_the_truth_is_what_one_sees_who_looks_every_second(seed: int) -> None:
    clock, random = Clock(), Random(seed)
    options = SimulatorOptions(remotes=2, nodes=2, tasks_per_node=40, tasks_per_pbs=60, rate=60, seed=seed)
    simulator = Simulator(options, clock)
    watcher = Watcher(simulator)
    for _ in range(SECONDS):
        watcher.look()
        if random.random() < 0.4:
            await act(simulator, random)
            watcher.look()
        clock.now += 1
    watcher.look()

    every = list(simulator.truth())
    truth = {task.upid: task for task in every}
    assert len(truth) == len(every)
    # what was forgotten before anyone looked is in the truth only
    before = {upid for upid, task in truth.items() if task.forgotten is not None and task.forgotten <= NOW}
    assert truth.keys() - before == watcher.seen.keys()
    for upid, task in watcher.seen.items():
        true = truth[upid]
        assert (true.remote, true.starttime) == (task.remote, task.starttime)
        if upid not in watcher.gone or task.endtime is not None:
            assert (true.endtime, true.status) == (task.endtime, task.status)
        assert true.forgotten == watcher.gone.get(upid)
    assert len(watcher.gone) > 200


def test_the_truth_does_not_depend_on_when_it_was_asked_for() -> None:
    clock = Clock()
    options = SimulatorOptions(remotes=2, tasks_per_node=50, tasks_per_pbs=50, rate=120)
    often, once = Simulator(options, clock), Simulator(options, clock)
    for _ in range(6):
        clock.now += 200
        list(often.truth())
        often.remembered("wien", clock.now + 9_000)

    assert list(often.truth()) == list(once.truth())


async def test_a_burst_pushes_old_tasks_out_and_every_task_of_it_is_in_the_truth() -> None:
    clock = Clock()
    simulator = Simulator(SimulatorOptions(remotes=1, nodes=2, tasks_per_node=700, rate=0), clock)
    old = {task.upid for task in simulator.truth() if task.node == "pve1"}

    await simulator.set_fault("wien/pve1:burst=2000")
    clock.now += 180
    await simulator.clear_fault("wien/pve1:burst=1")
    clock.now += 60

    burst = [task for task in simulator.truth() if task.node == "pve1" and task.upid not in old]
    assert len(burst) == pytest.approx(6_000, abs=34)
    assert len({task.upid for task in burst}) == len(burst)
    assert all(NOW <= task.starttime <= NOW + 180 for task in burst)
    remembered = {task.upid for task in simulator.remembered("wien") if task.node == "pve1" and not task.running}
    assert len(remembered) == 700
    assert remembered <= {task.upid for task in burst}
    assert {task.upid for task in burst if task.forgotten is None} >= remembered
    at_once = [sum(task.starttime <= now < (task.endtime or 0) for task in burst) for now in range(NOW, NOW + 180)]
    assert 20 < max(at_once) < 400


async def test_a_task_that_runs_for_days_is_one_task_from_its_start_to_its_end() -> None:
    clock = Clock()
    simulator = Simulator(
        SimulatorOptions(remotes=2, nodes=1, tasks_per_node=20, rate=1), clock, faults=["*:long=3d"]
    )
    days = 24 * 3_600

    def long() -> list[TrueTask]:
        return [task for task in simulator.truth() if task.starttime == NOW and "root@pam" in task.upid]

    await simulator.set_fault("wien:latency=0")
    started = {task.upid for task in long()}
    clock.now += 2 * days
    running = [task for task in long() if task.endtime is None]
    assert sorted(task.remote for task in running) == ["pbs-001", "wien"]
    clock.now += days
    ended = [task for task in long() if task.endtime == NOW + 3 * days]
    assert {task.upid for task in ended} == {task.upid for task in running} <= started
    assert {task.status for task in ended} == {"OK"}


async def test_the_truth_is_written_as_json_lines_and_whole_or_not_at_all(tmp_path: Path) -> None:
    clock = Clock()
    simulator = Simulator(SimulatorOptions(remotes=2, tasks_per_node=30, tasks_per_pbs=30, rate=60), clock)
    clock.now += 600
    path = tmp_path / "truth.jsonl"

    await write_truth(path, simulator.truth())

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [TrueTask(**line) for line in lines] == list(simulator.truth())
    assert {line["node"] for line in lines if line["remote"] == "pbs-001"} == {"localhost"}
    assert {line["upid"].partition(":")[0] for line in lines} == {"pve", "pbs"}
    with pytest.raises(SimulatorError, match=r"cannot write .*No such file or directory"):
        await write_truth(tmp_path / "missing" / "truth.jsonl", simulator.truth())
    assert os.listdir(tmp_path) == [path.name]


def test_the_truth_is_streamed() -> None:
    clock = Clock()
    simulator = Simulator(SimulatorOptions(remotes=1, nodes=1, tasks_per_node=700, rate=600), clock)
    clock.now += 300
    simulator.remembered("wien")

    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(lambda: sum(1 for _ in simulator.truth())) < 300_000
    assert sum(1 for _ in simulator.truth()) > 3_500


async def test_bursts_take_no_memory() -> None:
    clock = Clock()
    simulator = Simulator(SimulatorOptions(remotes=1, nodes=1, tasks_per_node=50, rate=0), clock)
    tracemalloc.start()
    try:
        for _ in range(8):
            await simulator.set_fault("wien/pve1:burst=2000")
            clock.now += 60
            simulator.remembered("wien")
            await simulator.set_faults([])
            clock.now += 60
            simulator.remembered("wien")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size < 200_000
