"""The way to the disk: what is durable when, and how much may wait."""

import asyncio
import threading
from typing import cast

import pytest

from backend.archive import Batch, CacheWriter, TaskCache
from backend.workers import store as store_module
from backend.workers.store import Store
from tests.workers.fakes import Ground, ended, settle
from tests.workers.fleet_at_work import NOW, eventually, tasks_of


class Disk:
    """Holds up what is written until it is let go; `writing` is set while something waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.writing = threading.Event()
        self.sizes: list[int] = []
        self._free = threading.Semaphore(0)
        store = CacheWriter.store

        def slow(writer: CacheWriter, batch: Batch) -> None:
            self.sizes.append(len(batch.tasks))
            self.writing.set()
            assert self._free.acquire(timeout=10)
            store(writer, batch)

        monkeypatch.setattr(CacheWriter, "store", slow)

    def let_go(self, writes: int = 1) -> None:
        self.writing.clear()
        self._free.release(writes)


def batch(first: int, count: int = 1) -> Batch:
    return Batch([ended(number, NOW - number) for number in range(first, first + count)])


async def test_what_was_handed_over_is_durable_when_the_store_is_left(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    async with Store(at.writer) as store:
        wait = asyncio.create_task(store.put(batch(1)))
        await eventually(disk.writing.is_set)
        behind = asyncio.create_task(store.put(batch(2)))
        await settle()
        wait.cancel()
        behind.cancel()
        disk.let_go(2)
    assert [task.worker_id for task in tasks_of(TaskCache(at.writer.directory))] == ["1", "2"]


async def test_what_comes_while_the_disk_writes_is_written_together(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    async with Store(at.writer) as store:
        puts = [asyncio.create_task(store.put(batch(1)))]
        await eventually(disk.writing.is_set)
        puts += [asyncio.create_task(store.put(batch(number))) for number in range(2, 10)]
        await settle()
        disk.let_go(2)
        await asyncio.gather(*puts)
    assert disk.sizes == [1, 8]


async def test_much_is_written_in_parts_in_its_order_and_a_part_that_fails_is_told_alone(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "WRITE_TASKS", 5)
    disk = Disk(monkeypatch)
    key = ("wien", "pve1")
    async with Store(at.writer) as store:
        puts = [asyncio.create_task(store.put(batch(1)))]
        await eventually(disk.writing.is_set)
        for number in range(4):
            part = Batch(batch(10 * number, 3).tasks, {key: int(NOW) - 100 + number})
            puts.append(asyncio.create_task(store.put(part)))
        refused = Batch([*batch(50, 5).tasks], {key: cast(int, "none")})
        puts.append(asyncio.create_task(store.put(refused)))
        await settle()
        disk.let_go(4)
        outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert disk.sizes == [1, 6, 6, 5]
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 5 + [TypeError]
    assert at.writer.cutoff(*key) == int(NOW) - 97


async def test_there_is_no_room_while_too_much_waits_or_is_written(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BACKLOG_TASKS", 10)
    disk = Disk(monkeypatch)
    async with Store(at.writer) as store:
        await store.room()
        first = asyncio.create_task(store.put(batch(1, 8)))
        await eventually(disk.writing.is_set)
        await store.room()
        second = asyncio.create_task(store.put(batch(10, 20)))
        room = asyncio.create_task(store.room())
        await settle()
        assert not room.done()
        disk.let_go()
        await first
        # What is being written now is still too much.
        await eventually(disk.writing.is_set)
        assert not room.done()
        disk.let_go()
        await second
        await room


async def test_a_refused_batch_is_told_to_who_handed_it_over_and_the_next_is_written(
    at: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_batch = CacheWriter.store

    def refuse(writer: CacheWriter, batch: Batch) -> None:
        raise OSError(28, "No space left on device")

    async with Store(at.writer) as store:
        monkeypatch.setattr(CacheWriter, "store", refuse)
        with pytest.raises(OSError, match="No space"):
            await store.put(batch(1))
        monkeypatch.setattr(CacheWriter, "store", store_batch)
        await store.put(batch(2))
    assert [task.worker_id for task in tasks_of(TaskCache(at.writer.directory))] == ["2"]
