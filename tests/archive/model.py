"""What a cache should hold, in a few dictionaries, to hold the real one against; and tasks, made by number."""

import itertools
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from operator import attrgetter
from pathlib import Path

import orjson
from backports.zstd import decompress
from hypothesis import settings

from backend.archive import Snapshot
from backend.archive.files import DAY
from backend.query import parse_filter
from backend.task import Task, later

TODAY = 1_795_478_400
"""Midnight (UTC) of the day the tests play on."""
NOW = TODAY + 10 * 3_600

FILTERS = [
    "",
    "status:error",
    "-status:ok",
    "type:vzdump",
    "type:qm* -remote:wien",
    "vmid:103 status:warning,unknown",
    f"since:{NOW - DAY} until:{NOW}",
    f"until:{TODAY - 2 * DAY}",
    "user:root@pam pve2",
    "word-that-is-nowhere",
    # words that may stand in a UPID's numbers, alone and together
    "1",
    "-a1",
    "0D0155",
    "3 -5 e",
    "backup e status:ok",
    '":vzdump:"',
    "b*p",
    "vmid:10*",
    "*",
    '-"0:qm"',
    '"pve:wien!UPID:pve1:0000"',
]

_TYPES = ("qmstart", "vzdump", "vncproxy", "backup")
_STATUSES = ("OK", "OK", "WARNINGS: 2", "command 'lvcreate' failed: exit code 5", "unexpected status")


class Clock:
    """UNIX seconds that pass only when a test says so."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def finished(number: int, start: int, *, end: int | None = None, status: str | None = None) -> Task:
    """Task `number`, which started at `start` (UNIX seconds): ended a minute later unless told otherwise."""
    worker_type = _TYPES[number % len(_TYPES)]
    remote, node = ("pbs-main", "pbs1") if worker_type == "backup" else (("wien", "graz")[number % 2], "pve2")
    head = f"UPID:{node}:{number:08X}:0D015579:"
    guest = 100 + number % 7
    if worker_type == "backup":
        upid = rf"pbs:{remote}!{head}0000001F:{start:08X}:backup:s1\x3avm-{guest}:root@pam!b:"
    else:
        upid = f"pve:{remote}!{head}{start:08X}:{worker_type}:{guest}:root@pam:"
    return Task(upid, start, start + 60 if end is None else end, status or _STATUSES[number % len(_STATUSES)])


def running(number: int, start: int) -> Task:
    """The same task while it runs."""
    return Task(finished(number, start).upid, start)


def spread(count: int, *, first: int = TODAY - 6 * DAY, last: int = NOW, base: int = 0) -> list[Task]:
    """`count` finished tasks, evenly over a time (UNIX seconds), oldest first."""
    return [finished(base + number, first + (last - first) * number // count) for number in range(count)]


class Model:
    """The tasks a cache should show after the same calls."""

    def __init__(self, now: float, keep_days: int = 7) -> None:
        self.keep_days = keep_days
        self.known: dict[str, Task] = {}
        self.active: dict[str, Task] = {}
        self.covered = self.oldest(now)

    def oldest(self, now: float) -> int:
        return int(now) // DAY * DAY - (self.keep_days - 1) * DAY

    def store(self, tasks: Iterable[Task], now: float) -> None:
        ended: dict[str, Task] = {}
        for task in tasks:
            if task.endtime is not None:
                ended[task.upid] = later(ended.get(task.upid, task), task)
        for upid, task in ended.items():
            if task.starttime >= self.oldest(now):
                self.known[upid] = later(self.known.get(upid, task), task)
        self.active |= {task.upid: task for task in tasks if task.endtime is None}
        self.active = {
            upid: task for upid, task in self.active.items() if upid not in ended and upid not in self.known
        }

    def open(self, now: float) -> None:
        self.covered = min(self.covered, self.oldest(now))

    def merge(self, now: float) -> None:
        self.covered = self.oldest(now)
        self.known = {upid: task for upid, task in self.known.items() if task.starttime >= self.covered}

    def history(self) -> list[Task]:
        shown = (task for task in self.known.values() if task.starttime >= self.covered)
        return sorted(shown, key=lambda task: task.key)

    def running(self) -> list[Task]:
        return sorted(self.active.values(), key=lambda task: task.key)


FEWER = settings(max_examples=settings().max_examples // 3)
"""For what takes long for each example; `--hypothesis-profile=search` looks further here, too."""


def assert_lists(snapshot: Snapshot, history: list[Task], filters: Iterable[str] = FILTERS) -> None:
    """Every way to ask a snapshot for its history gives this one."""
    assert [task.upid for task in snapshot.iterate()] == [task.upid for task in history]
    known = {task.key: task for task in history}
    for text in filters:
        wanted = parse_filter(text, now=NOW) if text else None
        matches = (lambda task: True) if wanted is None else wanted.matcher()
        expected = [task for task in history if matches(task)]
        expected_keys = [task.key for task in expected]
        assert list(snapshot.iterate(wanted)) == expected
        assert list(snapshot.iterate(wanted, reverse=True)) == expected[::-1]
        assert snapshot.count(wanted) == len(expected)
        for offset in {0, 1, len(expected) // 3, max(0, len(expected) - 1), len(expected), len(expected) + 5}:
            for limit in (1, 7, 600):
                assert snapshot.page(wanted, offset=offset, limit=limit) == expected[offset : offset + limit]
        assert snapshot.page(wanted, limit=0) == []
        classes = [task.status_class for task in expected]
        for field, attribute in {
            "type": "worker_type",
            "remote": "remote",
            "node": "node",
            "user": "user",
        }.items():
            counts = Counter(zip(map(attrgetter(attribute), expected), classes, strict=True))
            assert snapshot.counts_by(field, wanted) == counts  # type: ignore[arg-type]
        edges = sorted({0, NOW - 3 * DAY, NOW - DAY, NOW - 1_000, NOW, *(task.starttime for task in history[:3])})
        # from the newest on, as the tasks stand
        places = [bisect_left(expected_keys, (1 - edge, "")) for edge in edges]
        bins = [Counter(classes[newer:older]) for older, newer in itertools.pairwise(places)]
        assert snapshot.histogram(edges, wanted) == bins
        keys = [task.key for task in history[:: max(1, len(history) // 4)]]
        for key in [*keys, *((start, upid + "~") for start, upid in keys), (-(2**40), ""), (0, "")]:
            position, behind = bisect_left(expected_keys, key), bisect_right(expected_keys, key)
            assert snapshot.locate(wanted, key) == position
            at_or_behind = islice(snapshot.iterate(wanted, start=key), 40)
            assert list(at_or_behind) == expected[position : position + 40]
            others = expected[behind : behind + 1]
            assert wanted is None or snapshot.next_match(wanted, key) == (others[0] if others else None)
            at_or_before = expected[max(0, behind - 40) : behind][::-1]
            assert list(islice(snapshot.iterate(wanted, start=key, reverse=True), 40)) == at_or_before
            assert snapshot.find(key) == known.get(key)


def archive_files(directory: Path) -> list[Path]:
    """The files that hold finished tasks, without the indexes beside them."""
    return sorted(path for path in directory.glob("archive.*") if path.suffix != ".idx")


def read_by_hand(directory: Path) -> list[Task]:
    """The rows of the archive files in the order they lie in, newest file first, read as `zstdcat` would."""
    rows: list[Task] = []
    by_start = {int(path.name.split(".")[1]): path for path in archive_files(directory)}
    for _, path in sorted(by_start.items(), reverse=True):
        content = path.read_bytes()
        if path.suffix == ".zst":
            content = decompress(content)
        for line in content.splitlines():
            row = orjson.loads(line)
            rows.append(Task(row["upid"], row["starttime"], row["endtime"], row["status"]))
    return rows
