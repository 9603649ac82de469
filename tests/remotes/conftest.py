"""What the tests of `remotes` share: a small fleet, and places for configurations of it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.simulator import Simulator, SimulatorOptions
from backend.simulator.fleet import SimulatedRemote
from tests.background import in_background


@pytest.fixture(scope="module")
def fleet() -> Iterator[Simulator]:
    """A PVE host, `wien`, and a PBS host."""

    async def serving(hand_over: Callable[[Any], None], ending: asyncio.Event) -> None:
        options = SimulatorOptions(
            remotes=2, pbs=1, nodes=1, rate=0, tasks_per_node=5, tasks_per_pbs=5, auth_delay=0
        )
        async with Simulator(options) as simulator:
            hand_over(simulator)
            await ending.wait()

    with in_background(serving) as simulator:
        yield simulator


@pytest.fixture
def wien(fleet: Simulator) -> SimulatedRemote:
    return fleet.remotes["wien"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the configuration is to be; there is none yet, nor its directory."""
    return tmp_path / "new" / "config.toml"


@pytest.fixture
def whole(fleet: Simulator, tmp_path: Path) -> Path:
    """A configuration of the whole fleet."""
    path = tmp_path / "fleet.toml"
    path.touch(mode=0o600)
    path.write_text(fleet.config_toml())
    return path
