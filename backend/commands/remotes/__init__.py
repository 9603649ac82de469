"""`remote-tasks remotes`: which of the commands below it is meant, a module each."""

from importlib import import_module
from typing import Any

import click

from backend.commands.command import Places, clear_errors, with_format_option, with_places_options

_COMMANDS = ("add", "remove")
_CHECK = "check"
_SHOW = "show"
_HELP = frozenset({"-h", "--help"})


class _Remotes(click.Group):
    """A group that takes the names of remotes as well as commands: with those, or with nothing, it is the command
    `show`, and with its option `--check` the command `check`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        checking = f"--{_CHECK}" in args
        _, words, _ = self.make_parser(ctx).parse_args([arg for arg in args if arg not in _HELP])
        word = words[0] if words else None
        if word in _COMMANDS:
            if checking:
                told = f"{word} goes without --{_CHECK}, which is for remotes that are there already"
                raise click.UsageError(f"{told}: remotes --{_CHECK} [NAME]...", ctx)
        elif _HELP & {*args}:
            args = ["--help"]
        else:
            args = [_CHECK if checking else _SHOW, *(arg for arg in args if arg != f"--{_CHECK}")]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in (*_COMMANDS, _CHECK, _SHOW):
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), f"{cmd_name}_command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        with clear_errors():
            return super().invoke(ctx)


@click.group(
    "remotes",
    cls=_Remotes,
    subcommand_metavar="[NAME... | COMMAND]",
    short_help="Show each remote's health; check, add, remove remotes.",
)
@click.option(f"--{_CHECK}", is_flag=True, expose_value=False, help="Ask the remotes themselves.")
@with_format_option
@with_places_options
def remotes_command(places: Places, format_: str) -> None:
    """Show the health of the remotes named, or of all: when each last answered, and what is wrong with it.

    \b
      remote-tasks remotes
      remote-tasks remotes --check wien
      remote-tasks remotes add

    Without --check it asks nobody: it shows what the dashboard or a daemon last saw. Where neither works on the
    cache any more, the state is one that was: "was ok".

    With --check it goes the whole way to each address of these remotes, and says at each step what is wrong and
    what to do: the name, the port, the certificate, the token, the version, the clock, and the privileges on each
    node. A server whose certificate is not accepted is sent nothing. The exit status is 1 if any step failed (✗).
    What only limits what is seen is a warning (!) and does not count: a privilege that is missing on some nodes
    but not on all, a node that is offline, a clock that differs, a certificate about to expire.
    """
    click.get_current_context().obj = places
