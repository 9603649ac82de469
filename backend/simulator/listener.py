"""A listening TLS port that owns its connections from the moment they are accepted, handshake included, so that
closing it leaves none behind. What is said over them is `connection`'s matter."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_HANDSHAKE_TIMEOUT = 5.0
_SHUTDOWN_TIMEOUT = 1.0


class Listener:
    """A port that is open until `close`. `port` is its number."""

    def __init__(self, context: ssl.SSLContext, serve: Serve) -> None:
        self.port = 0
        self._context = context
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._closed = False
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, host: str, port: int, context: ssl.SSLContext, serve: Serve) -> Self:
        """Listen; port 0 takes a free one. `serve` handles one client each time. Raises OSError."""
        listener = cls(context, serve)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Accepted(listener._accept), host, port)
        listener._server = server
        listener.port = server.sockets[0].getsockname()[1]
        return listener

    async def close(self) -> None:
        """Close the port and drop all connections."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def _accept(self, transport: asyncio.Transport) -> None:
        if self._closed:
            # it was waiting in the port's backlog
            transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._handle(transport))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _handle(self, raw: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport: asyncio.Transport | None = None
        try:
            transport = await loop.start_tls(
                raw,
                protocol,
                self._context,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_TIMEOUT,
                ssl_shutdown_timeout=_SHUTDOWN_TIMEOUT,
            )
            if transport is None:
                return
            protocol.connection_made(transport)
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            await self._serve(reader, writer)
            writer.close()
            await writer.wait_closed()
        except (OSError, TimeoutError):
            # a client that went away, or that speaks no TLS
            pass
        finally:
            (transport or raw).abort()


class _Accepted(asyncio.Protocol):
    """Holds a new connection still until its task has begun the handshake."""

    def __init__(self, accept: Callable[[asyncio.Transport], None]) -> None:
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._accept(transport)
