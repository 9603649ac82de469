"""The log of one task as the lines of a list: pages of it, asked of the task's remote when they come into view,
and the last few kept. What it looks like is the log view's matter."""

import asyncio
import contextlib
import re
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

from backend.client import LogPage, NotFoundError, RemoteClient, RemoteError
from backend.task import Task
from backend.text import safe
from tui.access import Access, NoAccess

PAGE = 500
"""Lines asked for at a time."""
FOLLOW_EVERY = 2.0
"""Seconds between two looks at a log that grows."""
ASK_AGAIN = 10.0
"""Seconds after which a remote that failed is asked again while the task runs."""

_KEPT_PAGES = 16
_LONGEST_LINE = 4_096
"""Characters of a line that are kept."""
_MOST_LINES = 50_000_000
"""Lines that a remote may claim to have."""
_SEARCHED = 5_000
"""Lines asked for at a time when searching."""


class LogState(Enum):
    """How things stand with the remote."""

    ASKING = "asking"
    THERE = "there"
    FAILED = "failed"


class TaskLog:
    """The lines of a task's log by position. All answers come at once: what is not in memory is None until it is
    loaded. `run` does the asking.

    Args:
        changed: told that lines have come, or that something else is so.
        ended: told what has become of the task, where its remote tells that before the cache does.

    Attributes:
        state: how things stand.
        words: why it failed, safe to print.
        asks_again: whether it asks again by itself, where it failed.
        searched: the line that a search under way has come to; None while there is none.
    """

    def __init__(
        self, access: Access, task: Task, changed: Callable[[], None], ended: Callable[[Task], None]
    ) -> None:
        self.state = LogState.ASKING
        self.words = ""
        self.asks_again = False
        self.searched: int | None = None
        self._access = access
        self._task = task
        self._changed = changed
        self._ended = ended
        self._grows = task.running
        self._length = 0
        self._read = 0
        """Up to which line any came."""
        self._counts = True
        """Whether its remote is to be believed how many there are."""
        self._pages: OrderedDict[int, list[str]] = OrderedDict()
        self._view = range(0)
        self._loading: tuple[int, asyncio.Task[None]] | None = None
        self._wake = asyncio.Event()
        self._again = asyncio.Event()
        self._client: RemoteClient | None = None

    def __len__(self) -> int:
        """How many lines it has, as far as is known."""
        return self._length

    def __getitem__(self, line: int) -> str | None:
        """A line, safe to print."""
        page = self._pages.get(line // PAGE, [])
        within = line % PAGE
        return page[within] if within < len(page) else None

    @property
    def grows(self) -> bool:
        """Whether more lines may come."""
        return self._grows

    def need(self, first: int, last: int) -> None:
        """Load what of these lines is not here, and give up what was needed before."""
        view = range(first // PAGE, last // PAGE + 1)
        if view != self._view:
            self._view = view
            self._wake.set()
            if self._loading is not None and self._loading[0] not in view:
                self._loading[1].cancel()

    def ask_again(self) -> None:
        """Ask the remote again at once, if it failed."""
        self._again.set()

    async def run(self) -> None:
        """Ask the remote for what is needed, until cancelled."""
        while True:
            self._again.clear()
            self._become(LogState.ASKING)
            self.asks_again = False
            try:
                async with await self._access.open(self._task) as client:
                    self._client = client
                    await self._serve(client)
            except NoAccess as error:
                self._become(LogState.FAILED, str(error))
            except RemoteError as error:
                self.asks_again = self._grows and not isinstance(error, NotFoundError)
                self._become(LogState.FAILED, str(error))
            finally:
                self._client = None
            await _wait(self._again, ASK_AGAIN if self.asks_again else None)

    async def search(self, pattern: re.Pattern[str], line: int, step: int) -> int | None:
        """The nearest line that matches, behind `line`, or with a `step` of -1 before it. Raises RemoteError or
        NoAccess."""
        position = line + step
        try:
            while 0 <= position < self._length:
                self.searched = position
                self._changed()
                start, lines = await self._stretch(position, step)
                first = position - start
                for number in range(first, len(lines)) if step > 0 else range(min(first, len(lines) - 1), -1, -1):
                    if pattern.search(lines[number]):
                        return start + number
                position = max(position + 1, start + len(lines)) if step > 0 else start - 1
            return None
        finally:
            self.searched = None
            self._changed()

    async def _stretch(self, position: int, step: int) -> tuple[int, list[str]]:
        """Lines around a position, from memory where they are there; and the position of the first of them."""
        number = position // PAGE
        if self[position] is not None:
            return number * PAGE, self._pages[number]
        if self._client is None:
            raise NoAccess(self.words or "the remote has not answered yet")
        start = position if step > 0 else max(0, position - _SEARCHED + 1)
        limit = _SEARCHED if step > 0 else position - start + 1
        page = await self._client.log_page(self._task.upid, start=start, limit=limit)
        return start, _clean(page, limit)

    async def _serve(self, client: RemoteClient) -> None:
        await self._load(client, self._length // PAGE)
        while True:
            self._wake.clear()
            number = self._missing()
            if number is not None:
                await self._load_while_needed(client, number)
            elif not self._grows:
                await self._wake.wait()
            elif not await _wait(self._wake, FOLLOW_EVERY):
                await self._grow(client)

    async def _grow(self, client: RemoteClient) -> None:
        """Look for more lines, and for the task's end."""
        # Asked first: what the task wrote before its end is there then.
        state = await client.status(self._task.upid)
        await self._load(client, self._length // PAGE)
        if not state.running:
            self._grows = False
            found = await client.find(self._task.upid)
            if found is not None and not found.running:
                self._ended(found)
            self._changed()

    def _missing(self) -> int | None:
        """The number of a page that is needed and not here, or not whole."""
        for number in self._view:
            whole = min(PAGE, self._length - number * PAGE)
            if len(self._pages.get(number, ())) < whole:
                return number
        return None

    async def _load_while_needed(self, client: RemoteClient, number: int) -> None:
        loading = asyncio.ensure_future(self._load(client, number))
        self._loading = number, loading
        try:
            await asyncio.wait([loading])
        finally:
            self._loading = None
            loading.cancel()
        if not loading.cancelled():
            loading.result()

    async def _load(self, client: RemoteClient, number: int) -> None:
        start = number * PAGE
        page = await client.log_page(self._task.upid, start=start, limit=PAGE)
        lines = _clean(page, PAGE)
        if lines:
            self._pages[number] = lines
            self._pages.move_to_end(number)
            while len(self._pages) > _KEPT_PAGES:
                self._pages.popitem(last=False)
        self._learn_length(start, len(lines), page.total)
        self._become(LogState.THERE)

    def _learn_length(self, start: int, lines: int, total: int | None) -> None:
        """Take from an answer how many lines there are. Those that came are to be believed before a count."""
        if lines:
            self._read = max(self._read, start + lines)
        if 0 < lines < PAGE:
            self._length = start + lines
        elif lines == 0 and start <= self._read:
            self._length = self._read = start
        elif lines == 0:
            # A count that was a lie. What came is there, and maybe one more.
            self._counts = False
            self._length = self._read + 1
        elif self._counts and total is not None and total >= start + lines:
            self._length = min(total, _MOST_LINES)
        else:
            # one more, which is looked for when it comes into view
            self._length = max(self._length, start + lines + 1)

    def _become(self, state: LogState, words: str = "") -> None:
        self.state = state
        self.words = words
        self._changed()


def _clean(page: LogPage, limit: int) -> list[str]:
    """The lines of an answer, no more than were asked for, bounded and safe to print."""
    return [safe(text[:_LONGEST_LINE].rstrip("\r\n").expandtabs()) for _, text in page.lines[:limit]]


async def _wait(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, for so long at most; whether it came."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
