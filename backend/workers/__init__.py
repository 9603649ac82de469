"""What keeps the cache up to date: full rounds, the live poll and housekeeping, each watched over by itself."""

import asyncio
import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.archive import CacheBusy, CacheWriter, TaskCache
from backend.archive.merge import day_starts
from backend.config import Config
from backend.workers.board import HealthBoard
from backend.workers.fetch import Fetcher
from backend.workers.housekeeping import merge_when_due, publish
from backend.workers.poll import Poller
from backend.workers.remotes import Remotes
from backend.workers.store import Store
from backend.workers.supervisor import supervise

__all__ = ["run_workers", "run_workers_when_free"]

TAKE_OVER = 3.0
"""Seconds between two attempts to take over a cache that another process works on."""


async def run_workers(
    config: Config, directory: Path, *, role: str, clock: Callable[[], float] = time.time
) -> None:
    """Keep a cache directory up to date until cancelled; then everything that was fetched is durable.

    `role` is a word for the health file: "daemon" or "dashboard". Raises CacheBusy if another process does this
    already, CacheError if the directory cannot be used.
    """
    writer = await asyncio.to_thread(CacheWriter, directory, keep_days=config.settings.keep_days, clock=clock)
    try:
        await asyncio.to_thread(writer.keep_only, config.remotes.keys())
        await _work(config, writer, role, clock)
    finally:
        await asyncio.to_thread(writer.close)


async def run_workers_when_free(config: Config, directory: Path, *, role: str) -> None:
    """The same, but wait while another process holds the cache, and take over when it ends."""
    while True:
        try:
            await run_workers(config, directory, role=role)
        except CacheBusy:
            await asyncio.sleep(TAKE_OVER)


async def _work(config: Config, writer: CacheWriter, role: str, clock: Callable[[], float]) -> None:
    settings = config.settings
    health = TaskCache(writer.directory).health()
    health.pid, health.role = os.getpid(), role
    board = HealthBoard(health, {name: remote.type for name, remote in config.remotes.items()}, clock)
    async with Store(writer) as store, Remotes(config) as remotes, asyncio.TaskGroup() as group:
        fetcher = Fetcher(
            remotes.clients,
            store,
            board,
            interval=settings.fetch_interval,
            connections=settings.max_connections,
            oldest=lambda: day_starts(clock(), settings.keep_days)[-1],
            clock=clock,
        )
        group.create_task(supervise("fetching", fetcher.run, board.problem))
        group.create_task(supervise("merging", partial(merge_when_due, writer), board.problem))
        group.create_task(
            supervise("publishing", partial(publish, writer, board, fetcher.request, clock), board.problem)
        )
        # The polls spread over the interval by themselves, so that the fleet is not asked all at once.
        spread = min(settings.poll_interval, len(remotes.clients) / settings.max_connections)
        for name, client in remotes.clients.items():
            poller = Poller(
                client,
                store,
                board,
                interval=settings.poll_interval,
                start_after=random.uniform(0, spread),
                fetch=fetcher.request,
                clock=clock,
            )
            group.create_task(supervise(f"polling {name}", poller.run, board.problem))
