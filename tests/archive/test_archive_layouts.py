"""Cache directories as other hands leave them: plain files, one frame a file, untyped UPIDs, files that start at
odd times, rows in disorder. Readers show them right as they are, and a merge brings them into our form."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.files import DAY
from backend.archive.lines import encode_all
from backend.task import Task, later
from tests.archive.model import (
    FEWER,
    FILTERS,
    NOW,
    TODAY,
    Clock,
    archive_files,
    assert_lists,
    finished,
    read_by_hand,
    running,
    spread,
)

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"


def in_order(tasks: Sequence[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: task.key)


def put(directory: Path, name: str, tasks: Sequence[Task]) -> None:
    """Write an archive file as PDM does: plain, or as one frame without a checksum."""
    content = encode_all(tasks)
    (directory / name).write_bytes(zstd.compress(content) if name.endswith(".zst") else content)


def test_plain_and_single_frame_files_are_read_and_taken_over(tmp_path: Path) -> None:
    tasks = spread(900, first=TODAY - 2 * DAY, last=TODAY + 3_600)
    days = [[task for task in tasks if task.starttime // DAY == TODAY // DAY - age] for age in range(3)]
    put(tmp_path, f"archive.{TODAY}", in_order(days[0]))
    put(tmp_path, f"archive.{TODAY - DAY}.zst", in_order(days[1]))
    put(tmp_path, f"archive.{TODAY - 2 * DAY}", in_order(days[2]))
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, in_order(tasks), FILTERS[::3])
        assert snapshot.damage == ()
    more = [finished(5_000 + age, TODAY - age * DAY + 7) for age in range(3)]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(more))
        writer.housekeep(merge_now=True)
    assert read_by_hand(tmp_path) == in_order(tasks + more)
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, in_order(tasks + more), FILTERS[:3])


def test_untyped_upids_are_listed_typed_and_known_again(tmp_path: Path) -> None:
    tasks = in_order(spread(9, first=TODAY))
    untyped = b"".join(line.replace(b'"pve:', b'"').replace(b'"pbs:', b'"') for line in [encode_all(tasks)])
    assert b"pve:" not in untyped
    (tmp_path / f"archive.{TODAY}").write_bytes(untyped)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert_lists(snapshot, tasks)
        writer.housekeep(merge_now=True)
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, tasks)


def test_files_that_start_at_odd_times_keep_their_rows_until_their_days_are_over(tmp_path: Path) -> None:
    starts = [TODAY + 5_000, TODAY - DAY + 999, TODAY - 3 * DAY - 12_345]
    tasks = spread(400, first=starts[-1], last=NOW)
    put(tmp_path, f"archive.{starts[0]}", in_order([task for task in tasks if task.starttime >= starts[0]]))
    put(
        tmp_path,
        f"archive.{starts[1]}.zst",
        in_order([task for task in tasks if starts[1] <= task.starttime < starts[0]]),
    )
    put(tmp_path, f"archive.{starts[2]}", in_order([task for task in tasks if task.starttime < starts[1]]))
    clock = Clock()
    with CacheWriter(tmp_path, clock=clock) as writer, TaskCache(tmp_path).snapshot() as before:
        for _ in range(9):
            with TaskCache(tmp_path).snapshot() as snapshot:
                oldest = int(clock.now) // DAY * DAY - 6 * DAY
                assert_lists(snapshot, in_order([task for task in tasks if task.starttime >= oldest]), [""])
            clock.now += DAY
            writer.housekeep()
            assert read_by_hand(tmp_path) == in_order(
                [task for task in tasks if task.starttime >= int(clock.now) // DAY * DAY - 6 * DAY]
            )
        assert_lists(before, in_order(tasks), FILTERS[:2])


rows = st.lists(
    st.builds(
        lambda number, age, end: finished(number, NOW - age, end=NOW + end, status="OK" if end else "failed"),
        st.integers(0, 12),
        st.sampled_from([0, 5, DAY, 2 * DAY, 2 * DAY + 5]),
        st.integers(0, 2),
    ),
    max_size=12,
)


@FEWER
@given(st.tuples(rows, rows, rows), rows, st.booleans())
def test_rows_in_any_disorder_are_listed_in_order_and_once(
    tmp_path_factory: pytest.TempPathFactory, days: tuple[list[Task], ...], journal: list[Task], compressed: bool
) -> None:
    directory = tmp_path_factory.mktemp("disorder")
    for age, tasks in enumerate(days):
        put(directory, f"archive.{TODAY - age * DAY}{'.zst' if compressed else ''}", tasks)
    (directory / "journal").write_bytes(encode_all(journal))
    ends: dict[str, int] = {}
    for task in [*days[0], *days[1], *days[2], *journal]:
        ends[task.upid] = max(ends.get(task.upid, 0), task.endtime or 0)
    for merge in (False, True):
        with CacheWriter(directory, clock=Clock()) as writer:
            if merge:
                writer.housekeep(merge_now=True)
        with TaskCache(directory).snapshot() as snapshot:
            listed = list(snapshot.iterate())
            assert {task.upid: task.endtime for task in listed} == ends
            assert_lists(snapshot, in_order(listed), ["", "status:error"])
    assert read_by_hand(directory) == in_order(listed)
    shutil.rmtree(directory)


def test_running_rows_in_an_archive_file_are_no_history(tmp_path: Path) -> None:
    tasks = in_order([finished(1, TODAY), finished(2, TODAY + 1)])
    put(tmp_path, f"archive.{TODAY}", [*tasks, running(3, TODAY)])
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, tasks)


def test_a_row_whose_start_is_not_its_upids_is_the_same_task(tmp_path: Path) -> None:
    task = finished(1, TODAY)
    row = {"upid": task.upid, "starttime": TODAY + 500, "status": task.status, "endtime": task.endtime}
    (tmp_path / f"archive.{TODAY}").write_bytes(encode_all([task]))
    (tmp_path / "journal").write_bytes(orjson.dumps(row) + b"\n")
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, [task])


@pytest.mark.parametrize("truncated", [False, True])
def test_of_a_plain_file_and_its_compressed_form_the_whole_one_stays(tmp_path: Path, truncated: bool) -> None:
    tasks = in_order(spread(50, first=TODAY))
    put(tmp_path, f"archive.{TODAY}", tasks)
    put(tmp_path, f"archive.{TODAY}.zst", tasks)
    if truncated:
        path = tmp_path / f"archive.{TODAY}.zst"
        path.write_bytes(path.read_bytes()[:-20])
    with CacheWriter(tmp_path, clock=Clock()):
        assert len([path for path in archive_files(tmp_path) if str(TODAY) in path.name]) == 1
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert_lists(snapshot, tasks)
            assert snapshot.damage == ()


@pytest.mark.parametrize(
    "name", ["archive.1.zst.tmp", "archive.x", "archive.0123", "archive.-5", "archive.", "other"]
)
def test_files_of_other_names_are_passed_over(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, [finished(1, TODAY)])
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.housekeep(merge_now=True)
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, [])
    assert (tmp_path / name).exists()


@pytest.mark.skipif(not (FIXTURES / "pdm-cache").exists(), reason="needs PDM's recorded cache")
def test_pdms_own_directory_shows_the_tasks_pdm_lists_in_order_and_merges_to_the_same(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    shutil.copytree(FIXTURES / "pdm-cache", directory)
    directory.chmod(0o700)
    for path in directory.iterdir():
        path.chmod(0o600)
    told: dict[str, Task] = {}
    for line in (FIXTURES / "pdm-cache.jsonl").read_bytes().splitlines():
        row = orjson.loads(line)
        task = Task(row["upid"], row["starttime"], row.get("endtime"), row.get("status"))
        told[task.upid] = later(told.get(task.upid, task), task)
    history = in_order([task for task in told.values() if not task.running])
    active = in_order([task for task in told.values() if task.running])
    assert (len(history), len(active)) == (3_040, 12)
    clock = Clock(1_795_392_000 + 86_390)
    for merge in (False, True):
        if merge:
            with CacheWriter(directory, clock=clock) as writer:
                cutoff = writer.cutoff("pve-3", "pve-2")
                writer.housekeep(merge_now=True)
                assert (writer.cutoff("pve-3", "pve-2"), cutoff) == (1_795_473_899, 1_795_473_899)
            assert read_by_hand(directory) == history
        with TaskCache(directory).snapshot() as snapshot:
            assert snapshot.damage == ()
            assert snapshot.running() == active
            assert_lists(snapshot, history, ["", "status:error", "remote:pbs* user:root@pam"])
