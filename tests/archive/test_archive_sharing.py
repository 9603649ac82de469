"""One writer and many readers on one directory: locks, what a reader sees in the middle of things, file modes."""

import gc
import os
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from backend.archive import Batch, CacheBusy, CacheError, CacheWriter, ScanCancelled, TaskCache
from backend.archive.files import DAY, locked
from backend.archive.health import Health
from backend.archive.history import History
from backend.archive.lines import encode_all
from backend.archive.merge import Merge, prepare_merge
from backend.archive.parts import Part
from backend.query import parse_filter
from tests.archive.model import NOW, TODAY, Clock, assert_lists, finished, running, spread

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from backend.archive import CacheWriter
with CacheWriter(Path(sys.argv[1])):
    print("holding", flush=True)
    sys.stdin.readline()
"""
READ_AS_NOBODY = """
import os, sys
from backend.archive import TaskCache
os.setgid(65534)
os.setuid(65534)
with TaskCache(sys.argv[1]).snapshot() as snapshot:
    print(snapshot.count())
"""


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A cache with tasks in every day's file, in the journal and running."""
    directory = tmp_path / "cache"
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch(spread(300)))
        writer.housekeep(merge_now=True)
        writer.store(Batch([finished(900, NOW), running(901, NOW)]))
    return directory


def test_one_process_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with CacheWriter(tmp_path), pytest.raises(CacheBusy, match=str(tmp_path)):
        CacheWriter(tmp_path)
    with CacheWriter(tmp_path):
        pass


def test_two_processes_have_one_writer_between_them(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    assert not cache.has_worker()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"holding\n"
        assert cache.has_worker()
        with pytest.raises(CacheBusy):
            CacheWriter(tmp_path)
        process.kill()
    with CacheWriter(tmp_path):
        assert cache.has_worker()


def test_a_writer_that_was_closed_stores_and_merges_nothing_any_more(tmp_path: Path) -> None:
    writer = CacheWriter(tmp_path, clock=Clock())
    writer.close()
    writer.close()
    with CacheWriter(tmp_path, clock=Clock()) as other:
        other.store(Batch([finished(1, NOW)]))
        with pytest.raises(CacheError):
            writer.store(Batch([finished(2, NOW)]))
        with pytest.raises(ScanCancelled):
            writer.housekeep(merge_now=True)
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert_lists(snapshot, [finished(1, NOW)], [""])


@pytest.mark.parametrize("replaced", [False, True])
def test_a_writer_that_lost_its_directory_writes_nothing_into_the_one_in_its_place(
    tmp_path: Path, replaced: bool
) -> None:
    directory, aside = tmp_path / "cache", tmp_path / "aside"
    node = ("wien", "pve1")
    clock = Clock()
    with CacheWriter(directory, clock=clock) as lost:
        lost.store(Batch([finished(1, NOW), running(2, NOW)], {node: NOW}))
        directory.rename(aside)
        if replaced:
            CacheWriter(directory, clock=clock).close()
            TaskCache(directory).request_refresh()
        before = {path.name: path.read_bytes() for path in directory.glob("*") if path.is_file()}
        clock.now += DAY
        for write in (
            lambda: lost.store(Batch()),
            lambda: lost.store(Batch([finished(3, NOW)])),
            lambda: lost.store(Batch([running(4, NOW)])),
            lambda: lost.store(Batch([], {node: NOW + 5})),
            lambda: lost.lower({node: NOW - 5}),
            lambda: lost.track([running(5, NOW).upid]),
            lambda: lost.keep_only([]),
            lambda: lost.write_health(Health()),
            lost.take_requests,
            lambda: lost.housekeep(merge_now=True),
        ):
            with pytest.raises(CacheError, match="the cache directory was deleted or replaced"):
                write()
        assert {path.name: path.read_bytes() for path in directory.glob("*") if path.is_file()} == before
        assert len(list(directory.glob("inbox/*"))) == replaced
    assert TaskCache(aside).snapshot().count() == 1


def test_a_merge_that_loses_its_directory_puts_nothing_into_the_one_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "cache"

    def lose(*arguments: Any, **options: Any) -> Merge:
        prepared = prepare_merge(*arguments, **options)
        directory.rename(tmp_path / "aside")
        (tmp_path / "other").rename(directory)
        return prepared

    with CacheWriter(tmp_path / "other", clock=Clock()) as other:
        other.store(Batch([finished(1, NOW)]))
        before = sorted(tmp_path.joinpath("other").iterdir())
        with CacheWriter(directory, clock=Clock()) as lost:
            lost.store(Batch([finished(2, NOW)]))
            monkeypatch.setattr("backend.archive.writer.prepare_merge", lose)
            with pytest.raises(CacheError, match="deleted or replaced"):
                lost.housekeep(merge_now=True)
    assert [path.name for path in sorted(directory.iterdir())] == [path.name for path in before]
    with TaskCache(directory).snapshot() as snapshot:
        assert list(snapshot.iterate()) == [finished(1, NOW)]


def test_readers_go_on_while_the_lock_is_held_by_another_reader(full: Path) -> None:
    with locked(full, exclusive=False), TaskCache(full).snapshot() as snapshot:
        assert snapshot.count() == 301


def test_a_lock_that_is_not_to_be_had_is_a_clear_error(full: Path) -> None:
    with locked(full, exclusive=True), pytest.raises(CacheError, match="another process has held"):
        with locked(full, exclusive=False, timeout=0.01):
            pytest.fail("two have the lock")


def test_readers_are_answered_alike_before_during_and_after_a_merge(tmp_path: Path) -> None:
    tasks = spread(3_000)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks[::2]))
        writer.housekeep(merge_now=True)
        writer.store(Batch(tasks[1::2]))
        merging = threading.Thread(target=writer.housekeep, kwargs={"merge_now": True})
        cache = TaskCache(tmp_path)
        wanted = parse_filter("status:error", now=NOW)
        errors = [task for task in tasks[::-1] if wanted.matches(task)]
        merging.start()
        reads = 0
        while merging.is_alive() or reads < 2:
            with cache.snapshot() as snapshot:
                assert snapshot.page(None, offset=1_000, limit=50) == tasks[::-1][1_000:1_050]
                assert snapshot.count(wanted) == len(errors)
                assert snapshot.page(wanted, limit=20) == errors[:20]
            reads += 1
        merging.join()
        with cache.snapshot() as snapshot:
            assert_lists(snapshot, tasks[::-1], ["", "status:error"])


def test_what_is_stored_while_merges_run_is_kept(tmp_path: Path) -> None:
    tasks = spread(1_500)
    stored = threading.Event()
    with CacheWriter(tmp_path, clock=Clock()) as writer:

        def merge_again_and_again() -> None:
            while not stored.is_set():
                writer.housekeep(merge_now=True)

        merging = threading.Thread(target=merge_again_and_again)
        merging.start()
        for number in range(0, len(tasks), 25):
            writer.store(Batch(tasks[number : number + 25]))
        stored.set()
        merging.join()
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert list(snapshot.iterate()) == tasks[::-1]


def test_a_task_that_ends_while_a_reader_opens_the_files_is_not_missed(tmp_path: Path) -> None:
    opened: list[str] = []
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([finished(2, NOW), running(1, NOW)]))

        def end_it_in_between(event: str, arguments: tuple[object, ...]) -> None:
            if event == "open" and len(opened) < 2 and str(arguments[0]).startswith(str(tmp_path)):
                name = Path(str(arguments[0])).name
                if name in ("active", "journal"):
                    opened.append(name)
                    if len(opened) == 2:
                        writer.store(Batch([finished(1, NOW)]))

        sys.addaudithook(end_it_in_between)
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert len(opened) == 2
            assert snapshot.running() == []
            assert snapshot.count() == 2


def test_a_journal_that_was_replaced_by_one_of_the_same_number_and_size_is_read_anew(tmp_path: Path) -> None:
    """File systems give the number of a removed file to the next one."""
    cache = TaskCache(tmp_path)
    journal = tmp_path / "journal"
    versions = []
    for number in (1, 2):
        task = finished(number * 4, NOW - number, status="OK")
        with journal.open("r+b" if journal.exists() else "xb") as file:
            file.write(encode_all([task]))
        with cache.snapshot() as snapshot:
            assert list(snapshot.iterate()) == [task]
            versions.append(snapshot.version)
    assert versions[0] != versions[1]


def test_snapshots_of_an_unchanged_cache_have_one_version_and_others_another(full: Path) -> None:
    cache = TaskCache(full)
    with cache.snapshot() as one, cache.snapshot() as other, TaskCache(full).snapshot() as third:
        assert one.version == other.version == third.version
    with CacheWriter(full, clock=Clock()) as writer:
        for batch in (Batch([running(5, NOW)]), Batch([finished(6, NOW)])):
            writer.store(batch)
            with cache.snapshot() as changed:
                assert changed.version != one.version


def test_the_same_view_taken_again_outlives_the_first_and_what_is_written_since(full: Path) -> None:
    first = TaskCache(full).snapshot()
    again = first.again()
    count, page = first.count(), first.page(limit=3)
    first.close()
    late = finished(902, NOW)
    with CacheWriter(full, clock=Clock()) as writer:
        writer.store(Batch([late]))
    with again:
        assert (again.version, again.count(), again.page(limit=3)) == (first.version, count, page)
        assert again.find(late.key) is None
    with pytest.raises(ValueError, match="closed"):
        again.again()


def test_a_snapshot_that_was_closed_says_so_instead_of_showing_less(full: Path) -> None:
    snapshot = TaskCache(full).snapshot()
    assert snapshot.count() == 301
    snapshot.close()
    with pytest.raises(ValueError, match="closed"):
        snapshot.count()


def test_a_scan_that_nobody_waits_for_ends(full: Path) -> None:
    with TaskCache(full).snapshot() as snapshot:
        for scan in (
            lambda: snapshot.count(None, cancelled=lambda: True),
            lambda: snapshot.page(None, cancelled=lambda: True),
            lambda: snapshot.locate(None, (0, ""), cancelled=lambda: True),
        ):
            with pytest.raises(ScanCancelled):
                scan()


def test_snapshots_leave_no_file_open(full: Path) -> None:
    cache = TaskCache(full)
    cache.snapshot().close()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        with CacheWriter(full, clock=Clock(NOW + number * DAY)) as writer:
            writer.housekeep(merge_now=True)
        with cache.snapshot() as snapshot:
            snapshot.count()
    cache.close()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_directories_are_for_the_owner_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    directory = tmp_path / "cache"
    old = os.umask(umask)
    try:
        TaskCache(directory).request_refresh()
        with CacheWriter(directory, clock=Clock()) as writer:
            writer.store(Batch([finished(1, NOW), running(2, NOW)], {("wien", "pve2"): NOW}))
            writer.housekeep(merge_now=True)
    finally:
        os.umask(old)
    modes = {
        path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in [directory, *directory.rglob("*")]
    }
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_file()} == {0o600}


def test_reading_makes_no_directory(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path / "none" / "at-all")
    with cache.snapshot() as snapshot:
        assert_lists(snapshot, [], [""])
        assert snapshot.running() == []
    assert not cache.exists()
    assert not cache.has_worker()
    assert cache.health().remotes == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody who may only read")
@pytest.mark.parametrize("with_lock", [True, False])
def test_a_directory_that_may_only_be_read_is_read(with_lock: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        (directory / f"archive.{TODAY}").write_bytes(encode_all(spread(5, first=TODAY)[::-1]))
        if with_lock:
            (directory / ".lock").touch()
        directory.chmod(0o755)
        for path in directory.iterdir():
            path.chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_NOBODY, name], cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert done.stdout == "5\n", done.stderr
        assert (directory / ".lock").exists() is with_lock


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody who may not read")
def test_a_file_that_may_not_be_read_is_a_clear_error() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        (directory / f"archive.{TODAY}").touch(0o600)
        directory.chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_NOBODY, name], cwd=ROOT, capture_output=True, text=True, timeout=30
        )
        assert f"CacheError: {name}/archive.{TODAY}: cannot read the cache: Permission denied" in done.stderr


def test_snapshots_that_nobody_asks_anything_keep_no_earlier_ones_alive(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    early = parse_filter(f"until:{NOW - 3 * DAY}", now=NOW)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(spread(500)))
        writer.housekeep(merge_now=True)
        kept = []
        for number in range(60):
            writer.store(Batch([finished(9_000 + number, NOW - number)]))
            with cache.snapshot() as snapshot:
                assert len(snapshot.running()) == 0
                if number % 2:
                    snapshot.count(early)
            if number in (20, 59):
                gc.collect()
                kept.append(sum(isinstance(one, History | Part) for one in gc.get_objects()))
    assert kept[1] <= kept[0] + 5


def test_rows_that_were_merged_do_not_pile_up_in_a_reader(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    sizes = []
    tracemalloc.start()
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        for _ in range(8):
            writer.store(Batch(spread(4_000, first=TODAY, last=NOW, base=0)))
            for _ in range(2):
                with cache.snapshot() as snapshot:
                    snapshot.page()
            writer.housekeep(merge_now=True)
            with cache.snapshot() as snapshot:
                snapshot.page()
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert sizes[-1] < 1.5 * sizes[2]
