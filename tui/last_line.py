"""The last line of a running task's log, asked of its remote every few seconds. What goes wrong is not said here:
the line is an extra, and the task's own screen tells."""

import asyncio
import re
from collections.abc import Callable

from backend.client import NotFoundError, RemoteClient, RemoteError
from backend.task import Task
from tui.access import Access, NoAccess

ASK_EVERY = 3.0
"""Seconds between two looks."""
SETTLE = 0.4
"""Seconds that a task must be looked at before its remote is asked: a cursor that only passes asks nobody."""
ASK_AGAIN = 30.0
"""Seconds after which a remote that could not be asked is tried again."""

# PBS writes the time before it
_END = re.compile(r"(?:^|: )TASK (?:(?P<status>OK|WARNINGS: \d+)|ERROR: (?P<error>.+))$")
_LINES = 20
_PAGES = 3
_LONGEST = 500
"""Characters of a line that are kept."""


def told_status(line: str) -> str | None:
    """The status with which a task ended, if a log's last line tells; None while it runs on. Both kinds of remote
    write it so (`upid_read_status` in PVE::Tools)."""
    told = _END.search(line)
    return None if told is None else told["error"] or told["status"]


async def watch_last_line(access: Access, task: Task, show: Callable[[str], None]) -> None:
    """Show the last line of a log, not yet safe to print, and those that follow it, until cancelled or the log is
    gone."""
    while True:
        await asyncio.sleep(SETTLE)
        try:
            async with await access.open(task) as client:
                await _follow(client, task.upid, show)
        except (NoAccess, NotFoundError):
            return
        except RemoteError:
            await asyncio.sleep(ASK_AGAIN)


async def _follow(client: RemoteClient, upid: str, show: Callable[[str], None]) -> None:
    start = 0
    while True:
        for _ in range(_PAGES):
            page = await client.log_page(upid, start=start, limit=_LINES)
            lines = [line.text[:_LONGEST].strip() for line in page.lines[:_LINES]]
            end = start + len(lines)
            if page.total is None or page.total <= end or not lines:
                break
            start = max(end, page.total - _LINES)
        words = next(filter(None, reversed(lines)), "")
        if words:
            show(words)
        # the last line is asked for again, so that there is always one
        start = start + len(lines) - 1 if lines else 0
        await asyncio.sleep(ASK_EVERY)
