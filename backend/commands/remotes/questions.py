"""Questions on the terminal, for what no option gave. Without a terminal, what is missing is wrong usage."""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from backend.commands.fold import fold, terminal_width

T = TypeVar("T")

_BACK = "<"
_YES_OR_NO = {"y": True, "yes": True, "n": False, "no": False}


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
    if back is not None:
        question += f" ({_BACK} back to {back})"
    while True:
        answer: str = click.prompt(
            question,
            default=default,
            show_default=bool(default),
            hide_input=hidden,
            value_proc=str.strip,
            err=True,
            prompt_suffix=" " if question.endswith("?") and not default else ": ",
        )
        if not answer:
            raise click.Abort
        if back is not None and answer == _BACK:
            raise Back
        try:
            return reader(answer)
        except ValueError as error:
            say_refused(str(error))


def settle(option: str, text: str, reader: Callable[[str], T], question: str) -> T:
    """The value of an option. Where the reader does not take it, another one is asked for on a terminal; elsewhere
    that is a UsageError that names the option."""
    try:
        return reader(text)
    except ValueError as error:
        words = f"{option}: {error}"
    if not on_terminal():
        raise click.UsageError(words)
    say_refused(words)
    return ask(question, reader)


def confirm(question: str, *, default: bool) -> bool:
    """Ask yes or no. Raises Abort on Ctrl-C."""
    question += " [Y/n]" if default else " [y/N]"
    while True:
        answer: str = click.prompt(question, default="", show_default=False, value_proc=str.strip, err=True)
        if not answer:
            return default
        if answer.lower() in _YES_OR_NO:
            return _YES_OR_NO[answer.lower()]
        say_refused("expected y or n")


def say_refused(words: str) -> None:
    """Tell why an answer, or what an option gives, does not do; what to do next is asked after it."""
    say(f"{click.style('✗', fg='red')} {words}")


def say(text: str = "") -> None:
    """Tell something that is no output for a program; on a terminal, without breaking words."""
    for line in text.split("\n"):
        click.echo(fold(line, terminal_width(sys.stderr)), err=True)
