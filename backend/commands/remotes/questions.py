"""Questions on the terminal, for what no option gave. Without a terminal, what is missing is wrong usage."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from backend.commands.fold import fold, terminal_width

T = TypeVar("T")

_BACK = "<"


class Back(Exception):
    """The user wants to answer an earlier question anew."""


def on_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def need_terminal(missing: list[str]) -> None:
    """Refuse to go on without these options where nobody can be asked. Raises UsageError that names them."""
    if missing and not on_terminal():
        raise click.UsageError(f"{', '.join(missing)}: not given, and there is no terminal to ask on")


def ask(
    question: str,
    reader: Callable[[str], T],
    *,
    default: str = "",
    hidden: bool = False,
    back: str | None = None,
) -> T:
    """Ask until the reader takes the answer; it raises ValueError in words. `back` says to what a way back is
    offered. Raises Abort on Ctrl-C, and where the answer is empty and there is no default; Back where the user
    takes the way back."""

    def read(answer: str) -> T:
        if not answer.strip():
            raise click.Abort
        if back is not None and answer.strip() == _BACK:
            raise Back
        try:
            return reader(answer.strip())
        except ValueError as error:
            raise click.UsageError(str(error)) from None

    if back is not None:
        question += f" ({_BACK} back to {back})"
    answer: T = click.prompt(
        question,
        default=default,
        show_default=bool(default),
        hide_input=hidden,
        value_proc=read,
        err=True,
        prompt_suffix=" " if question.endswith("?") and not default else ": ",
    )
    return answer


def settle(option: str, text: str, reader: Callable[[str], T], question: str) -> T:
    """The value of an option. Where the reader does not take it, another one is asked for on a terminal; elsewhere
    that is a UsageError that names the option."""
    try:
        return reader(text)
    except ValueError as error:
        words = f"{option}: {error}"
    if not on_terminal():
        raise click.UsageError(words)
    say(words)
    return ask(question, reader)


def confirm(question: str, *, default: bool) -> bool:
    """Ask yes or no. Raises Abort on Ctrl-C."""
    return click.confirm(question, default=default, err=True)


def say(text: str = "") -> None:
    """Tell something that is no output for a program; on a terminal, without breaking words."""
    for line in text.split("\n"):
        click.echo(fold(line, terminal_width(sys.stderr)), err=True)
