"""`remote-tasks wait`: wait until a task has ended, and tell how by the exit status."""

import sys
import time
from collections.abc import Callable

import click

from backend.archive import TaskCache
from backend.commands.command import INTERRUPTED, Command, Places, with_places_options
from backend.commands.track import read_task, require_remote_of, require_worker
from backend.task import Status, Task
from backend.text import safe
from backend.times import format_duration, parse_duration

LOOK_EVERY = 0.5
"""Seconds between two looks at the cache."""
ASK_AGAIN = 30.0
"""Seconds after which a request that led to nothing is made again: whoever took it may have ended."""
TIMED_OUT = 6
UNKNOWN = "unknown (there is no such task, or its end is not kept)"
EXITS = {Status.OK: 0, Status.WARNING: 3, Status.ERROR: 4, Status.UNKNOWN: 5}
"""The exit status by how a task ended."""


def _read_duration(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    try:
        if value is None:
            return None
        return parse_duration(f"{value}s" if value.isascii() and value.isdigit() else value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("wait", cls=Command, short_help="Wait until a task has ended, and tell how.")
@click.argument("upid", metavar="REMOTE-UPID")
@click.option(
    "--timeout", metavar="DURATION", callback=_read_duration, help="Wait so long at most, as in 90, 90s or 2h."
)
@with_places_options
def wait_command(places: Places, upid: str, timeout: int | None) -> None:
    """Wait until a task has ended, as in pve:REMOTE!UPID:…, and print its status.

    \b
    Exit status:
      0  it ended well
      3  it ended with warnings
      4  it ended with an error
      5  nobody knows how it ended, or whether there ever was such a task
      6  it still runs, and --timeout has passed
      1  it cannot be waited for: no such remote, nobody fetches

    Has the task followed by the dashboard or the daemon that works on the cache, and reads the cache alone.

    `remote-tasks list --upid` shows the remote UPIDs.
    """
    task = read_task(upid)
    cache = places.existing_cache()
    try:
        ended = _Wait(cache, task).until_ended(timeout)
    except KeyboardInterrupt:
        click.echo("interrupted; the task is not", err=True)
        sys.exit(INTERRUPTED)
    finally:
        cache.close()
    if ended is None:
        click.echo(f"it has not ended within {format_duration(timeout or 0)}", err=True)
        sys.exit(TIMED_OUT)
    click.echo(safe(ended.status or "unknown"))
    if ended.status is not None and ended.status.startswith("unknown ("):
        click.echo(f"{task.remote} knows no such task, or no longer: is the remote UPID right?", err=True)
    sys.exit(EXITS[ended.status_class])


class _Wait:
    """Waits for the end of one task, as the cache will tell it."""

    def __init__(
        self,
        cache: TaskCache,
        task: Task,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cache = cache
        self._task = task
        self._clock = clock
        self._sleep = sleep
        self._seen = False
        self._alone = False
        self._unknown_before = self._told_unknown()

    def until_ended(self, timeout: float | None) -> Task | None:
        """The task as it ended; None if it does not within so many seconds. Raises ClickException where nobody can
        tell."""
        ended = self._look()
        if ended is not None:
            return ended
        require_remote_of(self._cache, self._task)
        require_worker(self._cache)
        began = self._clock()
        asked = began - ASK_AGAIN
        while timeout is None or self._clock() - began < timeout:
            if not self._seen and self._clock() - asked >= ASK_AGAIN:
                self._cache.request_track([self._task.upid])
                asked = self._clock()
            self._sleep(LOOK_EVERY)
            ended = self._look()
            if ended is not None:
                return ended
            self._watch_the_worker()
        return None

    def _look(self) -> Task | None:
        """The task, if it is known to have ended."""
        with self._cache.snapshot() as snapshot:
            found = snapshot.find(self._task.key)
            runs = any(task.upid == self._task.upid for task in snapshot.running())
        if found is not None:
            return found
        told = self._told_unknown()
        if not runs and (self._seen or told not in (None, self._unknown_before)):
            # Its remote does not know it or was removed, or it began before the oldest day that is kept.
            return Task(self._task.upid, self._task.starttime, self._task.starttime, UNKNOWN)
        self._seen = runs
        return None

    def _told_unknown(self) -> float | None:
        """When the remote last told that it knows no such task; None if it did not."""
        return self._cache.health().no_such_tasks.get(self._task.upid)

    def _watch_the_worker(self) -> None:
        """Say once when nobody fetches any more, so that nothing would be learned; it may begin again."""
        alone = not self._cache.has_worker()
        if alone and not self._alone:
            click.echo(f"nobody is fetching into {self._cache.directory} any more; still waiting", err=True)
        self._alone = alone
