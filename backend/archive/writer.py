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
from backend.archive.active import ActiveFile
from backend.archive.blocks import Damage
from backend.archive.day_files import DayFiles
from backend.archive.files import CacheError, clear_the_way, make_directory, new_file, remove_temporaries
from backend.archive.health import Health, write_health
from backend.archive.journal import Journal, cut_torn_tail, read_behind
from backend.archive.lines import storable
from backend.archive.merge import Merge, day_starts, lost_since, prepare_index, prepare_merge
from backend.archive.role import Role
from backend.archive.scan import ScanCancelled
from backend.archive.state import NodeKey, StateFile
from backend.task import Task, later, latest
from backend.upid import UpidError, parse_remote_upid

log = logging.getLogger(__name__)

MERGE_BYTES = 5 << 20
"""A journal of this size (bytes) is merged."""
BACKLOG_BYTES = 16 << 20
"""A journal of this size (bytes) takes no more before it is merged: it is kept in memory as well."""
MERGE_SECONDS = 3_600
"""A journal is merged at least this often (seconds)."""


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
        self._files = DayFiles(directory)
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
            self._files.close()
            self._role.close()

    def in_place(self) -> bool:
        """Whether the directory is still the one in which this has the role: not after it was deleted, or another
        put in its place."""
        return self._role.in_place()

    @property
    def running(self) -> dict[str, Task]:
        """The tasks known to run, by remote UPID; of a task that ended since, `store` takes the finished form."""
        return dict(self._active.tasks)

    @property
    def unlisted(self) -> frozenset[str]:
        """The tasks (remote UPIDs) that are tracked, but of which no remote has told since: there may be none."""
        return frozenset(self._active.unlisted)

    @property
    def oldest(self) -> int:
        """From when on (UNIX seconds) tasks are kept; what started earlier is not stored."""
        return day_starts(self._clock(), self._keep_days)[-1]

    def cutoff(self, remote: str, node: str) -> int | None:
        """From where on (UNIX seconds) a node's tasks are to be asked for; None if from the beginning. A fetch
        begins by asking this: of one that began before damage was found, `store` does not take the cutoff."""
        return self._state.ask((remote, node), self._clock())

    @property
    def cutoffs(self) -> Mapping[NodeKey, int]:
        """The cutoffs (UNIX seconds) as they stand; who begins a fetch asks for `cutoff`."""
        return self._state.cutoffs

    @property
    def lowered(self) -> frozenset[NodeKey]:
        """The nodes whose cutoff was set back since they were last asked for: what started earlier is missing."""
        return frozenset(self._state.lowered)

    def lower(self, cutoffs: Mapping[NodeKey, int]) -> None:
        """Have what nodes started from then on (UNIX seconds; 0 for from the beginning) fetched again. Raises
        OSError."""
        with self._lock:
            self._state.lower(cutoffs)

    def unknown(self, tasks: Iterable[Task]) -> list[Task]:
        """Those of some tasks that are not stored, in whatever state."""
        with self._lock:
            here = self._active.tasks.keys() | self._journal.tasks.keys()
            rest = [task for task in tasks if task.upid not in here]
            archived = self._files.known(task.key for task in rest)
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
            self._active.unlisted.difference_update(task.upid for task in tasks)
            self._append(task for task in finished.values() if task.starttime >= oldest)
            ended = self._journal.tasks
            self._active.take(started, lambda upid: upid in finished or upid in ended, self._is_archived)
            self._state.advance(batch.cutoffs, now)

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
            self._active.track(open_ends)
            self._state.track(open_ends)

    def untrack(self, upid: str) -> bool:
        """Forget a task that was to be tracked, as if nobody had asked; not one that a remote has listed
        meanwhile. Whether it is forgotten. Raises OSError or CacheError."""
        with self._lock:
            if upid not in self._active.unlisted:
                return False
            self._active.forget(upid)
            self._state.untrack_ended()
            return True

    def keep(self, days: int) -> None:
        """Keep this many UTC days from now on; the next `housekeep` sees to it."""
        self._keep_days = days

    def keep_only(self, remotes: Collection[str]) -> None:
        """Forget the running tasks and cutoffs of remotes that are not there any more. Their history stays."""
        with self._lock:
            running = self._active.tasks
            self._active.replace({upid: task for upid, task in running.items() if task.remote in remotes})
            self._state.keep_only(remotes)

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
            due = (
                merge_now
                or journal.size > MERGE_BYTES
                or (journal.size > 0 and now - self._merged >= MERGE_SECONDS)
                or now < self._merged
                or journal.bad_lines > 0
                or self._files.want_merging(days)
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
        active = self._active = ActiveFile(self._path("active"), self._role.require)
        self._state = StateFile(self._path("state"), lambda upid: upid in active.tasks, self._role.require)
        if self._state.problem:
            log.warning("%s", self._state.problem)
        # What lay on the disk since some earlier run may have been damaged there.
        self._files.open(checked=True)
        self._files.remove_doubles()
        self._active.replace(self._still_running())
        self._cover(day_starts(self._clock(), self._keep_days))

    def _cover(self, days: list[int]) -> None:
        """Begin the files of days before the oldest file. What started on these days was not kept until now, so it
        is asked for."""
        missing = self._files.lacking(days)
        if missing:
            self._state.lower_all(days[-1])
            self._files.begin(missing)

    def _still_running(self) -> dict[str, Task]:
        """The running and the tracked tasks, but for those that are known to have ended."""
        running = dict(self._active.tasks)
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
        return self._files.hold(task.key)

    def _merge(self, days: list[int]) -> None:
        """Merge beside readers and appends; they wait for the renames alone."""
        with self._lock:
            size, tasks, bad_lines = self._journal.size, dict(self._journal.tasks), self._journal.bad_lines
            files = list(self._files)
        merge = prepare_merge(self.directory, files, tasks, days, cancelled=self._closing.is_set)
        if bad_lines:
            merge.damage.append(Damage("journal", f"{bad_lines} unreadable lines", None, None))
        since = lost_since(merge.damage, days)
        for damage in merge.damage:
            log.warning("%s: that time is fetched again", damage)
        with self._lock:
            if since is not None:
                self._state.lower_all(since)
            self._commit(merge, size)

    def _write_indexes(self) -> None:
        """Make the indexes that are missing or damaged."""
        for file in self._files:
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
            self._files.open()
