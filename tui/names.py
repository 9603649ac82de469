"""How much room the fleet's names and the words of its tasks take, so that columns fit them."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len

from backend.archive.health import Health
from backend.task import Task

_WIDEST = 32
_WIDEST_WORDS = 60


@dataclass(frozen=True, slots=True)
class Names:
    """How many cells the names of remotes, nodes and users take, and the tasks' words."""

    remote: int = 6
    node: int = 4
    user: int = 8
    task: int = 18


def widened(names: Names, health: Health, tasks: Iterable[Task]) -> Names:
    """Room for the names of the fleet and of these tasks as well. It only ever grows, up to a limit: columns that
    also shrank would make rows jump about."""
    remotes = [names.remote, *map(len, health.remotes)]
    nodes = [names.node]
    for remote in health.remotes.values():
        nodes.extend(len(node) for node in remote.nodes if node != "localhost")
    users, words = [names.user], [names.task]
    for task in tasks:
        remotes.append(len(task.remote))
        nodes.append(len(task.node))
        users.append(cell_len(task.user))
        words.append(cell_len(task.description))
    return Names(
        remote=min(_WIDEST, max(remotes)),
        node=min(_WIDEST, max(nodes)),
        user=min(_WIDEST, max(users)),
        task=min(_WIDEST_WORDS, max(words)),
    )
