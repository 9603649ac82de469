"""The role of the one process that works on a cache directory: a lock that lasts as long as it does."""

import fcntl
import os
import time
from pathlib import Path

from backend.archive.files import CacheError, try_flock

_LOCK = ".worker-lock"


class CacheBusy(CacheError):
    """Another process works on this cache."""


class CacheLost(CacheError):
    """The directory that was worked on is no longer the cache directory."""


class Role:
    """The role for one directory, until closed."""

    def __init__(self, directory: Path) -> None:
        """Take it. Raises CacheBusy if another process has it, or OSError."""
        self._directory = directory
        self._lock: int | None = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A reader that asks whether anybody works holds the lock for a moment.
        try:
            for _ in range(20):
                if try_flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    return
                time.sleep(0.005)
        except BaseException:
            self.close()
            raise
        self.close()
        raise CacheBusy(f"{directory}: another process already fetches into this cache")

    def close(self) -> None:
        """Give it back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def in_place(self) -> bool:
        """Whether the directory is still the one that this role is for: not after it was deleted, or another put
        in its place."""
        if self._lock is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._lock), os.stat(self._directory / _LOCK))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            # a disk that does not answer for a while takes nothing away
            return True

    def require(self) -> None:
        """To be called before anything is written: in another directory it would hide what that one lacks. Raises
        CacheError."""
        if self._lock is None:
            raise CacheError(f"{self._directory}: closed, so nothing can be stored")
        if not self.in_place():
            raise CacheLost(f"{self._directory}: the cache directory was deleted or replaced")


def is_held(directory: Path) -> bool:
    """Whether some process works on this cache now."""
    try:
        handle = os.open(directory / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not try_flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    finally:
        os.close(handle)
