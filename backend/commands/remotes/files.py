"""The configuration file as `remotes add` and `remotes remove` change it, and the secrets they keep beside it. How
its text is changed is `backend.config.edit`'s matter."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from backend.config import Secret
from backend.config.edit import EditError, put_table, take_table
from backend.config.toml import read_toml
from backend.config.values import resolve


class ConfigurationFile:
    """A configuration file to be changed, whether or not it is there yet. Raises ConfigError if it is no TOML."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text, content = read_toml(path) if path.exists() else ("", {})
        remotes = content.get("remotes")
        self._remotes: dict[str, Any] = remotes if isinstance(remotes, dict) else {}

    def __contains__(self, name: str) -> bool:
        return name in self._remotes

    def __iter__(self) -> Iterator[str]:
        return iter(self._remotes)

    def secret_file(self, name: str) -> Path:
        """The file beside it that holds the secret of a remote whose secret was typed."""
        return self.path.parent / f"{name}.secret"

    def owns_secret_file(self, name: str) -> bool:
        """Whether that file is this remote's and no other's."""
        users = [
            other
            for other, remote in self._remotes.items()
            if isinstance(remote, dict)
            and isinstance(file := remote.get("token-secret-file"), str)
            and file
            and resolve(file, self.path.parent) == self.secret_file(name)
        ]
        return users == [name]

    def new_secret_file(self, name: str) -> Path:
        """That file, if a secret may be written there. Raises ClickException where it may or can not."""
        file = self.secret_file(name)
        if file.exists() and not self.owns_secret_file(name):
            raise click.ClickException(
                f"{file} is there already, and not {name}'s; remove it, or give it with --token-secret-file"
            )
        require_place(file)
        return file

    def put(self, name: str, table: str, secret: Secret | None = None) -> None:
        """Write a remote's table in place of the one it has, or at the end; before it the secret that it tells of,
        if that is to be in the remote's secret file. Where it cannot be written, the secret stays what it was.
        Raises ClickException, OSError."""
        try:
            changed = put_table(self._text, name, table).encode()
        except EditError as error:
            raise click.ClickException(f"{self.path}: {error}") from None
        if secret is None:
            write_file(self.path, changed)
            return
        file = self.secret_file(name)
        before = file.read_bytes() if file.exists() else None
        write_file(file, f"{secret.reveal()}\n".encode(), private=True)
        try:
            write_file(self.path, changed)
        except BaseException:
            if before is None:
                file.unlink(missing_ok=True)
            else:
                write_file(file, before, private=True)
            raise

    def take(self, name: str) -> None:
        """Write the file without a remote's table. Raises ClickException, OSError."""
        try:
            changed = take_table(self._text, name)
        except EditError as error:
            raise click.ClickException(f"{self.path}: {error}") from None
        write_file(self.path, changed.encode())


def require_place(path: Path) -> None:
    """Raise ClickException unless a file can be written here, as far as that can be known before it is."""
    folder = Path(os.path.realpath(path)).parent
    while not os.path.lexists(folder):
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise click.ClickException(f"{folder}: nothing can be written there: {error.strerror}") from None


def write_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Replace a file as a whole, or make it, 0600, with its directory, 0700. One that is there keeps its owner
    and, unless it is to be private, its mode; a new one has its directory's owner. A symbolic link stays, and what
    it leads to is replaced. Raises OSError."""
    path = Path(os.path.realpath(path))
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    old = path.stat() if path.exists() else None
    owner = old or path.parent.stat()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            # Only the superuser may give files away; a file that he edits stays its owner's.
            with contextlib.suppress(PermissionError):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fchmod(file.fileno(), 0o600 if private or old is None else old.st_mode & 0o777)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
