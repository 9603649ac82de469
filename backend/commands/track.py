"""`remote-tasks track`: have a task followed until it ends."""

from collections.abc import Iterable

import click

from backend.archive import TaskCache
from backend.commands.command import Command, Places, with_places_options
from backend.commands.unknown_task import has_credible_start
from backend.config import no_such_remote
from backend.report import format_moment
from backend.task import Task
from backend.text import safe
from backend.upid import UpidError, parse_remote_upid


@click.command("track", cls=Command, short_help="Have a task polled until it ends.")
@click.argument("upid", metavar="REMOTE-UPID")
@with_places_options
def track_command(places: Places, upid: str) -> None:
    """Have the task with this remote UPID polled until it ends.

    \b
      remote-tasks track \\
          'pve:wien!UPID:pve1:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:'

    `remote-tasks list --upid` shows the remote UPIDs; a shell wants them in single quotes.

    Tasks that a remote shows as running are followed anyway; this is for one that it may not show. Asks the
    dashboard or the daemon that works on the cache to do so, and returns at once. Of a task that is known to have
    ended it tells the status instead. `remote-tasks wait` waits for the end.
    """
    task = read_task(upid)
    cache = places.existing_cache()
    with cache.snapshot() as snapshot:
        ended = snapshot.find(task.key)
    if ended is not None:
        click.echo(f"it has ended already: {safe(ended.status_words)}", err=True)
        return
    require_remote_of(cache, task)
    require_worker(cache)
    cache.request_track([task.upid])
    click.echo(f"asked to follow {task_words(task)}; `remote-tasks wait` waits for its end", err=True)


def read_task(upid: str) -> Task:
    """The task with this remote UPID, with or without the remote's type. Raises UsageError."""
    try:
        parsed = parse_remote_upid(upid)
    except UpidError as error:
        raise click.UsageError(safe(str(error))) from None
    return Task(parsed.text, parsed.upid.starttime)


def task_words(task: Task) -> str:
    """A task as one who stops it or waits for it must see it: what, where, whose, since when. Safe to print."""
    words = f"{task.description} on {task.remote}, node {task.node}, by {task.user}"
    started = f"started {format_moment(task.starttime)}"
    return safe(f"{words}, {started if has_credible_start(task) else 'whose start cannot be right'}")


def require_remotes(cache: TaskCache, names: Iterable[str]) -> None:
    """Raise ClickException if one of these is no remote that is fetched from."""
    known = cache.health().remotes
    for name in names:
        if name not in known:
            raise click.ClickException(no_such_remote(name, known))


def require_remote_of(cache: TaskCache, task: Task) -> None:
    """Raise ClickException if a task's remote is none that is fetched from, or of the other product."""
    require_remotes(cache, [task.remote])
    type = cache.health().remotes[task.remote].type
    if type != task.parsed.type:
        raise click.ClickException(
            f"{task.remote} is a {type.upper()} remote, the task one of {task.parsed.type.upper()}"
        )


def require_worker(cache: TaskCache) -> None:
    """Raise ClickException if nobody would take a request."""
    if not cache.has_worker():
        raise click.ClickException(
            f"nobody is fetching into {cache.directory}; start `remote-tasks` or `remote-tasks --daemon`"
        )
