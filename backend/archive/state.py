"""The state file: for each node the cutoff up to which its tasks are in the cache, and the tracked tasks."""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from backend.archive.files import write_atomically

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
