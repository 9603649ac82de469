"""An immutable view of the cache: the running tasks, and the history. Whoever lists tasks walks a snapshot."""

from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from backend.archive.archive_file import ArchiveFile
from backend.archive.blocks import Key
from backend.archive.history import History
from backend.archive.scan import Cancelled, never
from backend.guests import Guest
from backend.query import Filter
from backend.task import Status, Task

if TYPE_CHECKING:
    from backend.archive.tallies import Field


class Snapshot:
    """A view of the cache at one moment; it does not change while it is open. Close it, or use it as a context
    manager; a closed one raises ValueError. Safe to use from several threads.

    The methods that take `cancelled` raise ScanCancelled once that says that nobody waits for them any more.

    Attributes:
        version: equal for two snapshots exactly if they show the same.
    """

    def __init__(
        self, running: list[Task], history: History, files: list[ArchiveFile], bad_lines: int, version: object
    ) -> None:
        """`running` newest start first; `files` are acquired for this snapshot."""
        self.version = version
        self._running = running
        self._history = history
        self._files: list[ArchiveFile] | None = files
        self._bad_lines = bad_lines

    def __enter__(self) -> "Snapshot":
        return self

    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        files, self._files = self._files or [], None
        for file in files:
            file.release()

    def again(self) -> "Snapshot":
        """The same view once more, to be closed by itself. Raises ValueError if this one is closed."""
        if self._files is None:
            raise ValueError("the snapshot is closed")
        files = [file.acquire() for file in self._files]
        return Snapshot(self._running, self._history, files, self._bad_lines, self.version)

    def running(self) -> list[Task]:
        """The running tasks, newest start first."""
        return list(self._running)

    def count(self, wanted: Filter | None = None, *, cancelled: Cancelled | None = None) -> int:
        """How many finished tasks match."""
        return self._open_history.count(wanted, cancelled or never)

    def page(
        self,
        wanted: Filter | None = None,
        offset: int = 0,
        limit: int = 500,
        *,
        cancelled: Cancelled | None = None,
    ) -> list[Task]:
        """The matching finished tasks from position `offset` on, newest start first, `limit` at most."""
        return self._open_history.page(wanted, offset, limit, cancelled or never)

    def locate(self, wanted: Filter | None, key: Key, *, cancelled: Cancelled | None = None) -> int:
        """The position, among the matching finished tasks, of the first one at or behind `key` (`Task.key`); for a
        time, ask for the key `(-UNIX seconds, "")`."""
        return self._open_history.locate(wanted, key, cancelled or never)

    def find(self, key: Key) -> Task | None:
        """The finished task with this key."""
        return self._open_history.find(key)

    def iterate(
        self,
        wanted: Filter | None = None,
        *,
        start: Key | None = None,
        reverse: bool = False,
        cancelled: Cancelled | None = None,
    ) -> Iterator[Task]:
        """The matching finished tasks one by one, a block at a time: newest start first, or oldest first with
        `reverse`; from the task with the key `start` on, or from where it would stand."""
        return self._open_history.iterate(wanted, start, reverse, cancelled or never)

    def next_match(
        self, wanted: Filter, key: Key, *, reverse: bool = False, cancelled: Cancelled | None = None
    ) -> Task | None:
        """The nearest match behind `key` in the list (with `reverse`, before it): the next error, say."""
        matches = self._open_history.iterate(wanted, key, reverse, cancelled or never)
        return next((task for task in matches if task.key != key), None)

    def counts_by(
        self, field: "Field", wanted: Filter | None = None, *, cancelled: Cancelled | None = None
    ) -> Counter[tuple[str, Status]]:
        """How many finished tasks match, by the values of a field and their status class."""
        from backend.archive.tallies import FieldTally  # numpy: only who counts pays for it

        tally = FieldTally(field)
        self._open_history.tally(wanted, tally, cancelled or never)
        return tally.counts

    def histogram(
        self, edges: Sequence[int], wanted: Filter | None = None, *, cancelled: Cancelled | None = None
    ) -> list[Counter[Status]]:
        """How many finished tasks match, by status class, for each span between `edges` (UNIX seconds, ascending);
        by start time, each span without its end."""
        from backend.archive.tallies import TimeTally  # numpy: only who counts pays for it

        tally = TimeTally(edges)
        self._open_history.tally(wanted, tally, cancelled or never)
        return tally.bins

    def guests(self, *, cancelled: Cancelled | None = None) -> list[Guest]:
        """The guests and backup groups that any task is about, with what is known of their backups, in no
        particular order; not those that were destroyed."""
        from backend.archive.guest_tally import GuestTally  # numpy: only who counts pays for it

        tally = GuestTally()
        tally.add_tasks(self._running)
        self._open_history.tally(None, tally, cancelled or never)
        return tally.guests()

    @property
    def damage(self) -> tuple[str, ...]:
        """What of the cache is known not to be readable, in words."""
        damage = [str(damage) for file in self._files or () for damage in file.damage]
        if self._bad_lines:
            damage.append(f"journal: {self._bad_lines} unreadable line{'s' if self._bad_lines > 1 else ''}")
        return tuple(damage)

    @property
    def _open_history(self) -> History:
        if self._files is None:
            raise ValueError("the snapshot is closed")
        return self._history
