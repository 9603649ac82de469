"""What the dashboard remembers from one time to the next, in one small file of the user's: filters, columns, sizes
and colours."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from platformdirs import user_state_path

MOST_FILTERS = 100
"""How many of the last filters are remembered."""


class Remembered(msgspec.Struct, frozen=True):
    """What is remembered.

    Attributes:
        theme: the colours' name; empty: the usual ones.
        filters: the last filters, the newest first.
        saved: filters by the names they were given.
        hidden: the history's columns that are not to be seen.
        running_rows: how high the list of what runs may be; None: a share of the screen.
        running_order: what it is sorted by.
    """

    theme: str = ""
    filters: tuple[str, ...] = ()
    saved: dict[str, str] = {}
    hidden: tuple[str, ...] = ()
    running_rows: int | None = None
    running_order: str = ""


def default_path() -> Path:
    """The file, in the user's directory for such things."""
    return user_state_path("remote-tasks") / "dashboard.json"


class Memory:
    """What is remembered, and its file.

    Args:
        path: the file; None: nothing outlives the process.

    Attributes:
        now: what is remembered now.
        problem: why the file could not be read, in words; empty if it could. Such a file is kept beside.
        failed: told why the file could not be written, or with no words that it could.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.now = Remembered()
        self.problem = ""
        self.failed: Callable[[str], None] = lambda words: None
        self._path = path
        self._saving: asyncio.Task[None] | None = None
        self._saved = self.now
        if path is not None:
            self._read(path)

    def change(self, **fields: Any) -> None:
        """Remember other values from now on; they are written in the background."""
        self.now = msgspec.structs.replace(self.now, **fields)
        if self._path is not None and (self._saving is None or self._saving.done()):
            self._saving = asyncio.create_task(self._save(self._path))

    def add_filter(self, text: str) -> None:
        """Remember a filter as the last one."""
        if text:
            others = [other for other in self.now.filters if other != text]
            self.change(filters=(text, *others)[:MOST_FILTERS])

    async def settle(self) -> None:
        """Wait until all of it is written."""
        if self._saving is not None:
            await self._saving

    def _read(self, path: Path) -> None:
        try:
            self.now = self._saved = msgspec.json.decode(path.read_bytes(), type=Remembered)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self.problem = f"{path}: cannot be read, so nothing is remembered: {why}"
            with contextlib.suppress(OSError):
                path.replace(path.with_name(f"{path.name}.broken"))

    async def _save(self, path: Path) -> None:
        while self._saved is not self.now:
            new = self.now
            try:
                await asyncio.to_thread(_write, path, msgspec.json.format(msgspec.json.encode(new)))
            except OSError as error:
                self.failed(f"{path}: cannot be written: {error.strerror}")
                return
            self._saved = new
            self.failed("")


def _write(path: Path, content: bytes) -> None:
    """Put a file in the place of the one before, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
