"""`remote-tasks stats`: how many tasks there are, by status."""

import time
from typing import Any, get_args

import click

from backend.archive import Snapshot
from backend.commands.command import Command, Places, with_format_option, with_places_options
from backend.commands.list import FILTER_HELP, join_filter, period_heading, warn_of_unknown_names
from backend.commands.silence import warn_of_silence
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
from backend.query import Filter
from backend.table import Column
from backend.times import moment_words


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

    \b
      remote-tasks stats since:7d --by type
      remote-tasks stats type:vzdump since:yesterday until:yesterday

    Reads the cache alone, which the dashboard or a daemon keeps up to date. Without since: and until: all that
    are kept are counted, `keep-days` in the configuration.
    """
    wanted = join_filter(words)
    cache = places.existing_cache()
    with cache.snapshot() as snapshot:
        if by is None:
            rows = [("", count_all(snapshot, wanted))]
        else:
            rows = commonest_first(count_by(snapshot, by, wanted))
        if format_ == "table":
            click.echo(_heading(snapshot, wanted), nl=False)
        for piece in render(rows, format_, _columns(by), _fields(by), lambda counted: _record(by, counted)):
            click.echo(piece, nl=False)
        warn_of_unknown_names(snapshot, wanted)
        if format_ == "table":
            warn_of_silence(cache, snapshot, wanted)
            if not cache.has_worker():
                click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
        for damage in snapshot.damage:
            click.echo(f"warning: {damage}", err=True)


def _heading(snapshot: Snapshot, wanted: Filter) -> str:
    """Of what period the counts are: the filter's, and as far back as the history goes."""
    heading = period_heading(wanted)
    # a damaged block's tasks are counted, and not there
    oldest = next(snapshot.iterate(reverse=True), None)
    if oldest is None or (heading and oldest.starttime <= wanted.period[0]):
        return heading
    kept = f"since {moment_words(oldest.starttime, time.time())}"
    return f"{heading.rstrip()}; kept are those {kept}\n" if heading else f"all kept tasks, {kept}\n"


def _columns(by: Field | None) -> list[Column]:
    name = [] if by is None else [Column(by.upper(), lambda counted: counted[0], least=12)]
    return [*name, *COUNT_COLUMNS]


def _fields(by: Field | None) -> list[str]:
    return [*([] if by is None else [by]), *COUNT_FIELDS]


def _record(by: Field | None, counted: Counted) -> dict[str, Any]:
    value, counts = counted
    return {**({} if by is None else {by: value}), **count_record(counts)}
