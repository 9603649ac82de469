"""`remote-tasks refresh`: fetch now."""

import click

from backend.commands.command import Command, Places, with_places_options
from backend.commands.track import require_remotes, require_worker


@click.command("refresh", cls=Command, short_help="Fetch now instead of at the next round.")
@click.argument("remotes", metavar="[REMOTE]...", nargs=-1)
@with_places_options
def refresh_command(places: Places, remotes: tuple[str, ...]) -> None:
    """Fetch now, from the remotes named or from all, instead of at the next round.

    \b
      remote-tasks refresh
      remote-tasks refresh wien graz

    Asks the dashboard or the daemon that works on the cache to do so, and returns at once;
    `remote-tasks remotes` tells how far it is.
    """
    cache = places.existing_cache()
    require_remotes(cache, remotes)
    require_worker(cache)
    cache.request_refresh(remotes)
    number = len(cache.health().remotes)
    from_whom = ", ".join(remotes) or ("the only remote" if number == 1 else f"all {number} remotes")
    click.echo(f"asked to fetch from {from_whom}", err=True)
