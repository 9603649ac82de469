"""`remote-tasks stats`: how many tasks there are, by status."""

from typing import Any, get_args

import click

from backend.commands.command import Command, Places, with_format_option, with_places_options
from backend.commands.list import FILTER_HELP, join_filter, warn_of_unknown_names
from backend.counts import (
    COUNT_COLUMNS,
    COUNT_FIELDS,
    Counted,
    Field,
    commonest_first,
    count_all,
    count_by,
    count_record,
)
from backend.output import render
from backend.table import Column


@click.command("stats", cls=Command, epilog=FILTER_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="[FILTER]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--by",
    type=click.Choice(get_args(Field)),
    metavar="FIELD",
    help=f"A row for each {', '.join(get_args(Field)[:-1])} or {get_args(Field)[-1]}, the commonest first.",
)
@with_format_option
@with_places_options
def stats_command(places: Places, words: tuple[str, ...], by: Field | None, format_: str) -> None:
    """Count tasks by status, running ones included.

    Reads the cache alone, which the dashboard or a daemon keeps up to date.
    """
    wanted = join_filter(words)
    cache = places.existing_cache()
    with cache.snapshot() as snapshot:
        if by is None:
            rows = [("", count_all(snapshot, wanted))]
        else:
            rows = commonest_first(count_by(snapshot, by, wanted))
        for piece in render(rows, format_, _columns(by), _fields(by), lambda counted: _record(by, counted)):
            click.echo(piece, nl=False)
        warn_of_unknown_names(snapshot, wanted)
        if format_ == "table" and not cache.has_worker():
            click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
        for damage in snapshot.damage:
            click.echo(f"warning: {damage}", err=True)


def _columns(by: Field | None) -> list[Column]:
    name = [] if by is None else [Column(by.upper(), lambda counted: counted[0], least=12)]
    return [*name, *COUNT_COLUMNS]


def _fields(by: Field | None) -> list[str]:
    return [*([] if by is None else [by]), *COUNT_FIELDS]


def _record(by: Field | None, counted: Counted) -> dict[str, Any]:
    value, counts = counted
    return {**({} if by is None else {by: value}), **count_record(counts)}
