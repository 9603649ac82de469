"""What makes the workers' tests quick, and what most of them stand on."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.workers import housekeeping
from backend.workers.store import Store
from tests.workers.fakes import FakeRemote, Ground, ground
from tests.workers.live import Live


@pytest.fixture(autouse=True)
def quick_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publish health, and take requests, without making a test wait a second for it."""
    monkeypatch.setattr(housekeeping, "TICK", 0.05)


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Ground]:
    with ground(tmp_path) as at:
        yield at


@pytest.fixture
async def live(at: Ground) -> AsyncIterator[Live]:
    async with Store(at.writer) as store:
        yield Live(at, store, FakeRemote(nodes=("pve1", "pve2")))
