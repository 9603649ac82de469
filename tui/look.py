"""One look at all that is small in the cache: what runs, the fleet's health, whether the history has changed."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from backend.archive import TaskCache
from backend.archive.health import Health
from backend.task import Task

_LEAST_FREE = 1 << 20
"""Bytes free on the cache's disk below which it counts as full."""
_MOST_ENDED = 50
"""How many of the tasks that run no longer are looked up: where a remote goes, all of its tasks do."""


class Look(NamedTuple):
    """What was seen.

    Attributes:
        version: equal for two looks exactly if the cache holds the same tasks.
        running: newest start first.
        damage: what of the cache cannot be read, in words.
        ended: the finished tasks that those running before have become.
        there: whether there is a cache directory.
        place: what is wrong with the place where it is, in words. Whoever fetches may not be able to tell: that is
            written there as well.
    """

    version: object
    running: list[Task]
    damage: tuple[str, ...]
    health: Health
    ended: list[Task]
    there: bool
    place: str


def look(cache: TaskCache, before: Iterable[Task]) -> Look:
    """Look at the cache, and at what has become of tasks that ran `before`. It may have to wait for a lock. Raises
    CacheError and OSError."""
    with cache.snapshot() as snapshot:
        running = snapshot.running()
        still = {task.upid for task in running}
        gone = [task.key for task in before if task.upid not in still]
        ended = list(filter(None, map(snapshot.find, gone[:_MOST_ENDED])))
        there, place = _look_at_place(cache.directory)
        return Look(snapshot.version, running, snapshot.damage, cache.health(), ended, there, place)


def _look_at_place(directory: Path) -> tuple[bool, str]:
    try:
        status = os.statvfs(directory)
    except (FileNotFoundError, NotADirectoryError):
        return False, f"the cache directory is gone; whoever fetches makes it anew ({directory})"
    except OSError as error:
        return False, f"the cache directory cannot be looked at: {error.strerror} ({directory})"
    free = status.f_bavail * status.f_frsize
    return True, f"the disk is full, {free // 1024:,} KiB free ({directory})" if free < _LEAST_FREE else ""
