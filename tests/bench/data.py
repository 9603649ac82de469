"""The tasks that are measured on: a large fleet's week, the same in every run. Where they are put is `ground`'s
matter; what tasks there are and how they fail comes from the simulator's catalogue."""

import math
import random
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import orjson

from backend.archive.files import DAY
from backend.simulator.catalogue import FIRST_GUEST, Kind, kinds_of, spread
from backend.simulator.endings import status_of
from backend.task import Status, Task, status_class
from backend.upid import RemoteType, escape_worker_id

NOW = 1_795_563_000
"""The moment of all measuring: 2026-11-24 23:30 UTC, so that the newest of the days is nearly full."""
KEEP_DAYS = 7
NEWEST_DAY = NOW // DAY * DAY
OLDEST_DAY = NEWEST_DAY - (KEEP_DAYS - 1) * DAY

RARE_USER = "auditor@pve"
"""The user of RARE_TASKS of the tasks, which lie evenly among all others."""
RARE_TASKS = 60

_HOUR = 3_600
_NIGHT = frozenset({22, 23, 0, 1, 2, 3, 4})
_PIDS = 4_194_304
_PLACES = (
    "wien", "graz", "linz", "berlin", "hamburg", "zagreb", "brno", "praha", "milano", "torino",
    "lyon", "nantes", "gent", "utrecht", "aarhus", "bergen", "tampere", "tartu", "porto", "girona",
)  # fmt: skip
_PBS_WEIGHT = 4


class Row(NamedTuple):
    """A task, taken apart as a table would hold it. `id` is decoded, empty for none; `endtime` and `status` are
    None while it runs."""

    upid: str
    remote: str
    node: str
    type: str
    id: str
    user: str
    starttime: int
    endtime: int | None
    status: str | None
    status_class: str

    @property
    def task(self) -> Task:
        return Task(self.upid, self.starttime, self.endtime, self.status)


class _Node(NamedTuple):
    type: RemoteType
    remote: str
    name: str
    guests: int
    day: tuple[Kind, ...]
    night: tuple[Kind, ...]
    booted: int
    rebooted: int
    """When it booted before the week, and again within it (UNIX seconds; past the week's end for most)."""


def _fleet() -> list[_Node]:
    """80 clusters of 10 nodes and 20 Backup Servers, a node each."""
    draw = random.Random(1)
    tables: dict[RemoteType, tuple[tuple[Kind, ...], tuple[Kind, ...]]] = {
        type: (spread(kinds_of(type), night=False), spread(kinds_of(type), night=True)) for type in ("pve", "pbs")
    }

    def node(type: RemoteType, remote: str, name: str, guests: int) -> _Node:
        booted = OLDEST_DAY - draw.randrange(DAY, 300 * DAY)
        rebooted = draw.randrange(OLDEST_DAY, NOW) if draw.random() < 0.25 else NOW + DAY
        return _Node(type, remote, name, guests, *tables[type], booted, rebooted)

    nodes = []
    for place in _PLACES:
        for cluster in range(1, 5):
            guests = draw.randrange(60, 400)
            nodes += [node("pve", f"{place}-{cluster}", f"pve{n}", guests) for n in range(1, 11)]
        nodes.append(node("pbs", f"{place}-backup", f"pbs-{place}", 900))
    return nodes


_NODES = _fleet()
_WEIGHTS = list(accumulate(_PBS_WEIGHT if node.type == "pbs" else 1 for node in _NODES))


def history(count: int) -> Iterator[list[Row]]:
    """`count` finished tasks of the kept days, oldest first, in lists of some thousands. RARE_TASKS of them (all,
    of fewer) are RARE_USER's."""
    every = max(1, count // RARE_TASKS)
    rare = set(range(every // 2, count, every)[:RARE_TASKS])
    return _rows(count, OLDEST_DAY, NOW, random.Random(2), rare)


def running(count: int) -> list[Row]:
    """`count` tasks that run at NOW."""
    return [
        row._replace(endtime=None, status=None, status_class=Status.RUNNING.value)
        for rows in _rows(count, NOW - 2 * _HOUR, NOW, random.Random(3), set())
        for row in rows
    ]


def newly_finished(size: int, since: int) -> list[Row]:
    """Finished tasks that are not in the history and started from `since` (UNIX seconds) on, as many as fill
    `size` bytes of a journal, in the order they ended."""
    draw = random.Random(since)
    at_least = math.ceil(size / 120)  # no line is shorter
    rows = [row for rows in _rows(at_least, since, NOW, draw, set()) for row in rows]
    draw.shuffle(rows)
    filled = 0
    taken = []
    for row in rows:
        filled += len(journal_line(row))
        if filled > size:
            break
        taken.append(row)
    return sorted(taken, key=lambda row: row.endtime or 0)


def journal_line(row: Row) -> bytes:
    """The line of JSON that a finished task is in the cache's files."""
    return orjson.dumps(
        {"upid": row.upid, "starttime": row.starttime, "status": row.status, "endtime": row.endtime},
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _rows(count: int, since: int, until: int, draw: random.Random, rare: set[int]) -> Iterator[list[Row]]:
    """Finished tasks in the order of their starts, twice as many an hour by night as by day."""
    begins = range(since, until, _HOUR)
    shares = [2 if _is_night(begin) else 1 for begin in begins]
    made = 0
    for begin, share in zip(begins, accumulate(shares), strict=True):
        wanted = count * share // sum(shares) - made
        starts = sorted(draw.choices(range(begin, min(begin + _HOUR, until)), k=wanted))
        nodes = draw.choices(_NODES, cum_weights=_WEIGHTS, k=wanted)
        night = _is_night(begin)
        rows = [_row(node, start, night, draw) for node, start in zip(nodes, starts, strict=True)]
        for number in rare.intersection(range(made, made + wanted)):
            row = rows[number - made]
            upid = row.upid.removesuffix(f":{row.user}:") + f":{RARE_USER}:"
            rows[number - made] = row._replace(upid=upid, user=RARE_USER)
        made += wanted
        if rows:
            yield rows


def _row(node: _Node, start: int, night: bool, draw: random.Random) -> Row:
    bits = draw.getrandbits(128)
    table = node.night if night else node.day
    kind = table[(bits & 0xFFFF) % len(table)]
    skewed = ((bits >> 16 & 0xFF) / 0xFF) ** 3
    end = min(NOW, start + kind.shortest + int((kind.longest - kind.shortest) * skewed))
    id = kind.identify(bits >> 24 & 0xFFFF, range(FIRST_GUEST, FIRST_GUEST + node.guests), bits >> 92)
    user = kind.users[(bits >> 40 & 0xFF) % len(kind.users)]
    status = status_of(kind.worker_type, node.type, bits >> 48 & 0xFFFFFF, id, node.name)
    sort = status_class(status)
    if sort is Status.ERROR:
        status = _particular(status, bits >> 72 & 0xFFFFF)
    pid = 1_000 + (bits >> 92) % (_PIDS - 1_000)
    boot = node.rebooted if start >= node.rebooted else node.booted
    pstart = (start - boot) * 100 + (bits >> 72 & 0xFF) % 100
    head = f"{node.type}:{node.remote}!UPID:{node.name}:{pid:08X}:{pstart:08X}"
    if node.type == "pve":
        upid = f"{head}:{start:08X}:{kind.worker_type}:{id}:{user}:"
    else:
        upid = f"{head}:{bits >> 96:08X}:{start:08X}:{kind.worker_type}:{_escaped(id)}:{user}:"
    return Row(upid, node.remote, node.name, kind.worker_type, id, user, start, end, status, sort.value)


def _particular(error: str, bits: int) -> str:
    """The error with numbers of its own, so that there are many different ones, as on a real fleet."""
    error = error.replace("101", str(100 + bits % 400))
    return f"{error} after {bits} bytes" if bits % 8 == 0 else error


def _is_night(begin: int) -> bool:
    return begin // _HOUR % 24 in _NIGHT


_escaped = lru_cache(maxsize=None)(escape_worker_id)
