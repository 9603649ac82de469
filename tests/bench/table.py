"""What was measured, as a table for people and as JSON for machines."""

import os
import platform
import sqlite3
from typing import Any

from tests.bench.ground import FULL_SIZE, Ground
from tests.bench.lines import LINES, Line
from tests.bench.measure import Figure, median, percentile

_WHAT = max(len(line.what) for line in LINES)
_NAME = max(len(line.name) for line in LINES)
_HEADER = (
    f"{'name':{_NAME}} {'what':{_WHAT}} {'median':>9} {'p99':>9} {'worst':>9} {'SQLite':>9} {'ratio':>7} "
    f"{'budget':>9}  met"
)


class Result:
    """A line with its figure, and how that stands to the budget.

    Attributes:
        budget: seconds or bytes, for this number of tasks.
        judged, sqlite: the value of ours that counts, and SQLite's; None where there is none.
        met: None for a line without a budget.
    """

    def __init__(self, line: Line, figure: Figure, tasks: int) -> None:
        self.line = line
        self.figure = figure
        grown = max(1.0, tasks / FULL_SIZE) if line.scales else 1.0
        self.budget = None if line.budget is None else line.budget * grown
        judge = max if line.judged == "worst" else median
        self.judged = judge(figure.ours)
        self.sqlite = judge(figure.sqlite) if figure.sqlite else None
        self.met = None if self.budget is None else self.judged <= self.budget and not figure.broken

    @property
    def ratio(self) -> float | None:
        """How many times ours SQLite takes."""
        return None if self.sqlite is None or self.judged == 0 else self.sqlite / self.judged

    def as_dict(self) -> dict[str, Any]:
        """For JSON: seconds and bytes."""
        ours = self.figure.ours
        return {
            "name": self.line.name,
            "what": self.line.what,
            "unit": self.line.unit,
            "judged": self.line.judged,
            "repetitions": len(ours),
            "median": median(ours),
            "p99": percentile(ours, 99),
            "worst": max(ours),
            "sqlite": self.sqlite,
            "ratio": self.ratio,
            "budget": self.budget,
            "met": self.met,
            "note": self.figure.note,
        }

    def as_text(self) -> str:
        """A row of the table."""
        ours = self.figure.ours
        values = [median(ours), percentile(ours, 99), max(ours), self.sqlite]
        cells = " ".join(f"{_format(value, self.line):>9}" for value in values)
        ratio = "" if self.ratio is None else f"{self.ratio:,.{_decimals(self.ratio)}f}"
        met = {True: "yes", False: "NO", None: ""}[self.met]
        budget = _format(self.budget, self.line)
        return f"{self.line.name:{_NAME}} {self.line.what:{_WHAT}} {cells} {ratio:>7} {budget:>9}  {met}".rstrip()


def describe_run(ground: Ground) -> dict[str, Any]:
    """What was measured, and where."""
    return {
        "tasks": ground.tasks,
        "journal_bytes": ground.journal_bytes,
        "stored_in_seconds": ground.made_in,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cores": os.cpu_count(),
    }


def as_table(ground: Ground, results: list[Result], failures: dict[str, str]) -> str:
    """Everything on one screen."""
    took = ground.made_in
    cache, sqlite = (f"{took[store]:.0f} s ({ground.tasks / took[store]:,.0f}/s)" for store in ("cache", "sqlite"))
    lines = [
        f"{ground.tasks:,} finished tasks over 7 days; storing and merging them took {cache}, SQLite {sqlite}.",
        f"Two thirds down: offset {ground.two_thirds:,}. A journal: {ground.journal_bytes / (1 << 20):.3g} MiB. "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores.",
        "Pages: one open snapshot, offsets varying by 2,000. Filters: never asked before. Files: in the system's",
        "memory; what was read last also in the process's own: unpacked blocks (8 MB), pages of SQLite.",
        "",
        _HEADER,
        *(result.as_text() for result in results),
        *(f"{name:{_NAME}} not measured: {why}" for name, why in failures.items()),
        "",
        "SQLite is compared by the median, for the reads during a merge by the worst; ratio = SQLite / ours.",
        "Its append is a transaction into its write-ahead log, its merge that log's checkpoint.",
    ]
    if ground.tasks > FULL_SIZE:
        lines.append("The budgets of filters, scans, merges and the disk grow with the tasks beyond 1.5 million.")
    lines += [f"{one.line.name}: {one.figure.note}" for one in results if one.figure.note]
    judged = [result for result in results if result.met is not None]
    lines.append(f"{sum(bool(result.met) for result in judged)} of {len(judged)} budgets met.")
    return "\n".join(lines)


def _format(value: float | None, line: Line) -> str:
    if value is None:
        return ""
    scaled, unit = (value * 1e3, "ms") if line.unit == "seconds" else (value / 1e6, "MB")
    return f"{scaled:,.{_decimals(scaled)}f} {unit}"


def _decimals(value: float) -> int:
    """Three digits that say something, but never more than three behind the point."""
    return 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
