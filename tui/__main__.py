"""The command's entry: the command line of `backend.cli`, and the dashboard added to it. Textual is imported only
where the dashboard is shown."""

import sys

import click

from backend.cli import make_command
from backend.commands.command import Places


def main() -> None:
    """Run the command line."""
    make_command(_show_dashboard, _show_demo)(prog_name="remote-tasks")


def _show_dashboard(places: Places) -> None:
    _require_terminal("remote-tasks")
    from tui.start import show_dashboard

    show_dashboard(places)


def _show_demo() -> None:
    _require_terminal("remote-tasks --demo")
    from tui.demo import show_demo

    show_demo()


def _require_terminal(command: str) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.ClickException(
            f"`{command}` needs a terminal; without one, use `remote-tasks --daemon` to fetch "
            "and `remote-tasks list` to read"
        )


if __name__ == "__main__":
    main()
