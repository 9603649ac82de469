"""What keeps the cache up to date: full rounds, the live poll and housekeeping, each watched over by itself."""

import asyncio
import contextlib
import importlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from math import inf
from pathlib import Path

from backend.archive import CacheBusy, CacheError, CacheWriter, TaskCache
from backend.config import Config
from backend.text import counted
from backend.workers.board import HealthBoard
from backend.workers.fleet import Fleet
from backend.workers.housekeeping import Requests, look_back_when_due, merge_when_due, publish
from backend.workers.store import Store
from backend.workers.supervisor import BackOff, supervise

__all__ = ["run_daemon_workers", "run_workers", "run_workers_when_free"]

log = logging.getLogger(__name__)

TAKE_OVER = 3.0
"""Seconds between two attempts to take over a cache that another process works on."""
IN_PLACE = 1.0
"""Seconds between two looks whether the cache directory is still there."""
HANDED_OVER = 10.0
"""Seconds for which a dashboard leaves alone what a daemon has asked for."""


async def run_workers(
    config: Config,
    directory: Path,
    *,
    role: str,
    clock: Callable[[], float] = time.time,
) -> bool:
    """Keep a cache directory up to date until cancelled; then everything that was fetched is durable. A dashboard
    also leaves off when a daemon asks for the work; and anybody once the directory was deleted or replaced, to
    begin anew: then this returns True.

    `role` is a word for the health file: "daemon" or "dashboard". Raises CacheBusy if another process does this
    already, CacheError if the directory cannot be used. Any trouble after that is told in the cache's health, and
    what it befell is tried again.
    """
    async with _open_writer(directory, config.settings.keep_days, clock) as writer:
        asked = asyncio.Event()
        work = asyncio.create_task(_work(config, writer, role, asked.set, clock))
        asking = asyncio.create_task(asked.wait() if role == "dashboard" else asyncio.Event().wait())
        losing = asyncio.create_task(_until_lost(writer))
        try:
            await asyncio.wait([work, asking, losing], return_when=asyncio.FIRST_COMPLETED)
            return losing.done()
        finally:
            for task in (asking, losing, work):
                task.cancel()
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                # Whoever ends this while it winds down means it; what was fetched goes to the disk all the same.
                await asyncio.wait([work])
                raise
            if not work.cancelled():
                work.result()


async def _until_lost(writer: CacheWriter) -> None:
    """Wait until what the writer holds is no longer the cache directory."""
    while True:
        await asyncio.sleep(IN_PLACE)
        if not await asyncio.to_thread(writer.in_place):
            break
    log.error("%s: the cache directory was deleted or replaced; fetching begins anew", writer.directory)


async def run_workers_when_free(config: Config, directory: Path, *, role: str) -> None:
    """The same, but wait while another process holds the cache, and take over when it ends. Raises CacheError only
    at once: a directory that could be used is tried again."""

    async def wait(busy: CacheBusy) -> None:
        await asyncio.sleep(TAKE_OVER)

    await _again_and_again(partial(run_workers, config, directory, role=role), wait)


async def run_daemon_workers(config: Config, directory: Path) -> None:
    """The same for a daemon: a dashboard that works on the cache is asked to leave that to the daemon, and has
    some seconds to do so. Raises CacheBusy if it does not, or if another daemon has the work; CacheError if the
    directory cannot be used. Once it has had the work it raises neither, but waits to have it again."""
    cache = TaskCache(directory)
    deadline = time.monotonic() + HANDED_OVER

    async def work() -> bool:
        nonlocal deadline
        lost = await run_workers(config, directory, role="daemon")
        deadline = inf
        return lost

    async def have_it(busy: CacheBusy) -> None:
        role = cache.health().role
        if deadline < inf and (role == "daemon" or time.monotonic() > deadline):
            raise busy
        if role == "dashboard":
            with contextlib.suppress(CacheError):
                cache.request_hand_over()
        await asyncio.sleep(0.5)

    await _again_and_again(work, have_it)


async def _again_and_again(
    work: Callable[[], Awaitable[bool]], wait: Callable[[CacheBusy], Awaitable[None]]
) -> None:
    """Do the work whenever it is to be had, as `run_workers` does it; `wait` while another process has it. Raises
    CacheError if the directory could not be used at first."""
    usable, told = False, ""
    back_off = BackOff(TAKE_OVER, 60.0)
    while True:
        try:
            lost = await work()
            usable, told = True, ""
            back_off.reset()
            if not lost:
                await asyncio.sleep(HANDED_OVER)
        except CacheBusy as busy:
            usable = True
            await wait(busy)
        except CacheError as error:
            if not usable:
                raise
            if str(error) != told:
                told = str(error)
                log.error("%s; trying again", told)
            await asyncio.sleep(back_off.next())


@contextlib.asynccontextmanager
async def _open_writer(directory: Path, keep_days: int, clock: Callable[[], float]) -> AsyncIterator[CacheWriter]:
    opening = asyncio.create_task(asyncio.to_thread(CacheWriter, directory, keep_days=keep_days, clock=clock))
    try:
        writer = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread opens it all the same, and with it takes the lock.
        with contextlib.suppress(CacheError):
            (await opening).close()
        raise
    try:
        yield writer
    finally:
        await asyncio.to_thread(writer.close)


async def _work(
    config: Config,
    writer: CacheWriter,
    role: str,
    hand_over: Callable[[], None],
    clock: Callable[[], float],
) -> None:
    # opening the first client imports it: a tenth of a second in which the event loop would do nothing else
    await asyncio.to_thread(importlib.import_module, "backend.client.connection")
    log.info("fetching from %s into %s", counted(len(config.remotes), "remote"), writer.directory)
    health = TaskCache(writer.directory).health()
    health.pid, health.role = os.getpid(), role
    board = HealthBoard(health, {name: remote.type for name, remote in config.remotes.items()}, clock)
    async with Store(writer) as store, asyncio.TaskGroup() as group:
        fleet = Fleet(config, store, board, clock)
        group.create_task(fleet.run())
        group.create_task(supervise("merging", partial(merge_when_due, writer), board.problem))
        looking_back = partial(look_back_when_due, writer, fleet)
        group.create_task(supervise("looking back", looking_back, board.problem))
        # By itself: what waits in it outlives a publishing that fails.
        requests = Requests(writer, board, fleet, hand_over)
        publishing = partial(publish, writer, board, requests, clock)
        group.create_task(supervise("publishing", publishing, board.problem))
