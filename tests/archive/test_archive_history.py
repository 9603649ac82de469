"""The cache against a model: whatever is stored, merged, rotated, however the clock goes and whenever the worker
is restarted, readers are shown exactly what a plain dictionary would show."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend.archive import Batch, CacheWriter, Snapshot, TaskCache
from backend.archive.archive_file import open_archives
from backend.archive.files import DAY
from backend.archive.history import History
from backend.archive.matching import ColumnMatcher
from backend.query import parse_filter
from backend.task import Task
from tests.archive.model import (
    FILTERS,
    NOW,
    TODAY,
    Clock,
    Model,
    assert_lists,
    finished,
    read_by_hand,
    running,
    spread,
)

numbers = st.integers(0, 30)
ages = st.sampled_from([0, 60, 3_600, DAY, 3 * DAY, 6 * DAY, 7 * DAY, 9 * DAY, -3_600, -2 * DAY])
reports = st.tuples(numbers, ages, st.sampled_from(["running", "OK", "failed", "later"]))


def task_of(report: tuple[int, int, str]) -> Task:
    """A report of one of a few tasks, so that the same ones come again, in another form."""
    number, age, form = report
    start = NOW - age - number * 7
    if form == "running":
        return running(number, start)
    return finished(number, start, end=start + (90 if form == "later" else 60), status=form)


class CacheMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="cache-"))
        self.clock = Clock()
        self.writer = CacheWriter(self.directory, clock=self.clock)
        self.reader = TaskCache(self.directory)
        self.model = Model(self.clock.now)
        self.held: tuple[Snapshot, list[Task], list[Task]] | None = None
        self.base = 1_000

    def teardown(self) -> None:
        if hasattr(self, "writer"):
            if self.held is not None:
                self.held[0].close()
            self.writer.close()
            self.reader.close()
            shutil.rmtree(self.directory)

    @rule(batch=st.lists(reports, min_size=1, max_size=8))
    def store(self, batch: list[tuple[int, int, str]]) -> None:
        tasks = [task_of(report) for report in batch]
        self.writer.store(Batch(tasks))
        self.model.store(tasks, self.clock.now)

    # each look compares every row: two such stores make several frames, and one to merge into
    @precondition(lambda self: self.base < 21_000)
    @rule(count=st.sampled_from([520, 1_050]), days=st.integers(0, 7))
    def store_many(self, count: int, days: int) -> None:
        tasks = spread(count, first=TODAY - days * DAY, base=self.base)
        self.base += 10_000
        self.writer.store(Batch(tasks))
        self.model.store(tasks, self.clock.now)

    @rule()
    def merge(self) -> None:
        assert self.writer.housekeep(merge_now=True)
        self.model.merge(self.clock.now)
        assert read_by_hand(self.directory) == self.model.history()
        assert not self.writer.housekeep()

    @rule()
    def housekeep_when_due(self) -> None:
        if self.writer.housekeep():
            self.model.merge(self.clock.now)

    @rule(seconds=st.sampled_from([3_600, DAY, 3 * DAY, -60, -DAY, -3 * DAY]))
    def pass_time(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule()
    def leap_years_ahead_and_back(self) -> None:
        now = self.clock.now
        for self.clock.now in (now + 4_000 * DAY, now):
            self.writer.housekeep()
            self.model.open(self.clock.now)
            self.model.merge(self.clock.now)

    @rule()
    def restart(self) -> None:
        self.writer.close()
        self.writer = CacheWriter(self.directory, clock=self.clock)
        self.model.open(self.clock.now)

    @rule()
    def store_the_same_again(self) -> None:
        before = (self.directory / "journal").read_bytes() if (self.directory / "journal").exists() else b""
        self.writer.store(Batch([*self.writer.running.values()]))
        after = (self.directory / "journal").read_bytes() if (self.directory / "journal").exists() else b""
        assert after == before

    @precondition(lambda self: self.held is None)
    @rule()
    def hold_a_snapshot(self) -> None:
        self.held = (self.reader.snapshot(), self.model.history(), self.model.running())

    @precondition(lambda self: self.held is not None)
    @rule()
    def look_at_the_held_snapshot_again(self) -> None:
        assert self.held is not None
        snapshot, history, active = self.held
        assert_lists(snapshot, history, FILTERS[:3])
        assert snapshot.running() == active
        snapshot.close()
        self.held = None

    @invariant()
    def shows_what_the_model_shows(self) -> None:
        if not hasattr(self, "writer"):
            return
        with self.reader.snapshot() as snapshot:
            assert snapshot.running() == self.model.running()
            assert list(snapshot.iterate()) == self.model.history()
            assert snapshot.damage == ()
        with TaskCache(self.directory).snapshot() as snapshot:
            assert_lists(snapshot, self.model.history(), ["", FILTERS[len(self.model.known) % len(FILTERS)]])
        assert not list(self.directory.glob(".tmp-*"))


TestCache = CacheMachine.TestCase
TestCache.settings = settings(max_examples=20, stateful_step_count=25)


def test_tasks_of_one_second_over_several_frames_are_told_apart(tmp_path: Path) -> None:
    tasks = sorted((finished(number, NOW) for number in range(1_300)), key=lambda task: task.key)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch([*tasks, finished(5_000, NOW - 1), finished(5_001, NOW + 1)]))
        writer.housekeep(merge_now=True)
    history = [finished(5_001, NOW + 1), *tasks, finished(5_000, NOW - 1)]
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, history, [f"until:{NOW}", f"since:{NOW}", f"until:{NOW - 1}", f"since:{NOW + 1}"])


def test_later_forms_of_archived_tasks_take_their_places_in_a_cache_that_was_filtered_before(
    tmp_path: Path,
) -> None:
    tasks = spread(1_500)
    news = [finished(9_000 + number, NOW - 9_000 * number) for number in range(60)]
    later = [
        finished(number, task.starttime, end=NOW + 5, status="job errors") for number, task in enumerate(tasks)
    ]
    cache = TaskCache(tmp_path)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        writer.housekeep(merge_now=True)
        with cache.snapshot() as snapshot:
            assert_lists(snapshot, sorted(tasks, key=lambda task: task.key), ["type:vzdump"])
        writer.store(Batch([*news, *later[::50]]))
    held = {task.upid: task for task in (*tasks, *news, *later[::50])}
    with cache.snapshot() as snapshot:
        assert_lists(snapshot, sorted(held.values(), key=lambda task: task.key), FILTERS[:7])


def test_every_question_is_answered_over_many_frames_and_a_journal_between_them(tmp_path: Path) -> None:
    tasks = spread(2_700)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks[::2]))
        writer.housekeep(merge_now=True)
        writer.store(Batch(tasks[1::2]))
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert_lists(snapshot, tasks[::-1])
        writer.housekeep(merge_now=True)
    assert read_by_hand(tmp_path) == tasks[::-1]
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert_lists(snapshot, tasks[::-1], FILTERS[::3])


def test_a_change_of_one_day_leaves_what_is_known_of_the_others(tmp_path: Path) -> None:
    tasks = spread(2_000)
    wanted = parse_filter(f"status:error since:{TODAY - 5 * DAY}", now=NOW)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        writer.housekeep(merge_now=True)
        files = list(open_archives(tmp_path, {}).values())
        first = History(files, [])
        number = first.count(wanted)
        new = finished(90_000, NOW - 5, status="it broke")
        second = History(files, [new], first)
        assert second.count(wanted) == number + 1
        # Those of the other days are the same, with all that was counted in them.
        assert second.parts[0] is not first.parts[0]
        assert all(one is other for one, other in zip(second.parts[1:], first.parts[1:], strict=True))
        for file in files:
            file.release()


def test_a_filter_whose_times_move_on_is_not_matched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(spread(2_000)))
        writer.housekeep(merge_now=True)
    with TaskCache(tmp_path).snapshot() as snapshot:
        early, late = (parse_filter("status:error since:3d", now=now) for now in (NOW, NOW + 3))
        count = snapshot.count(early)
        matched = []
        monkeypatch.setattr(ColumnMatcher, "match", lambda self, terms: matched.append(terms))
        assert count - 1 <= snapshot.count(late) <= count
        assert not matched
