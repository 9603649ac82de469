"""The cache directory as its readers see it: `TaskCache` takes snapshots, tells the fleet's health and leaves
requests for the worker. A reader takes the cache's lock only to open files, and never waits for the network."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from backend.archive import inbox, role
from backend.archive.active import parse_active, read_active
from backend.archive.archive_file import ArchiveFile, open_archives
from backend.archive.files import CacheError, is_cache, locked
from backend.archive.health import Health, read_health
from backend.archive.history import History
from backend.archive.journal import EMPTY, open_journal, read_open_journal
from backend.archive.snapshot import Snapshot
from backend.task import Task

_FREED = 2_000
"""Rows of a journal that are freed with each snapshot, at least, once they were merged."""


class TaskCache:
    """A cache directory, for reading. Opens nothing before the first snapshot; a directory that does not exist is
    an empty cache. Safe to use from several threads."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self._lock = threading.Lock()
        self._files: dict[Path, ArchiveFile] = {}
        self._journal = EMPTY
        self._merged: list[Task] = []
        self._history: History | None = None
        self._history_version: object = None
        self._running: list[Task] | None = None
        self._running_version: object = None

    def snapshot(self) -> Snapshot:
        """The cache as it is now. What did not change since the last snapshot is shared with it. Raises CacheError
        if it cannot be read."""
        with self._lock:
            try:
                active, archives = self._read()
            except OSError as error:
                place = error.filename or self.directory
                raise CacheError(f"{place}: cannot read the cache: {error.strerror}") from error
            journal = self._journal
            files = [file.acquire() for file in archives]
            # A file that turned out to be damaged was opened anew, with the identity it had.
            opened = tuple((file.identity, file.checked) for file in files)
            history_version = ((journal.inode, journal.size, journal.tail), opened)
            if (
                self._history is None
                or history_version != self._history_version
                or any(one is not other for one, other in zip(files, self._history.files, strict=True))
            ):
                self._history = History(files, journal.rows, self._history)
                self._history_version = history_version
            if self._running is None or (active, history_version) != self._running_version:
                running = (task for task in parse_active(active) if task.upid not in journal.tasks)
                self._running = sorted(running, key=lambda task: task.key)
                self._running_version = (active, history_version)
            return Snapshot(self._running, self._history, files, journal.bad_lines, (active, history_version))

    def close(self) -> None:
        """Let go of the files kept open for the next snapshot."""
        with self._lock:
            for file in self._files.values():
                file.release()
            self._files = {}
            self._history = None

    def health(self) -> Health:
        """The fleet's health, as the worker last wrote it."""
        return read_health(self.directory / "health")

    def exists(self) -> bool:
        """Whether there is a cache at all: a directory with a file of one."""
        return is_cache(self.directory)

    def has_worker(self) -> bool:
        """Whether some process fetches into this cache now."""
        return role.is_held(self.directory)

    def request_refresh(self, remotes: Sequence[str] = ()) -> None:
        """Ask the worker to fetch from these remotes now, or from all. Raises CacheError."""
        inbox.put(self.directory, inbox.Request(refresh=tuple(remotes)))

    def request_track(self, upids: Sequence[str]) -> None:
        """Ask the worker to follow these tasks (remote UPIDs) until they end. Raises CacheError."""
        inbox.put(self.directory, inbox.Request(track=tuple(upids)))

    def request_hand_over(self) -> None:
        """Ask the dashboard that works on this cache to leave the work to this process. Raises CacheError."""
        inbox.put(self.directory, inbox.Request(hand_over=True))

    def _read(self) -> tuple[bytes, list[ArchiveFile]]:
        """The active file's content and the archive files, newest first. Of the journal what is new is read."""
        if not self.exists():
            self._journal = EMPTY
            return b"", []
        with locked(self.directory, exclusive=False):
            # Before the journal: what ends in between then stands in both, and shows as finished.
            active = read_active(self.directory / "active")
            handle = open_journal(self.directory / "journal")
            try:
                self._files = open_archives(self.directory, self._files)
            except BaseException:
                if handle is not None:
                    os.close(handle)
                raise
        if handle is None:
            self._journal = EMPTY
        else:
            known = self._journal
            try:
                self._journal = read_open_journal(handle, known)
            finally:
                os.close(handle)
            if self._journal.size < known.size:
                self._merged += known.rows
        # Rows that were merged go bit by bit: to free all at once would take longer than to read a page.
        del self._merged[-max(_FREED, len(self._merged) // 3) :]
        return active, list(self._files.values())
