"""The one writer of a cache directory: batches of tasks go in, durably; journal, archive files, running tasks and
state come out. It fetches nothing, and decides by the tasks and the clock alone."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from backend.archive import inbox
from backend.archive.active import parse_active, read_active, write_active
from backend.archive.archive_file import ArchiveFile, open_archives
from backend.archive.blocks import Damage
from backend.archive.files import (
    CacheError,
    clear_the_way,
    locked,
    make_directory,
    new_file,
    remove_temporaries,
    write_atomically,
)
from backend.archive.health import Health, write_health
from backend.archive.history import History
from backend.archive.journal import Journal, cut_torn_tail, read_behind
from backend.archive.lines import storable
from backend.archive.merge import Merge, day_starts, layout_is_due, lost_since, prepare_index, prepare_merge
from backend.archive.role import Role
from backend.archive.scan import ScanCancelled
from backend.archive.state import NodeKey, State, read_state, write_state
from backend.task import Task, later, latest
from backend.upid import UpidError, parse_remote_upid

log = logging.getLogger(__name__)

MERGE_BYTES = 5 << 20
"""A journal of this size (bytes) is merged."""
BACKLOG_BYTES = 16 << 20
"""A journal of this size (bytes) takes no more before it is merged: it is kept in memory as well."""
MERGE_SECONDS = 3_600
"""A journal is merged at least this often (seconds)."""

AHEAD = 10
"""Seconds that a cutoff may lie ahead of our clock: more would hide what starts before it."""


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
        self._files: dict[Path, ArchiveFile] = {}
        self._running: dict[str, Task] = {}
        self._unlisted: set[str] = set()
        self._lowered: set[NodeKey] = set()
        self._merged = clock()
        make_directory(directory)
        try:
            self._role = Role(directory)
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
            for file in self._files.values():
                file.release()
            self._files = {}
            self._role.close()

    def in_place(self) -> bool:
        """Whether the directory is still the one in which this has the role: not after it was deleted, or another
        put in its place."""
        return self._role.in_place()

    @property
    def running(self) -> dict[str, Task]:
        """The tasks known to run, by remote UPID; of a task that ended since, `store` takes the finished form."""
        return dict(self._running)

    @property
    def unlisted(self) -> frozenset[str]:
        """The tasks (remote UPIDs) that are tracked, but of which no remote has told since: there may be none."""
        return frozenset(self._unlisted)

    @property
    def oldest(self) -> int:
        """From when on (UNIX seconds) tasks are kept; what started earlier is not stored."""
        return day_starts(self._clock(), self._keep_days)[-1]

    def cutoff(self, remote: str, node: str) -> int | None:
        """From where on (UNIX seconds) a node's tasks are to be asked for; None if from the beginning. A fetch
        begins by asking this: of one that began before damage was found, `store` does not take the cutoff."""
        self._lowered.discard((remote, node))
        cutoff = self._state.cutoffs.get((remote, node))
        return None if cutoff is None or cutoff > self._clock() + AHEAD else cutoff

    @property
    def cutoffs(self) -> Mapping[NodeKey, int]:
        """The cutoffs (UNIX seconds) as they stand; who begins a fetch asks for `cutoff`."""
        return self._state.cutoffs

    @property
    def lowered(self) -> frozenset[NodeKey]:
        """The nodes whose cutoff was set back since they were last asked for: what started earlier is missing."""
        return frozenset(self._lowered)

    def lower(self, cutoffs: Mapping[NodeKey, int]) -> None:
        """Have what nodes started from then on (UNIX seconds; 0 for from the beginning) fetched again. Raises
        OSError."""
        with self._lock:
            known = self._state.cutoffs
            lowered = {key: since for key, since in cutoffs.items() if since < known.get(key, 0)}
            self._replace_state({key: since for key, since in (known | lowered).items() if since > 0})
            # Last: a fetch that began before it read the cutoff from before, which must not come back.
            self._lowered |= lowered.keys()

    def unknown(self, tasks: Iterable[Task]) -> list[Task]:
        """Those of some tasks that are not stored, in whatever state."""
        with self._lock:
            here = self._running.keys() | self._journal.tasks.keys()
            rest = [task for task in tasks if task.upid not in here]
            archived = self._archived.known(task.key for task in rest)
            return [task for task in rest if task.key not in archived]

    def store(self, batch: Batch) -> None:
        """Take over a batch; it is durable when this returns, first its tasks, then its cutoffs. Storing the same
        again changes nothing. Raises OSError or CacheError, and then no cutoff has moved.

        A journal that has grown past BACKLOG_BYTES is merged first: then this takes seconds.
        """
        if self._journal.size > BACKLOG_BYTES:
            with contextlib.suppress(ScanCancelled):
                self.housekeep()
        now, oldest = self._clock(), self.oldest
        tasks = list(map(storable, batch.tasks))
        finished = latest(task for task in tasks if not task.running)
        started = {task.upid: task for task in tasks if task.running}
        with self._lock:
            self._role.require()
            self._unlisted.difference_update(task.upid for task in tasks)
            self._append(task for task in finished.values() if task.starttime >= oldest)
            ended = self._journal.tasks
            running = {
                upid: task for upid, task in self._running.items() if upid not in finished and upid not in ended
            }
            for upid, task in started.items():
                if (
                    upid not in finished
                    and upid not in ended
                    and upid not in running
                    and not self._is_archived(task)
                ):
                    running[upid] = task
            self._replace_running(running)
            news = {key: cutoff for key, cutoff in batch.cutoffs.items() if key not in self._lowered}
            cutoffs = self._state.cutoffs | news
            self._replace_state({key: cutoff for key, cutoff in cutoffs.items() if 0 < cutoff <= now + AHEAD})

    def track(self, upids: Iterable[str]) -> None:
        """Count these tasks (typed remote UPIDs) among the running ones until their ends are stored, also over a
        restart; of those that have ended already nothing is noted. Raises OSError or CacheError."""
        with self._lock:
            tracked = {upid: Task(upid, parse_remote_upid(upid).upid.starttime) for upid in upids}
            open_ends = {
                upid: task
                for upid, task in tracked.items()
                if upid not in self._journal.tasks and not self._is_archived(task)
            }
            self._unlisted |= open_ends.keys() - self._running.keys()
            self._replace_running(open_ends | self._running)
            self._replace_state(self._state.cutoffs, [*self._state.tracked, *open_ends])

    def untrack(self, upid: str) -> bool:
        """Forget a task that was to be tracked, as if nobody had asked; not one that a remote has listed
        meanwhile. Whether it is forgotten. Raises OSError or CacheError."""
        with self._lock:
            if upid not in self._unlisted:
                return False
            self._unlisted.discard(upid)
            self._replace_running({other: task for other, task in self._running.items() if other != upid})
            self._replace_state(self._state.cutoffs)
            return True

    def keep(self, days: int) -> None:
        """Keep this many UTC days from now on; the next `housekeep` sees to it."""
        self._keep_days = days

    def keep_only(self, remotes: Collection[str]) -> None:
        """Forget the running tasks and cutoffs of remotes that are not there any more. Their history stays."""
        with self._lock:
            self._replace_running({upid: task for upid, task in self._running.items() if task.remote in remotes})
            cutoffs = {key: cutoff for key, cutoff in self._state.cutoffs.items() if key[0] in remotes}
            self._replace_state(cutoffs)

    def housekeep(self, *, merge_now: bool = False) -> bool:
        """Merge the journal if that is due (or `merge_now`), begin a new day's file, drop days past the kept ones,
        and give up damaged blocks for being fetched again. Returns whether anything was done; raises
        ScanCancelled if the writer is closed meanwhile, OSError or CacheError."""
        with self._merging:
            if self._closing.is_set():
                raise ScanCancelled
            self._role.require()
            now = self._clock()
            days = day_starts(now, self._keep_days)
            with self._lock:
                self._cover(days)
                journal = self._journal
                files = list(self._files.values())
            due = (
                merge_now
                or journal.size > MERGE_BYTES
                or (journal.size > 0 and now - self._merged >= MERGE_SECONDS)
                or now < self._merged
                or journal.bad_lines > 0
                or layout_is_due(files, days)
                or any(file.damage or not (file.copyable or not file.blocks) for file in files)
            )
            if due:
                self._merge(days)
                self._merged = now
            self._write_indexes()
            return due

    def take_requests(self) -> list[inbox.Request]:
        """Take what readers have asked for since the last call. Raises CacheError."""
        self._role.require()
        return inbox.take(self.directory)

    def write_health(self, health: Health) -> None:
        """Publish the fleet's health. Raises OSError or CacheError."""
        self._role.require()
        write_health(self.directory / "health", health)

    def _recover(self) -> None:
        for done in clear_the_way(self.directory):
            log.warning("%s", done)
        remove_temporaries(self.directory)
        remove_temporaries(self.directory / "inbox", older_than=60.0)
        torn = cut_torn_tail(self._path("journal"))
        if torn:
            log.warning("journal: cut off %d bytes of a line that was not written whole", torn)
        self._journal = Journal(self._path("journal"))
        self._state, problem = read_state(self._path("state"))
        if problem:
            log.warning("%s", problem)
        # What lay on the disk since some earlier run may have been damaged there.
        self._open_files(checked=True)
        self._remove_doubles()
        self._running = {task.upid: task for task in parse_active(read_active(self._path("active")))}
        self._replace_running(self._still_running())
        self._cover(day_starts(self._clock(), self._keep_days))

    def _remove_doubles(self) -> None:
        """Of an archive file that stands there plain and compressed, as after a crash, keep the whole one."""
        for file in list(self._files.values()):
            plain = file.path.with_suffix("")
            if file.path.suffix == ".zst" and plain.is_file():
                (file.path if file.damage else plain).unlink()
        self._open_files()

    def _cover(self, days: list[int]) -> None:
        """Begin the files of days before the oldest file: at the first start, with more days to keep, after a
        clock that was ahead. What started on these days was not kept until now, so it is asked for."""
        oldest = min((file.start for file in self._files.values()), default=None)
        missing = [day for day in days if oldest is None or day < oldest]
        if not missing:
            return
        self._lower_cutoffs(days[-1])
        with locked(self.directory, exclusive=True):
            for day in missing:
                write_atomically(self._path(f"archive.{day}"), b"")
        self._open_files()

    def _still_running(self) -> dict[str, Task]:
        """The running and the tracked tasks, but for those that are known to have ended."""
        running = dict(self._running)
        for upid in self._state.tracked:
            with contextlib.suppress(UpidError):
                parsed = parse_remote_upid(upid)
                running.setdefault(parsed.text, Task(parsed.text, parsed.upid.starttime))
        ended = self._journal.tasks
        return {upid: task for upid, task in running.items() if upid not in ended and not self._is_archived(task)}

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
            self._journal.append(new)

    def _is_archived(self, task: Task) -> bool:
        """Whether a task that is reported as running has long ended: reports may come late."""
        return self._archived.find(task.key) is not None

    def _replace_running(self, running: dict[str, Task]) -> None:
        if running != self._running:
            self._role.require()
            write_active(self._path("active"), running.values())
            self._running = running

    def _replace_state(self, cutoffs: dict[NodeKey, int], tracked: Iterable[str] | None = None) -> None:
        upids = self._state.tracked if tracked is None else dict.fromkeys(tracked)
        state = State(cutoffs, [upid for upid in upids if upid in self._running])
        if state != self._state:
            self._role.require()
            write_state(self._path("state"), state)
            self._state = state

    def _lower_cutoffs(self, since: int) -> None:
        """Have what started from `since` (UNIX seconds) on fetched again."""
        lowered = {key: since for key, cutoff in self._state.cutoffs.items() if cutoff >= since}
        self._replace_state(self._state.cutoffs | lowered)
        self._lowered |= lowered.keys()

    def _open_files(self, *, checked: bool = False) -> None:
        self._files = open_archives(self.directory, self._files, checked=checked)
        self._archived = History(self._files.values(), [])

    def _merge(self, days: list[int]) -> None:
        """Merge beside readers and appends; they wait for the renames alone."""
        with self._lock:
            size, tasks, bad_lines = self._journal.size, dict(self._journal.tasks), self._journal.bad_lines
            files = list(self._files.values())
        merge = prepare_merge(self.directory, files, tasks, days, cancelled=self._closing.is_set)
        if bad_lines:
            merge.damage.append(Damage("journal", f"{bad_lines} unreadable lines", None, None))
        since = lost_since(merge.damage, days)
        for damage in merge.damage:
            log.warning("%s: that time is fetched again", damage)
        with self._lock:
            if since is not None:
                self._lower_cutoffs(since)
            self._commit(merge, size)

    def _write_indexes(self) -> None:
        """Make the indexes that are missing or damaged."""
        for file in list(self._files.values()):
            if file.stamp is not None and not file.has_sound_index():
                log.info("%s: making its index (%s)", file.path.name, file.index_problem)
                merge = prepare_index(file, self._closing.is_set)
                with self._lock:
                    self._commit(merge, None)

    def _commit(self, merge: Merge, merged_size: int | None) -> None:
        """Put a merge's files in place, and keep of the journal what lies behind what was merged (bytes)."""
        journal = self._path("journal")
        try:
            self._role.require()
            if merge.moved:
                self._journal.append(merge.moved)
            if merged_size is not None:
                with new_file(journal) as (file, rest):
                    file.write(read_behind(journal, merged_size))
                merge.written.append((rest, journal))
            merge.commit(self.directory)
        except BaseException:
            merge.discard()
            raise
        finally:
            if merged_size is not None:
                self._journal.read()
            self._open_files()
