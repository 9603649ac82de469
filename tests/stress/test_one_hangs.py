"""One remote among a hundred that hangs for ever: the others are asked as quickly as without it. Other work on the
machine spoils the measure: run it alone, with `-n 0`."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from backend.archive import TaskCache
from backend.config import Config, load_config
from tests.stress.processes import FleetProcess
from tests.workers.fleet_at_work import at_work, eventually

pytestmark = [pytest.mark.stress, pytest.mark.timeout(600)]

OPTIONS = "--remotes 100 --nodes 3 --tasks-per-node 50 --tasks-per-pbs 100 --rate 0 --latency 200".split()
HANGING = "graz"
RUNS = 3
ALLOWED = 1.1
"""How many times as long the others' rounds may take."""


async def test_the_others_rounds_take_the_same_time_as_without_it(tmp_path: Path) -> None:
    with FleetProcess(tmp_path, OPTIONS) as fleet:
        config = replace(load_config(fleet.config), path=None)
        others = {name: remote for name, remote in config.remotes.items() if name != HANGING}
        cases: dict[str, tuple[Config, Sequence[str]]] = {
            "without it": (replace(config, remotes=others), []),
            "silent": (config, [f"{HANGING}:silent"]),
            "hang": (config, [f"{HANGING}:hang"]),
        }
        measured: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
        for run in range(RUNS):
            for case, (watched, faults) in cases.items():
                fleet.set_faults(faults)
                measured[case].append(await two_rounds(watched, tmp_path / f"{case} {run}", [*others]))
    figures = {case: [median(times) for times in zip(*runs, strict=True)] for case, runs in measured.items()}
    for case, (first, second) in figures.items():
        print(f"{case:11}first round {first:6.2f} s, second round {second:6.2f} s")
    for case in ("silent", "hang"):
        for number, without in enumerate(figures["without it"]):
            assert figures[case][number] <= without * ALLOWED, figures


async def two_rounds(config: Config, directory: Path, others: Sequence[str]) -> tuple[float, float]:
    """The seconds that the first and the second round over the others took, on an empty cache."""
    async with at_work(config, directory, time.time) as cache:
        first, over = await round_over(cache, 0.0, others)
        cache.request_refresh()
        second, over_again = await round_over(cache, over, others)
    return over - first, over_again - second


async def round_over(cache: TaskCache, after: float, others: Sequence[str]) -> tuple[float, float]:
    """When the first round after some moment began (UNIX seconds), and when the last of the others' nodes was
    fetched whole in it."""
    moments: list[tuple[float, float]] = []

    def is_over() -> bool:
        health = cache.health()
        if health.round is None or health.round.started <= after:
            return False
        nodes = [health.remotes[name].nodes for name in others]
        fetched = [node.last_success or 0.0 for each in nodes for node in each.values()]
        if not all(nodes) or min(fetched) < health.round.started:
            return False
        moments.append((health.round.started, max(fetched)))
        return True

    await eventually(is_over, 60)
    return moments[0]
