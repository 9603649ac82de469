"""`remote-tasks refresh`: fetch now."""

import click

from backend.commands.command import Command, Places, with_places_options


@click.command("refresh", cls=Command)
@click.argument("remotes", metavar="[REMOTE]...", nargs=-1)
@with_places_options
def refresh_command(places: Places, remotes: tuple[str, ...]) -> None:
    """Fetch now, from the remotes named or from all, instead of at the next round.

    Asks the dashboard or the daemon that works on the cache to do so, and returns at once.
    """
    cache = places.existing_cache()
    known = cache.health().remotes
    for name in remotes:
        if name not in known:
            raise click.ClickException(
                f"no remote is called {name}; there are {', '.join(sorted(known)) or 'none'}"
            )
    if not cache.has_worker():
        raise click.ClickException(
            f"nobody is fetching into {places.cache}; start `remote-tasks` or `remote-tasks --daemon`"
        )
    cache.request_refresh(remotes)
    click.echo(f"asked to fetch from {', '.join(remotes) or f'all {len(known)} remotes'}", err=True)
