"""Where `remotes add` takes a token's secret from, and how the configuration tells of it. The secret itself never
stands on a command line, on the screen or in the configuration."""

import os
from dataclasses import dataclass
from pathlib import Path

import click

from backend.commands.remotes.questions import ask
from backend.config import Secret
from backend.config.values import read_secret, read_secret_file


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


def find_secret(file: Path | None, variable: str | None, *, new_file: Path) -> TokenSecret:
    """The secret of a file or of an environment variable; typed, if neither is given, and then for a new file
    beside the configuration. Raises UsageError where there is none to be had."""
    if file is not None:
        try:
            return TokenSecret(read_secret_file(file), "token-secret-file", str(file.absolute()))
        except ValueError as error:
            raise click.UsageError(f"--token-secret-file: {error}") from None
    if variable is not None:
        try:
            return TokenSecret(read_secret(os.environ.get(variable, "")), "token-secret-env", variable)
        except ValueError as error:
            raise click.UsageError(f"--token-secret-env: {error}") from None
    return TokenSecret(
        ask("Token secret (is not shown)", read_secret, hidden=True), "token-secret-file", new_file.name, new_file
    )
