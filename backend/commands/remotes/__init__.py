"""`remote-tasks remotes`: the health of the fleet, as the cache tells it; and the commands below it, a module
each."""

import time
from importlib import import_module
from typing import Any

import click

from backend.commands.command import Places, clear_errors, with_places_options
from backend.output import FORMATS, render
from backend.report import REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport, remote_reports, round_progress

_COMMANDS = ("add", "remove")
_CHECK = "check"


class _Remotes(click.Group):
    """A group whose option `--check` makes another command of it, one that takes the names of remotes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if f"--{_CHECK}" in args and not {"-h", "--help"} & {*args}:
            for word in args[: args.index(f"--{_CHECK}")]:
                if word in _COMMANDS:
                    told = f"{word} goes without --{_CHECK}, which is for remotes that are configured"
                    raise click.UsageError(f"{told}: remotes --{_CHECK} [REMOTE]...", ctx)
            args = [_CHECK, *(arg for arg in args if arg != f"--{_CHECK}")]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in (*_COMMANDS, _CHECK):
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        with clear_errors():
            return super().invoke(ctx)


@click.group("remotes", cls=_Remotes, invoke_without_command=True, subcommand_metavar="[COMMAND | REMOTE...]")
@click.option(f"--{_CHECK}", is_flag=True, expose_value=False, help="Ask the remotes themselves, or those named.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True)
@with_places_options
def remotes_command(places: Places, format_: str) -> None:
    """Show each remote's health: when it last answered, and what is wrong with it.

    Without --check it asks nobody: it shows what the dashboard or a daemon last saw.

    With --check it goes the whole way to each address of the remotes, or of those named, and says at each step
    what is wrong and what to do: the name, the port, the certificate, the token, the version, the clock, and the
    privileges on each node. A server whose certificate is not accepted is sent nothing. The exit status is 1 if
    any step failed (✗). What only limits what is seen is a warning (!) and does not count: a privilege that is
    missing on some nodes but not on all, a node that is offline, a clock that differs, a certificate about to
    expire.
    """
    context = click.get_current_context()
    context.obj = places
    if context.invoked_subcommand is not None:
        return
    cache = places.existing_cache()
    health = cache.health()
    if not cache.has_worker():
        click.echo(f"warning: nobody is fetching into {places.cache} now", err=True)
    elif health.round is not None and health.round.finished is None:
        click.echo(f"a round goes on: {round_progress(health.round, time.time())}", err=True)
    if health.problem:
        click.echo(f"warning: {health.problem}", err=True)
    reports = remote_reports(health)
    for piece in render(reports, format_, REMOTE_COLUMNS, REMOTE_FIELDS, RemoteReport.as_dict):
        click.echo(piece, nl=False)
