"""A listening TLS port that owns its connections from the moment they are accepted, handshake included, so that
closing it leaves none behind. What is said over them is `connection`'s matter."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Self

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

Greet = Callable[[], ssl.SSLContext | None]
"""The TLS settings for a new connection; None to say nothing at all on it."""

_HANDSHAKE_TIMEOUT = 5.0
_SHUTDOWN_TIMEOUT = 1.0


class Listener:
    """A port that is open until `close`. `port` is its number."""

    def __init__(self, greet: Greet, serve: Serve) -> None:
        self.port = 0
        self._greet = greet
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._closed = False
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, bound: socket.socket, greet: Greet, serve: Serve) -> Self:
        """Listen on a socket that `bind_port` gave, which is the listener's from now on. `serve` handles one
        client each time."""
        listener = cls(greet, serve)
        loop = asyncio.get_running_loop()
        # nothing is awaited before the server has an owner: whoever is cancelled meanwhile leaves no port open
        server = await loop.create_server(lambda: _Accepted(listener._accept), sock=bound, start_serving=False)
        listener._server = server
        listener.port = bound.getsockname()[1]
        try:
            await server.start_serving()
        except BaseException:
            await listener.close()
            raise
        return listener

    async def close(self) -> None:
        """Close the port and drop all connections."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        await self.drop()
        if self._server is not None:
            await self._server.wait_closed()

    async def drop(self) -> None:
        """Drop all connections, and keep listening."""
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _accept(self, transport: asyncio.Transport, accepted: "_Accepted") -> None:
        if self._closed:
            # it was waiting in the port's backlog
            transport.abort()
            return
        context = self._greet()
        handling = self._ignore(transport, accepted) if context is None else self._handle(transport, context)
        task = asyncio.get_running_loop().create_task(handling)
        self._connections.add(task)

        def done(task: asyncio.Task[None]) -> None:
            # a task that is dropped before its first step runs none of its own `finally`
            transport.abort()
            self._connections.discard(task)

        task.add_done_callback(done)

    async def _ignore(self, raw: asyncio.Transport, accepted: "_Accepted") -> None:
        raw.resume_reading()
        await accepted.lost.wait()

    async def _handle(self, raw: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport: asyncio.Transport | None = None
        try:
            transport = await loop.start_tls(
                raw,
                protocol,
                context,
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
            if transport is not None:
                transport.abort()


class _Accepted(asyncio.Protocol):
    """Holds a new connection still until its task has begun the handshake; what is read before that is dropped."""

    def __init__(self, accept: Callable[[asyncio.Transport, "_Accepted"], None]) -> None:
        self.lost = asyncio.Event()
        self._accept = accept

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        self._accept(transport, self)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set()


def bind_port(host: str, port: int) -> socket.socket:
    """Take a port, 0 for a free one, so that nothing else gets it. As long as nothing listens on it, connections
    to it are refused. Raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
