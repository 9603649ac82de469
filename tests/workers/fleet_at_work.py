"""A simulated fleet with the real workers on it, in one event loop, for tests."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from backend.archive import TaskCache
from backend.config import Config, load_config
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Task
from backend.workers import run_workers

NOW = 1_795_478_000.0
"""Not quite midnight (UTC)."""
SMALL = SimulatorOptions(
    remotes=4, pbs=1, nodes=2, tasks_per_node=60, tasks_per_pbs=2_500, days=5, rate=0, auth_delay=0
)
"""A fleet in which nothing starts by itself."""


class Clock:
    """UNIX seconds that pass only when a test says so."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def configure(
    simulator: Simulator, folder: Path, *, fetch_interval: int = 3_600, poll_interval: int = 3_600
) -> Config:
    """The configuration of a simulated fleet, by default with no second round and no second poll. Its file is not
    watched."""
    path = folder / "config.toml"
    path.write_text(simulator.config_toml())
    path.chmod(0o600)
    config = load_config(path)
    settings = replace(config.settings, fetch_interval=fetch_interval, poll_interval=poll_interval)
    return replace(config, path=None, settings=settings)


@asynccontextmanager
async def at_work(config: Config, directory: Path, clock: Callable[[], float]) -> AsyncIterator[TaskCache]:
    """Run the workers while the context lasts; they are cancelled at its end."""
    work = asyncio.create_task(run_workers(config, directory, role="test", clock=clock))
    try:
        yield TaskCache(directory)
        assert not work.done(), "the workers have ended by themselves"
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait until a condition holds; fails after some seconds."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"what was waited for has not come about within {seconds:.0f} s")


def round_is_over(cache: TaskCache, started: float = 0.0) -> bool:
    """Whether a full round has ended that began at `started` or later, and its health was published."""
    round = cache.health().round
    return round is not None and round.finished is not None and round.started >= started


def tasks_of(cache: TaskCache) -> list[Task]:
    """Running and finished tasks, newest start first."""
    with cache.snapshot() as snapshot:
        return sorted([*snapshot.running(), *snapshot.iterate()], key=lambda task: task.key)


def truth(simulator: Simulator, remotes: Iterable[str] | None = None) -> list[Task]:
    """What the fleet remembers, newest start first."""
    names = simulator.remotes if remotes is None else remotes
    return sorted((task for name in names for task in simulator.remembered(name)), key=lambda task: task.key)
