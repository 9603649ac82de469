"""The lines of the benchmark: what each says, and the budget it has for a fleet of 1.5 million tasks."""

from typing import Literal, NamedTuple

MS = 1e-3
MB = 1e6


class Line(NamedTuple):
    """One line.

    Attributes:
        budget: seconds or bytes; None for a line that only informs.
        scales: the budget grows with the number of tasks, beyond the 1.5 million it is for.
        judged: what of the values is held against the budget, and compared with SQLite.
    """

    name: str
    what: str
    budget: float | None = None
    unit: Literal["seconds", "bytes"] = "seconds"
    scales: bool = False
    judged: Literal["median", "worst"] = "median"


LINES = (
    Line("running", "200 running tasks, snapshot included", 0.2 * MS),
    Line("page-top", "500 tasks at offset 0", 0.4 * MS),
    Line("page-deep", "500 tasks two thirds down", 0.8 * MS),
    Line("page-random", "500 tasks anywhere"),
    Line("page-key", "the same by key instead of offset"),
    Line("page-new", "a new snapshot and its first 500"),
    Line("day-top", "page-top, journal of the newest day", 0.6 * MS),
    Line("day-deep", "page-deep, the same journal", 1 * MS),
    Line("day-new", "page-new, the same journal"),
    Line("week-top", "page-top, journal of all days", 0.6 * MS),
    Line("week-deep", "page-deep, the same journal", 1 * MS),
    Line("week-new", "page-new, the same journal"),
    Line("errors", "errors only, first 500", 3 * MS, scales=True),
    Line("rare", "a filter with 60 matches among all", 10 * MS, scales=True),
    Line("count", "how many errors of one type", 5 * MS, scales=True),
    Line("word", "how many match a word"),
    Line("all", "all tasks one by one", 1_500 * MS, scales=True),
    Line("all-memory", "memory that takes (flat: 30 MB)", 30 * MB, "bytes"),
    Line("append", "append a journal's tasks, durable", 120 * MS),
    Line("merge-day", "merge that into the newest day", 500 * MS, scales=True),
    Line("merge-day-bytes", "bytes that writes", 8 * MB, "bytes", scales=True),
    Line("merge-week", "merge a journal into all 7 days", 3_000 * MS, scales=True),
    Line("merge-week-bytes", "bytes that writes", 50 * MB, "bytes", scales=True),
    Line("wait-process", "a read meanwhile in another process", 5 * MS, judged="worst"),
    Line("wait-thread", "a read meanwhile in the same process", 20 * MS, judged="worst"),
    Line("open", "a new process opens, shows first 500", 50 * MS),
    Line("import", "the import before that"),
    Line("open-journal", "the same as open, journal of all days"),
    Line("open-filter", "the same as open, the first 500 errors"),
    Line("paging-memory", "memory of a new process that pages", 60 * MB, "bytes"),
    Line("disk", "on disk, index included", 60 * MB, "bytes", scales=True),
    Line("disk-bare", "on disk without the index", None, "bytes"),
)
NAMES = tuple(line.name for line in LINES)
