"""The workers on a simulated fleet: what a remote still remembers comes into the cache, whole and once."""

import re
from dataclasses import replace
from pathlib import Path

from backend.archive import CacheWriter
from backend.config import Config
from backend.simulator import Simulator
from backend.task import Status
from tests.workers.fleet_at_work import (
    NOW,
    SMALL,
    Clock,
    at_work,
    configure,
    eventually,
    round_is_over,
    tasks_of,
    truth,
)


async def test_a_first_round_brings_all_that_the_fleet_remembers_once_and_newest_first(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            expected = truth(simulator)
            assert len(expected) > 2_500
            assert tasks_of(cache) == expected


async def test_the_next_round_asks_each_node_once_and_only_for_what_is_new(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            before, first_rows = truth(simulator), simulator.rows.total()
            simulator.requests.clear()
            simulator.rows.clear()
            clock.now += 60
            new = simulator.start_task("wien", "pve1", "qmstart", "100", duration=5)
            clock.now += 60
            cache.request_refresh()
            await eventually(lambda: round_is_over(cache, clock.now))
            # What the fleet has forgotten meanwhile stays.
            known = {task.upid: task for task in [*before, *truth(simulator)]}
            assert f"pve:wien!{new}" in known
            assert {task.upid: task for task in tasks_of(cache)} == known
            lists = {
                key: number for key, number in simulator.requests.items() if re.search("/nodes/[^/]+/tasks$", key)
            }
            assert len(lists) == 3 * 2 + 1
            assert set(lists.values()) == {1}
            assert first_rows > 2_500
            # The task that is new, and of each node those of its cutoff's own second and what runs since.
            assert sum(rows for key, rows in simulator.rows.items() if "/nodes/" in key) < 60


async def test_a_task_is_seen_running_and_then_with_its_end_by_the_poll_alone(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            pve = simulator.start_task("wien", "pve2", "qmclone", "101", duration=100, status="it broke")
            pbs = simulator.start_task("pbs-001", "localhost", "backup", "store1:vm/100", duration=100)
            pve, pbs = f"pve:wien!{pve}", f"pbs:pbs-001!{pbs}"
            await eventually(lambda: {pve, pbs} <= {task.upid for task in tasks_of(cache) if task.running})
            clock.now += 100
            await eventually(lambda: {pve, pbs} <= {task.upid for task in tasks_of(cache) if not task.running})
            ended = {task.upid: task for task in tasks_of(cache)}
            assert (ended[pve].endtime, ended[pve].status) == (int(NOW) + 100, "it broke")
            assert (ended[pbs].endtime, ended[pbs].status) == (int(NOW) + 100, "OK")


async def test_a_task_that_started_before_its_nodes_cutoff_is_followed_to_its_end(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        long = f"pve:graz!{simulator.start_task('graz', 'pve1', 'vzdump', '', duration=50_000)}"
        clock.now += 10
        simulator.start_task("graz", "pve1", "qmstart", "100", duration=1)
        clock.now += 10
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            assert long in {task.upid for task in tasks_of(cache) if task.running}
            simulator.set_offline("graz", "pve1")
            clock.now += 50_000
            # More ends than the cluster's answer holds, so that the long task falls off its end.
            for number in range(30):
                simulator.start_task("graz", "pve1", "qmstart", str(200 + number), duration=1)
            clock.now += 10
            simulator.set_offline("graz", "pve1", False)
            await eventually(lambda: long in {task.upid for task in tasks_of(cache) if not task.running})
            assert [task.endtime for task in tasks_of(cache) if task.upid == long] == [int(NOW) + 50_000]


async def test_a_task_its_node_has_forgotten_does_not_run_for_ever(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        config = configure(simulator, tmp_path, poll_interval=1)
        upid = f"pve:wien!UPID:pve1:00001234:0D015579:{int(NOW) - 60:08X}:qmstart:100:root@pam:"
        (tmp_path / "cache").mkdir(mode=0o700)
        (tmp_path / "cache/active").write_text(f'{{"upid":"{upid}","starttime":{int(NOW) - 60}}}\n')
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: upid in {task.upid for task in tasks_of(cache) if not task.running})
            (lost,) = [task for task in tasks_of(cache) if task.upid == upid]
            assert lost.status_class is Status.UNKNOWN
            assert lost.status and "no longer knows" in lost.status
            # So that whatever end is told after all counts as the later one.
            assert lost.endtime == lost.starttime


async def test_the_journal_is_merged_while_the_workers_run(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            assert not list((tmp_path / "cache").glob("archive.*.zst"))
            with cache.snapshot() as snapshot:
                before = set(snapshot.iterate())
            clock.now += 3_601
            await eventually(lambda: bool(list((tmp_path / "cache").glob("archive.*.zst"))))
            with cache.snapshot() as snapshot:
                assert before <= set(snapshot.iterate())


async def test_a_removed_remotes_running_tasks_go_and_its_history_stays(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        config = configure(simulator, tmp_path)
        simulator.start_task("graz", "pve1", "qmstart", "100", duration=1_000)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            history = [task for task in tasks_of(cache) if task.remote == "graz" and not task.running]
            assert history and [task for task in tasks_of(cache) if task.remote == "graz" and task.running]
        smaller: Config = replace(config, remotes={"wien": config.remotes["wien"]})
        async with at_work(smaller, tmp_path / "cache", clock) as cache:
            await eventually(lambda: list(cache.health().remotes) == ["wien"])
            await eventually(lambda: [task for task in tasks_of(cache) if task.remote == "graz"] == history)


async def test_what_is_damaged_is_fetched_again_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        config = configure(simulator, tmp_path)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
        with CacheWriter(tmp_path / "cache", clock=clock) as writer:
            writer.housekeep(merge_now=True)
        for path in (tmp_path / "cache").glob("archive.*.zst"):
            content = bytearray(path.read_bytes())
            content[len(content) // 3] ^= 0xFF
            path.write_bytes(content)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            with cache.snapshot() as snapshot:
                assert not snapshot.damage
