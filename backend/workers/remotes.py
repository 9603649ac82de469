"""The remotes a run of the workers deals with: a client for each, opened together and closed together."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType

from backend.client import RemoteClient, open_client
from backend.config import Config, RemoteConfig


class Remotes:
    """Clients by the remote's name. An async context manager; all requests together keep to the fleet's limit."""

    def __init__(self, config: Config) -> None:
        self.settings = config.settings
        self._configs: Mapping[str, RemoteConfig] = config.remotes
        self._stack = AsyncExitStack()
        self.clients: dict[str, RemoteClient] = {}

    async def __aenter__(self) -> "Remotes":
        limit = asyncio.Semaphore(self.settings.max_connections)
        for name, config in self._configs.items():
            client = open_client(config, limit=limit, connections=self.settings.max_connections_per_remote)
            self.clients[name] = await self._stack.enter_async_context(client)
        return self

    async def __aexit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()
