"""The benchmark measures every line it names, and says so; what the times are is not judged here."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.bench.__main__ import main
from tests.bench.data import RARE_TASKS, RARE_USER, history, journal_line, newly_finished
from tests.bench.lines import LINES, NAMES


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["--tasks", "3000", "--seconds", "0.01", *arguments], catch_exceptions=False)


def measured(table: str) -> list[str]:
    """The names that a table begins its rows with."""
    return [name for line in table.splitlines() for name in line.split()[:1] if name in NAMES]


def test_every_line_is_measured_compared_with_sqlite_and_held_against_its_budget(tmp_path: Path) -> None:
    done = bench("--data", str(tmp_path), "--json", "-")
    assert done.exit_code == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["not_measured"] == {}
    assert [line["name"] for line in report["lines"]] == list(NAMES)
    budgets = {line.name: line.budget for line in LINES}
    for line in report["lines"]:
        assert line["repetitions"] > 0
        assert 0 < line["median"] <= line["p99"] <= line["worst"]
        assert line["sqlite"] > 0 and line["ratio"] > 0
        assert line["budget"] == budgets[line["name"]]
        if line["budget"] is None:
            assert line["met"] is None
        elif line["name"] != "open":  # which is judged by its imports, too
            assert line["met"] == (line[line["judged"]] <= line["budget"])


def test_the_data_is_reused_and_left_as_it_was(tmp_path: Path) -> None:
    def archives() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in place.glob("cache/archive.*")}

    place = tmp_path / "tasks-3000"
    assert bench("--data", str(tmp_path), "--only", "disk").exit_code == 0
    before = archives()
    done = bench("--data", str(tmp_path), "--only", "page-top,merge-week", "--only", "append")
    assert done.exit_code == 0, done.stderr
    assert f"reusing {place}" in done.stderr
    assert measured(done.stdout) == ["page-top", "append", "merge-week"]
    assert archives() == before
    assert list((place / "work").iterdir()) == []


def test_where_sqlite_answers_otherwise_nothing_is_measured_but_the_rest_is_shown(tmp_path: Path) -> None:
    assert bench("--data", str(tmp_path), "--only", "disk").exit_code == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "tasks-3000" / "sqlite.db")) as database:
        database.execute("DELETE FROM tasks WHERE status_class = 'running'")
        database.commit()
    done = bench("--data", str(tmp_path), "--only", "running,disk")
    assert done.exit_code == 1
    assert "could not measure running" in done.stderr and "Traceback" not in done.stderr
    assert "not measured: running: SQLite gives another answer than the cache" in done.stdout
    assert set(measured(done.stdout)) == {"running", "disk"}


def test_a_line_that_is_not_there_is_refused_by_name() -> None:
    done = bench("--only", "page-top,nonsense")
    assert done.exit_code == 2
    assert "'nonsense'" in done.stderr and "merge-day" in done.stderr


def test_a_place_that_cannot_hold_the_data_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "tasks-3000").write_text("")
    done = bench("--data", str(tmp_path))
    assert done.exit_code == 1
    assert "could not make or reuse the data" in done.stderr and "Traceback" not in done.stderr


def test_the_data_is_the_same_each_time_and_as_promised() -> None:
    rows = [row for chunk in history(20_000) for row in chunk]
    assert rows == [row for chunk in history(20_000) for row in chunk]
    assert len({row.upid for row in rows}) == 20_000
    assert [row.starttime for row in rows] == sorted(row.starttime for row in rows)
    assert sum(row.user == RARE_USER for row in rows) == RARE_TASKS
    shares = {sort: sum(row.status_class == sort for row in rows) / 200 for sort in ("ok", "warning", "error")}
    assert shares == pytest.approx({"ok": 92, "warning": 3, "error": 4}, abs=0.6)
    for row in rows[::97]:
        task = row.task
        parsed = (task.remote, task.node, task.worker_type, task.worker_id or "", task.user, task.starttime)
        assert parsed == (row.remote, row.node, row.type, row.id, row.user, row.starttime)


def test_new_rows_fill_a_journal_and_are_none_of_the_history() -> None:
    since = next(history(1_000))[0].starttime
    rows = newly_finished(100_000, since)
    assert 99_000 < sum(len(journal_line(row)) for row in rows) <= 100_000
    assert all(row.starttime >= since // 86_400 * 86_400 for row in rows)
    assert not {row.upid for row in rows} & {row.upid for chunk in history(1_000) for row in chunk}
