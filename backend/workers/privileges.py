"""What a token must be allowed, so that its lists are whole: without it a remote answers with an empty list, as
though nothing had ever run."""

from collections.abc import Iterable

from backend.client import Permissions, RemoteClient


def missing_privileges(client: RemoteClient, permissions: Permissions, nodes: Iterable[str]) -> list[str]:
    """What the token cannot see for want of a privilege, in words."""
    blind = [node for node in nodes if not permissions.allows("Sys.Audit", client.audit_path(node))]
    if client.type == "pbs":
        return ["the token sees only its own tasks: it lacks Sys.Audit on /system/tasks"] if blind else []
    if blind:
        return [f"the token does not see the tasks of {', '.join(blind)}: it lacks Sys.Audit on /nodes"]
    if not permissions.allows("Sys.Audit", "/"):
        return ["what starts is seen late, at each full round: the token lacks Sys.Audit on /"]
    return []
