"""Starts `fresh` in new processes, and the lines that are about a new process."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.ground import Ground
from tests.bench.measure import BenchError, Figure, median, repeat
from tests.bench.readers import PAGE, Read

OPENING = ("open", "import")
ALL = ("all", "all-memory")
NAMES = (*OPENING, *ALL, "open-journal", "open-filter", "paging-memory")

_ROOT = Path(__file__).parents[2]
_RUNS = 5
_LONGER = 5
"""A process takes its time to start: runs are repeated for so many times as long as a question."""
_PATIENCE = 600
"""Seconds after which a process is given up."""


def measure(ground: Ground, names: frozenset[str], seconds: float) -> Iterator[Figure]:
    """Measure those of the lines that are this module's."""
    if names.intersection(ALL):
        ours, sqlite = _runs(ground, "all", seconds)
        for one in (*ours, *sqlite):
            if one["rows"] != ground.tasks:
                raise BenchError(f"all: {one['rows']} tasks instead of {ground.tasks}")
        yield Figure("all", _each(ours, "seconds"), _each(sqlite, "seconds"))
        yield Figure("all-memory", _each(ours, "peak"), _each(sqlite, "peak"), _private(ours, sqlite))
    if names.intersection(OPENING):
        ours, sqlite = _runs(ground, "page", seconds)
        if {one["rows"] for one in (*ours, *sqlite)} != {min(PAGE, ground.tasks)}:
            raise BenchError("open: not the first 500 tasks were shown")
        numpy = ours[0]["numpy"]
        note = "numpy is imported, which a page must not need" if numpy else "numpy is not imported"
        yield Figure("open", _each(ours, "seconds"), _each(sqlite, "seconds"), note, broken=numpy)
        yield Figure("import", _each(ours, "import"), _each(sqlite, "import"))
    if "open-journal" in names:
        rows = ground.journal("week")
        with (
            ground.copy_with_journal("week") as directory,
            ground.open_database() as database,
            database.without_trace(rows),
        ):
            database.append(rows)
            ours, sqlite = _runs(ground, "page", seconds, directory)
        yield Figure("open-journal", _each(ours, "seconds"), _each(sqlite, "seconds"))
    if "open-filter" in names:
        ours, sqlite = _runs(ground, "errors", seconds)
        yield Figure("open-filter", _each(ours, "seconds"), _each(sqlite, "seconds"))
    if "paging-memory" in names:
        ours, sqlite = _runs(ground, "paging", 0)
        yield Figure("paging-memory", _each(ours, "peak"), _each(sqlite, "peak"), _private(ours, sqlite))


@contextmanager
def start_reading(store: str, path: Path, tasks: int) -> Iterator[Callable[[], list[Read]]]:
    """A new process that reads pages, warm already; the function handed out stops it and returns its reads."""
    process = subprocess.Popen(
        _command("reads", store, path, tasks), cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def stop() -> list[Read]:
        output, _ = process.communicate("stop\n", timeout=_PATIENCE)
        if process.returncode != 0:
            raise BenchError("the reading process failed")
        return [Read(*read) for read in json.loads(output)["reads"]]

    with process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise BenchError("the reading process did not get ready")
            yield stop
        finally:
            if process.poll() is None:
                process.kill()


def _runs(
    ground: Ground, what: str, seconds: float, cache: Path | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What `fresh` says of our cache (that of `ground`, unless another is given) and of SQLite, in turn."""
    ours, sqlite = [], []
    for _ in repeat(seconds * _LONGER, _RUNS):
        ours.append(_run(what, "cache", cache or ground.cache, ground.tasks))
        sqlite.append(_run(what, "sqlite", ground.database, ground.tasks))
    return ours, sqlite


def _run(what: str, store: str, path: Path, tasks: int) -> dict[str, Any]:
    command = _command(what, store, path, tasks)
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_PATIENCE)
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BenchError(f"the process for {what} failed: {last}")
    took: dict[str, Any] = json.loads(done.stdout)
    return took


def _command(what: str, store: str, path: Path, tasks: int) -> list[str]:
    return [sys.executable, "-m", "tests.bench.fresh", what, store, str(path.absolute()), str(tasks)]


def _each(runs: list[dict[str, Any]], key: str) -> list[float]:
    return [run[key] for run in runs]


def _private(ours: list[dict[str, Any]], sqlite: list[dict[str, Any]]) -> str:
    mine, theirs = (median(_each(runs, "private")) / 1e6 for runs in (ours, sqlite))
    return f"mapped files apart, {mine:.0f} MB in the end, SQLite {theirs:.0f} MB"
