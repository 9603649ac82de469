"""The workers on a directory that goes, cannot be used or refuses what is written."""

import asyncio
import errno
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend import workers
from backend.archive import Batch, CacheBusy, CacheError, CacheWriter, TaskCache
from backend.config import Config
from backend.simulator import Simulator
from backend.workers import run_daemon_workers, run_workers, run_workers_when_free
from tests.unwritable import refuse_writing
from tests.workers.fleet_at_work import (
    SMALL,
    Clock,
    at_work,
    configure,
    eventually,
    round_is_over,
    tasks_of,
    truth,
)


async def test_a_directory_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="file"):
        await run_workers_when_free(Config(), tmp_path / "file", role="test")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
@pytest.mark.parametrize("work", [partial(run_workers_when_free, role="dashboard"), run_daemon_workers])
async def test_a_directory_in_which_nothing_may_be_written_is_told_with_the_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    work: Callable[[Config, Path], Coroutine[Any, Any, None]],
) -> None:
    refuse_writing(monkeypatch, tmp_path, number)
    with pytest.raises(CacheError, match=f"^{re.escape(str(tmp_path))}/.*: {os.strerror(number)}$"):
        await work(Config(), tmp_path)


async def test_a_directory_that_cannot_be_used_for_a_while_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "TAKE_OVER", 0.01)
    refusals = [CacheBusy("another process"), CacheError("No space left"), CacheError("No space left")]
    run = run_workers

    async def refuse(config: Config, directory: Path, *, role: str) -> None:
        if refusals:
            raise refusals.pop(0)
        await run(config, directory, role=role)

    monkeypatch.setattr(workers, "run_workers", refuse)
    working = asyncio.create_task(run_workers_when_free(Config(), tmp_path / "cache", role="test"))
    await eventually(lambda: TaskCache(tmp_path / "cache").health().role == "test")
    assert caplog.text.count("No space left; trying again") == 1
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_a_directory_that_is_deleted_is_made_anew_and_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "IN_PLACE", 0.02)
    directory, aside = tmp_path / "cache", tmp_path / "aside"
    async with Simulator(replace(SMALL, tasks_per_pbs=100)) as simulator:
        config = configure(simulator, tmp_path)
        work = asyncio.create_task(run_workers_when_free(config, directory, role="dashboard"))
        cache = TaskCache(directory)
        await eventually(lambda: round_is_over(cache))
        expected = truth(simulator)
        for remove in (shutil.rmtree, lambda path: path.rename(aside)):
            remove(directory)
            await eventually(lambda: directory.exists() and round_is_over(cache))
            assert tasks_of(cache) == expected and cache.has_worker()
        assert not TaskCache(aside).has_worker()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_disk_that_is_full_at_the_start_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    keep_only = CacheWriter.keep_only

    def refuse(self: CacheWriter, remotes: Collection[str]) -> None:
        if full:
            raise OSError(28, "No space left on device")
        keep_only(self, remotes)

    monkeypatch.setattr(CacheWriter, "keep_only", refuse)
    clock = Clock()
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "No space left" in (cache.health().problem or ""))
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            full = False
            await eventually(lambda: cache.health().problem is None)


async def test_a_disk_that_refuses_moves_no_cutoff_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    clock = Clock()
    refusing = True
    store = CacheWriter.store

    def full(self: CacheWriter, batch: Batch) -> None:
        if refusing:
            raise OSError(28, "No space left on device")
        store(self, batch)

    monkeypatch.setattr(CacheWriter, "store", full)
    async with Simulator(replace(SMALL, remotes=1, pbs=0), clock) as simulator:
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "No space left" in (cache.health().problem or ""))
            assert tasks_of(cache) == []
            refusing = False
            await eventually(lambda: tasks_of(cache) == truth(simulator))
    assert "No space left" in caplog.text
