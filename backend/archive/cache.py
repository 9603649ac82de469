"""The cache directory as its readers see it: `TaskCache` takes snapshots, tells the fleet's health and leaves
requests for the worker. A reader takes the cache's lock only to open files, and never waits for the network."""

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from backend.archive import inbox
from backend.archive.active import parse_active, read_active
from backend.archive.archive_file import ArchiveFile
from backend.archive.files import list_archives, locked, worker_lock_is_held
from backend.archive.health import Health, read_health
from backend.archive.journal import EMPTY, read_journal
from backend.archive.snapshot import Snapshot


class TaskCache:
    """A cache directory, for reading. Opens nothing before the first snapshot; a directory that does not exist is
    an empty cache. Safe to use from several threads."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._lock = threading.Lock()
        self._files: dict[Path, ArchiveFile] = {}
        self._journal = EMPTY

    def snapshot(self) -> Snapshot:
        """The cache as it is now. What did not change since the last snapshot is shared with it."""
        with self._lock, self._shared_lock():
            archives = self._open_archives()
            self._journal = read_journal(self.directory / "journal", self._journal)
            active = read_active(self.directory / "active")
            version = (
                active,
                (self._journal.inode, self._journal.size),
                tuple(file.identity for file in archives),
            )
            files = [file.acquire() for file in archives]
        return Snapshot(parse_active(active), self._journal, files, version)

    def close(self) -> None:
        """Let go of the files kept open for the next snapshot."""
        with self._lock:
            for file in self._files.values():
                file.release()
            self._files = {}

    def health(self) -> Health:
        """The fleet's health, as the worker last wrote it."""
        return read_health(self.directory / "health")

    def exists(self) -> bool:
        """Whether there is a cache at all."""
        return self.directory.is_dir()

    def has_worker(self) -> bool:
        """Whether some process fetches into this cache now."""
        return worker_lock_is_held(self.directory)

    def request_refresh(self, remotes: Sequence[str] = ()) -> None:
        """Ask the worker to fetch from these remotes now, or from all. Raises CacheError."""
        inbox.put(self.directory, inbox.Request(refresh=tuple(remotes)))

    def _shared_lock(self) -> contextlib.AbstractContextManager[None]:
        if not self.directory.is_dir():
            return contextlib.nullcontext()
        return locked(self.directory, exclusive=False)

    def _open_archives(self) -> list[ArchiveFile]:
        """The archive files, newest first, opened where they are new or were replaced."""
        opened: dict[Path, ArchiveFile] = {}
        for start, path in list_archives(self.directory):
            known = self._files.get(path)
            with contextlib.suppress(FileNotFoundError):
                if known is not None and known.is_current():
                    opened[path] = self._files.pop(path)
                else:
                    opened[path] = ArchiveFile(path, start)
        for file in self._files.values():
            file.release()
        self._files = opened
        return list(opened.values())
