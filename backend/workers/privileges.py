"""What a token must be allowed, so that its lists are whole: without it a remote answers with an empty list, as
though nothing had ever run."""

from collections.abc import Iterable

from backend.client import Permissions, RemoteClient


def blind_nodes(client: RemoteClient, permissions: Permissions, nodes: Iterable[str]) -> list[str]:
    """The nodes whose tasks the token does not see, or only its own."""
    return [node for node in nodes if not permissions.allows("Sys.Audit", client.audit_path(node))]


def missing_privileges(client: RemoteClient, permissions: Permissions, blind: list[str]) -> list[str]:
    """What the token cannot see for want of a privilege, in words; `blind` are the nodes that it does not see."""
    if client.type == "pbs":
        return ["the token sees only its own tasks: it lacks Sys.Audit on /system/tasks"] if blind else []
    if blind:
        return [f"the token does not see the tasks of {', '.join(blind)}: it lacks Sys.Audit on /nodes"]
    if not permissions.allows("Sys.Audit", "/"):
        return ["what starts is seen late, at each full round: the token lacks Sys.Audit on /"]
    return []
