"""One remote over HTTPS: its tasks, their logs, and every way it can fail as a typed error. No retries in time:
those are the workers' matter."""

from backend.client.connection import Connection
from backend.client.errors import (
    AnswerError,
    ApiError,
    AuthenticationError,
    CertificateError,
    NodeOfflineError,
    NotFoundError,
    PermissionDeniedError,
    RemoteError,
    UnreachableError,
)
from backend.client.limit import PATIENCE, FleetLimit, quick_connections
from backend.client.model import Current, LogLine, Node, Page, TaskState
from backend.client.pbs import PbsClient
from backend.client.permissions import Permissions
from backend.client.pve import PveClient
from backend.client.remote import RemoteClient
from backend.config import RemoteConfig

__all__ = [
    "PATIENCE",
    "AnswerError",
    "ApiError",
    "AuthenticationError",
    "CertificateError",
    "Current",
    "FleetLimit",
    "LogLine",
    "Node",
    "NodeOfflineError",
    "NotFoundError",
    "Page",
    "PbsClient",
    "PermissionDeniedError",
    "Permissions",
    "PveClient",
    "RemoteClient",
    "RemoteError",
    "TaskState",
    "UnreachableError",
    "open_client",
    "quick_connections",
]


def open_client(
    remote: RemoteConfig,
    *,
    timeout: float = 45.0,
    connect_timeout: float = 10.0,
    connections: int = 5,
    limit: FleetLimit | None = None,
) -> RemoteClient:
    """A client of a remote; nothing is connected yet.

    Args:
        remote: the remote's configuration.
        timeout: seconds for a request as a whole, over all endpoints tried, without the wait for a slot. The
            default leaves PVE its 30 s to find that another node is silent.
        connect_timeout: seconds for connecting, and again for the TLS handshake; then the next endpoint is
            tried.
        connections: requests to this remote at a time.
        limit: requests at a time over the whole fleet, shared by its clients. With one, a request that takes long
            is given up, and made again among the slow.
    """
    connection = Connection(
        remote, timeout=timeout, connect_timeout=connect_timeout, connections=connections, limit=limit
    )
    return PveClient(connection) if remote.type == "pve" else PbsClient(connection)
