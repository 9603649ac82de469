"""The remotes a run of the workers deals with: a client for each, opened together and closed together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from backend.client import FleetLimit, RemoteClient, open_client
from backend.config import Config


@asynccontextmanager
async def open_remotes(config: Config) -> AsyncIterator[dict[str, RemoteClient]]:
    """Clients by the remote's name; all requests together keep to the fleet's limit."""
    settings = config.settings
    limit = FleetLimit(settings.max_connections)
    async with AsyncExitStack() as stack:
        clients: dict[str, RemoteClient] = {}
        for name, remote in config.remotes.items():
            client = open_client(remote, limit=limit, connections=settings.max_connections_per_remote)
            clients[name] = await stack.enter_async_context(client)
        yield clients
