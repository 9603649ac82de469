"""`remote-tasks remotes`: the health of the fleet."""

import click

from backend.commands.command import Command, Places, with_places_options
from backend.output import FORMATS, render
from backend.report import REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport, remote_reports


@click.command("remotes", cls=Command)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@with_places_options
def remotes_command(places: Places, format_: str) -> None:
    """Show each remote's health: when it last answered, and what is wrong with it.

    Asks nobody: it shows what the dashboard or a daemon last saw.
    """
    cache = places.existing_cache()
    health = cache.health()
    if not cache.has_worker():
        click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
    if health.problem:
        click.echo(f"warning: {health.problem}", err=True)
    reports = remote_reports(health)
    for piece in render(reports, format_, REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport.as_dict):
        click.echo(piece, nl=False)
