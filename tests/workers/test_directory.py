"""The workers when the cache directory goes, or cannot be had: they begin anew, wait, and end when told to."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from backend import workers
from backend.archive import Batch, CacheBusy, CacheError, CacheWriter, TaskCache
from backend.config import Config
from backend.workers import run_daemon_workers, run_workers
from tests.workers.fleet_at_work import eventually


class Daemon:
    """A daemon without remotes. `refused` notes why it could not have the work."""

    def __init__(self, directory: Path, work: "asyncio.Task[None]") -> None:
        self.directory = directory
        self.work = work
        self.refused: list[CacheError] = []

    @property
    def works(self) -> bool:
        cache = TaskCache(self.directory)
        return cache.has_worker() and cache.health().role == "daemon"


@asynccontextmanager
async def daemon_at_work(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Daemon]:
    monkeypatch.setattr(workers, "IN_PLACE", 0.02)
    monkeypatch.setattr(workers, "TAKE_OVER", 0.02)
    work = asyncio.create_task(run_daemon_workers(Config(), directory))
    daemon = Daemon(directory, work)

    async def note(config: Config, directory: Path, *, role: str) -> bool:
        try:
            return await run_workers(config, directory, role=role)
        except CacheError as error:
            daemon.refused.append(error)
            raise

    monkeypatch.setattr(workers, "run_workers", note)
    try:
        await eventually(lambda: daemon.works)
        yield daemon
        assert not work.done()
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_daemon_whose_directory_was_replaced_waits_for_whoever_has_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "cache"
    # Who takes over a history, say: it tells nobody what it is.
    with CacheWriter(tmp_path / "other") as other:
        async with daemon_at_work(directory, monkeypatch) as daemon:
            directory.rename(tmp_path / "aside")
            (tmp_path / "other").rename(directory)
            await eventually(lambda: bool(daemon.refused))
            assert isinstance(daemon.refused[0], CacheBusy)
            other.close()
            await eventually(lambda: daemon.works)
            assert not list(directory.glob("inbox/*"))


async def test_a_daemon_whose_directory_cannot_be_made_again_tells_so_once_and_tries_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    parent = tmp_path / "mounted"
    async with daemon_at_work(parent / "cache", monkeypatch) as daemon:
        parent.rename(tmp_path / "aside")
        parent.write_text("")
        await eventually(lambda: len(daemon.refused) > 1)
        assert caplog.text.count("cannot make the cache directory") == 1
        parent.unlink()
        await eventually(lambda: daemon.works)


async def test_a_daemon_that_finds_its_directory_in_use_or_of_no_use_ends(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheError, match="cannot make the cache directory"):
        await run_daemon_workers(Config(), tmp_path / "file" / "cache")
    async with asyncio.timeout(5):
        with CacheWriter(tmp_path / "cache") as writer:
            health = TaskCache(tmp_path / "cache").health()
            health.role = "daemon"
            writer.write_health(health)
            with pytest.raises(CacheBusy):
                await run_daemon_workers(Config(), tmp_path / "cache")


async def test_told_to_end_while_it_leaves_a_deleted_directory_it_does_not_begin_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def hold(self: CacheWriter, batch: Batch) -> None:
        writing.set()
        go_on.wait(10)

    monkeypatch.setattr(workers, "IN_PLACE", 0.02)
    monkeypatch.setattr(CacheWriter, "store", hold)
    directory = tmp_path / "cache"
    work = asyncio.create_task(run_daemon_workers(Config(), directory))
    await eventually(writing.is_set)
    shutil.rmtree(directory)
    await eventually(lambda: "deleted or replaced" in caplog.text)
    work.cancel()
    await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(2):
        with pytest.raises(asyncio.CancelledError):
            await work
    assert not directory.exists()
