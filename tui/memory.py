"""What the dashboard remembers from one time to the next, in one small file of the user's: filters, columns, sizes
and colours. Several dashboards may share it: each writes only what it has changed itself."""

import asyncio
import contextlib
import fcntl
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
            self.now = self._saved = _decode(path)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            self.problem = f"{path}: cannot be read, so nothing is remembered: {why}"
            with contextlib.suppress(OSError):
                path.replace(path.with_name(f"{path.name}.broken"))

    async def _save(self, path: Path) -> None:
        while self._saved != self.now:
            mine = self.now
            try:
                written = await asyncio.to_thread(_update, path, self._saved, mine)
            except OSError as error:
                self.failed(f"{path}: cannot be written: {error.strerror}")
                return
            self.failed("")
            # filters that another dashboard has added are there from now on; how this one looks stays its own
            both = merged(mine, self.now, written)
            self.now = msgspec.structs.replace(self.now, filters=both.filters, saved=both.saved)
            self._saved = msgspec.structs.replace(mine, filters=written.filters, saved=written.saved)


def merged(base: Remembered, mine: Remembered, theirs: Remembered) -> Remembered:
    """What two have made of the same `base`: mine where I changed it, else theirs. Of the last filters and the
    saved ones both keep what they added."""
    fields = {
        name: getattr(mine, name)
        for name in Remembered.__struct_fields__
        if getattr(mine, name) != getattr(base, name)
    }
    if "filters" in fields:
        added = [text for text in mine.filters if text not in base.filters or text == mine.filters[0]]
        fields["filters"] = tuple(dict.fromkeys((*added, *theirs.filters)))[:MOST_FILTERS]
    if "saved" in fields:
        forgotten = base.saved.keys() - mine.saved.keys()
        kept = {name: text for name, text in theirs.saved.items() if name not in forgotten}
        changed = {name: text for name, text in mine.saved.items() if base.saved.get(name) != text}
        fields["saved"] = kept | changed
    return msgspec.structs.replace(theirs, **fields)


def _update(path: Path, base: Remembered, mine: Remembered) -> Remembered:
    """Write what has changed from `base` to `mine` into a file that others may have written since; what is in the
    file then. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # of two that write at once one waits; the lock goes with the handle
        fcntl.flock(folder, fcntl.LOCK_EX)
        try:
            theirs = _decode(path)
        except (FileNotFoundError, ValueError):
            theirs = base
        both = merged(base, mine, theirs)
        _write(path, msgspec.json.format(msgspec.json.encode(both)))
    finally:
        os.close(folder)
    return both


def _decode(path: Path) -> Remembered:
    """What is in a file. Raises OSError and ValueError."""
    return msgspec.json.decode(path.read_bytes(), type=Remembered)


def _write(path: Path, content: bytes) -> None:
    """Put a file in the place of the one before, whole or not at all. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
