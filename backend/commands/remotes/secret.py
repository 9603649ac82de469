"""Where `remotes add` takes a token's secret from, and how the configuration tells of it. The secret itself never
stands on a command line, on the screen or in the configuration."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from backend.commands.remotes.questions import ask, on_terminal, say_refused, settle
from backend.config import Secret
from backend.config.values import read_secret, read_secret_file

_WHICH_FILE = "File that holds the token's secret"


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A token's secret.

    Attributes:
        key, place: what tells in the configuration where it is: `token-secret-file` and a path, or
            `token-secret-env` and a name.
        new_file: the file of that path if it is still to be written.
    """

    value: Secret
    key: str
    place: str
    new_file: Path | None = None


def find_secret(
    file: str | None, variable: str | None, *, new_file: Callable[[], Path], back: str | None
) -> TokenSecret:
    """The secret of a file or of an environment variable that holds one; typed, if neither is given, and then for
    a new file beside the configuration, which `new_file` finds. Raises UsageError where there is none to be had,
    Abort, Back."""
    if file is not None:
        return settle("--token-secret-file", file, _read_file, _WHICH_FILE)
    if variable is not None:
        return TokenSecret(_read_variable(variable), "token-secret-env", variable)
    return _typed(new_file(), back)


def filled(variable: str) -> str | None:
    """The name of an environment variable that holds a secret; None, after telling so, where on a terminal it
    holds none: the secret is to be typed then. Raises UsageError elsewhere."""
    try:
        _read_variable(variable)
    except ValueError as error:
        words = f"--token-secret-env: {variable}: {error}"
        if not on_terminal():
            raise click.UsageError(words) from None
        say_refused(words)
        return None
    return variable


def another_secret(refused: TokenSecret, *, new_file: Callable[[], Path], back: str | None) -> TokenSecret:
    """The secret asked for again: the same file or another one if it was in a file, else typed. Raises Abort,
    Back."""
    if refused.key == "token-secret-file" and refused.new_file is None:
        return ask(_WHICH_FILE, _read_file, default=refused.place, back=back)
    return _typed(new_file(), back)


def _read_file(text: str) -> TokenSecret:
    path = Path(text).expanduser()
    return TokenSecret(read_secret_file(path), "token-secret-file", str(path.absolute()))


def _read_variable(name: str) -> Secret:
    return read_secret(os.environ.get(name, ""))


def _typed(new_file: Path, back: str | None) -> TokenSecret:
    secret = ask("Token secret (is not shown)", read_secret, hidden=True, back=back)
    return TokenSecret(secret, "token-secret-file", new_file.name, new_file)
