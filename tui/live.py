"""What the dashboard knows at the moment of all that is small: what runs, the fleet's health, what went wrong.
How it is shown is the screen's matter."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from backend.archive import CacheError, TaskCache
from backend.task import Task
from tui.look import Look, look
from tui.names import Names, widened
from tui.status import Seen
from tui.trouble import cannot_read


class Live:
    """Looks at the cache when told to, and keeps what was seen.

    Args:
        since: when the dashboard began to look (UNIX seconds).

    Attributes:
        tasks: the running tasks, newest start first.
        names: how much room names take.
        add_command: the command that adds a remote; empty where some are configured.
    """

    def __init__(self, cache: TaskCache, since: float) -> None:
        self.tasks: list[Task] = []
        self.names = Names()
        self.add_command = ""
        self._cache = cache
        self._seen = Seen(since=since)
        self._failures: dict[str, str] = {}
        self._there = False

    @property
    def seen(self) -> Seen:
        """All that is known."""
        return replace(self._seen, failures=tuple(self._failures.values()), add_command=self.add_command)

    @property
    def servers(self) -> list[str]:
        """The names of the Backup Servers."""
        return [name for name, remote in self._seen.health.remotes.items() if remote.type == "pbs"]

    @property
    def remotes(self) -> Iterable[str]:
        """The names of all remotes."""
        return self._seen.health.remotes

    def fail(self, what: str, words: str) -> None:
        """Note that something does not work; no words: it works again."""
        if words:
            self._failures[what] = words
        else:
            self._failures.pop(what, None)

    async def look(self, followed: Iterable[Task]) -> Look | None:
        """Look at the cache, and at what has become of the tasks that ran the last time and of these. None if the
        cache cannot be read, which `seen` tells."""
        try:
            seen = await asyncio.to_thread(look, self._cache, [*followed, *self.tasks])
        except (CacheError, OSError) as error:
            self.fail("read", cannot_read(error))
            return None
        self.fail("read", "")
        self._there |= seen.there
        # a directory that is not there yet is no trouble
        self.fail("place", seen.place if self._there else "")
        known = {task.upid for task in self.tasks}
        self.tasks = seen.running
        self._seen = Seen(seen.health, len(seen.running), self._seen.since, seen.damage)
        self.fit_names(task for task in seen.running if task.upid not in known)
        return seen

    def fit_names(self, tasks: Iterable[Task]) -> None:
        """Have room for the names of tasks that were not seen before."""
        self.names = widened(self.names, self._seen.health, tasks)
