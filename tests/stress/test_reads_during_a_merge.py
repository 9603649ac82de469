"""A merge over all days, at full size, beside a reading thread and a reading process: each answer is the whole
list, whenever it is asked for."""

import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.files import DAY
from backend.query import parse_filter
from tests.archive.model import NOW, TODAY, Clock, finished, spread

pytestmark = [pytest.mark.stress, pytest.mark.timeout(300)]

TASKS = 300_000
NEW = 34_000
"""About 5 MiB of journal."""
OFFSETS = [0, 1, 777, TASKS // 3, TASKS * 2 // 3, TASKS + NEW - 400]

READ_ON = """
import sys
from pathlib import Path
from tests.stress.test_reads_during_a_merge import answers
from backend.archive import TaskCache
cache, seen, reads = TaskCache(sys.argv[1]), set(), 0
print("reading", flush=True)
while not Path(sys.argv[2]).exists():
    seen.add(answers(cache))
    reads += 1
print(reads, *seen)
"""


def answers(cache: TaskCache) -> int:
    """What pages, counts and positions of one snapshot add up to."""
    wanted = parse_filter("status:error", now=NOW)
    with cache.snapshot() as snapshot:
        pages = [tuple(task.upid for task in snapshot.page(None, offset, 500)) for offset in OFFSETS]
        errors = tuple(task.upid for task in snapshot.page(wanted, 5_000, 500))
        counts = (snapshot.count(), snapshot.count(wanted), snapshot.locate(None, (-(TODAY - 3 * DAY), "")))
        return _checksum((*pages, errors, counts))


def _checksum(value: object) -> int:
    return zlib.crc32(repr(value).encode())


def test_every_answer_is_the_list_before_or_after(tmp_path: Path) -> None:
    cache_dir, done = tmp_path / "cache", tmp_path / "done"
    tasks = spread(TASKS)
    new = [finished(TASKS + number, task.starttime + 1) for number, task in enumerate(tasks[:: TASKS // NEW])]
    seen: set[int] = set()
    reads = 0
    with CacheWriter(cache_dir, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        writer.housekeep(merge_now=True)
        writer.store(Batch(new))
        assert (cache_dir / "journal").stat().st_size > 4 << 20
        cache = TaskCache(cache_dir)
        before = answers(cache)
        with subprocess.Popen(
            [sys.executable, "-c", READ_ON, str(cache_dir), str(done)], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None and other.stdout.readline() == "reading\n"
            merging = threading.Thread(target=writer.housekeep, kwargs={"merge_now": True})
            merging.start()
            while merging.is_alive() or reads < 3:
                seen.add(answers(cache))
                reads += 1
            seen.add(answers(cache))
            done.touch()
            process_reads, *process_seen = map(int, other.stdout.readline().split())
        assert (cache_dir / "journal").stat().st_size == 0
    # The journal's rows are listed before the merge as after it: there is one right answer.
    assert seen == {before}
    assert set(process_seen) == {before}
    assert reads >= 3 and process_reads >= 3
    with TaskCache(cache_dir).snapshot() as snapshot:
        everything = sorted([*tasks, *new], key=lambda task: task.key)
        assert list(snapshot.iterate()) == everything
