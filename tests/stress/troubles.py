"""What goes wrong in a soak: which faults befall which remotes and nodes, when, and when the workers are killed.
All of it follows from a seed, and is known before it begins."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import NamedTuple

REQUEST = 45.0
"""Seconds for which a request may wait for its answer (the client's own deadline)."""


class Kind(NamedTuple):
    """One kind of fault, as a soak uses it.

    Attributes:
        values: what may stand behind it.
        lingers: for how many seconds after its end requests may still fail that began before; None if it keeps
            nobody from being asked.
        of_remotes: whether it befalls a remote as a whole only.
        longest: how many seconds it lasts at most.
    """

    values: Sequence[str] = ("",)
    lingers: float | None = None
    of_remotes: bool = False
    longest: float = 25.0


KINDS: Mapping[str, Kind] = {
    "refuse": Kind(lingers=1, of_remotes=True),
    "silent": Kind(["", "@0.5"], lingers=12, of_remotes=True),
    "certificate": Kind(["", "@0.5"], lingers=1, of_remotes=True),
    "latency": Kind(["=0.05..0.2", "=0.2..0.6"]),
    "hang": Kind(["", "@0.3"], lingers=REQUEST),
    "stall": Kind(["", "@0.3"], lingers=REQUEST),
    "reset": Kind(["", "@0.1", "@0.5"], lingers=1),
    "status": Kind([f"={status}" for status in (400, 401, 403, 500, 503, 595, 596)], lingers=4),
    "empty": Kind(["", "@0.3"], lingers=1),
    "truncated": Kind(["", "@0.3"], lingers=1),
    "object": Kind(["", "@0.3"], lingers=1),
    "strings": Kind(),
    # rows that stay unreadable for an hour are given up
    "nulls": Kind(["", "@0.3"], lingers=1, longest=12),
    "nested": Kind(["", "@0.3"], lingers=1),
    "long-status": Kind(["=1", "=0.1@0.5"]),
    "huge": Kind(["=20@0.3", "=100"], lingers=3),
    "offline": Kind(lingers=1),
    "twice": Kind(),
    "clock": Kind(["=-20m", "=-3h", "=-2d", "=30m", "=5h", "=3d"]),
    "burst": Kind(["=10", "=20", "=30", "=300"]),
    "long": Kind(["=1h", "=6h", "=1d"]),
}
PVE_ONLY = frozenset({"offline", "twice"})

EVERY = 2.0
"""Seconds from the beginning of a fault to that of the next, on average."""
SHORTEST = 1.0
"""Seconds that a fault lasts at least."""
LIVES = 12.0, 60.0
"""Seconds from one death of the workers to the next."""


class Trouble(NamedTuple):
    """A fault. Times are seconds since the soak's beginning; no `node` for all of the remote. `fault` is how it is
    written."""

    begin: float
    end: float
    remote: str
    node: str | None
    kind: str
    fault: str


class Death(NamedTuple):
    """The workers are killed, and started again `pause` seconds later."""

    at: float
    pause: float


def troubles(random: Random, seconds: float, nodes: Mapping[str, Sequence[str]]) -> list[Trouble]:
    """Faults for so many seconds, each kind as often as any other; `nodes` are those of each remote."""
    found = []
    deck: list[str] = []
    begin = random.expovariate(1 / EVERY)
    while begin < seconds:
        if not deck:
            deck = random.sample(sorted(KINDS), len(KINDS))
        found.append(_trouble(random, deck.pop(), begin, seconds, nodes))
        begin += random.expovariate(1 / EVERY)
    return found


def _trouble(
    random: Random, name: str, begin: float, latest: float, nodes: Mapping[str, Sequence[str]]
) -> Trouble:
    kind = KINDS[name]
    remote = random.choice([remote for remote in nodes if name not in PVE_ONLY or len(nodes[remote]) > 1])
    node = None if kind.of_remotes or random.random() < 0.4 else random.choice(nodes[remote])
    end = min(latest, begin + random.uniform(SHORTEST, kind.longest))
    place = remote if node is None else f"{remote}/{node}"
    return Trouble(begin, end, remote, node, name, f"{place}:{name}{random.choice(kind.values)}")


def deaths(random: Random, seconds: float) -> Iterator[Death]:
    """When the workers are killed, in so many seconds."""
    at = random.uniform(3.0, LIVES[0])
    while at < seconds:
        pause = random.choice((0.0, 0.0, random.uniform(0.5, 5.0)))
        yield Death(at, pause)
        at += pause + random.uniform(*LIVES)
