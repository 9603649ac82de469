"""The first fill of a large fleet, killed in the middle, again and again: it comes to the same."""

import random
import time
from contextlib import closing
from pathlib import Path

import pytest

from backend.archive import TaskCache
from backend.archive.merge import day_starts
from tests.stress.course import Course
from tests.stress.judge import Judge
from tests.stress.processes import FleetProcess, WorkerProcess, temporary_files

pytestmark = [pytest.mark.stress, pytest.mark.timeout(600)]

NODES = 1_000
REMEMBERED = 100
"""Tasks that a node remembers."""
OPTIONS = f"--remotes 100 --pbs 0 --nodes {NODES // 100} --tasks-per-node {REMEMBERED} --rate 0".split()
KILLS = 3


def test_killed_at_random_moments_a_first_fill_ends_with_every_task_once(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    chance = random.Random(seed)
    shares = sorted(chance.uniform(0.02, 0.95) for _ in range(KILLS))
    print(f"seed {seed}: killed at {', '.join(f'{share:.0%}' for share in shares)}")
    directory = tmp_path / "cache"
    with (
        FleetProcess(tmp_path, OPTIONS) as fleet,
        WorkerProcess(fleet.config, directory, fleet.clock) as workers,
        closing(TaskCache(directory)) as cache,
    ):
        for share in shares:
            workers.start()
            wait_for_tasks(cache, workers, int(NODES * REMEMBERED * share))
            assert not is_filled(cache)
            workers.kill()
        workers.start()
        deadline = time.monotonic() + 120
        while not is_filled(cache):
            assert workers.runs and time.monotonic() < deadline
            time.sleep(0.1)
        truth, moment = fleet.truth(), time.time()
        workers.stop()
        with cache.snapshot() as snapshot:
            running, finished = snapshot.running(), list(snapshot.iterate())
    # What was forgotten before it could be asked for is not missing.
    course = Course()
    course.block(float("-inf"), moment, "not filled yet")
    judge = Judge(truth, moment, course, fleet.clock.ours)
    judgement = judge.judge(running, finished, day_starts(moment, 7)[-1])
    print(f"{len(finished):,} finished tasks, of {judgement.due:,} in truth; {len(running)} running")
    assert judgement.due >= NODES * REMEMBERED
    assert [*judgement.misses, *judge.lies(running, finished)] == []
    assert temporary_files(directory) == []


def is_filled(cache: TaskCache) -> bool:
    """Whether a whole round has ended."""
    round = cache.health().round
    return round is not None and round.finished is not None and round.nodes_done == round.nodes_total >= NODES


def wait_for_tasks(cache: TaskCache, workers: WorkerProcess, number: int) -> None:
    """Wait until so many tasks are in the cache."""
    deadline = time.monotonic() + 120
    while True:
        with cache.snapshot() as snapshot:
            if snapshot.count() >= number:
                return
        assert workers.runs and time.monotonic() < deadline
        time.sleep(0.02)
