"""Writing what the dashboard shows to files of the user's: where to, and over what."""

import contextlib
import os
import re
from collections.abc import Callable, Collection
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from textual.app import App

from backend.archive import CacheError, Snapshot, TaskCache
from backend.export import FORMATS, Written, export_lines, export_tasks
from backend.listing import list_running
from backend.query import Filter
from backend.remote_tasks import log_lines
from backend.task import Task
from backend.text import counted, safe, safe_line
from tui.access import Access
from tui.format import count
from tui.reading import read_cache
from tui.screens.ask import AskScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.progress import ProgressScreen, Tell

Take = Callable[[Path, bool], None]
"""Given a file, and whether it may be overwritten."""


def export_list(app: App[Any], cache: TaskCache, wanted: Filter, moment: str) -> None:
    """Ask for a file, and write all tasks to it that match. `moment` is a part of the name that is proposed."""

    def take(path: Path, overwrite: bool) -> None:
        app.push_screen(ProgressScreen(str(path), "task", partial(_write_list, cache, wanted, path, overwrite)))

    question = _ask_for_file(app, f"remote-tasks-{moment}.csv", FORMATS, take)
    app.run_worker(_say_how_many(question, cache, wanted), exit_on_error=False)


def export_log(app: App[Any], access: Access, task: Task, moment: str) -> None:
    """Ask for a file, and write a task's whole log to it, asked of its remote anew."""

    def take(path: Path, overwrite: bool) -> None:
        app.push_screen(ProgressScreen(str(path), "line", partial(_write_log, access, task, path, overwrite)))

    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{task.worker_type}-{task.worker_id or task.node}")[:100]
    _ask_for_file(app, f"{name}-{moment}.log", (), take)


async def _write_list(cache: TaskCache, wanted: Filter, path: Path, overwrite: bool, tell: Tell) -> str:
    def write(snapshot: Snapshot, cancelled: Callable[[], bool]) -> Written:
        total = sum(_number(snapshot, wanted, cancelled))
        return export_tasks(
            snapshot,
            wanted,
            path,
            overwrite=overwrite,
            progress=lambda written: tell(written, total),
            cancelled=cancelled,
        )

    return _words(await read_cache(cache, write))


def _number(snapshot: Snapshot, wanted: Filter, cancelled: Callable[[], bool]) -> Written:
    """How many tasks match, and would be written."""
    return Written(snapshot.count(wanted, cancelled=cancelled), len(list_running(snapshot, wanted)))


def _words(number: Written) -> str:
    """`3,102 finished and 4 running tasks`: the history's heading counts only the finished ones."""
    if not number.running:
        return counted(number.finished, "task")
    return f"{count(number.finished)} finished and {counted(number.running, 'running task')}"


async def _say_how_many(question: AskScreen, cache: TaskCache, wanted: Filter) -> None:
    # where that cannot be read, the writing tells
    with contextlib.suppress(CacheError, OSError):
        number = await read_cache(cache, lambda snapshot, cancelled: _number(snapshot, wanted, cancelled))
        question.explain(f"{_words(number)} · {_where(FORMATS)}")


async def _write_log(access: Access, task: Task, path: Path, overwrite: bool, tell: Tell) -> str:
    async with await access.open(task) as client, aclosing(log_lines(client, task.upid)) as lines:
        clean = (safe_line(line) async for line in lines)
        number = await export_lines(clean, path, overwrite=overwrite, progress=lambda written: tell(written, None))
        return counted(number, "line")


def _ask_for_file(app: App[Any], proposal: str, endings: Collection[str], take: Take) -> AskScreen:
    """Ask where to write to, and where there is a file already, whether to overwrite it."""

    def go_on(answer: str | None) -> None:
        if answer is None:
            return
        path = _path(answer)
        if os.path.lexists(path):
            question = ConfirmScreen("Overwrite this file?", str(path))
            app.push_screen(question, lambda yes: take(path, True) if yes else None)
        else:
            take(path, False)

    question = AskScreen("write to", _where(endings), partial(_wrong_file, endings), answer=proposal)
    app.push_screen(question, go_on)
    return question


def _where(endings: Collection[str]) -> str:
    kinds = f"{' or '.join(endings)} · " if endings else ""
    return safe(f"{kinds}in {Path.cwd()} unless you say where")


def _path(answer: str) -> Path:
    with contextlib.suppress(RuntimeError):
        return Path(answer).expanduser().absolute()
    return Path(answer).absolute()


def _wrong_file(endings: Collection[str], answer: str) -> str:
    """What is wrong with a file's name; nothing if no words."""
    if not answer or "\0" in answer:
        return "expected a file's name"
    path = _path(answer)
    if endings and path.suffix.lower() not in endings:
        return f"expected a name that ends in {' or '.join(endings)}"
    if path.is_dir():
        return safe(f"{path} is a directory")
    if not path.parent.is_dir():
        return safe(f"there is no directory {path.parent}")
    return ""
