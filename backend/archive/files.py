"""Names, locks and safe replacement of the files in a cache directory. What they hold is other modules' matter."""

import contextlib
import errno
import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

DAY = 86_400
"""Seconds of a UTC day; archive files start at multiples of it."""

_ARCHIVE = re.compile(r"archive\.(?P<start>0|[1-9][0-9]{0,11})(?P<compressed>\.zst)?")
_FILES = frozenset({"active", "journal", "state", "health"})
_TEMPORARY = ".tmp-"


class CacheError(Exception):
    """The cache directory cannot be used; the text says why and what to do."""


def make_directory(path: Path) -> None:
    """Make a directory of the cache, 0700, with its parents. Raises CacheError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(f"{path}: cannot make the cache directory: {error.strerror}") from error


def archive_name(start: int) -> str:
    """The name of the compressed archive file of the tasks from `start` (UNIX seconds) on."""
    return f"archive.{start}.zst"


def list_archives(directory: Path) -> list[tuple[int, Path]]:
    """The archive files, newest first, as (start, path). Where a compressed file stands beside the plain one it
    was made of, as after a crash, the compressed one counts. Directories and foreign names are passed over."""
    found: dict[int, Path] = {}
    with os.scandir(directory) as entries:
        for entry in entries:
            match = _ARCHIVE.fullmatch(entry.name)
            if match is None or not entry.is_file():
                continue
            start = int(match["start"])
            if match["compressed"] or start not in found:
                found[start] = Path(entry.path)
    return sorted(found.items(), reverse=True)


def clear_the_way(directory: Path) -> list[str]:
    """Set aside what stands where a file of the cache belongs and is none, such as a directory: nothing could be
    written there. Returns what was done, in words. Only for the holder of the worker's lock."""
    done = []
    for path in sorted(directory.iterdir()):
        if not (_ARCHIVE.fullmatch(path.name) or path.name in _FILES) or path.is_file():
            continue
        aside = f".aside-{path.name}-{os.urandom(4).hex()}"
        path.rename(path.with_name(aside))
        done.append(f"{path.name}: no file stood in its place; what did is now {aside}")
    return done


def is_cache(directory: Path) -> bool:
    """Whether a directory holds any file of a cache."""
    if not directory.is_dir():
        return False
    return any((directory / name).exists() for name in ("active", "journal", "state")) or bool(
        list_archives(directory)
    )


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file by rename, 0600: a reader sees the old content or the new. With `durable`, it is on disk when
    this returns."""
    with new_file(path, durable=durable) as (file, temporary):
        file.write(content)
    os.replace(temporary, path)
    if durable:
        sync_directory(path.parent)


@contextlib.contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[tuple[BinaryIO, Path]]:
    """A temporary file beside `path`, 0600, to be renamed to it by the caller once the context has ended; removed
    if it ends by an error."""
    handle, name = tempfile.mkstemp(prefix=f"{_TEMPORARY}{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(name)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_temporaries(directory: Path, *, older_than: float = 0.0) -> None:
    """Remove what an interrupted write left behind, `older_than` seconds ago. Only for the holder of the worker's
    lock, who alone writes here but for the inbox."""
    for path in directory.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime >= older_than:
                path.unlink()


@contextlib.contextmanager
def locked(directory: Path, *, exclusive: bool, timeout: float = 10.0) -> Iterator[None]:
    """Hold PDM's `.lock`: shared to open files, exclusive to replace them; in either case only for moments.

    Raises CacheError if it is not to be had within `timeout` seconds.
    """
    handle = _open_lock(directory / ".lock", exclusive=exclusive)
    if handle is None:
        yield
        return
    try:
        operation = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB
        deadline = time.monotonic() + timeout
        while not try_flock(handle, operation):
            if time.monotonic() > deadline:
                raise CacheError(f"{directory}: another process has held the cache's lock for {timeout:.0f} s")
            time.sleep(0.001)
        yield
    finally:
        os.close(handle)


def _open_lock(path: Path, *, exclusive: bool) -> int | None:
    """The lock file, made where it is missing; None for who may only read, where nobody ever wrote."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if exclusive or error.errno not in (errno.EACCES, errno.EROFS):
            raise
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None


def try_flock(handle: int, operation: int) -> bool:
    """Take a lock without waiting, if it is to be had."""
    try:
        fcntl.flock(handle, operation)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
