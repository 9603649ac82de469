"""Words of hex digits: they may stand in a UPID's numbers, which no column holds, and are found there and nowhere
else in a line."""

from pathlib import Path

import pytest

from backend.archive import Batch, CacheWriter, TaskCache
from backend.task import Task
from tests.archive.model import NOW, Clock, assert_lists, finished, spread


def of(worker_id: str) -> Task:
    start = NOW - 500
    upid = f"pve:wien!UPID:pve2:00001111:0D015579:{start:08X}:qmstart:{worker_id}:root@pam:"
    return Task(upid, start, NOW, "OK")


# as JSON writes them: \b, \u0001 and \u0006, a quote and backslashes
@pytest.mark.parametrize("worker_id", ["z\x08ad", "z\x01f\x06", 'z"ab', r"z\x3abc"])
def test_they_are_found_in_upids_alone(tmp_path: Path, worker_id: str) -> None:
    tasks = [*spread(600), finished(700, NOW - 90, end=NOW - 1, status="exit code 1234567")]
    decimal = [str(time)[-6:] for time in (NOW - 90, NOW - 1, tasks[3].endtime)]
    tasks.append(of(worker_id))
    with CacheWriter(tmp_path, clock=Clock()) as writer:
        writer.store(Batch(tasks))
        writer.housekeep(merge_now=True)
    words = ["bad", "ba", "0001f", "0006", "ab", "3abc", "1234567", "0000000", "5579", *decimal]
    with TaskCache(tmp_path).snapshot() as snapshot:
        history = sorted(tasks, key=lambda task: task.key)
        assert_lists(snapshot, history, words)
        assert_lists(snapshot, history, [f"status:ok {word}" for word in words])
