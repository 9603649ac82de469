"""One remote over HTTPS: its tasks, their logs, and every way it can fail as a typed error. No retries in time:
those are the workers' matter."""

import time
from collections.abc import Callable

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
from backend.client.limit import PATIENCE, FleetLimit
from backend.client.model import Current, LogLine, LogPage, Node, Page, TaskState
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
    "LogPage",
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
]


def open_client(
    remote: RemoteConfig,
    *,
    timeout: float = 45.0,
    connect_timeout: float = 10.0,
    connections: int = 5,
    limit: FleetLimit | None = None,
    clock: Callable[[], float] = time.time,
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
        clock: our time (UNIX seconds), which the remote's is compared with.
    """
    # what it stands on takes a tenth of a second to import, and who only shows what is known needs none of it
    from backend.client.connection import Connection

    connection = Connection(
        remote,
        timeout=timeout,
        connect_timeout=connect_timeout,
        connections=connections,
        limit=limit,
        clock=clock,
    )
    return PveClient(connection) if remote.type == "pve" else PbsClient(connection)
