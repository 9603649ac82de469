"""The active file: the tasks that run now, a line each, newest start first."""

from collections.abc import Iterable
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
