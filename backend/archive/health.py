"""The fleet's health as the worker last saw it, kept in the cache directory's `health` file: for each remote what
works, since when, and what does not, in words; and how far the current round is. Display only: nothing is decided
by it, so a missing or damaged file is an empty one."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from backend.archive.files import write_atomically
from backend.upid import RemoteType

_SILENT_AFTER = 60.0
"""Seconds, more than polls are apart: of a remote in trouble nothing comes any more."""
_TELLING_NODES = 5
"""From how many nodes on one may reckon how long the others take."""

POLL_INTERVAL = 10.0
"""Seconds between two polls of a remote, unless the worker tells otherwise."""

NODE_OFFLINE = "the cluster reports this node as offline"
"""A node's `error` while its remote says that it is down."""


@dataclass(slots=True)
class NodeHealth:
    """One node of a remote. Times are UNIX seconds, None where it never happened; `error` is in words, and
    `failing_since` is when it began."""

    last_success: float | None = None
    error: str | None = None
    failing_since: float | None = None

    @property
    def offline(self) -> bool:
        """Whether its remote says that it is down."""
        return self.error == NODE_OFFLINE


@dataclass(slots=True)
class RemoteHealth:
    """One remote.

    Attributes:
        last_success: when it last answered a poll, or told its nodes at the beginning of a fetch (UNIX seconds).
        latency: seconds its last answer took.
        error: what is wrong, in words; None while all is well.
        failing_since: when `error` began (UNIX seconds).
        notes: what limits its data though it answers, such as missing privileges, in words.
        nodes: by name.
        clock_skew: seconds its clock is ahead of ours, to about one second; None while unknown.
    """

    type: RemoteType = "pve"
    last_success: float | None = None
    latency: float | None = None
    error: str | None = None
    failing_since: float | None = None
    notes: list[str] = field(default_factory=list)
    nodes: dict[str, NodeHealth] = field(default_factory=dict)
    clock_skew: float | None = None

    def is_silent(self, now: float) -> bool:
        """Whether it has answered nothing since `error` began, or for a while: it may answer polls and refuse
        other things."""
        if self.error is None:
            return False
        if self.last_success is None or self.failing_since is None:
            return True
        return self.last_success <= self.failing_since or now - self.last_success > _SILENT_AFTER


@dataclass(slots=True)
class Round:
    """The current full round, or the last one. `tasks` counts the tasks it fetched; `finished` is None while it
    runs; `next` is when the next begins (UNIX seconds)."""

    started: float
    finished: float | None = None
    next: float | None = None
    nodes_done: int = 0
    nodes_total: int = 0
    tasks: int = 0

    def left(self, now: float) -> float | None:
        """About how many seconds it still takes, by how long its nodes took so far; None while that is anybody's
        guess, or once it is over."""
        if self.finished is not None or self.nodes_done < _TELLING_NODES or now < self.started:
            return None
        return (now - self.started) / self.nodes_done * max(0, self.nodes_total - self.nodes_done)


@dataclass(slots=True)
class Health:
    """All of the `health` file. `pid` and `role` ("daemon" or "dashboard") name the process that does the work;
    `updated` is when it last wrote (UNIX seconds; at least every 10 s while it lives). `poll_interval` is how many
    seconds lie between two polls of a remote. `no_such_tasks` are the latest that were to be tracked and that
    their remotes did not know, by remote UPID, and when that was told."""

    pid: int = 0
    role: str = ""
    updated: float = 0.0
    problem: str | None = None
    round: Round | None = None
    remotes: dict[str, RemoteHealth] = field(default_factory=dict)
    no_such_tasks: dict[str, float] = field(default_factory=dict)
    poll_interval: float = POLL_INTERVAL

    @property
    def failing(self) -> dict[str, RemoteHealth]:
        """The remotes that have an error, by name."""
        return {name: remote for name, remote in self.remotes.items() if remote.error is not None}

    @property
    def nodes(self) -> int:
        """How many nodes the fleet has, as far as known."""
        return sum(len(remote.nodes) for remote in self.remotes.values())


def read_health(path: Path) -> Health:
    """The health file's content; an empty Health where there is none or it cannot be read."""
    try:
        raw = orjson.loads(path.read_bytes())
        return Health(
            pid=int(raw["pid"]),
            role=str(raw["role"]),
            updated=float(raw["updated"]),
            problem=_words(raw["problem"]),
            round=None if raw["round"] is None else _round(raw["round"]),
            remotes={str(name): _remote(remote) for name, remote in raw["remotes"].items()},
            no_such_tasks={str(upid): float(told) for upid, told in raw.get("no_such_tasks", {}).items()},
            poll_interval=float(raw.get("poll_interval", POLL_INTERVAL)),
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Health()


def write_health(path: Path, health: Health) -> None:
    """Replace the health file."""
    write_atomically(path, orjson.dumps(health), durable=False)


def _round(raw: dict[str, Any]) -> Round:
    return Round(
        started=float(raw["started"]),
        finished=_moment(raw["finished"]),
        next=_moment(raw["next"]),
        nodes_done=int(raw["nodes_done"]),
        nodes_total=int(raw["nodes_total"]),
        tasks=int(raw["tasks"]),
    )


def _remote(raw: dict[str, Any]) -> RemoteHealth:
    return RemoteHealth(
        type="pbs" if raw["type"] == "pbs" else "pve",
        last_success=_moment(raw["last_success"]),
        latency=_moment(raw["latency"]),
        error=_words(raw["error"]),
        failing_since=_moment(raw["failing_since"]),
        notes=[str(note) for note in raw["notes"]],
        nodes={
            str(name): NodeHealth(
                _moment(node["last_success"]), _words(node["error"]), _moment(node.get("failing_since"))
            )
            for name, node in raw["nodes"].items()
        },
        clock_skew=_moment(raw.get("clock_skew")),
    )


def _moment(raw: object) -> float | None:
    return None if raw is None else float(str(raw))


def _words(raw: object) -> str | None:
    return None if raw is None else str(raw)
