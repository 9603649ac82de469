"""`remote-tasks list`: running and finished tasks together."""

from itertools import islice

import click

from backend.commands.command import Command, Places, with_places_options
from backend.listing import list_running, list_tasks
from backend.output import FORMATS, render
from backend.query import FIELDS, Filter, parse_filter
from backend.report import TASK_COLUMNS, TASK_FIELDS
from backend.task import Task

FILTER_HELP = """\b
A FILTER is words and FIELD:VALUE terms; all must match. Words match anywhere
in what a row shows, or in the UPID. `-` before a term negates it, quotes keep
spaces, commas give choices. The fields:

\b
""" + "\n".join(f"  {name + ':':<8} {what}" for name, what in FIELDS.items())

_COUNT = click.IntRange(0, 2**31)


def join_filter(words: tuple[str, ...]) -> Filter:
    """The filter that a command's words make up. Raises FilterError; NoSuchOption for a word such as `--limt`."""
    for word in words:
        if word.startswith("--"):
            raise click.NoSuchOption(word.partition("=")[0])
    return parse_filter(" ".join(words))


@click.command("list", cls=Command, epilog=FILTER_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="[FILTER]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--limit", default=50, show_default=True, type=_COUNT, help="How many tasks; 0 for all.")
@click.option("--offset", default=0, type=_COUNT, help="How many of them to pass over first.")
@click.option("--running", is_flag=True, help="Only what runs now.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@with_places_options
def list_command(
    places: Places, words: tuple[str, ...], limit: int, offset: int, running: bool, format_: str
) -> None:
    """List running and finished tasks, newest start first.

    Reads the cache alone, which the dashboard or a daemon keeps up to date. Times are local in the table, UNIX
    seconds in the other formats.
    """
    wanted = join_filter(words)
    cache = places.existing_cache()
    with cache.snapshot() as snapshot:
        if running:
            found = iter(list_running(snapshot, wanted)[offset:])
        else:
            found = list_tasks(snapshot, wanted, offset=offset)
        tasks = islice(found, limit) if limit else found
        for piece in render(tasks, format_, TASK_COLUMNS, TASK_FIELDS, Task.as_dict):
            click.echo(piece, nl=False)
        if format_ == "table":
            if limit and next(found, None) is not None:
                click.echo(f"these are {limit} of them, and there are more: --limit 0 lists all", err=True)
            if not cache.has_worker():
                click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
        for damage in snapshot.damage:
            click.echo(f"warning: {damage}", err=True)
