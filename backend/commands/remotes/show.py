"""`remotes` without another command: the health of the fleet, as the cache tells it."""

import time

import click

from backend.commands.command import Command, Places, with_format_option, with_places_options
from backend.commands.track import require_remotes
from backend.output import render
from backend.report import REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport, remote_reports, round_progress
from backend.times import moment_words


@click.command("show", cls=Command, hidden=True)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@with_format_option
@with_places_options
def show_command(places: Places, names: tuple[str, ...], format_: str) -> None:
    """What `remotes` does."""
    cache = places.existing_cache()
    require_remotes(cache, names)
    health = cache.health()
    fetching = cache.has_worker()
    if not fetching:
        seen = f"; what follows is of {moment_words(health.updated, time.time())}" if health.updated else ""
        click.echo(f"warning: nobody is fetching into {places.cache} now{seen}", err=True)
    elif health.round is not None and health.round.finished is None:
        click.echo(f"a round goes on: {round_progress(health.round, time.time())}", err=True)
    if health.problem:
        click.echo(f"warning: {health.problem}", err=True)
    reports = [
        report for report in remote_reports(health, fetching=fetching) if not names or report.remote in names
    ]
    for piece in render(reports, format_, REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport.as_dict):
        click.echo(piece, nl=False)
