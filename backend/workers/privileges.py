"""What a token sees, so that its lists are whole: without a privilege a remote answers with an empty list, as
though nothing had ever run."""

from collections.abc import Collection
from dataclasses import dataclass

from backend.client import Permissions, RemoteClient


@dataclass(frozen=True, slots=True)
class Sight:
    """What a token sees of a remote.

    Attributes:
        blind: the nodes of whose tasks it sees none but its own.
        whole: whether one answer for the whole remote tells of everyone's tasks.
    """

    blind: frozenset[str] = frozenset()
    whole: bool = True


def sight_of(client: RemoteClient, permissions: Permissions, nodes: Collection[str]) -> Sight:
    """What the token may see of these nodes, all of the remote's."""
    blind = [node for node in nodes if not permissions.allows("Sys.Audit", client.audit_path(node))]
    return Sight(frozenset(blind), client.type == "pbs" or permissions.allows("Sys.Audit", "/"))


def missing_privileges(client: RemoteClient, sight: Sight) -> list[str]:
    """What the token cannot see for want of a privilege, in words."""
    if client.type == "pbs":
        return ["the token sees only its own tasks: it lacks Sys.Audit on /system/tasks"] if sight.blind else []
    if sight.blind:
        nodes = ", ".join(sorted(sight.blind))
        return [f"the token does not see the tasks of {nodes}: it lacks Sys.Audit on /nodes"]
    if not sight.whole:
        return ["what runs is asked of each node by itself: the token lacks Sys.Audit on /"]
    return []
