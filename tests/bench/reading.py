"""The lines about reads within this process: pages, filters and counts, with and without a journal."""

import random
from collections.abc import Iterator
from itertools import islice

from backend.archive import Snapshot, TaskCache
from backend.query import parse_filter
from tests.bench.data import RARE_USER
from tests.bench.ground import Days, Ground
from tests.bench.measure import Figure, Pair, in_turn
from tests.bench.readers import PAGE
from tests.bench.sqlite import ERRORS, Database, Where

FILTERS = ("errors", "rare", "count", "word")
PAGES = ("running", "page-top", "page-deep", "page-random", "page-key", "page-new", *FILTERS)
WITH_JOURNAL: dict[Days, tuple[str, str, str]] = {
    "day": ("day-top", "day-deep", "day-new"),
    "week": ("week-top", "week-deep", "week-new"),
}
NAMES = (*PAGES, *WITH_JOURNAL["day"], *WITH_JOURNAL["week"])

_NEAR = 2_000
"""How far from the stated offset pages begin: no one page, kept by whatever cache, makes the figure."""
_WORDS = ("aborted", "zfs error", "wget", "qemu-img", "powerdown", "savevm", "lxc-stop", "apt-get", "os error")
"""Words that only a status has, since SQLite's table does not hold the words that a row shows."""
_ERRORS_OF_TYPE = Where("status_class = 'error' AND type = 'vzdump'")
_RARE = Where("user = ? AND endtime IS NOT NULL", (RARE_USER,))


def measure(ground: Ground, names: frozenset[str], seconds: float) -> Iterator[Figure]:
    """Measure those of the lines that are this module's."""
    cache = TaskCache(ground.cache)
    if names.intersection(PAGES):
        with cache.snapshot() as tasks, ground.open_database() as database:
            near, questions = _Offsets(ground), _about_filters(tasks, database)
            questions |= _about_pages(cache, tasks, database, near)
            yield from (in_turn(name, questions[name], seconds) for name in PAGES if name in names)
    cache.close()
    for days, lines in WITH_JOURNAL.items():
        if names.isdisjoint(lines):
            continue
        with ground.copy_with_journal(days) as directory, ground.open_database() as database:
            database.begin(ground.journal(days))
            cache = TaskCache(directory)
            with cache.snapshot() as tasks:
                questions = _about_pages(cache, tasks, database, _Offsets(ground))
                for name, question in zip(lines, ("page-top", "page-deep", "page-new"), strict=True):
                    if name in names:
                        yield in_turn(name, questions[question], seconds)
            cache.close()
            database.rollback()


class _Offsets:
    """Where pages begin, by the number of the repetition; the same in every run."""

    def __init__(self, ground: Ground) -> None:
        draw = random.Random(4)
        near = min(_NEAR, ground.tasks // 10)
        self.top = [draw.randrange(near) for _ in range(256)]
        self.deep = [ground.two_thirds + draw.randrange(-near, near) for _ in range(256)]
        self.anywhere = [draw.randrange(ground.tasks) for _ in range(256)]


def _about_pages(cache: TaskCache, tasks: Snapshot, database: Database, offsets: _Offsets) -> dict[str, Pair]:
    def pages(offsets: list[int]) -> Pair:
        return Pair(
            lambda number: tasks.page(None, offsets[number], PAGE),
            lambda number: database.page(Where(), offsets[number], PAGE),
        )

    def new_page(number: int) -> object:
        with cache.snapshot() as anew:
            return anew.page(None, 0, PAGE)

    def new_running(number: int) -> object:
        with cache.snapshot() as anew:
            return anew.running()

    keys = [tasks.page(None, offset, 1)[0] for offset in offsets.deep[:8]]
    return {
        "running": Pair(new_running, lambda number: database.running()),
        "page-top": pages(offsets.top),
        "page-deep": pages(offsets.deep),
        "page-random": pages(offsets.anywhere),
        "page-key": Pair(
            lambda number: list(islice(tasks.iterate(start=keys[number % 8].key), PAGE)),
            lambda number: database.page_from(keys[number % 8].starttime, keys[number % 8].upid, PAGE),
        ),
        "page-new": Pair(new_page, lambda number: database.page(Where(), 0, PAGE)),
    }


def _about_filters(tasks: Snapshot, database: Database) -> dict[str, Pair]:
    """Each repetition writes its filter in a way that was not asked before, so that nothing remembered helps."""

    def errors(number: int) -> object:
        # No finished task runs, so it does not matter which of these stand there.
        others = ",".join("running" if number + 3 >> bit & 1 else "error" for bit in range(8))
        return tasks.page(parse_filter(f"status:error,{others}"), 0, PAGE)

    def rare(number: int) -> object:
        return tasks.page(parse_filter(f"user:{RARE_USER},none{number}@pve"), 0, PAGE)

    def count(number: int) -> object:
        return tasks.count(parse_filter(f"status:error type:vzdump,none{number}"))

    def word(number: int) -> object:
        return tasks.count(parse_filter(f'"{_WORDS[number]}"'))

    def word_in_table(number: int) -> object:
        like = f"%{_WORDS[number]}%"
        return database.count(Where("endtime IS NOT NULL AND (upid LIKE ? OR status LIKE ?)", (like, like)))

    return {
        "errors": Pair(errors, lambda number: database.page(ERRORS, 0, PAGE)),
        "rare": Pair(rare, lambda number: database.page(_RARE, 0, PAGE)),
        "count": Pair(count, lambda number: database.count(_ERRORS_OF_TYPE)),
        # The warming takes words from the list's end.
        "word": Pair(word, word_in_table, repetitions=len(_WORDS) - 3),
    }
