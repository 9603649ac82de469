"""Crashes at every step on the disk: what was durable is there afterwards, once, and the next start needs no
hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.archive import CacheWriter, TaskCache
from backend.archive.files import DAY
from backend.task import Task
from tests.archive.crashing import BATCHES, IN_PLACE, LONG, MISPLACED, NODE, live, prepare
from tests.archive.model import NOW, Clock, assert_lists

ROOT = Path(__file__).parents[2]
ALL = {task.upid: task for task in IN_PLACE + MISPLACED} | {
    task.upid: task for batch in BATCHES for task in batch.tasks if not task.running
}


def die_at_each_step(place: Path) -> list[Path]:
    """The folders of workers that died, each at another step."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.archive.crashing", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    folders: list[str] = json.loads(done.stdout)
    assert len(folders) > 40
    return [place / folder for folder in folders]


def durable(life: Path) -> list[int]:
    """The batches that were acknowledged before the crash."""
    path = life / "acknowledged"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def expected(batches: list[int]) -> tuple[set[str], set[str]]:
    """The UPIDs that must be in the history and among the running tasks after these batches."""
    history = {task.upid for task in IN_PLACE + MISPLACED}
    active: set[str] = set()
    for number in batches:
        history |= {task.upid for task in BATCHES[number].tasks if not task.running}
        active |= {task.upid for task in BATCHES[number].tasks if task.running}
    return history, active - history


def assert_whole(directory: Path, batches: list[int]) -> None:
    """Nothing durable is missing, nothing stands twice, nothing is made up."""
    with TaskCache(directory).snapshot() as snapshot:
        listed = list(snapshot.iterate())
        active = [task.upid for task in snapshot.running()]
        assert snapshot.damage == ()
    assert [task.key for task in listed] == sorted(task.key for task in listed)
    upids = [task.upid for task in listed]
    history, must_run = expected(batches)
    assert len(set(upids)) == len(upids)
    assert history <= set(upids) <= ALL.keys()
    assert all(ALL[task.upid] == task for task in listed)
    assert must_run - set(upids) <= set(active)
    assert not set(active) & set(upids)


def test_a_crash_at_any_step_loses_nothing_and_the_same_work_ends_as_if_there_had_been_none(
    tmp_path: Path,
) -> None:
    lives = die_at_each_step(tmp_path)
    for life in lives:
        batches = durable(life)
        assert_whole(life / "cache", batches)
        clock = Clock(NOW + (DAY if len(batches) > 1 else 0))
        with CacheWriter(life / "cache", clock=clock) as writer:
            assert_whole(life / "cache", batches)
            assert not list((life / "cache").glob(".tmp-*")), life
            reached = writer.cutoff(*NODE)
            covered = [number for number, batch in enumerate(BATCHES) if (reached or 0) >= batch.cutoffs[NODE]]
            assert_whole(life / "cache", covered)
            assert len(covered) >= len(batches)
            writer.housekeep(merge_now=True)
            assert_whole(life / "cache", covered)

    for life in lives[::7]:
        live(life / "cache", lambda _: None)
        with TaskCache(life / "cache").snapshot() as snapshot:
            assert list(snapshot.iterate()) == sorted(ALL.values(), key=lambda task: task.key)
            assert [task.upid for task in snapshot.running()] == [BATCHES[0].tasks[-1].upid]


def test_renames_are_on_disk_before_an_old_file_goes_and_before_a_batch_is_called_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending: list[str] = []
    removed_too_soon: list[str] = []
    real_replace, real_fsync, real_unlink = os.replace, os.fsync, os.unlink

    def replace(source: str, target: str) -> None:
        real_replace(source, target)
        pending.append(str(target))

    def fsync(handle: int) -> None:
        real_fsync(handle)
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            pending.clear()

    def unlink(path: str) -> None:
        if pending:
            removed_too_soon.append(str(path))
        real_unlink(path)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(os, "fsync", fsync)
    prepare(tmp_path / "cache")
    left: list[list[str]] = []
    live(tmp_path / "cache", lambda _: left.append(pending.copy()))
    assert left == [[], [], []]
    assert pending == []
    assert removed_too_soon == []


def test_a_task_that_ended_in_the_moment_of_the_crash_does_not_run_on(tmp_path: Path) -> None:
    """The journal had its end already, the active file did not know yet."""
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(BATCHES[0])
        active = (tmp_path / "active").read_bytes()
        writer.store(BATCHES[1])
    (tmp_path / "active").write_bytes(active)
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.housekeep(merge_now=True)
        with TaskCache(tmp_path).snapshot() as snapshot:
            assert LONG.upid not in [task.upid for task in snapshot.running()]
            assert_lists(snapshot, in_order(BATCHES[0].tasks, BATCHES[1].tasks), [""])


def in_order(*batches: object) -> list[Task]:
    tasks = [task for batch in batches if isinstance(batch, list) for task in batch]
    return sorted((task for task in tasks if not task.running), key=lambda task: task.key)
