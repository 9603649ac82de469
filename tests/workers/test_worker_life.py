"""The workers from their start to their end, and who takes over from them."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from backend.archive import CacheBusy, CacheWriter, TaskCache
from backend.config import Config
from backend.simulator import Simulator
from backend.workers import run_workers, run_workers_when_free
from tests.workers.fleet_at_work import (
    SMALL,
    Clock,
    at_work,
    configure,
    eventually,
    tasks_of,
    truth,
)


async def test_cancelling_ends_all_within_two_seconds_with_what_was_fetched_durable(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(replace(SMALL, latency=0.05), clock) as simulator:
        config = configure(simulator, tmp_path)
        work = asyncio.create_task(run_workers(config, tmp_path / "cache", role="test", clock=clock))
        await eventually(lambda: simulator.rows.total() > 100)
        began = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert time.monotonic() - began < 2
        half = tasks_of(TaskCache(tmp_path / "cache"))
        assert set(half) <= set(truth(simulator))
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))


async def test_only_one_process_works_on_a_cache_and_another_takes_over(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        config = configure(simulator, tmp_path)
        writer = CacheWriter(tmp_path / "cache", clock=clock)
        with pytest.raises(CacheBusy):
            await run_workers(config, tmp_path / "cache", role="test")
        waiting = asyncio.create_task(run_workers_when_free(config, tmp_path / "cache", role="test"))
        await asyncio.sleep(0)
        writer.close()
        cache = TaskCache(tmp_path / "cache")
        await eventually(lambda: cache.has_worker() and cache.health().role == "test")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_cancelled_while_it_opens_it_leaves_the_cache_free(tmp_path: Path) -> None:
    work = asyncio.create_task(run_workers(Config(), tmp_path / "cache", role="test"))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not TaskCache(tmp_path / "cache").has_worker()
    CacheWriter(tmp_path / "cache").close()
