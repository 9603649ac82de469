"""A day of a fleet in which everything goes wrong, in fast time: faults of every kind at random, and workers that
are killed at random. In the end the cache holds what the fleet told when it could be asked, once, and in order.

    python -m pytest -n 0 -s -m stress tests/stress/test_soak.py

SOAK_SECONDS shortens it, SOAK_SEED repeats the one that printed that seed."""

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from backports.zstd import decompress

from backend.archive import CacheWriter, TaskCache
from backend.archive.files import list_archives
from backend.archive.lines import decode_all
from backend.archive.merge import day_starts
from backend.config import load_config
from backend.task import Task
from tests.stress.judge import ROUND, Judge, Judgement, Miss
from tests.stress.processes import FleetClock, FleetProcess, WorkerProcess, temporary_files
from tests.stress.soak import Soak, listed
from tests.stress.troubles import REQUEST

SECONDS = float(os.environ.get("SOAK_SECONDS", "720"))
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1_000_000))
SPEED = 120.0
"""12 minutes are a day of the fleet's."""
KEEP_DAYS = 3
NODES = ("pve1", "pve2", "pve3")
OPTIONS = (
    f"--remotes 10 --pbs 2 --nodes {len(NODES)} --tasks-per-node 700 --tasks-per-pbs 5000 --days 2.5 --rate 60 "
    f"--seed {SEED}"
).split()
SETTINGS = f'fetch-interval = "20s"\npoll-interval = "1s"\nkeep-days = {KEEP_DAYS}\n'
CALM = REQUEST + 5.0
"""Seconds after the last fault by which nothing is in the way any more: what hangs is given up."""
TOLD = 10
"""Of what is wrong, how much is told."""

pytestmark = [pytest.mark.stress, pytest.mark.timeout(SECONDS + 600)]


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition comes about within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.5)
    return condition()


def complaints(cache: TaskCache) -> list[str]:
    """All that a cache's health calls wrong."""
    health = cache.health()
    told = [health.problem, *(remote.error for remote in health.remotes.values())]
    told += [node.error for remote in health.remotes.values() for node in remote.nodes.values()]
    return [words for words in told if words is not None]


def round_is_over(cache: TaskCache, since: float) -> bool:
    """Whether a round has ended that began at `since` (fleet's clock) or later."""
    round = cache.health().round
    return round is not None and round.started >= since and round.finished is not None


def on_disk(directory: Path) -> list[Task]:
    """The tasks in the archive files, as they stand there, newest file first."""
    found: list[Task] = []
    for _, path in list_archives(directory):
        content = path.read_bytes()
        tasks, bad = decode_all(decompress(content) if path.suffix == ".zst" else content)
        assert bad == 0
        found += tasks
    return found


def oldest(clock: FleetClock) -> int:
    """From when on tasks are kept now, by the fleet's clock."""
    return day_starts(clock(), KEEP_DAYS)[-1]


def summary(soak: Soak, judge: Judge, judgement: Judgement, lies: Sequence[str]) -> Iterator[str]:
    """A soak in words."""
    faults = Counter(trouble.kind for trouble in soak.course.troubles)
    yield f"seed {SEED}: {SECONDS:.0f} s, in which {SECONDS * SPEED / 3600:.1f} h of the fleet's passed"
    yield f"{soak.kills} kills; {soak.looks} looks at the cache; {soak.peak_memory / 1e6:.0f} MB of memory at most"
    yield f"{faults.total()} faults: {', '.join(f'{kind} {number}' for kind, number in sorted(faults.items()))}"
    yield (
        f"{len(judge.truth):,} tasks in truth, {judgement.kept:,} of the kept days; {judgement.due:,} had to be "
        f"in the cache, of which {judgement.early:,} are forgotten by now"
    )
    yield f"missing, and excused: {judgement.excused.total():,}"
    for why, number in judgement.excused.most_common():
        yield f"{number:9,} {why}"
    yield f"wrong: {len(judgement.misses) + len(lies):,}"
    yield from lies[:TOLD]
    groups: defaultdict[tuple[str, str, str], list[Miss]] = defaultdict(list)
    for miss in judgement.misses:
        groups[miss.true.remote, miss.true.node, miss.what].append(miss)
    for (remote, node, what), misses in list(groups.items())[:TOLD]:
        yield f"{remote}/{node}: {len(misses):,} {what}:"
        for miss in misses[:: max(1, len(misses) // 3)]:
            until = "now" if miss.true.forgotten is None else f"{miss.until - soak.began:.1f} s"
            yield f"    told from {miss.since - soak.began:.1f} s to {until}: {miss.true.upid}"
        for trouble in soak.course.troubles:
            if trouble.remote == remote and trouble.node in (None, node):
                span = f"{trouble.begin - soak.began:.1f} s to {trouble.end - soak.began:.1f} s"
                yield f"    {trouble.fault} from {span}"


def test_whatever_happens_the_cache_holds_what_the_fleet_told_while_it_could_be_asked(tmp_path: Path) -> None:
    directory = tmp_path / "cache"
    print(f"seed {SEED}")
    with closing(TaskCache(directory)) as cache:
        with FleetProcess(tmp_path, OPTIONS, speed=SPEED) as fleet:
            remotes = load_config(fleet.config).remotes
            nodes = {name: NODES if one.type == "pve" else ("localhost",) for name, one in remotes.items()}
            fleet.config.write_text(f"[settings]\n{SETTINGS}\n{fleet.config.read_text()}")
            clock = fleet.clock
            with WorkerProcess(fleet.config, directory, clock) as workers:
                soak = Soak(fleet, workers, cache, nodes, seconds=SECONDS, seed=SEED)
                soak.run()
                over = soak.course.over()
                assert wait_for(lambda: time.time() > over, CALM)
                well = clock()
                assert wait_for(lambda: round_is_over(cache, well), 2 * ROUND)
                wait_for(lambda: not complaints(cache), ROUND)
                assert not complaints(cache)
                judge = Judge(fleet.truth(), clock(), soak.course, clock.ours)
                wait_for(lambda: not judge.judge(*listed(cache), oldest(clock)).misses, 30)
                assert not complaints(cache)
                soak.note_memory()
                workers.stop()
            running, finished = listed(cache)
            judgement = judge.judge(running, finished, oldest(clock))
            lies = [*Judge(fleet.end(), clock(), soak.course, clock.ours).lies(running, finished)]
        print("\n".join(summary(soak, judge, judgement, lies)))
        assert not lies and not judgement.misses
        assert "Traceback" not in workers.log.read_text()
        assert temporary_files(directory) == []

        with CacheWriter(directory, keep_days=KEEP_DAYS, clock=clock) as writer:
            writer.housekeep(merge_now=True)
            kept = [task for task in finished if task.starttime >= writer.oldest]
        assert on_disk(directory) == kept == listed(cache)[1]
        assert temporary_files(directory) == []
