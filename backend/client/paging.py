"""Reading a list to its end, page by page, while it changes. What a page is made of is the caller's matter.

Both products list running tasks first, then finished ones, the last to end first. Between two requests a task may
end, a task may start, and a row that stood twice (running and finished) may go: the rest moves down or up. So

- pages overlap, and a page must hold one of the last tasks of the page before it; else rows slipped through, and
  the list is read again from the top;
- later pages ask only for tasks that started up to the newest start of the first: what starts meanwhile neither
  moves the rows nor shows up without its contemporaries, past whose start a cutoff would then move;
- what moves up moves to the top, so the first page is read once more after the last."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from backend.client.model import Page
from backend.task import Task

PAGE_ROWS = 1500
"""Rows asked for at a time. No PVE node remembers more: two index files of 50,000 bytes, a line of at least 70
each."""

OVERLAP = 20
MAX_ROWS = 500_000
MAX_PASSES = 4

Fetch = Callable[[int, int | None], Coroutine[Any, Any, Page]]
"""Fetches the page at a row (from 0) of the tasks that started up to a time (UNIX seconds; None = any)."""


class EndlessList(Exception):
    """The list does not end, or changes faster than it can be read; the text says which."""


async def read_pages(fetch: Fetch, until: int | None = None, *, rows: int = PAGE_ROWS) -> AsyncIterator[Page]:
    """All pages of a list, each task once; twice only if it ended while the list was read. Raises EndlessList."""
    reported: dict[int, bool] = {}
    for _ in range(MAX_PASSES):
        seen: set[int] = set()
        tail: set[str] = set()
        offset = 0
        while True:
            page = await fetch(offset, until)
            tasks = page.tasks
            if tail and tail.isdisjoint(task.upid for task in tasks):
                break
            before = len(seen)
            seen.update(hash(task.upid) for task in tasks)
            yield Page(_news(tasks, reported), page.rows, page.rejected)
            if page.rows < rows:
                if offset == 0:
                    return
                top = await fetch(0, until)
                yield Page(_news(top.tasks, reported), top.rows)
                return
            if len(seen) == before or offset > MAX_ROWS:
                raise EndlessList("a task list without an end")
            if offset == 0:
                newest = max(task.starttime for task in tasks)
                until = newest if until is None else min(until, newest)
            tail = {task.upid for task in tasks[-OVERLAP:]}
            offset += page.rows - OVERLAP
    raise EndlessList("a task list that changes faster than it can be read")


def _news(tasks: list[Task], reported: dict[int, bool]) -> list[Task]:
    """The tasks not reported yet, or reported as running and finished by now; notes them as reported.

    Keyed by hash: a first fetch may hold 100,000 UPIDs, and the strings would take ten times the memory."""
    news = []
    for task in tasks:
        key = hash(task.upid)
        finished = task.endtime is not None
        known = reported.get(key)
        if known is None or (finished and not known):
            reported[key] = finished
            news.append(task)
    return news
