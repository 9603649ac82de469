"""The workers on a simulated fleet: what a remote still remembers comes into the cache, whole and once."""

import asyncio
import logging
import re
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backend import workers
from backend.archive import Batch, CacheBusy, CacheError, CacheWriter, TaskCache
from backend.client import limit
from backend.config import Config, Secret
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Status
from backend.workers import run_workers, run_workers_when_free
from tests.workers.fleet_at_work import NOW, Clock, at_work, configure, eventually, round_is_over, tasks_of, truth

SMALL = SimulatorOptions(
    remotes=4, pbs=1, nodes=2, tasks_per_node=60, tasks_per_pbs=2_500, days=5, rate=0, auth_delay=0
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


async def test_troubled_remotes_tell_why_and_hold_up_nobody(tmp_path: Path) -> None:
    clock = Clock()
    hung = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with silent, Simulator(replace(SMALL, remotes=6), clock) as simulator:
        config = configure(simulator, tmp_path)
        remotes = dict(config.remotes)
        node = remotes["linz"].nodes[0]
        remotes["linz"] = replace(remotes["linz"], nodes=(replace(node, fingerprint="AA:" * 31 + "AA"),))
        node = replace(node, port=silent.sockets[0].getsockname()[1])
        remotes["salzburg"] = replace(remotes["salzburg"], nodes=(node,))
        remotes["wien"] = replace(remotes["wien"], secret=Secret("not the token"))
        await simulator.take_down("graz")
        healthy = ["innsbruck", "pbs-001"]
        async with at_work(replace(config, remotes=remotes), tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator, healthy))
            await eventually(lambda: {"linz", "graz", "wien"} <= set(cache.health().failing))
            assert hung.is_set()
            failing = {name: remote.error or "" for name, remote in cache.health().failing.items()}
            assert "fingerprint" in failing["linz"] and "AA:AA" in failing["linz"]
            assert "refused" in failing["graz"]
            assert "token" in failing["wien"] and "not the token" not in failing["wien"]
            assert "innsbruck" not in failing and "pbs-001" not in failing


async def test_more_silent_remotes_than_connections_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "PATIENCE", 0.5)
    clock = Clock()
    hung: set[int] = set()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.add(id(writer))
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with silent, Simulator(replace(SMALL, remotes=2, pbs=1), clock) as simulator:
        config = configure(simulator, tmp_path)
        wien = config.remotes["wien"]
        nodes = (replace(wien.nodes[0], port=silent.sockets[0].getsockname()[1]),)
        # Asked before the healthy ones.
        remotes = {f"dead{number}": replace(wien, name=f"dead{number}", nodes=nodes) for number in range(30)}
        config = replace(config, remotes=remotes | config.remotes)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            # A request to a silent one takes ten seconds until it has failed.
            await eventually(lambda: tasks_of(cache) == truth(simulator), 6.0)
            assert len(hung) >= 20
            new = simulator.start_task("wien", "pve1", "qmstart", "100", duration=5)
            cache.request_refresh(["wien"])
            await eventually(lambda: f"pve:wien!{new}" in {task.upid for task in tasks_of(cache)}, 3.0)


async def test_a_remote_that_comes_back_is_fetched_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        await simulator.take_down("graz")
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "graz" in cache.health().failing)
            await simulator.bring_up("graz")
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            await eventually(lambda: not cache.health().failing)


async def test_an_offline_node_fails_alone_and_keeps_its_cutoff(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        simulator.set_offline("wien", "pve2")
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            offline = [task for task in truth(simulator) if task.remote == "wien" and task.node == "pve2"]
            assert [task for task in truth(simulator) if task not in offline] == tasks_of(cache)
            wien = cache.health().remotes["wien"]
            assert wien.error is None and wien.nodes["pve1"].error is None
            assert wien.nodes["pve2"].offline and wien.nodes["pve2"].failing_since == NOW
        assert '"pve2"' not in (tmp_path / "cache/state").read_text().partition('"wien"')[2].partition("}}}")[0]
        clock.now += 720
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache, clock.now))
            assert cache.health().remotes["wien"].nodes["pve2"].failing_since == NOW
            simulator.set_offline("wien", "pve2", False)
            cache.request_refresh(["wien"])
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            await eventually(lambda: cache.health().remotes["wien"].nodes["pve2"].failing_since is None)


async def test_a_token_without_privileges_is_told_from_an_idle_remote(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        config = configure(simulator, tmp_path)
        low = simulator.remotes["wien"].low
        remotes = dict(config.remotes)
        remotes["wien"] = replace(remotes["wien"], token_id=low.id, secret=Secret(low.secret))
        async with at_work(replace(config, remotes=remotes), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            assert "Sys.Audit" in cache.health().remotes["wien"].notes[0]


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


async def test_cancelling_ends_all_within_two_seconds_with_what_was_fetched_durable(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(replace(SMALL, latency=0.05), clock) as simulator:
        config = configure(simulator, tmp_path)
        work = asyncio.create_task(run_workers(config, tmp_path / "cache", role="test", clock=clock))
        await eventually(lambda: simulator.rows.total() > 100)
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert time.monotonic() - began < 2
        half = tasks_of(TaskCache(tmp_path / "cache"))
        assert set(half) <= set(truth(simulator))
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))


async def test_only_one_process_works_on_a_cache_and_another_takes_over(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        config = configure(simulator, tmp_path)
        writer = CacheWriter(tmp_path / "cache", clock=clock)
        with pytest.raises(CacheBusy):
            await run_workers(config, tmp_path / "cache", role="test")
        waiting = asyncio.create_task(run_workers_when_free(config, tmp_path / "cache", role="test"))
        await asyncio.sleep(0)
        writer.close()
        cache = TaskCache(tmp_path / "cache")
        await eventually(lambda: cache.has_worker() and cache.health().role == "test")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_cancelled_while_it_opens_it_leaves_the_cache_free(tmp_path: Path) -> None:
    work = asyncio.create_task(run_workers(Config(), tmp_path / "cache", role="test"))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not TaskCache(tmp_path / "cache").has_worker()
    CacheWriter(tmp_path / "cache").close()


async def test_a_directory_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="file"):
        await run_workers_when_free(Config(), tmp_path / "file", role="test")


async def test_a_directory_that_cannot_be_used_for_a_while_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "TAKE_OVER", 0.01)
    refusals = [CacheBusy("another process"), CacheError("No space left"), CacheError("No space left")]
    run = run_workers

    async def refuse(config: Config, directory: Path, *, role: str) -> None:
        if refusals:
            raise refusals.pop(0)
        await run(config, directory, role=role)

    monkeypatch.setattr(workers, "run_workers", refuse)
    working = asyncio.create_task(run_workers_when_free(Config(), tmp_path / "cache", role="test"))
    await eventually(lambda: TaskCache(tmp_path / "cache").health().role == "test")
    assert caplog.text.count("No space left; trying again") == 1
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_a_directory_that_is_deleted_is_made_anew_and_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "IN_PLACE", 0.02)
    directory, aside = tmp_path / "cache", tmp_path / "aside"
    async with Simulator(replace(SMALL, tasks_per_pbs=100)) as simulator:
        config = configure(simulator, tmp_path)
        work = asyncio.create_task(run_workers_when_free(config, directory, role="dashboard"))
        cache = TaskCache(directory)
        await eventually(lambda: round_is_over(cache))
        expected = truth(simulator)
        for remove in (shutil.rmtree, lambda path: path.rename(aside)):
            remove(directory)
            await eventually(lambda: directory.exists() and round_is_over(cache))
            assert tasks_of(cache) == expected and cache.has_worker()
        assert not TaskCache(aside).has_worker()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_disk_that_is_full_at_the_start_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    keep_only = CacheWriter.keep_only

    def refuse(self: CacheWriter, remotes: Collection[str]) -> None:
        if full:
            raise OSError(28, "No space left on device")
        keep_only(self, remotes)

    monkeypatch.setattr(CacheWriter, "keep_only", refuse)
    clock = Clock()
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "No space left" in (cache.health().problem or ""))
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            full = False
            await eventually(lambda: cache.health().problem is None)


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


async def test_a_disk_that_refuses_moves_no_cutoff_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    clock = Clock()
    refusing = True
    store = CacheWriter.store

    def full(self: CacheWriter, batch: Batch) -> None:
        if refusing:
            raise OSError(28, "No space left on device")
        store(self, batch)

    monkeypatch.setattr(CacheWriter, "store", full)
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "No space left" in (cache.health().problem or ""))
            assert tasks_of(cache) == []
            refusing = False
            await eventually(lambda: tasks_of(cache) == truth(simulator))
    assert "No space left" in caplog.text


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


@pytest.mark.parametrize("ahead", [-2 * 3_600, 2 * 3_600])
async def test_remotes_whose_clocks_are_hours_off_lose_nothing_and_are_told_of(tmp_path: Path, ahead: int) -> None:
    clock = Clock()
    async with Simulator(SMALL, lambda: clock.now + ahead) as simulator:
        config = configure(simulator, tmp_path, poll_interval=1)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            new = f"pve:wien!{simulator.start_task('wien', 'pve1', 'qmstart', '100', duration=50)}"
            await eventually(lambda: new in {task.upid for task in tasks_of(cache) if task.running})
            clock.now += 60
            await eventually(lambda: new in {task.upid for task in tasks_of(cache) if not task.running})
            clock.now += 60
            cache.request_refresh()
            await eventually(lambda: round_is_over(cache, clock.now))
            known = {task.upid for task in tasks_of(cache)}
            assert {task.upid for task in truth(simulator)} <= known
            wien = cache.health().remotes["wien"]
            assert wien.clock_skew == pytest.approx(ahead, abs=5)
            assert wien.notes == [f"its clock is about 2:00:00 {'ahead of' if ahead > 0 else 'behind'} ours"]
