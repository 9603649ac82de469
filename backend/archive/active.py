"""The active file: the tasks that run now, a line each, newest start first."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from backend.archive.files import write_atomically
from backend.archive.lines import decode_all, encode_all
from backend.task import Task, latest


def read_active(path: Path) -> bytes:
    """The active file's content; empty where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return b""


def parse_active(content: bytes) -> list[Task]:
    """The running tasks, each once. Unreadable lines are passed over: what runs is asked for often."""
    tasks, _ = decode_all(content)
    return [task for task in latest(tasks).values() if task.running]


def write_active(path: Path, running: Iterable[Task]) -> None:
    """Replace the active file, durably."""
    write_atomically(path, encode_all(sorted(running, key=lambda task: task.key)))


class ActiveFile:
    """The active file as its one writer holds it.

    Attributes:
        tasks: those that are known to run, by remote UPID.
        unlisted: those of them that are tracked, but of which no remote has told since: there may be none.
    """

    def __init__(self, path: Path, require: Callable[[], None]) -> None:
        """Read it. `require` raises where nothing may be written: it is called before anything is."""
        self._path = path
        self._require = require
        self.tasks = {task.upid: task for task in parse_active(read_active(path))}
        self.unlisted: set[str] = set()

    def replace(self, tasks: dict[str, Task]) -> None:
        """Have these run, and no others. Raises OSError or CacheError, and then nothing has changed."""
        if tasks != self.tasks:
            self._require()
            write_active(self._path, tasks.values())
            self.tasks = tasks

    def take(
        self, started: Mapping[str, Task], has_ended: Callable[[str], bool], is_archived: Callable[[Task], bool]
    ) -> None:
        """Have those run, too, that have started; and none that has ended. `is_archived` is asked of new ones
        alone: a report that a task runs may come long after its end. Raises as `replace`."""
        running = {upid: task for upid, task in self.tasks.items() if not has_ended(upid)}
        for upid, task in started.items():
            if upid not in running and not has_ended(upid) and not is_archived(task):
                running[upid] = task
        self.replace(running)

    def track(self, tasks: Mapping[str, Task]) -> None:
        """Have these run, though no remote has told of them. Raises as `replace`."""
        self.unlisted |= tasks.keys() - self.tasks.keys()
        self.replace({**tasks, **self.tasks})

    def forget(self, upid: str) -> None:
        """Have a task run no longer. Raises as `replace`."""
        self.unlisted.discard(upid)
        self.replace({other: task for other, task in self.tasks.items() if other != upid})
