"""`remote-tasks list`: running and finished tasks together."""

import textwrap
import time
from collections.abc import Iterator
from itertools import chain, islice

import click

from backend.archive import Snapshot
from backend.commands.command import Command, Places, with_format_option, with_places_options
from backend.commands.silence import warn_of_silence
from backend.listing import list_running, list_tasks
from backend.output import render
from backend.query import FIELDS, Filter, parse_filter
from backend.report import TASK_COLUMNS, TASK_FIELDS, UPID_COLUMN
from backend.task import Task
from backend.times import period_words
from backend.unknown_names import fleet_names, misread_words, unknown_names

FILTER_HELP = (
    """\b
A FILTER is words and FIELD:VALUE terms; all must match. Words match anywhere
in what a row shows, or in the UPID. `-` before a term negates it, quotes keep
spaces, commas give choices, `*` stands for any text. The fields:

\b
"""
    + "\n".join(
        textwrap.fill(what, 78, initial_indent=f"  {name + ':':<8} ", subsequent_indent=" " * 11)
        for name, what in FIELDS.items()
    )
    + """

\b
What failed yesterday, and that day alone:

\b
  status:error since:yesterday until:yesterday
"""
)

_MOST = 2**31


def _read_count(context: click.Context, parameter: click.Parameter, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) and int(text) <= _MOST):
        raise click.BadParameter(f"expected a whole number from 0 on, not {text[:40]!r}")
    return int(text)


def join_filter(words: tuple[str, ...]) -> Filter:
    """The filter that a command's words make up. Raises FilterError; NoSuchOption for a word such as `--limt`."""
    for word in words:
        if word.startswith("--"):
            raise click.NoSuchOption(word.partition("=")[0])
    return parse_filter(" ".join(words))


def period_heading(wanted: Filter) -> str:
    """When the tasks that a filter wants started, for a table's first line; empty if it leaves that open."""
    words = period_words(*wanted.period, time.time())
    return f"tasks started {words}\n" if words else ""


def _nothing(wanted: Filter) -> str:
    """That nothing matches, and what may have been meant."""
    return ": ".join(["no task matches", *misread_words(wanted, time.time(), None)[:1]])


def warn_of_unknown_names(snapshot: Snapshot, wanted: Filter) -> None:
    """Say on stderr which names of the filter no task has."""
    for words in unknown_names(wanted, fleet_names(snapshot, wanted)):
        click.echo(words, err=True)


@click.command("list", cls=Command, epilog=FILTER_HELP, context_settings={"ignore_unknown_options": True})
@click.argument("words", metavar="[FILTER]...", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--limit", default="50", callback=_read_count, metavar="N", help="How many tasks, 0 for all.  [default: 50]"
)
@click.option(
    "--offset", default="0", callback=_read_count, metavar="N", help="How many of them to pass over first."
)
@click.option("--running", is_flag=True, help="Only what runs now.")
@click.option(
    "--upid",
    "with_upid",
    is_flag=True,
    help="Show the remote UPIDs, too: what `log`, `stop`, `track` and `wait` take. The other formats have them.",
)
@with_format_option
@with_places_options
def list_command(
    places: Places,
    words: tuple[str, ...],
    limit: int,
    offset: int,
    running: bool,
    with_upid: bool,
    format_: str,
) -> None:
    """List running and finished tasks, newest start first.

    \b
      remote-tasks list status:error since:1d
      remote-tasks list --running remote:wien
      remote-tasks list type:vzdump vmid:101 --limit 1

    Reads the cache alone, which the dashboard or a daemon keeps up to date. Times are local in the table, UNIX
    seconds in the other formats. On a terminal the table is as wide as that; into a pipe or a file it goes whole.
    """
    wanted = join_filter(words)
    cache = places.existing_cache()
    with cache.snapshot() as snapshot:
        if running:
            found = iter(list_running(snapshot, wanted)[offset:])
        else:
            found = list_tasks(snapshot, wanted, offset=offset)
        first = next(found, None)
        found = chain([] if first is None else [first], found)
        tasks: Iterator[Task] = islice(found, limit) if limit else found
        if format_ == "table":
            click.echo(period_heading(wanted), nl=False)
        columns = (*TASK_COLUMNS, UPID_COLUMN) if with_upid else TASK_COLUMNS
        for piece in render(tasks, format_, columns, TASK_FIELDS, Task.as_dict):
            click.echo(piece, nl=False)
        warn_of_unknown_names(snapshot, wanted)
        if format_ == "table":
            if limit and next(found, None) is not None:
                click.echo(f"there are more: --limit 0 lists all, --offset {offset + limit} the next", err=True)
            if first is None and not offset:
                click.echo(_nothing(wanted) if wanted or running else "there are no tasks yet", err=True)
            warn_of_silence(cache, snapshot, wanted)
            if not cache.has_worker():
                click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
        for damage in snapshot.damage:
            click.echo(f"warning: {damage}", err=True)
