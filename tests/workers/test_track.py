"""Tasks that are tracked on request: followed to their ends, also over a restart, and never for ever."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.state import read_state
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Status, Task
from backend.upid import UpidError
from tests.workers.fakes import ended, started
from tests.workers.fleet_at_work import NOW, Clock, at_work, configure, eventually, round_is_over, tasks_of

SMALL = SimulatorOptions(remotes=2, pbs=1, nodes=1, tasks_per_node=20, tasks_per_pbs=20, days=5, rate=0)


def tracked(folder: Path) -> list[str]:
    state, problem = read_state(folder / "state")
    assert problem is None
    return state.tracked


def test_a_tracked_task_stands_among_the_running_ones_and_in_the_state_until_it_ends(tmp_path: Path) -> None:
    task = started(1, NOW - 60)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.track([task.upid, task.upid])
        writer.store(Batch([started(2, NOW)], {("wien", "pve1"): int(NOW)}))
        assert tracked(tmp_path) == [task.upid]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert task.upid in writer.running
        assert tracked(tmp_path) == [task.upid]
        writer.store(Batch([ended(1, NOW - 60)]))
        assert tracked(tmp_path) == []
        assert task.upid not in writer.running


def test_a_tracked_task_is_followed_though_the_file_of_running_tasks_was_lost(tmp_path: Path) -> None:
    task = started(1, NOW - 60)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.track([task.upid])
    (tmp_path / "active").unlink()
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert list(writer.running) == [task.upid]


@pytest.mark.parametrize("merged", [False, True])
def test_a_task_that_has_ended_already_is_not_tracked(tmp_path: Path, merged: bool) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([ended(1, NOW - 60)]))
        if merged:
            writer.housekeep(merge_now=True)
        writer.track([started(1, NOW - 60).upid])
        assert writer.running == {} and tracked(tmp_path) == []


def test_requests_to_track_reach_the_writer_and_what_names_no_task_does_not(tmp_path: Path) -> None:
    cache, task = TaskCache(tmp_path), started(1, NOW)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        cache.request_track([task.upid])
        cache.request_track([task.upid.removeprefix("pve:")])
        for number, content in enumerate(
            ['{"refresh":[],"track":["nonsense"]}', '{"refresh":[],"track":5}', '{"refresh":[],"track":[[]]}']
        ):
            (tmp_path / f"inbox/{number}.json").write_text(content)
        assert [request.track for request in writer.take_requests()] == [(task.upid,), (task.upid,)]
        with pytest.raises(UpidError):
            writer.track(["nonsense"])


async def test_a_task_that_no_answer_shows_is_followed_to_its_end_when_that_is_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        upid = f"pbs:pbs-001!{simulator.start_task('pbs-001', 'localhost', 'backup', 'store1:vm/1', duration=1)}"
        gone = upid.replace("UPID:", "UPID:x")
        clock.now += 100
        config = configure(simulator, tmp_path, poll_interval=1)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            cache.request_track([upid, gone, "pve:other!UPID:pve1:00000001:0D015579:6B04EF94:x::root@pam:"])
            await eventually(lambda: upid in {task.upid for task in tasks_of(cache) if not task.running})
            await eventually(lambda: gone in cache.health().no_such_tasks)
            by_upid: dict[str, Task] = {task.upid: task for task in tasks_of(cache)}
            assert by_upid[upid].status_class is Status.OK
            # No remote has ever told of it.
            assert gone not in by_upid
            assert not [task for task in by_upid.values() if task.remote == "other"]
        assert json.loads((tmp_path / "cache/state").read_text())["tracked-tasks"] == []


async def test_who_waits_for_an_end_does_not_wait_for_the_next_poll(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        upid = f"pbs:pbs-001!{simulator.start_task('pbs-001', 'localhost', 'backup', 'store1:vm/1', duration=50)}"
        config = configure(simulator, tmp_path, poll_interval=3600)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache) and upid in {task.upid for task in tasks_of(cache)})
            clock.now += 100
            cache.request_track([upid])
            await eventually(lambda: upid in {task.upid for task in tasks_of(cache) if not task.running})


async def test_a_request_that_the_disk_refuses_is_told_kept_and_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    track = CacheWriter.track

    def refuse(self: CacheWriter, upids: Iterable[str]) -> None:
        if full:
            raise OSError(28, "No space left on device")
        track(self, upids)

    monkeypatch.setattr(CacheWriter, "track", refuse)
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        upid = f"pbs:pbs-001!{simulator.start_task('pbs-001', 'localhost', 'backup', 'store1:vm/1', duration=1)}"
        gone = upid.replace("UPID:", "UPID:x")
        clock.now += 100
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            new = f"pve:wien!{simulator.start_task('wien', 'pve1', 'qmstart', '100', duration=5)}"
            for _ in range(3):
                cache.request_track([gone])
                cache.request_refresh(["wien"])
            await eventually(lambda: "No space left on device" in (cache.health().problem or ""))
            await eventually(lambda: new in {task.upid for task in tasks_of(cache)})
            assert not [*(tmp_path / "cache/inbox").iterdir()]
            full = False
            await eventually(lambda: gone in cache.health().no_such_tasks)
            await eventually(lambda: cache.health().problem is None)
