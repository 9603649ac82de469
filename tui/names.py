"""How much room the fleet's names take, so that columns fit them."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len

from backend.archive.health import Health
from backend.task import Task
from backend.upid import UpidError

_WIDEST = 32


@dataclass(frozen=True, slots=True)
class Names:
    """How many cells the names of remotes, nodes and users take."""

    remote: int = 6
    node: int = 4
    user: int = 8


def widened(names: Names, health: Health, tasks: Iterable[Task]) -> Names:
    """Room for the names of the fleet and of these tasks as well. It only ever grows, up to a limit: columns that
    also shrank would make rows jump about."""
    remotes = [names.remote, *map(len, health.remotes)]
    nodes = [names.node]
    for remote in health.remotes.values():
        nodes.extend(len(node) for node in remote.nodes if node != "localhost")
    users = [names.user]
    for task in tasks:
        try:
            parsed = task.parsed
        except UpidError:
            continue
        remotes.append(len(parsed.remote))
        nodes.append(len(parsed.upid.node))
        users.append(cell_len(parsed.upid.user))
    return Names(*(min(_WIDEST, max(cells)) for cells in (remotes, nodes, users)))
