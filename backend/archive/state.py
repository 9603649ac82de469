"""The state file: for each node the cutoff up to which its tasks are in the cache, and the tracked tasks."""

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from backend.archive.files import write_atomically

AHEAD = 10
"""Seconds that a cutoff may lie ahead of our clock: more would hide what starts before it."""

NodeKey = tuple[str, str]
"""A node: its remote's name and its own."""


@dataclass(slots=True)
class State:
    """`cutoffs` in UNIX seconds: a node's tasks that started before are all in the cache. `tracked` are remote
    UPIDs."""

    cutoffs: dict[NodeKey, int] = field(default_factory=dict)
    tracked: list[str] = field(default_factory=list)


def read_state(path: Path) -> tuple[State, str | None]:
    """The state, and what is wrong with its file. Of a broken file what can be read is used; without cutoffs the
    fleet is fetched anew, and nothing is lost but time. A broken file is kept beside, as `.broken-state`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return State(), None
    except OSError as error:
        return State(), f"state: {error.strerror}"
    state = State()
    problem = None
    try:
        raw = orjson.loads(content)
        for remote, nodes in raw["remote-state"].items():
            for node, values in nodes["node-state"].items():
                if type(cutoff := values["cutoff"]) is int:
                    state.cutoffs[remote, node] = cutoff
        state.tracked = [upid for upid in raw.get("tracked-tasks", []) if isinstance(upid, str)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"state: not readable ({type(error).__name__}: {error}); what it knew is fetched again"
        with contextlib.suppress(OSError):
            os.replace(path, path.with_name(".broken-state"))
    return state, problem


def write_state(path: Path, state: State) -> None:
    """Replace the state file, durably."""
    remotes: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for (remote, node), cutoff in sorted(state.cutoffs.items()):
        remotes.setdefault(remote, {"node-state": {}})["node-state"][node] = {"cutoff": cutoff}
    write_atomically(path, orjson.dumps({"remote-state": remotes, "tracked-tasks": state.tracked}))


class StateFile:
    """The state file as its one writer holds it.

    Attributes:
        problem: what was wrong with it when it was read, in words; None if nothing.
        lowered: the nodes whose cutoff was set back since they were last asked for.
    """

    def __init__(self, path: Path, runs: Callable[[str], bool], require: Callable[[], None]) -> None:
        """Read it. `runs` tells of a remote UPID whether its task still runs: one that does not is not tracked any
        more from the next write on. `require` raises where nothing may be written: it is called before anything
        is."""
        self._path = path
        self._runs = runs
        self._require = require
        self._state, self.problem = read_state(path)
        self.lowered: set[NodeKey] = set()

    @property
    def cutoffs(self) -> dict[NodeKey, int]:
        """The cutoffs (UNIX seconds) as they stand. Not to be changed."""
        return self._state.cutoffs

    @property
    def tracked(self) -> list[str]:
        """The tracked tasks, as remote UPIDs. Not to be changed."""
        return self._state.tracked

    def ask(self, node: NodeKey, now: float) -> int | None:
        """A node's cutoff for a fetch that begins `now`; None for from the beginning. It is not a lowered one any
        more."""
        self.lowered.discard(node)
        cutoff = self._state.cutoffs.get(node)
        return None if cutoff is None or cutoff > now + AHEAD else cutoff

    def advance(self, news: Mapping[NodeKey, int], now: float) -> None:
        """Take the cutoffs of fetches that have ended, but for nodes that were lowered meanwhile; 0 or less
        forgets one. Raises OSError or CacheError, and then nothing has changed; so do all that follow."""
        cutoffs = self._state.cutoffs | {key: cutoff for key, cutoff in news.items() if key not in self.lowered}
        self._replace({key: cutoff for key, cutoff in cutoffs.items() if 0 < cutoff <= now + AHEAD})

    def lower(self, cutoffs: Mapping[NodeKey, int]) -> None:
        """Set cutoffs back; 0 forgets one. Those that are no earlier than what stands are passed over."""
        known = self._state.cutoffs
        lowered = {key: since for key, since in cutoffs.items() if since < known.get(key, 0)}
        self._replace({key: since for key, since in (known | lowered).items() if since > 0})
        # Last: a fetch that began before it read the cutoff from before, which must not come back.
        self.lowered |= lowered.keys()

    def lower_all(self, since: int) -> None:
        """Set back to `since` what is at it or later."""
        lowered = {key: since for key, cutoff in self._state.cutoffs.items() if cutoff >= since}
        self._replace(self._state.cutoffs | lowered)
        self.lowered |= lowered.keys()

    def keep_only(self, remotes: Collection[str]) -> None:
        """Forget the cutoffs of all other remotes."""
        self._replace({key: cutoff for key, cutoff in self._state.cutoffs.items() if key[0] in remotes})

    def track(self, upids: Iterable[str]) -> None:
        """Have these tracked, too, as far as they run."""
        self._replace(self._state.cutoffs, [*self._state.tracked, *upids])

    def untrack_ended(self) -> None:
        """Have none tracked that does not run."""
        self._replace(self._state.cutoffs)

    def _replace(self, cutoffs: dict[NodeKey, int], tracked: Iterable[str] | None = None) -> None:
        upids = self._state.tracked if tracked is None else dict.fromkeys(tracked)
        state = State(cutoffs, [upid for upid in upids if self._runs(upid)])
        if state != self._state:
            self._require()
            write_state(self._path, state)
            self._state = state
