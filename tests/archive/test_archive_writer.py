"""What the writer does with a batch, beside what readers are shown: cutoffs, statuses, and when it merges."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.files import DAY
from backend.archive.lines import LineError, decode, decode_all, encode, storable
from backend.archive.writer import MERGE_BYTES, MERGE_SECONDS
from backend.task import MAX_STATUS, Status, Task
from tests.archive.model import NOW, TODAY, Clock, archive_files, finished, running, spread

NODE, OTHER = ("wien", "pve2"), ("graz", "pve2")

statuses = st.text(st.characters(), max_size=30) | st.just("x" * 5_000)


@given(st.integers(0, 2**16), st.integers(0, 2**32 - 1), st.none() | st.integers(0, 2**33), statuses)
def test_a_task_comes_back_from_its_line_as_it_was_stored(
    number: int, start: int, end: int | None, status: str
) -> None:
    task = storable(Task(finished(number, start).upid, start, end, status))
    line = encode(task)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == task
    assert len(task.status or "") <= MAX_STATUS
    assert storable(task) is task
    assert (task.status is None) is (end is None)


@given(
    st.lists(st.sampled_from([*map(encode, spread(5)), b"bad\n", b"\n", b'{"a":1}\n', b"\xff\n"])), st.booleans()
)
def test_of_many_lines_the_good_ones_are_read_and_the_bad_ones_counted(
    lines: list[bytes], terminated: bool
) -> None:
    data = b"".join(lines)
    tasks, bad = decode_all(data if terminated else data.removesuffix(b"\n"))
    good = [line for line in lines if b"UPID" in line]
    assert b"".join(map(encode, tasks)) == b"".join(good)
    assert bad == len([line for line in lines if line != b"\n"]) - len(good)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_task_or_an_error_of_their_own(line: bytes) -> None:
    with pytest.raises(LineError):
        decode(line)
    assert decode_all(line)[0] == []


def test_storing_the_same_again_changes_no_file(tmp_path: Path) -> None:
    odd = [
        finished(1, NOW, status="x" * 9_000),
        finished(2, NOW, status="half a \ud83d"),
        Task(finished(3, NOW).upid, NOW, NOW, None),
    ]
    batch = Batch([*spread(10), *odd, running(500, NOW)], {NODE: NOW})
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(batch)
        before = {path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir() if path.is_file()}
        writer.store(batch)
        assert before == {
            path: (path.stat().st_ino, path.read_bytes()) for path in tmp_path.iterdir() if path.is_file()
        }
        with TaskCache(tmp_path).snapshot() as snapshot:
            odd_ones = snapshot.page(limit=3)
    shown = {task.upid: task for task in odd_ones}
    assert [shown[task.upid].status for task in odd] == ["x" * MAX_STATUS, "half a ?", ""]
    assert shown[odd[2].upid].status_class is Status.UNKNOWN


def test_of_several_reports_in_one_batch_the_latest_end_holds_in_any_order(tmp_path: Path) -> None:
    reports = [finished(1, NOW, end=NOW + 9), finished(1, NOW, end=NOW + 5), running(1, NOW)]
    for number, batch in enumerate([reports, reports[::-1]]):
        with CacheWriter(tmp_path / str(number), clock=Clock()) as writer:
            writer.store(Batch(batch))
            assert writer.running == {}
            with TaskCache(tmp_path / str(number)).snapshot() as snapshot:
                assert list(snapshot.iterate()) == [reports[0]]


def test_cutoffs_are_kept_for_each_node_over_a_restart_and_can_be_forgotten(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) is None
        writer.store(Batch([], {NODE: NOW - 5}))
        writer.store(Batch([], {OTHER: NOW - 7}))
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert (writer.cutoff(*NODE), writer.cutoff(*OTHER)) == (NOW - 5, NOW - 7)
        writer.store(Batch([], {NODE: 0}))
        assert (writer.cutoff(*NODE), writer.cutoff(*OTHER)) == (None, NOW - 7)


def test_the_kept_days_have_their_files_from_the_first_start_on(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, keep_days=3, clock=Clock()):
        assert [path.name for path in archive_files(tmp_path)] == [
            f"archive.{TODAY - age * DAY}" for age in (2, 1, 0)
        ]


def test_with_more_days_to_keep_the_older_ones_are_fetched_and_none_of_them_is_lost(tmp_path: Path) -> None:
    tasks = spread(140, first=TODAY - 13 * DAY)
    clock = Clock()
    with CacheWriter(tmp_path, keep_days=7, clock=clock) as writer:
        writer.store(Batch(tasks, {NODE: NOW}))
        writer.housekeep(merge_now=True)
    with CacheWriter(tmp_path, keep_days=14, clock=clock) as writer:
        assert writer.cutoff(*NODE) == TODAY - 13 * DAY
        writer.store(Batch(tasks, {NODE: NOW}))
        for merge in (False, True):
            if merge:
                writer.housekeep(merge_now=True)
            with TaskCache(tmp_path).snapshot() as snapshot:
                assert list(snapshot.iterate()) == tasks[::-1]


def test_a_merge_is_due_each_hour_and_when_the_journal_is_big(tmp_path: Path) -> None:
    clock = Clock()
    with CacheWriter(tmp_path, clock=clock) as writer:
        assert not writer.housekeep()
        clock.now += MERGE_SECONDS
        assert not writer.housekeep()
        writer.store(Batch([finished(1, NOW)]))
        assert writer.housekeep()
        writer.store(Batch([finished(2, NOW)]))
        assert not writer.housekeep()
        clock.now += MERGE_SECONDS
        assert writer.housekeep()
        big = [finished(number, NOW, status="x" * 4_000) for number in range(MERGE_BYTES // 4_000 + 1)]
        writer.store(Batch(big))
        assert writer.housekeep()
        assert not writer.housekeep()


def test_midnight_begins_a_new_file_and_drops_the_oldest(tmp_path: Path) -> None:
    clock = Clock()
    with CacheWriter(tmp_path, clock=clock) as writer:
        writer.store(Batch(spread(70)))
        clock.now = TODAY + DAY
        assert writer.housekeep()
        starts = sorted(int(path.name.split(".")[1]) for path in archive_files(tmp_path))
        assert starts == [TODAY + DAY - age * DAY for age in range(6, -1, -1)]
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert snapshot.count() == len([task for task in spread(70) if task.starttime >= TODAY - 5 * DAY])


def test_a_merge_leaves_files_alone_that_it_has_nothing_for(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(spread(700)))
        writer.housekeep(merge_now=True)
        before = {path.name: path.stat().st_ino for path in archive_files(tmp_path)}
        writer.store(Batch([finished(9_000, NOW), *spread(700)]))
        writer.housekeep(merge_now=True)
        after = {path.name: path.stat().st_ino for path in archive_files(tmp_path)}
    assert {name for name, inode in after.items() if before[name] != inode} == {f"archive.{TODAY}.zst"}
