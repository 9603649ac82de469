"""`remote-tasks wait`: wait until a task has ended, and tell how by the exit status."""

import sys
import time

import click

from backend.archive import TaskCache
from backend.archive.health import RemoteHealth
from backend.commands.command import INTERRUPTED, Command, Places, with_places_options
from backend.commands.progress import Progress
from backend.commands.silence import silence_words
from backend.commands.track import read_task, require_remote_of, require_worker, task_words
from backend.commands.unknown_task import unknown_words
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
    """Wait until the task with this remote UPID has ended, and print its status.

    \b
      remote-tasks wait --timeout 2h \\
          'pve:wien!UPID:pve1:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:'

    `remote-tasks list --upid` shows the remote UPIDs; a shell wants them in single quotes.

    \b
    Exit status:
      0  it ended well
      3  it ended with warnings
      4  it ended with an error
      5  nobody knows how it ended, or whether there ever was such a task
      6  it still runs, and --timeout has passed
      1  it cannot be waited for: no such remote, nobody fetches

    Has the task followed by the dashboard or the daemon that works on the cache, and reads the cache alone.
    What it waits for is told on stderr.
    """
    task = read_task(upid)
    cache = places.existing_cache()
    progress = Progress()
    try:
        ended = _Wait(cache, task, progress).until_ended(timeout)
        health = cache.health()
    except KeyboardInterrupt:
        progress.hide()
        click.echo("interrupted; the task is not", err=True)
        sys.exit(INTERRUPTED)
    finally:
        progress.hide()
        cache.close()
    if ended is None:
        silence = silence_words(health, task.remote)
        not_ended = f"it has not ended within {format_duration(timeout or 0)}"
        click.echo(f"{not_ended}, as far as is known: {silence}" if silence else not_ended, err=True)
        sys.exit(TIMED_OUT)
    click.echo(safe(ended.status or "unknown"))
    if ended.status is not None and ended.status.startswith("unknown ("):
        nodes = health.remotes.get(task.remote, RemoteHealth()).nodes
        click.echo(unknown_words(task, nodes), err=True)
    sys.exit(EXITS[ended.status_class])


class _Wait:
    """Waits for the end of one task, as the cache will tell it."""

    def __init__(
        self,
        cache: TaskCache,
        task: Task,
        progress: Progress,
    ) -> None:
        self._cache = cache
        self._task = task
        self._progress = progress
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
        words = task_words(self._task)
        if not self._progress.on_terminal:
            click.echo(f"waiting for {words}", err=True)
        began = time.monotonic()
        asked = began - ASK_AGAIN
        while timeout is None or time.monotonic() - began < timeout:
            if not self._seen and time.monotonic() - asked >= ASK_AGAIN:
                self._cache.request_track([self._task.upid])
                asked = time.monotonic()
            self._progress.show(f"{self._state()} · {words}")
            time.sleep(LOOK_EVERY)
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

    def _state(self) -> str:
        """What is known of the task while it is waited for."""
        if self._alone:
            return "nobody fetches"
        if not self._seen:
            return "asking for it"
        if silence := silence_words(self._cache.health(), self._task.remote):
            return silence
        return f"running for {format_duration(self._task.duration(time.time()))}"

    def _told_unknown(self) -> float | None:
        """When the remote last told that it knows no such task; None if it did not."""
        return self._cache.health().no_such_tasks.get(self._task.upid)

    def _watch_the_worker(self) -> None:
        """Say once when nobody fetches any more, so that nothing would be learned; it may begin again."""
        alone = not self._cache.has_worker()
        if alone and not self._alone:
            self._progress.hide()
            click.echo(f"nobody is fetching into {self._cache.directory} any more; still waiting", err=True)
        self._alone = alone
