"""The one writer of a cache directory: batches of tasks go in, durably; journal, archive files, running tasks and
state come out. It fetches nothing, and decides by the tasks and the clock alone."""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from backend.archive import inbox
from backend.archive.active import parse_active, read_active, write_active
from backend.archive.archive_file import ArchiveFile
from backend.archive.files import (
    CacheError,
    list_archives,
    locked,
    make_directory,
    new_file,
    remove_temporaries,
    try_worker_lock,
)
from backend.archive.health import Health, write_health
from backend.archive.journal import EMPTY, append_to_journal, cut_torn_tail, read_journal
from backend.archive.lines import encode_all
from backend.archive.merge import day_starts, layout_is_due, lost_since, prepare_merge
from backend.archive.snapshot import Snapshot
from backend.archive.state import NodeKey, State, read_state, write_state
from backend.task import Task, later
from backend.upid import UpidError, parse_remote_upid

log = logging.getLogger(__name__)

MERGE_BYTES = 5 << 20
"""A journal of this size (bytes) is merged."""
MERGE_SECONDS = 3_600
"""A journal is merged at least this often (seconds)."""


class CacheBusy(CacheError):
    """Another process works on this cache."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What the workers hand over: tasks in any order, running and finished, and the cutoffs of nodes whose tasks
    are complete with them (UNIX seconds; 0 or less forgets the node's cutoff)."""

    tasks: Sequence[Task] = ()
    cutoffs: Mapping[NodeKey, int] = field(default_factory=dict)


class CacheWriter:
    """Holds the worker's role for a cache directory until closed. Its methods block on the disk: call them in a
    thread. Safe to use from several threads."""

    def __init__(self, directory: Path, *, keep_days: int = 7, clock: Callable[[], float] = time.time) -> None:
        """Take the role, and mend what a crash left. Raises CacheBusy if another process has the role, CacheError
        if the directory cannot be used."""
        self.directory = directory
        self._keep_days = keep_days
        self._clock = clock
        self._lock = threading.Lock()
        self._merging = threading.Lock()
        self._closing = threading.Event()
        self._files: list[ArchiveFile] = []
        self._running: dict[str, Task] = {}
        self._merged = clock()
        make_directory(directory)
        try:
            worker_lock = try_worker_lock(directory)
            if worker_lock is None:
                raise CacheBusy(f"{directory}: another process already fetches into this cache")
            self._worker_lock = worker_lock
            try:
                self._recover()
            except BaseException:
                self.close()
                raise
        except OSError as error:
            raise CacheError(f"{error.filename or directory}: {error.strerror}") from error

    def __enter__(self) -> "CacheWriter":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the role back. Everything stored is durable already; a merge under way is broken off."""
        self._closing.set()
        with self._merging, self._lock:
            self._close()

    def _close(self) -> None:
        for file in self._files:
            file.release()
        self._files = []
        os.close(self._worker_lock)

    @property
    def running(self) -> dict[str, Task]:
        """The tasks known to run, by remote UPID; of a task that ended since, `store` takes the finished form."""
        return dict(self._running)

    def cutoff(self, remote: str, node: str) -> int | None:
        """From where on (UNIX seconds) a node's tasks are to be asked for; None if from the beginning."""
        return self._state.cutoffs.get((remote, node))

    def store(self, batch: Batch) -> None:
        """Take over a batch; it is durable when this returns, first its tasks, then its cutoffs. Storing the same
        again changes nothing. Raises OSError, and then no cutoff has moved."""
        oldest = day_starts(self._clock(), self._keep_days)[-1]
        finished = {task.upid: task for task in batch.tasks if task.endtime is not None}
        with self._lock:
            self._append(task for task in finished.values() if task.starttime >= oldest)
            running = {upid: task for upid, task in self._running.items() if upid not in finished}
            for task in batch.tasks:
                if task.endtime is None and task.upid not in running and not self._is_finished(task, finished):
                    running[task.upid] = task
            self._replace_running(running)
            cutoffs = {**self._state.cutoffs, **batch.cutoffs}
            self._replace_state({key: cutoff for key, cutoff in cutoffs.items() if cutoff > 0})

    def keep_only(self, remotes: Collection[str]) -> None:
        """Forget the running tasks and cutoffs of remotes that are not there any more. Their history stays."""
        with self._lock:
            self._replace_running({upid: task for upid, task in self._running.items() if task.remote in remotes})
            cutoffs = {key: cutoff for key, cutoff in self._state.cutoffs.items() if key[0] in remotes}
            self._replace_state(cutoffs)

    def housekeep(self, *, merge_now: bool = False) -> bool:
        """Merge the journal if that is due (or `merge_now`), begin a new day's file, drop days past the kept ones,
        and give up damaged blocks for being fetched again. Returns whether anything was done; raises
        ScanCancelled if the writer is closed meanwhile."""
        with self._merging:
            now = self._clock()
            days = day_starts(now, self._keep_days)
            with self._lock:
                journal = self._journal
            due = (
                merge_now
                or journal.size > MERGE_BYTES
                or (journal.size > 0 and now - self._merged >= MERGE_SECONDS)
                or now < self._merged
                or layout_is_due(self._files, days)
                or any(file.damage for file in self._files)
            )
            if due:
                self._merge(days)
                self._merged = now
            return due

    def take_requests(self) -> list[inbox.Request]:
        """Take what readers have asked for since the last call."""
        return inbox.take(self.directory)

    def write_health(self, health: Health) -> None:
        """Publish the fleet's health."""
        write_health(self.directory / "health", health)

    def _recover(self) -> None:
        remove_temporaries(self.directory)
        torn = cut_torn_tail(self._path("journal"))
        if torn:
            log.warning("journal: cut off %d bytes of a line that was not written whole", torn)
        self._journal = read_journal(self._path("journal"), EMPTY)
        self._state, problem = read_state(self._path("state"))
        if problem:
            log.warning("%s", problem)
        self._open_files()
        self._replace_running(self._find_running())

    def _find_running(self) -> dict[str, Task]:
        """The tasks of the active file and the tracked ones, but for those that are known to have ended."""
        running = parse_active(read_active(self._path("active")))
        for upid in self._state.tracked:
            with contextlib.suppress(UpidError):
                parsed = parse_remote_upid(upid)
                running.setdefault(parsed.text, Task(parsed.text, parsed.upid.starttime))
        return {upid: task for upid, task in running.items() if not self._is_finished(task, {})}

    def _path(self, name: str) -> Path:
        return self.directory / name

    def _append(self, finished: Iterable[Task]) -> None:
        known = self._journal.tasks
        new = [
            task
            for task in finished
            if task.upid not in known or later(known[task.upid], task) != known[task.upid]
        ]
        if new:
            append_to_journal(self._path("journal"), encode_all(new))
            self._journal = read_journal(self._path("journal"), self._journal)

    def _is_finished(self, task: Task, finished: Mapping[str, Task]) -> bool:
        """Whether a task that is reported as running is known to have ended: reports may come late."""
        if task.upid in finished or task.upid in self._journal.tasks:
            return True
        return self._archived.find(task.key) is not None

    def _replace_running(self, running: dict[str, Task]) -> None:
        if running != self._running:
            write_active(self._path("active"), running.values())
            self._running = running

    def _replace_state(self, cutoffs: dict[NodeKey, int]) -> None:
        state = State(cutoffs, [upid for upid in self._state.tracked if upid in self._running])
        if state != self._state:
            write_state(self._path("state"), state)
            self._state = state

    def _open_files(self) -> None:
        for file in self._files:
            file.release()
        self._files = [ArchiveFile(path, start) for start, path in list_archives(self.directory)]
        self._archived = Snapshot({}, EMPTY, self._files, None)

    def _merge(self, days: list[int]) -> None:
        """Merge beside readers and appends; they wait for the renames alone."""
        with self._lock:
            journal = self._journal
        merge = prepare_merge(self.directory, self._files, journal, days, cancelled=self._closing.is_set)
        try:
            since = lost_since(merge.damage, days)
            for damage in merge.damage:
                log.warning("%s: that time is fetched again", damage)
            with self._lock:
                if since is not None:
                    cutoffs = {key: min(cutoff, since) for key, cutoff in self._state.cutoffs.items()}
                    self._replace_state(cutoffs)
                with new_file(self._path("journal")) as (file, rest):
                    file.write(self._path("journal").read_bytes()[journal.size :] if journal.size else b"")
                with locked(self.directory, exclusive=True):
                    merge.commit(self.directory)
                    os.replace(rest, self._path("journal"))
                self._journal = read_journal(self._path("journal"), EMPTY)
                self._open_files()
        except BaseException:
            merge.discard()
            raise
