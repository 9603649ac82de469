"""The tasks of a simulated fleet: what runs and what is remembered, at any time, without a server."""

import tracemalloc
from collections import Counter
from typing import Any

import pytest

from backend.simulator import Simulator, SimulatorError, SimulatorOptions
from backend.simulator.messages import Request
from backend.simulator.pve import answer_pve
from backend.task import Status, Task

NOW = 1_795_486_070
HOUR = 3_600


def fleet(**options: Any) -> Simulator:
    """A fleet that does not listen, on a clock that stands."""
    return Simulator(SimulatorOptions(**options), clock=lambda: float(NOW))


def known(simulator: Simulator, now: int) -> list[Task]:
    return [task for remote in simulator.remotes for task in simulator.remembered(remote, now)]


def finished(tasks: list[Task]) -> list[Task]:
    return [task for task in tasks if not task.running]


def test_the_same_seed_gives_the_same_tasks_and_another_seed_others() -> None:
    one, same, other = (known(fleet(remotes=3, seed=seed), NOW + HOUR) for seed in (5, 5, 6))

    assert one == same
    assert not {task.upid for task in one} & {task.upid for task in other}


def test_every_task_is_told_once_and_its_upid_agrees_with_it() -> None:
    tasks = known(fleet(remotes=4), NOW)

    assert len({task.upid for task in tasks}) == len(tasks)
    assert all(task.parsed.upid.starttime == task.starttime for task in tasks)
    assert all(task.starttime <= NOW for task in tasks)
    assert all(task.endtime is None or task.starttime < task.endtime <= NOW for task in tasks)


def test_no_two_tasks_share_a_upid_however_many_start_at_once() -> None:
    for options in ({"pbs": 0}, {"pbs": 1}):
        simulator = fleet(remotes=1, nodes=1, tasks_per_node=2_000, tasks_per_pbs=2_000, rate=30_000, **options)
        tasks = known(simulator, NOW + 5)

        assert len({task.upid for task in tasks}) == len(tasks) > 2_000


@pytest.mark.parametrize("later", [60, 600, 3 * HOUR])
def test_a_node_forgets_the_tasks_that_ended_first_and_no_others(later: int) -> None:
    simulator = fleet(remotes=1, nodes=1, tasks_per_node=50, rate=6)
    before = {task.upid: task for task in finished(known(simulator, NOW))}
    after = {task.upid: task for task in finished(known(simulator, NOW + later))}

    assert len(before) == len(after) == 50
    forgotten = [task.endtime or 0 for upid, task in before.items() if upid not in after]
    assert forgotten
    assert max(forgotten) <= min(task.endtime or 0 for task in after.values())


def test_a_pbs_host_remembers_its_own_number() -> None:
    simulator = fleet(remotes=2, tasks_per_pbs=300, tasks_per_node=20)

    assert len(finished(simulator.remembered("pbs-001"))) == 300
    assert len(finished(simulator.remembered("wien"))) == 60


def test_a_task_runs_until_its_end_and_is_finished_from_then_on() -> None:
    simulator = fleet(remotes=5)
    running = [task for task in known(simulator, NOW) if task.running]

    afterwards = {task.upid: task for task in known(simulator, NOW + 4 * HOUR)}

    assert running
    for task in running:
        end = afterwards[task.upid].endtime
        assert end is not None and end > NOW
        remote = task.remote
        assert {other.upid: other for other in simulator.remembered(remote, end - 1)}[task.upid].running
        assert not {other.upid: other for other in simulator.remembered(remote, end)}[task.upid].running


def test_what_is_known_does_not_depend_on_what_was_asked_before() -> None:
    often, once = fleet(remotes=3), fleet(remotes=3)
    for later in (0, 7, 8, 500, 9_000, 30):
        known(often, NOW + later)

    assert known(often, NOW + 5_000) == known(once, NOW + 5_000)


def test_new_tasks_come_at_the_rate_that_was_asked_for() -> None:
    simulator = fleet(remotes=10, rate=60)

    fresh = [task for task in known(simulator, NOW + HOUR) if task.starttime > NOW]

    assert len(fresh) == pytest.approx(3_600, rel=0.03)


def test_without_a_rate_nothing_new_happens() -> None:
    simulator = fleet(remotes=2, rate=0)

    assert max(task.starttime for task in known(simulator, NOW + 9 * HOUR)) <= NOW


def test_history_stretches_over_the_days_asked_for_with_peaks_at_night() -> None:
    tasks = finished(known(fleet(remotes=10, days=4), NOW))
    begin = NOW - 4 * 24 * HOUR

    assert begin <= min(task.starttime for task in tasks) < begin + HOUR
    by_hour = Counter(task.starttime // HOUR % 24 for task in tasks if task.starttime < NOW - 700)
    assert by_hour.most_common(1)[0][0] == 2
    assert by_hour[2] > 3 * by_hour[20]


def test_the_mix_of_statuses_and_types_is_that_of_a_real_fleet() -> None:
    tasks = finished(known(fleet(), NOW))

    share = {status: count / len(tasks) for status, count in Counter(task.status_class for task in tasks).items()}
    assert share[Status.OK] == pytest.approx(0.92, abs=0.01)
    assert share[Status.WARNING] == pytest.approx(0.03, abs=0.005)
    assert share[Status.ERROR] == pytest.approx(0.04, abs=0.005)
    assert share[Status.UNKNOWN] == pytest.approx(0.01, abs=0.005)
    assert len({task.worker_type for task in tasks}) > 25
    assert any(not (task.status or "").isascii() for task in tasks)


def test_nothing_is_backed_up_or_cleaned_twice_at_a_time_and_a_guest_is_on_one_node() -> None:
    """Of what Proxmox holds a lock for, there is one task at a time: also while a long one runs, and at a high
    rate."""
    exclusive = {"vzdump", "backup", "garbage_collection", "verificationjob", "syncjob", "prunejob"}
    seen = set()
    for options in ({"remotes": 10, "nodes": 4}, {"remotes": 2, "nodes": 1, "rate": 60, "tasks_per_node": 3_000}):
        for name, remote in fleet(**options).remotes.items():
            busy: dict[tuple[str, str], int] = {}
            node_of: dict[str, str] = {}
            for node, history in remote.histories.items():
                now = NOW + HOUR
                numbers = [*history.running(now), *history.finished(now)]
                for task in sorted((history.task(number) for number in numbers), key=lambda task: task.begins):
                    if task.worker_type not in exclusive:
                        continue
                    seen.add(task.worker_type)
                    subjects = [task.worker_id]
                    if task.worker_type == "vzdump":
                        subjects = [task.worker_id] if task.worker_id else list(map(str, task.guests))
                        assert all(node_of.setdefault(guest, node) == node for guest in subjects)
                    for subject in subjects:
                        assert busy.get((task.worker_type, subject), 0) <= task.begins, (name, task)
                        busy[task.worker_type, subject] = task.ends
    assert seen == exclusive


@pytest.mark.parametrize("later", [0, 300, HOUR, 12 * HOUR])
def test_some_tasks_of_mixed_ages_run_at_any_time(later: int) -> None:
    ages = [task.duration(NOW + later) for task in known(fleet(), NOW + later) if task.running]

    assert 12 <= len(ages) <= 60
    assert min(ages) < 60 < 600 < max(ages)


def test_a_task_started_by_hand_runs_as_long_as_asked_and_ends_as_asked() -> None:
    simulator = fleet(remotes=2)

    upid = simulator.start_task("wien", "pve2", "qmigrate", "104", user="anna@pve!x", duration=90, status="kaputt")

    def told(now: int) -> Task | None:
        return {task.parsed.upid.text: task for task in simulator.remembered("wien", now)}.get(upid)

    assert told(NOW - 1) is None
    running, ended = told(NOW + 89), told(NOW + 90)
    assert running is not None and running.running
    assert ended is not None and (ended.endtime, ended.status) == (NOW + 90, "kaputt")
    assert (ended.node, ended.worker_type, ended.worker_id, ended.user) == (
        "pve2",
        "qmigrate",
        "104",
        "anna@pve!x",
    )


def test_tasks_by_hand_are_forgotten_in_the_order_of_their_ends() -> None:
    now = [NOW]
    simulator = Simulator(
        SimulatorOptions(remotes=1, nodes=1, tasks_per_node=10, rate=0), clock=lambda: float(now[0])
    )
    upids = []
    for _ in range(30):
        upids.append(simulator.start_task("wien", "pve1", "qmstart", "100", duration=1))
        now[0] += 2

    assert [task.parsed.upid.text for task in finished(simulator.remembered("wien"))] == upids[:-11:-1]


def test_a_pbs_task_by_hand_has_an_escaped_upid() -> None:
    simulator = fleet(remotes=2)

    upid = simulator.start_task("pbs-001", "localhost", "backup", "store1:vm/100", user="backup@pbs")

    assert ":backup:store1\\x3avm-100:backup@pbs:" in upid
    (task,) = (task for task in simulator.remembered("pbs-001") if task.parsed.upid.text == upid)
    assert task.worker_id == "store1:vm/100"


def test_what_cannot_stand_in_a_upid_is_refused_and_leaves_nothing_behind() -> None:
    simulator = fleet(remotes=1)
    before = simulator.remembered("wien")

    with pytest.raises(SimulatorError, match="not a PVE UPID"):
        simulator.start_task("wien", "pve1", "qmstart", "a b")

    assert simulator.remembered("wien") == before


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"remotes": 0}, "remotes"),
        ({"nodes": 0}, "nodes"),
        ({"tasks_per_node": -1}, "tasks_per_node"),
        ({"rate": float("nan")}, "rate"),
        ({"latency": -0.1}, "latency"),
        ({"days": 0}, "days"),
        ({"remotes": 3, "pbs": 4}, "pbs"),
        ({"remotes": 100, "port": 65_500}, "port"),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, Any], word: str) -> None:
    with pytest.raises(SimulatorError, match=f"^{word}: expected"):
        SimulatorOptions(**options)


def test_a_fleet_without_history_or_of_a_single_remote_is_fine() -> None:
    assert known(fleet(remotes=1, nodes=1, tasks_per_node=0, rate=0), NOW + HOUR) == []
    assert list(fleet(remotes=2, pbs=2).remotes) == ["pbs-001", "pbs-002"]
    assert [remote.type for remote in fleet(remotes=5).remotes.values()] == ["pve"] * 4 + ["pbs"]


def test_names_are_unique_and_stable_for_hundreds_of_remotes() -> None:
    few, many = fleet(remotes=40, pbs=0, nodes=1), fleet(remotes=300, pbs=100, nodes=1)

    assert list(many.remotes)[:40] == list(few.remotes)
    assert len(many.remotes) == 300
    assert list(many.remotes)[-1] == "pbs-100"


def test_the_history_of_a_node_takes_little_memory() -> None:
    simulator = fleet(remotes=2, pbs=0, nodes=10, rate=600)
    tracemalloc.start()
    try:
        for remote in simulator.remotes.values():
            for node in remote.nodes:
                request = Request(
                    "GET",
                    f"/api2/json/nodes/{node}/tasks?source=all&limit=300",
                    {"authorization": f"PVEAPIToken={remote.token.id}={remote.token.secret}"},
                )
                assert answer_pve(remote, request, NOW, 0).rows == 300
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size / 20 < 20_000


def test_tasks_by_hand_do_not_pile_up_in_memory() -> None:
    now = [NOW]
    simulator = Simulator(
        SimulatorOptions(remotes=1, nodes=1, tasks_per_node=10, rate=0), clock=lambda: float(now[0])
    )

    def start(count: int) -> None:
        for _ in range(count):
            simulator.start_task("wien", "pve1", "qmstart", "100", duration=1)
            now[0] += 2

    start(50)
    tracemalloc.start()
    try:
        start(500)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size < 50_000
