"""Lists and logs in files: what is in them, and that they are whole or not there."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter, ScanCancelled, Snapshot, TaskCache
from backend.export import export_lines, export_tasks, exported
from backend.query import Filter, parse_filter
from backend.report import TASK_FIELDS, export_record
from backend.task import Task
from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks

TASKS = [*finished_tasks(1_200), *running_tasks()]


@pytest.fixture
def snapshot(tmp_path: Path) -> Iterator[Snapshot]:
    """A snapshot of 1,200 finished tasks and four running ones."""
    with CacheWriter(tmp_path / "cache", clock=lambda: NOW) as writer:
        writer.store(Batch(TASKS))
    with TaskCache(tmp_path / "cache").snapshot() as snapshot:
        yield snapshot


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_json_lines_hold_all_that_match_newest_first(snapshot: Snapshot, tmp_path: Path) -> None:
    told: list[int] = []
    path = tmp_path / "list.jsonl"
    wanted = parse_filter("-status:ok")
    number = export_tasks(snapshot, wanted, path, progress=told.append)
    expected = sorted(filter(wanted.matcher(), TASKS), key=lambda task: task.key)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [task.as_dict() for task in expected]
    assert number == (len(expected) - 4, 4)
    assert path.stat().st_mode & 0o777 == 0o600
    assert told == [0]


def test_csv_holds_the_same(snapshot: Snapshot, tmp_path: Path) -> None:
    told: list[int] = []
    path = tmp_path / "list.CSV"
    assert export_tasks(snapshot, Filter(), path, progress=told.append) == (1_200, 4)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["upid"] for row in rows] == [task.upid for task in sorted(TASKS, key=lambda task: task.key)]
    assert told == [0, 500, 1_000]
    assert tuple(rows[0])[: len(TASK_FIELDS)] == TASK_FIELDS


def test_csv_tells_what_and_when_in_words_too() -> None:
    task = pve_task(NOW - 9, kind="qmstart", id="101", end=NOW)
    record = export_record(task, timezone(timedelta(hours=2)))
    assert (record["description"], record["started"], record["ended"]) == (
        "VM 101 - Start",
        "2026-11-24T16:31:56+02:00",
        "2026-11-24T16:32:05+02:00",
    )
    running = export_record(running_tasks()[0])
    assert running["ended"] is None and datetime.fromisoformat(running["started"]).tzinfo is not None


def test_hostile_texts_are_harmless_in_the_file(tmp_path: Path) -> None:
    task = pve_task(NOW - 9, id="[red]\x1b", status="\x1b]0;x\x07\u202e", end=NOW)
    with CacheWriter(tmp_path / "cache", clock=lambda: NOW) as writer:
        writer.store(Batch([task]))
    with TaskCache(tmp_path / "cache").snapshot() as snapshot:
        for name in ("a.csv", "a.jsonl"):
            export_tasks(snapshot, Filter(), tmp_path / name)
            text = (tmp_path / name).read_text()
            assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_a_file_that_is_there_stays_unless_it_may_be_overwritten(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        export_tasks(snapshot, Filter(), path)
    assert path.read_text() == "mine" and files(tmp_path) == ["list.csv"]
    export_tasks(snapshot, Filter(), path, overwrite=True)
    assert path.read_text().startswith("upid,remote,")


def test_a_file_that_came_meanwhile_stays(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"

    def meanwhile(number: int) -> None:
        path.write_text("mine")

    with pytest.raises(FileExistsError):
        export_tasks(snapshot, Filter(), path, progress=meanwhile)
    assert path.read_text() == "mine" and files(tmp_path) == ["list.csv"]


def test_what_is_given_up_leaves_no_file(snapshot: Snapshot, tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(ScanCancelled):
        export_tasks(snapshot, Filter(), tmp_path / "list.csv", progress=told.append, cancelled=lambda: bool(told))
    assert files(tmp_path) == []
    # even where that comes after the last task
    done = [False]
    with (
        pytest.raises(ScanCancelled),
        exported(tmp_path / "a", overwrite=False, cancelled=lambda: done[0]) as file,
    ):
        file.write(b"all")
        done[0] = True
    assert files(tmp_path) == []


def test_where_nothing_can_be_written_that_is_an_error(snapshot: Snapshot, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        export_tasks(snapshot, Filter(), tmp_path / "not" / "there.csv")


async def test_lines_are_written_as_they_come(tmp_path: Path) -> None:
    async def lines() -> AsyncIterator[str]:
        for number in range(1_203):
            yield f"line {number}"

    told: list[int] = []
    path = tmp_path / "task.log"
    assert await export_lines(lines(), path, progress=told.append) == 1_203
    assert path.read_text().splitlines() == [f"line {number}" for number in range(1_203)]
    assert told == [500, 1_000, 1_203]


async def test_lines_that_fail_or_are_given_up_leave_no_file(tmp_path: Path) -> None:
    async def failing() -> AsyncIterator[str]:
        yield "first"
        raise ValueError("gone")

    async def endless() -> AsyncIterator[str]:
        while True:
            yield "line"
            await asyncio.sleep(0)

    path = tmp_path / "task.log"
    with pytest.raises(ValueError, match="gone"):
        await export_lines(failing(), path, progress=lambda number: None)
    begun = asyncio.Event()
    writing = asyncio.create_task(export_lines(endless(), path, progress=lambda number: begun.set()))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert files(tmp_path) == []


def test_running_tasks_are_among_them(snapshot: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "running.jsonl"
    export_tasks(snapshot, parse_filter("status:running"), path)
    expected: list[Task] = running_tasks()
    assert [json.loads(line)["upid"] for line in path.read_text().splitlines()] == [task.upid for task in expected]
