"""Lists and logs into files of the user's: a file is there whole or not at all."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from backend.archive import ScanCancelled, Snapshot
from backend.archive.files import new_file
from backend.listing import list_tasks
from backend.output import render
from backend.query import Filter
from backend.report import EXPORT_FIELDS, TASK_COLUMNS, export_record
from backend.task import Task

T = TypeVar("T")

FORMATS = {".csv": "csv", ".jsonl": "jsonl"}
"""The format of a list by how its file's name ends."""

_TELL_EVERY = 500
"""Tasks or lines between two words on how far it is."""


class Written(NamedTuple):
    """How many tasks were written."""

    finished: int
    running: int


@contextlib.contextmanager
def exported(path: Path, *, overwrite: bool, cancelled: Callable[[], bool] = lambda: False) -> Iterator[BinaryIO]:
    """A file to write, 0600, that takes its place once the context has ended well. Raises FileExistsError if there
    is one and it is not to be overwritten, another OSError, or ScanCancelled if `cancelled` says so at the end."""
    _refuse(path, overwrite)
    with new_file(path) as (file, temporary):
        yield file
        _refuse(path, overwrite)
    if cancelled():
        temporary.unlink(missing_ok=True)
        raise ScanCancelled
    os.replace(temporary, path)


def export_tasks(
    snapshot: Snapshot,
    wanted: Filter,
    path: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int], None] = lambda number: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Written:
    """Write the matching tasks, running ones too, in the format that the file's name asks for, and return how many
    there were. CSV has EXPORT_FIELDS, JSON lines are as `list` prints them. `progress` is told now and then how
    many are written. Raises OSError, or ScanCancelled once `cancelled` says so; then there is no file."""
    format = FORMATS[path.suffix.lower()]
    number = running = 0

    def counted(tasks: Iterator[Task]) -> Iterator[Task]:
        nonlocal number, running
        for task in tasks:
            if number % _TELL_EVERY == 0:
                if cancelled():
                    raise ScanCancelled
                progress(number)
            number += 1
            running += task.running
            yield task

    tasks = counted(list_tasks(snapshot, wanted, cancelled=cancelled))
    with exported(path, overwrite=overwrite, cancelled=cancelled) as file:
        as_dict = export_record if format == "csv" else Task.as_dict
        for piece in render(tasks, format, TASK_COLUMNS, EXPORT_FIELDS, as_dict):
            file.write(piece.encode())
    return Written(number - running, running)


async def export_lines(
    lines: AsyncIterator[str], path: Path, *, overwrite: bool = False, progress: Callable[[int], None]
) -> int:
    """Write lines as they come, and return how many there were. Cancelled, or where reading them fails, it leaves
    no file. Raises OSError, and what `lines` raises."""
    number = 0
    waiting: list[str] = []
    async with _in_threads(exported(path, overwrite=overwrite)) as file:

        async def write() -> None:
            content = "".join(f"{line}\n" for line in waiting).encode("utf-8", "replace")
            waiting.clear()
            await asyncio.to_thread(file.write, content)
            progress(number)

        async for line in lines:
            waiting.append(line)
            number += 1
            if len(waiting) == _TELL_EVERY:
                await write()
        await write()
    return number


@contextlib.asynccontextmanager
async def _in_threads(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context without holding up the event loop."""
    value = await asyncio.to_thread(context.__enter__)
    try:
        yield value
    except BaseException as error:
        leaving = asyncio.to_thread(context.__exit__, type(error), error, error.__traceback__)
        await asyncio.shield(asyncio.ensure_future(leaving))
        raise
    await asyncio.to_thread(context.__exit__, None, None, None)


def _refuse(path: Path, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"{path} is there already")
