"""`remote-tasks track`: have a task followed until it ends."""

from collections.abc import Iterable

import click

from backend.archive import TaskCache
from backend.commands.command import Command, Places, with_places_options
from backend.config import no_such_remote
from backend.task import Task
from backend.text import safe
from backend.upid import UpidError, parse_remote_upid


@click.command("track", cls=Command)
@click.argument("upid", metavar="REMOTE-UPID")
@with_places_options
def track_command(places: Places, upid: str) -> None:
    """Have a task polled until it ends, as in pve:REMOTE!UPID:…

    Tasks that a remote shows as running are followed anyway; this is for one that it may not show. Asks the
    dashboard or the daemon that works on the cache to do so, and returns at once.
    """
    task = read_task(upid)
    cache = places.existing_cache()
    require_remotes(cache, [task.remote])
    require_worker(cache)
    cache.request_track([task.upid])
    click.echo(f"asked to follow {safe(task.upid)}", err=True)


def read_task(upid: str) -> Task:
    """The task with this remote UPID, with or without the remote's type. Raises UsageError."""
    try:
        parsed = parse_remote_upid(upid)
    except UpidError as error:
        raise click.UsageError(safe(str(error))) from None
    return Task(parsed.text, parsed.upid.starttime)


def require_remotes(cache: TaskCache, names: Iterable[str]) -> None:
    """Raise ClickException if one of these is no remote that is fetched from."""
    known = cache.health().remotes
    for name in names:
        if name not in known:
            raise click.ClickException(no_such_remote(name, known))


def require_worker(cache: TaskCache) -> None:
    """Raise ClickException if nobody would take a request."""
    if not cache.has_worker():
        raise click.ClickException(
            f"nobody is fetching into {cache.directory}; start `remote-tasks` or `remote-tasks --daemon`"
        )
