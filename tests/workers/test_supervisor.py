"""What keeps the workers running: new starts after growing pauses, and problems told and taken back."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter
from backend.archive.health import Health
from backend.workers import supervisor
from backend.workers.board import HealthBoard
from backend.workers.supervisor import BackOff, supervise
from tests.workers.fleet_at_work import eventually


class Worker:
    """Fails so many times, then works until it is cancelled."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures = failures
        self.error = error
        self.starts = 0

    async def __call__(self) -> None:
        self.starts += 1
        if self.starts <= self.failures:
            raise self.error
        await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.1)


async def end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_worker_that_recovers_takes_its_problem_back() -> None:
    board = HealthBoard(Health(), {})
    worker = Worker(2, OSError(28, "No space left on device", "/cache/journal"))
    running = asyncio.create_task(supervise("merging", worker, board.problem))
    words = "merging failed: /cache/journal: No space left on device; trying again"
    await eventually(lambda: board.health.problem == words)
    await eventually(lambda: worker.starts == 3)
    await eventually(lambda: board.health.problem is None)
    await end(running)


async def test_a_worker_that_is_well_leaves_anothers_problem_standing() -> None:
    board = HealthBoard(Health(), {})
    reported: list[str] = []

    def report(name: str, problem: str | None) -> None:
        reported.append(name)
        board.problem(name, problem)

    bad = asyncio.create_task(supervise("merging", Worker(10**6, OSError(28, "No space left")), report))
    await eventually(lambda: board.health.problem is not None)
    good = asyncio.create_task(supervise("polling wien", Worker(0, OSError()), report))
    await eventually(lambda: "polling wien" in reported)
    assert board.health.problem and board.health.problem.startswith("merging failed")
    await end(bad, good)


async def test_a_worker_that_comes_to_its_end_is_not_begun_anew() -> None:
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1

    board = HealthBoard(Health(), {})
    await supervise("forgetting", work, board.problem)
    assert starts == 1 and board.health.problem is None


async def test_a_worker_that_fails_while_it_is_cancelled_ends_all_the_same() -> None:
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if begun > 1:
                raise
            raise OSError(28, "No space left on device") from None

    working = asyncio.create_task(supervise("merging", work, lambda name, problem: None))
    await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait({working}, timeout=0.5)
    ended = working.cancelled()
    await end(working)
    assert ended and begun == 1


async def test_an_unforeseen_error_is_logged_whole_and_told_in_short(caplog: pytest.LogCaptureFixture) -> None:
    board = HealthBoard(Health(), {})
    running = asyncio.create_task(supervise("merging", Worker(1, KeyError("x")), board.problem))
    await eventually(lambda: board.health.problem == "merging failed: KeyError: 'x'; trying again")
    assert "Traceback" in caplog.text
    await end(running)


async def test_a_lost_directory_is_logged_by_no_worker(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who begins anew tells it once, for all of them."""
    directory = tmp_path / "cache"
    with CacheWriter(directory) as writer:
        shutil.rmtree(directory)

        async def work() -> None:
            writer.store(Batch())

        board = HealthBoard(Health(), {})
        running = asyncio.create_task(supervise("polling wien", work, board.problem))
        await eventually(lambda: "deleted or replaced" in (board.health.problem or ""))
        assert not caplog.records
        await end(running)


def test_pauses_grow_to_their_limit_and_begin_anew() -> None:
    back_off = BackOff(1.0, 10.0)
    pauses = [back_off.next() for _ in range(8)]
    for pause, expected in zip(pauses, [1, 2, 4, 8, 10, 10, 10, 10], strict=True):
        assert 0.75 * expected <= pause <= 1.25 * expected
    back_off.reset()
    assert back_off.next() <= 1.25


def test_pauses_are_never_the_same_so_that_what_fails_together_returns_apart() -> None:
    assert len({BackOff(1.0, 10.0).next() for _ in range(20)}) > 15
