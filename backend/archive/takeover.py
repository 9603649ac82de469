"""Taking over the history of another cache directory, as Proxmox Datacenter Manager leaves one: its finished tasks
go into this cache as any batch does. What runs there is not taken: the remote alone can tell its end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from backend.archive.cache import TaskCache
from backend.archive.files import list_archives
from backend.archive.journal import read_journal
from backend.archive.writer import Batch, CacheWriter
from backend.task import Task, later

_BATCH = 10_000
"""Tasks that are stored at once: each batch is durable by itself."""


@dataclass(slots=True)
class Takeover:
    """How far a take-over is: how many tasks were read, how many of them this cache lacked or knew an earlier form
    of, and how many started before the oldest day that it keeps, and so stay out; and what could not be read, in
    words."""

    read: int = 0
    new: int = 0
    too_old: int = 0
    damage: tuple[str, ...] = ()


def take_over(
    source: TaskCache, writer: CacheWriter, progress: Callable[[int], None] = lambda read: None
) -> Takeover:
    """Store the finished tasks of `source`. `progress` is told now and then how many more were read.

    Interrupted anywhere, what was stored stays, and a second run goes on with the rest. Storing what is there
    already writes nothing. Raises CacheError or OSError.
    """
    done = Takeover()
    with source.snapshot() as theirs, TaskCache(writer.directory).snapshot() as ours:
        known = ours.iterate()
        beside = next(known, None)
        tasks = _all_tasks(source, theirs.iterate())
        while batch := list(islice(tasks, _BATCH)):
            new = []
            for task in batch:
                while beside is not None and beside.key < task.key:
                    beside = next(known, None)
                if beside is not None and beside.upid == task.upid and later(beside, task) == beside:
                    continue
                if task.starttime < writer.oldest:
                    done.too_old += 1
                else:
                    new.append(task)
            if new:
                writer.store(Batch(new))
            done.read += len(batch)
            done.new += len(new)
            progress(len(batch))
        done.damage = theirs.damage
    if done.new:
        writer.housekeep(merge_now=True)
    return done


def _all_tasks(source: TaskCache, history: Iterator[Task]) -> Iterator[Task]:
    """The history, in order, and what stands in the journal from before its oldest archive file: no history lists
    that, but where more days are kept it belongs into one."""
    archives = list_archives(source.directory)
    journal = read_journal(source.directory / "journal").tasks.values()
    unlisted = [task for task in journal if archives and task.starttime < archives[-1][0]]
    return chain(history, sorted(unlisted, key=lambda task: task.key))
