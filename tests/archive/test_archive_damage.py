"""Damaged files: what is whole is still shown, what is lost is told and fetched again, nothing is ever stuck."""

from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.archive import Batch, CacheError, CacheWriter, TaskCache
from backend.archive.files import DAY
from backend.archive.lines import encode_all
from backend.query import parse_filter
from backend.task import Task
from tests.archive.model import NOW, TODAY, Clock, assert_lists, finished, read_by_hand, running, spread

NODE = ("wien", "pve2")
TASKS = spread(2_000, first=TODAY, last=NOW)[::-1]
"""A day of four frames, newest first."""


def merged(directory: Path, tasks: list[Task]) -> Path:
    """A cache of these tasks, merged, with a cutoff; returns the file of today."""
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch(tasks, {NODE: NOW}))
        writer.housekeep(merge_now=True)
    return directory / f"archive.{TODAY}.zst"


def listed(directory: Path) -> tuple[list[Task], tuple[str, ...]]:
    with TaskCache(directory).snapshot() as snapshot:
        return list(snapshot.iterate()), snapshot.damage


def mend(directory: Path) -> int:
    """Let the worker find the damage; returns from when on it fetches again."""
    with CacheWriter(directory, clock=Clock()) as writer:
        assert writer.housekeep()
        assert not writer.housekeep()
        return writer.cutoff(*NODE) or 0


def flip(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]


def cut(content: bytes, position: int) -> bytes:
    return content[:position]


def overwrite(content: bytes, position: int) -> bytes:
    return content[:position] + bytes(len(content[position : position + 3_000])) + content[position + 3_000 :]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return merged(tmp_path_factory.mktemp("whole"), TASKS).read_bytes()


@settings(max_examples=40)
@given(st.floats(0, 0.9999), st.sampled_from([flip, cut, overwrite]))
def test_damage_anywhere_in_a_file_costs_some_frames_is_told_and_is_fetched_again(
    tmp_path_factory: pytest.TempPathFactory,
    whole: bytes,
    where: float,
    harm: Callable[[bytes, int], bytes],
) -> None:
    directory = tmp_path_factory.mktemp("damage")
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch([], {NODE: NOW}))
        writer.housekeep()
    (directory / f"archive.{TODAY}").unlink()
    path = directory / f"archive.{TODAY}.zst"
    path.write_bytes(harm(whole, int(where * len(whole))))
    known = {task.upid: task for task in TASKS}
    shown, damage = listed(directory)
    lost = [task for task in TASKS if task not in set(shown)]
    assert all(known[task.upid] == task for task in shown)
    assert [task.key for task in shown] == sorted(task.key for task in shown)
    if harm is flip:
        assert len(lost) <= 512
    assert damage or not lost
    if damage:
        assert path.name in damage[0]
        assert mend(directory) <= min((task.starttime for task in lost), default=NOW)
    assert listed(directory) == (shown, ())


def test_of_a_damaged_frame_exactly_its_own_tasks_are_lost_and_its_time_alone_is_fetched_again(
    tmp_path: Path,
) -> None:
    path = merged(tmp_path, TASKS)
    content = path.read_bytes()
    second = content.index(b"\x28\xb5\x2f\xfd", 4)
    path.write_bytes(flip(content, second + 300))
    shown, damage = listed(tmp_path)
    assert shown == TASKS[:512] + TASKS[1_024:]
    assert len(damage) == 1
    assert "damaged frame" in damage[0]
    since = mend(tmp_path)
    assert TASKS[1_024].starttime <= since <= TASKS[1_023].starttime
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([task for task in TASKS if task.starttime >= since], {NODE: NOW}))
        writer.housekeep(merge_now=True)
        assert writer.cutoff(*NODE) == NOW
    assert listed(tmp_path) == (TASKS, ())
    assert read_by_hand(tmp_path) == TASKS


def second_frame_flipped(path: Path) -> None:
    """Flip a bit in the second frame, in place, as a disk does."""
    content = path.read_bytes()
    place = content.index(b"\x28\xb5\x2f\xfd", 4) + 300
    with path.open("r+b") as file:
        file.seek(place)
        file.write(bytes([content[place] ^ 0x10]))


def test_a_reader_that_came_upon_damage_goes_on_with_the_rest(tmp_path: Path) -> None:
    path = merged(tmp_path, TASKS)
    second_frame_flipped(path)
    cache = TaskCache(tmp_path)
    with cache.snapshot() as snapshot:
        assert not set(TASKS[512:1_024]).intersection(snapshot.page(None, 600, 200))
        found_out = snapshot.version
    for _ in range(2):
        with cache.snapshot() as snapshot:
            assert_lists(snapshot, TASKS[:512] + TASKS[1_024:], ["", "status:error"])
            assert len(snapshot.damage) == 1
            assert snapshot.version != found_out


def test_damage_that_only_a_merge_comes_upon_is_told_and_fetched_again(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(TASKS, {NODE: NOW}))
        writer.housekeep(merge_now=True)
        second_frame_flipped(tmp_path / f"archive.{TODAY}.zst")
        late = finished(50_000, TASKS[700].starttime)
        writer.store(Batch([late]))
        writer.housekeep(merge_now=True)
        cutoff = writer.cutoff(*NODE)
        assert cutoff is not None and cutoff <= TASKS[1_023].starttime
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert list(snapshot.iterate()) == [*TASKS[:512], late, *TASKS[1_024:]]


def test_a_damaged_frame_behind_a_damaged_index_costs_its_own_tasks_alone(tmp_path: Path) -> None:
    path = merged(tmp_path, TASKS)
    second_frame_flipped(path)
    index = path.with_suffix("").with_suffix(f".{TODAY}.idx")
    index.write_bytes(flip(index.read_bytes(), len(index.read_bytes()) - 200))
    cache = TaskCache(tmp_path)
    with cache.snapshot() as snapshot:
        failed = parse_filter("status:error", now=NOW)
        assert all(failed.matches(task) for task in snapshot.page(failed, 0, 5_000))
    with cache.snapshot() as snapshot:
        assert_lists(snapshot, TASKS[:512] + TASKS[1_024:], ["status:error", "type:vzdump"])


def test_a_fetch_that_was_under_way_when_damage_was_found_does_not_move_the_cutoff_back_up(tmp_path: Path) -> None:
    path = merged(tmp_path, TASKS)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) == NOW
    path.write_bytes(flip(path.read_bytes(), 300))
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) == NOW  # a fetch begins
        writer.housekeep()
        writer.store(Batch([finished(9_000, NOW)], {NODE: NOW}))  # and ends
        lowered = writer.cutoff(*NODE)  # the next one begins
        assert lowered is not None
        assert lowered <= TASKS[511].starttime
        writer.store(Batch(TASKS[:512], {NODE: NOW}))
        assert writer.cutoff(*NODE) == NOW


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 500, b"not zstd at all", b"\x28\xb5\x2f\xfd", zstd.compress(b"x\n")]
)
def test_a_compressed_file_that_is_none_is_told_and_its_day_is_fetched_again(
    tmp_path: Path, content: bytes
) -> None:
    tasks = spread(30, first=TODAY - DAY, last=TODAY)
    merged(tmp_path, tasks)
    path = tmp_path / f"archive.{TODAY - DAY}.zst"
    path.write_bytes(content)
    shown, damage = listed(tmp_path)
    assert shown == []
    assert path.name in " ".join(damage)
    assert mend(tmp_path) == TODAY - DAY


def test_a_frame_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.archive.survey.MAX_CONTENT", 100_000)
    path = merged(tmp_path, TASKS[:3])
    path.write_bytes(zstd.compress(b"\n" * 300_000_000))
    _, damage = listed(tmp_path)
    assert "more than 100000 bytes" in damage[0]


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff\xfe\xff",
        b"{}",
        b"[]",
        b"null",
        b'{"upid":5,"starttime":1,"endtime":2,"status":"OK"}',
        b'{"upid":"pve:wien!UPID:x","starttime":1,"endtime":2,"status":"OK"}',
        b'{"upid":"',
        b'{"upid":"%s","starttime":1,"endtime":"2","status":"OK"}' % TASKS[50].upid.encode(),
        b'{"upid":"%s","starttime":1,"endtime":true,"status":"OK"}' % TASKS[50].upid.encode(),
        b'{"upid":"%s","starttime":1,"endtime":2,"status":["OK"]}' % TASKS[50].upid.encode(),
        b"[" * 5_000,
        b"\0" * 100,
    ],
)
def test_a_bad_line_of_a_plain_file_costs_that_line_alone_and_its_day_is_fetched_again(
    tmp_path: Path, bad: bytes
) -> None:
    merged(tmp_path, TASKS).unlink()
    lines = encode_all(TASKS[:1_200]).splitlines()
    lines[50] = bad
    (tmp_path / f"archive.{TODAY}").write_bytes(b"\n".join(lines) + b"\n")
    shown, damage = listed(tmp_path)
    assert shown == TASKS[:50] + TASKS[51:1_200]
    assert damage == (f"archive.{TODAY}: 1 unreadable line at byte 0",)
    assert mend(tmp_path) == TODAY
    assert listed(tmp_path) == (shown, ())


def test_a_plain_file_cut_within_a_line_is_noticed(tmp_path: Path) -> None:
    merged(tmp_path, TASKS).unlink()
    (tmp_path / f"archive.{TODAY}").write_bytes(encode_all(TASKS[:1_200])[:-30])
    shown, damage = listed(tmp_path)
    assert shown == TASKS[:1_199]
    assert "1 unreadable line" in damage[0]
    assert mend(tmp_path) == TODAY


@given(st.integers(1, 100))
def test_a_torn_last_line_of_the_journal_is_cut_off_and_swallows_nothing(
    tmp_path_factory: pytest.TempPathFactory, torn: int
) -> None:
    directory = tmp_path_factory.mktemp("torn")
    first, second, third = spread(3, first=TODAY, last=NOW)
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch([first, second]))
    journal = directory / "journal"
    journal.write_bytes(journal.read_bytes()[:-torn])
    assert listed(directory) == ([first], ())
    with CacheWriter(directory, clock=Clock()) as writer:
        writer.store(Batch([third]))
        assert listed(directory) == ([third, first], ())
        writer.housekeep(merge_now=True)
    assert listed(directory) == ([third, first], ())


def test_a_bad_line_within_the_journal_costs_that_line_alone_and_everything_is_fetched_again(
    tmp_path: Path,
) -> None:
    tasks = spread(9, first=TODAY - DAY, last=NOW)[::-1]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks, {NODE: NOW}))
    lines = (tmp_path / "journal").read_bytes().splitlines()
    lines[4] = lines[4][:20] + b"\x80" + lines[4][21:]
    (tmp_path / "journal").write_bytes(b"\n".join(lines) + b"\n")
    shown, damage = listed(tmp_path)
    assert shown == tasks[:4] + tasks[5:]
    assert damage == ("journal: 1 unreadable line",)
    assert mend(tmp_path) == TODAY - 6 * DAY
    assert listed(tmp_path) == (shown, ())


def test_a_bad_line_of_the_active_file_costs_that_task_alone(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([running(1, NOW), running(2, NOW - 1), running(3, NOW - 2)]))
    lines = (tmp_path / "active").read_bytes().splitlines()
    (tmp_path / "active").write_bytes(b"\n".join([lines[0], b"\xff", lines[2]]))
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert list(writer.running.values()) == [running(1, NOW), running(3, NOW - 2)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"remote-state":[]}',
        b'{"remote-state":{"wien":{"node-state":{"pve2":{}}}},"tracked-tasks":[]}',
        b'{"remote-state":{},"tracked-tasks":5}',
        b"\xff" * 50,
    ],
)
def test_a_broken_state_costs_time_but_no_task_and_is_kept_beside(tmp_path: Path, content: bytes) -> None:
    tasks = spread(9, first=TODAY - DAY, last=NOW)[::-1]
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([*tasks, running(77, NOW)], {NODE: NOW}))
    (tmp_path / "state").write_bytes(content)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) is None
        assert list(writer.running) == [running(77, NOW).upid]
        assert (tmp_path / ".broken-state").read_bytes() == content
        writer.store(Batch(tasks, {NODE: NOW}))
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) == NOW
    assert listed(tmp_path)[0] == tasks


@pytest.mark.parametrize(
    "name", ["journal", "active", "state", "health", f"archive.{TODAY}.zst", f"archive.{TODAY}"]
)
def test_a_directory_where_a_file_belongs_is_set_aside_and_stops_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "something").write_text("of somebody's")
    task = finished(1, NOW)
    assert listed(tmp_path) == ([], ())
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([task, running(2, NOW)], {NODE: NOW}))
        writer.housekeep(merge_now=True)
    assert listed(tmp_path) == ([task], ())
    (aside,) = tmp_path.glob(f".aside-{name}-*")
    assert (aside / "something").read_text() == "of somebody's"


@pytest.mark.parametrize("name", [".lock", ".worker-lock"])
def test_a_directory_where_a_lock_belongs_is_a_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(CacheError, match=name):
        with CacheWriter(tmp_path, clock=Clock()) as writer:
            writer.housekeep(merge_now=True)


def test_a_file_where_the_cache_directory_belongs_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "cache"
    path.write_text("")
    with pytest.raises(CacheError, match=str(path)):
        CacheWriter(path)
    with TaskCache(path).snapshot() as snapshot:
        assert_lists(snapshot, [], [""])


def test_a_deleted_file_of_the_oldest_days_is_fetched_again(tmp_path: Path) -> None:
    merged(tmp_path, spread(70))
    for age in (5, 6):
        (tmp_path / f"archive.{TODAY - age * DAY}.zst").unlink()
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        assert writer.cutoff(*NODE) == TODAY - 6 * DAY


def test_leftover_temporaries_are_removed_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / ".tmp-archive.1.zst.abc").write_text("half")
    with CacheWriter(tmp_path, clock=Clock()):
        assert not list(tmp_path.glob(".tmp-*"))
