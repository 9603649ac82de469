"""A changed configuration is taken over while the workers run: remote by remote, and nothing else is disturbed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.archive import TaskCache
from backend.config import load_config
from backend.simulator import Simulator, SimulatorOptions
from tests.workers.fleet_at_work import Clock, at_work, eventually, round_is_over, tasks_of, truth

FLEET = SimulatorOptions(
    remotes=4, pbs=1, nodes=2, tasks_per_node=30, tasks_per_pbs=30, days=5, rate=0, auth_delay=0
)


class Reloaded:
    """Workers on a simulated fleet, and the file that configures them."""

    def __init__(self, simulator: Simulator, path: Path, clock: Clock) -> None:
        self.simulator = simulator
        self.path = path
        self.clock = clock
        self.cache = TaskCache(path.parent / "cache")
        self.sections = dict(
            re.findall(r"(?ms)^\[remotes\.\"?([^\]\"]+)\"?\]\n(.*?)(?=^\[|\Z)", simulator.config_toml())
        )

    def write(self, *remotes: str, settings: str = "") -> None:
        """Configure these remotes of the fleet."""
        sections = "".join(f"[remotes.{name}]\n{self.sections[name]}\n" for name in remotes)
        self.path.write_text(f'[settings]\npoll-interval = "1s"\n{settings}\n{sections}')
        self.path.chmod(0o600)

    def history(self, *remotes: str) -> bool:
        """Whether all that these remotes remember is in the cache."""
        known = {task.upid for task in tasks_of(self.cache)}
        return known >= {task.upid for task in truth(self.simulator, remotes)}


@asynccontextmanager
async def reloaded(folder: Path, *remotes: str) -> AsyncIterator[Reloaded]:
    """Workers on these remotes whose first round is over, and their file."""
    clock = Clock()
    async with Simulator(FLEET, clock) as simulator:
        at = Reloaded(simulator, folder / "config.toml", clock)
        at.write(*remotes)
        async with at_work(load_config(at.path), folder / "cache", clock):
            await eventually(lambda: round_is_over(at.cache))
            yield at


async def test_a_remote_that_is_added_is_fetched_and_polled_and_the_others_are_left_alone(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien", "graz") as at:
        at.simulator.requests.clear()
        at.write("wien", "graz", "linz")
        await eventually(lambda: at.history("linz"))
        new = f"pve:linz!{at.simulator.start_task('linz', 'pve1', 'qmstart', '100', duration=500)}"
        await eventually(lambda: new in {task.upid for task in tasks_of(at.cache) if task.running})
        assert not [key for key in at.simulator.requests if re.match(r"(wien|graz) GET /nodes", key)]


async def test_of_a_remote_that_is_removed_what_runs_goes_and_what_ran_stays_until_it_is_back(
    tmp_path: Path,
) -> None:
    async with reloaded(tmp_path, "wien", "graz") as at:
        long = f"pve:graz!{at.simulator.start_task('graz', 'pve1', 'vzdump', '', duration=500)}"
        await eventually(lambda: long in {task.upid for task in tasks_of(at.cache)})
        before = {task for task in tasks_of(at.cache) if task.remote == "graz" and not task.running}
        at.write("wien")
        await eventually(lambda: list(at.cache.health().remotes) == ["wien"])
        await eventually(lambda: {task for task in tasks_of(at.cache) if task.remote == "graz"} == before)
        at.simulator.requests.clear()
        at.write("wien", "graz")
        await eventually(lambda: long in {task.upid for task in tasks_of(at.cache) if task.running})
        await eventually(lambda: any(key.startswith("graz GET /nodes/pve2") for key in at.simulator.requests))


async def test_a_remote_that_is_changed_is_asked_in_its_new_way(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien", "graz") as at:
        right = at.sections["graz"]
        at.sections["graz"] = re.sub(r'token-secret = ".*"', 'token-secret = "another"', right)
        at.write("wien", "graz")
        await eventually(lambda: "token" in (at.cache.health().remotes["graz"].error or ""))
        assert at.cache.health().remotes["wien"].error is None
        at.sections["graz"] = right
        at.write("wien", "graz")
        await eventually(lambda: not at.cache.health().failing)


async def test_a_broken_file_is_told_with_its_line_and_changes_nothing_else(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien") as at:
        good = at.path.read_text()
        at.path.write_text(good + "\n[remotes.graz]\ntype = 'nonsense'\n")
        line = good.count("\n") + 3
        await eventually(lambda: f"config.toml:{line}: " in (at.cache.health().problem or ""))
        new = f"pve:wien!{at.simulator.start_task('wien', 'pve1', 'qmstart', '100', duration=500)}"
        await eventually(lambda: new in {task.upid for task in tasks_of(at.cache)})
        at.path.write_text(good)
        await eventually(lambda: at.cache.health().problem is None)


async def test_other_connection_limits_apply_to_all_remotes_and_lose_nothing(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien", "graz") as at:
        at.write("wien", "graz", "pbs-001", settings="max-connections = 2")
        await eventually(lambda: at.history("wien", "graz", "pbs-001"))
        assert not at.cache.health().failing


async def test_another_interval_applies_to_the_round_that_is_planned(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien") as at:
        at.write("wien", settings='fetch-interval = "1h"')

        def planned() -> float:
            round = at.cache.health().round
            return 0.0 if round is None or round.next is None else round.next - round.started

        await eventually(lambda: planned() == 3_600)


async def test_a_configuration_that_loses_all_remotes_waits_for_new_ones(tmp_path: Path) -> None:
    async with reloaded(tmp_path, "wien") as at:
        at.write()
        await eventually(lambda: not at.cache.health().remotes)
        at.write("graz")
        await eventually(lambda: at.history("graz"))
        await eventually(lambda: list(at.cache.health().remotes) == ["graz"])
