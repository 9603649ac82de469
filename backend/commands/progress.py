"""What a command is at, as the last line of a terminal; nothing where stderr goes elsewhere."""

import sys

import click

from backend.commands.fold import terminal_width
from backend.table import cut
from backend.text import safe


class Progress:
    """A line on stderr that is written over and over, and taken away before anything else is printed.

    Attributes:
        on_terminal: whether there is a terminal to show it on.
    """

    def __init__(self) -> None:
        self.on_terminal = sys.stderr.isatty()
        self._words = ""

    def show(self, words: str) -> None:
        """Have the line say this."""
        if self.on_terminal and words != self._words:
            # one longer than the terminal would leave its first part behind
            room = (terminal_width(sys.stderr) or 80) - 1
            click.echo(f"\r\x1b[K{cut(safe(words), room)}", nl=False, err=True)
            self._words = words

    def hide(self) -> None:
        """Take it away, until it is shown again."""
        if self._words:
            click.echo("\r\x1b[K", nl=False, err=True)
            self._words = ""
