"""The command's entry: the command line of `backend.cli`, and the dashboard added to it. Textual is imported only
where the dashboard is shown."""

import gc
import os
import sys

import click

from backend.cli import make_command
from backend.commands.command import Places

_FRAMES_A_SECOND = "500"
"""How often the screen may be painted. Textual waits for the time of a frame before it paints a first change: with
its own 60 every key would take 16 ms more. How often it really paints is up to what changes."""


def main() -> None:
    """Run the command line."""
    # read by Textual as it is imported
    os.environ.setdefault("TEXTUAL_FPS", _FRAMES_A_SECOND)
    make_command(_show_dashboard, _show_demo)(prog_name="remote-tasks")


def _show_dashboard(places: Places) -> None:
    _require_terminal("remote-tasks")
    # What is imported stays: to look for garbage in it again and again only delays the start. The dashboard itself
    # has the collector work again (`calm_interpreter`).
    gc.disable()
    from tui.memory import Memory, default_path
    from tui.start import show_dashboard

    if show_dashboard(places, Memory(default_path())):
        _show_demo()


def _show_demo() -> None:
    _require_terminal("remote-tasks --demo")
    from tui.demo import show_demo

    show_demo()


def _require_terminal(command: str) -> None:
    # the screen is painted through stderr
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise click.ClickException(
            f"`{command}` needs a terminal; without one, use `remote-tasks --daemon` to fetch "
            "and `remote-tasks list` to read"
        )


if __name__ == "__main__":
    main()
