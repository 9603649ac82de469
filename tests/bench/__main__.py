"""The benchmark's command: `python -m tests.bench`."""

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from backend.archive import CacheError
from backend.interpreter import calm_interpreter
from tests.bench import child, reading, writing
from tests.bench.fleet import fleet_command
from tests.bench.ground import FULL_SIZE, Ground
from tests.bench.lines import LINES, NAMES
from tests.bench.measure import BenchError
from tests.bench.screen import screen_command
from tests.bench.table import Result, as_table, describe_run

_FAILURES = (BenchError, CacheError, sqlite3.Error, OSError, subprocess.TimeoutExpired)

_HELP = f"""Measure the archive against its budgets, and beside SQLite.

A fleet's week is written through the project's own writer and into an SQLite table with the indexes its questions
want. Then each question is asked of both, in turn, and the table tells what the answers took. Every answer is
compared: a figure stands only for the same rows as SQLite's.

Pages are asked of one open snapshot (those called new take one each time), at varying offsets; no filter is asked
twice. All files are in the system's memory. Appending and merging work on copies. Memory and opening are measured
in new processes.

\b
Lines:
{chr(10).join(f"  {line.name:17} {line.what}" for line in LINES)}

\b
Examples:
  python -m tests.bench --data /var/tmp/bench       keep the data for the next run
  python -m tests.bench --only errors,rare,count    these lines alone
  python -m tests.bench --tasks 15000000            ten times the fleet; some budgets grow with it
"""


def _names(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    for name in names:
        if name not in NAMES:
            raise click.BadParameter(f"no line is called {name!r}; the lines are {', '.join(NAMES)}")
    return frozenset(names or NAMES)


@click.group(help=_HELP, invoke_without_command=True, context_settings={"max_content_width": 115})
@click.option(
    "--tasks", default=FULL_SIZE, show_default=True, type=click.IntRange(1_000), metavar="N",
    help="How many finished tasks there are.",
)  # fmt: skip
@click.option(
    "--seconds", default=1.0, show_default=True, type=click.FloatRange(0), metavar="S",
    help="How long each question is repeated, up to 200 times.",
)  # fmt: skip
@click.option("--only", callback=_names, multiple=True, metavar="NAME", help="Lines to measure; may be repeated.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Keep the data there, and reuse it. Remove it after a change of the archive's writer. Without this it is "
    "made in the system's temporary directory, and removed.",
)  # fmt: skip
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, writable=True, allow_dash=True), metavar="FILE",
    help="Write the figures as JSON too; to - instead of the table.",
)  # fmt: skip
@click.pass_context
def main(
    context: click.Context,
    tasks: int,
    seconds: float,
    only: frozenset[str],
    data: Path | None,
    json_file: str | None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    # as the daemon and the dashboard do
    calm_interpreter()
    with _directory(data) as directory:
        try:
            ground = Ground(directory, tasks, _tell)
        except _FAILURES as error:
            raise click.ClickException(f"could not make or reuse the data in {directory}: {error}") from None
        results, failures = _measure(ground, only, seconds)
    if json_file is not None:
        lines = [result.as_dict() for result in results]
        report = describe_run(ground) | {"lines": lines, "not_measured": failures}
        with click.open_file(json_file, "w") as file:
            file.write(json.dumps(report, indent=1) + "\n")
    if json_file != "-":
        click.echo(as_table(ground, results, failures))
    if failures:
        raise click.ClickException(f"could not measure {', '.join(failures)}")


main.add_command(fleet_command)
main.add_command(screen_command)


def _measure(ground: Ground, only: frozenset[str], seconds: float) -> tuple[list[Result], dict[str, str]]:
    """The results of the lines asked for, and why those that are missing are."""
    lines = {line.name: line for line in LINES}
    results: dict[str, Result] = {}
    failures: dict[str, str] = {}
    for part in (reading, writing, child):
        wanted = only.intersection(part.NAMES)
        try:
            for figure in part.measure(ground, wanted, seconds):
                results[figure.name] = Result(lines[figure.name], figure, ground.tasks)
                _tell(f"measured {figure.name}")
        except _FAILURES as error:
            failures |= {name: str(error) for name in NAMES if name in wanted - results.keys()}
    _tell("")
    return [results[name] for name in NAMES if name in results], failures


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


def _tell(text: str) -> None:
    """Progress, on stderr: one line on a terminal, line by line elsewhere."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)
    elif text:
        click.echo(text, err=True)


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
