"""The faults of PDM's own cache that concern files, UPIDs and filters: each of them by name, and not in ours. (The
rest, of fetching and polling, is the workers'.)"""

import os
from pathlib import Path

import orjson

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.files import DAY, locked
from backend.archive.lines import encode_all
from backend.query import parse_filter
from backend.task import Task
from backend.upid import parse_remote_upid
from tests.archive.model import NOW, TODAY, Clock, finished, read_by_hand, running, spread

NODE = ("wien", "pve2")


def history(directory: Path, text: str = "") -> list[Task]:
    with TaskCache(directory).snapshot() as snapshot:
        return list(snapshot.iterate(parse_filter(text, now=NOW)))


def test_fault_1_long_running_tasks_and_the_journal_break_no_order_and_no_row_comes_twice(tmp_path: Path) -> None:
    tasks = spread(40)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks[::2]))
        writer.housekeep(merge_now=True)
        writer.store(Batch([*tasks[1::2], running(900, TODAY - 5 * DAY), running(901, NOW)]))
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert list(snapshot.iterate()) == tasks[::-1]
            assert snapshot.running() == [running(901, NOW), running(900, TODAY - 5 * DAY)]


def test_fault_2_a_bad_byte_hides_its_line_alone_and_a_merge_keeps_the_rest(tmp_path: Path) -> None:
    tasks = spread(40, first=TODAY)[::-1]
    content = bytearray(encode_all(tasks))
    content[len(content) // 2] = 0xFF
    (tmp_path / f"archive.{TODAY}").write_bytes(content)
    assert len(history(tmp_path)) == 39
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(500, NOW)]))
        writer.housekeep(merge_now=True)
    assert len(history(tmp_path)) == 40


def test_fault_3_a_torn_journal_line_does_not_swallow_the_task_behind_it(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(1, NOW - 2), finished(2, NOW - 1)]))
    os.truncate(tmp_path / "journal", (tmp_path / "journal").stat().st_size - 10)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(3, NOW)], {NODE: NOW}))
    assert history(tmp_path) == [finished(3, NOW), finished(1, NOW - 2)]


def test_fault_4_a_pid_with_the_highest_bit_is_a_number_like_others(tmp_path: Path) -> None:
    upid = "pve:wien!UPID:pve2:80000000:FFFFFFFFF:6B04E4A3:qmstart:101:root@pam:"
    assert parse_remote_upid(upid).upid.pid == 2**31
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([Task(upid, 0x6B04E4A3, NOW, "OK")]))
        writer.housekeep(merge_now=True)
    assert history(tmp_path, "type:qmstart")[0].pid == 2**31


def test_fault_5_a_read_that_meets_a_bad_line_changes_nothing(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(1, NOW)], {NODE: NOW}))
    with (tmp_path / "journal").open("ab") as file:
        file.write(b"not a task\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with locked(tmp_path, exclusive=False), TaskCache(tmp_path).snapshot() as snapshot:
        assert list(snapshot.iterate()) == [finished(1, NOW)]
        assert snapshot.damage
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_fault_6_a_reader_in_the_middle_of_its_scan_keeps_no_merge_out_and_reads_on(tmp_path: Path) -> None:
    tasks = spread(1_500)[::-1]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        writer.housekeep(merge_now=True)
        with TaskCache(tmp_path).snapshot() as one, TaskCache(tmp_path).snapshot() as other:
            scans = [one.iterate(), other.iterate(reverse=True)]
            assert [next(scan) for scan in scans] == [tasks[0], tasks[-1]]
            writer.store(Batch([finished(9_000 + age, TODAY - age * DAY) for age in range(7)]))
            writer.housekeep(merge_now=True)
            assert list(scans[0]) == tasks[1:]
            assert list(scans[1]) == tasks[-2::-1]


def test_fault_7_a_cutoff_that_moves_on_drops_no_running_task(tmp_path: Path) -> None:
    long = running(1, TODAY - 3 * DAY)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([long], {NODE: TODAY}))
        writer.store(Batch([finished(2, NOW)], {NODE: NOW}))
        writer.housekeep(merge_now=True)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert list(writer.running.values()) == [long]
        writer.store(Batch([finished(1, long.starttime, end=NOW)]))
        assert writer.running == {}
    assert history(tmp_path)[-1] == finished(1, long.starttime, end=NOW)


def test_fault_8_another_status_of_a_task_replaces_the_first_and_what_ended_does_not_run_again(
    tmp_path: Path,
) -> None:
    first, second = (finished(1, NOW, status=status) for status in ("unexpected status", "OK"))
    for merge in (False, True):
        with CacheWriter(tmp_path, clock=Clock()) as writer:
            writer.store(Batch([first]))
            writer.housekeep(merge_now=merge)
            writer.store(Batch([second, running(1, NOW)]))
            writer.housekeep(merge_now=merge)
            writer.store(Batch([running(1, NOW)]))
            assert writer.running == {}
        assert history(tmp_path) == [second]


def test_fault_9_errors_are_errors_alone_and_an_id_can_be_searched_for(tmp_path: Path) -> None:
    statuses = ["OK", "WARNINGS: 1", "failed", "unexpected status", "RUNNING"]
    tasks = [finished(100 + number, NOW - number, status=status) for number, status in enumerate(statuses)]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([*tasks, running(1, NOW)]))
    assert history(tmp_path, "status:error") == [tasks[2]]
    assert history(tmp_path, "status:unknown") == tasks[3:]
    assert history(tmp_path, f"vmid:{tasks[0].worker_id}") == [tasks[0]]


def test_fault_10_pages_of_one_snapshot_do_not_shift_as_tasks_arrive(tmp_path: Path) -> None:
    tasks = spread(90)[::-1]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        with TaskCache(tmp_path).snapshot() as snapshot:
            first = snapshot.page(limit=50)
            writer.store(Batch([finished(500, NOW + 1)]))
            writer.housekeep(merge_now=True)
            assert first + snapshot.page(offset=50, limit=50) == tasks
            assert snapshot.locate(None, first[-1].key) == 49
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert snapshot.page(offset=snapshot.locate(None, tasks[50].key), limit=50) == tasks[50:]


def test_fault_11_a_task_from_before_the_oldest_day_is_listed_neither_before_nor_after_a_merge(
    tmp_path: Path,
) -> None:
    oldest = TODAY - 6 * DAY
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(1, oldest - 1), finished(2, oldest)]))
        assert history(tmp_path) == [finished(2, oldest)]
        with (tmp_path / "journal").open("ab") as file:
            file.write(encode_all([finished(3, oldest - 1)]))
        assert history(tmp_path) == [finished(2, oldest)]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.housekeep(merge_now=True)
    assert history(tmp_path) == [finished(2, oldest)]


def test_fault_12_nothing_is_left_lying_about_and_removed_remotes_leave_the_state(tmp_path: Path) -> None:
    (tmp_path / ".tmp-archive.1.zst.x").touch()
    (tmp_path / f"archive.{TODAY}.zst").mkdir()
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(
            Batch([finished(0, NOW), running(2, NOW), running(1, NOW)], {NODE: NOW, ("graz", "pve2"): NOW})
        )
        writer.housekeep(merge_now=True)
        writer.keep_only({"graz"})
        assert [task.remote for task in writer.running.values()] == ["graz"]
    state = orjson.loads((tmp_path / "state").read_bytes())
    assert list(state["remote-state"]) == ["graz"]
    assert not list(tmp_path.glob(".tmp-*"))
    assert history(tmp_path) == [finished(0, NOW)]


def test_fault_13_a_clock_that_was_far_ahead_stops_no_rotation_and_what_it_dropped_is_fetched_again(
    tmp_path: Path,
) -> None:
    tasks = spread(50)[::-1]
    clock = Clock()
    with CacheWriter(tmp_path, clock=clock) as writer:
        writer.store(Batch(tasks, {NODE: NOW}))
        writer.housekeep(merge_now=True)
        clock.now = NOW + 4_000 * DAY
        writer.store(Batch([], {("graz", "pve2"): int(clock.now)}))
        writer.housekeep()
        clock.now = NOW
        writer.housekeep()
        assert writer.cutoff(*NODE) == TODAY - 6 * DAY
        writer.store(Batch(tasks, {NODE: NOW}))
        assert writer.cutoff("graz", "pve2") == TODAY - 6 * DAY
        clock.now += DAY
        assert writer.housekeep()
    assert read_by_hand(tmp_path) == [task for task in tasks if task.starttime >= TODAY - 5 * DAY]
    starts = {int(path.name.split(".")[1]) for path in tmp_path.glob("archive.*")}
    assert starts == {TODAY + DAY - age * DAY for age in range(7)}


def test_fault_13_a_cutoff_in_the_future_hides_nothing_once_the_clock_is_right(tmp_path: Path) -> None:
    far = NOW + 400 * DAY
    (tmp_path / "state").write_bytes(
        orjson.dumps({"remote-state": {"wien": {"node-state": {"pve2": {"cutoff": far}}}}, "tracked-tasks": []})
    )
    for age in range(7):
        (tmp_path / f"archive.{TODAY - age * DAY}").touch()
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([]))
        assert writer.cutoff(*NODE) is None


def test_fault_13_a_broken_state_loses_no_running_task(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([running(1, NOW)], {NODE: NOW}))
    (tmp_path / "state").write_text("{")
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert list(writer.running.values()) == [running(1, NOW)]
        assert writer.cutoff(*NODE) is None


def test_fault_13_a_tracked_task_is_followed_whatever_the_active_file_says(tmp_path: Path) -> None:
    task = running(1, NOW)
    (tmp_path / "state").write_bytes(
        orjson.dumps({"remote-state": {}, "tracked-tasks": [task.upid, "nonsense", 5]})
    )
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert list(writer.running.values()) == [task]
        writer.store(Batch([finished(1, NOW)]))
    assert orjson.loads((tmp_path / "state").read_bytes())["tracked-tasks"] == []


def test_fault_14_more_than_5000_tasks_of_a_node_at_once_are_all_kept(tmp_path: Path) -> None:
    tasks = [finished(number * 4, NOW - number // 4) for number in range(6_000)]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks, {NODE: NOW}))
        writer.housekeep(merge_now=True)
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert snapshot.count() == 6_000
