"""A task's own remote, asked directly: for its log, as it grows. The cache has no part in it, and what a remote
sends is handed on as it came: making it safe to print is the caller's matter."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import TypeVar

from backend.client import NodeOfflineError, RemoteClient, RemoteError, UnreachableError, open_client
from backend.config import Config, no_such_remote
from backend.task import Task

T = TypeVar("T")

LOOK_EVERY = 1.0
"""Seconds between two looks at a log that grows."""
GIVE_UP_AFTER = 60.0
"""Seconds for which a remote that has answered before may be out of reach while its log is followed."""
LOG_LINES = 1000
"""Lines asked for at a time. A remote reads the log from its first line for each request: few large ones cost it
least."""


class UnknownRemote(Exception):
    """The configuration has no such remote; `str()` says what it has instead."""


def open_remote(
    config: Config, task: Task, *, timeout: float = 45.0, connect_timeout: float = 10.0
) -> RemoteClient:
    """A client of a task's remote, as in `open_client`. Raises UnknownRemote."""
    parsed = task.parsed
    remote = config.remotes.get(parsed.remote)
    if remote is None:
        lacking = "the configuration has no remote"
        raise UnknownRemote(no_such_remote(parsed.remote, config.remotes, lacking=lacking))
    if remote.type != parsed.type:
        raise UnknownRemote(
            f"{remote.name} is a {remote.type.upper()} remote in the configuration, the task one of "
            f"{parsed.type.upper()}"
        )
    return open_client(remote, timeout=timeout, connect_timeout=connect_timeout)


async def log_lines(
    client: RemoteClient,
    upid: str,
    *,
    follow: bool = False,
    trouble: Callable[[RemoteError], None] = lambda error: None,
    waiting: Callable[[], None] = lambda: None,
) -> AsyncGenerator[str, None]:
    """The lines of a task's log. With `follow`, those that come while the task runs, too: a remote that has
    answered may then be out of reach for GIVE_UP_AFTER seconds, of which `trouble` is told each time; `waiting` is
    called between two looks at a task that runs. Raises RemoteError."""
    patience = _Patience(trouble)
    position = 0
    ended = not follow
    while True:
        page = await patience.ask(partial(client.log_page, upid, start=position, limit=LOG_LINES))
        lines = page.lines[:LOG_LINES]
        for line in lines:
            yield line.text
        position += len(lines)
        if len(lines) == LOG_LINES:
            continue
        if ended:
            return
        # What is written before the task ends is there by then: one more look is enough.
        ended = not (await patience.ask(partial(client.status, upid))).running
        if not ended:
            waiting()
            await asyncio.sleep(LOOK_EVERY)


class _Patience:
    """Makes requests, and makes them again as long as a remote that has answered is out of reach; not for ever."""

    def __init__(self, trouble: Callable[[RemoteError], None]) -> None:
        self._trouble = trouble
        self._answered = False

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        failing_since: float | None = None
        while True:
            try:
                answer = await request()
            except (UnreachableError, NodeOfflineError) as error:
                now = time.monotonic()
                if not self._answered:
                    raise
                if failing_since is None:
                    failing_since = now
                    self._trouble(error)
                elif now - failing_since > GIVE_UP_AFTER:
                    raise
            else:
                self._answered = True
                return answer
            await asyncio.sleep(LOOK_EVERY)
