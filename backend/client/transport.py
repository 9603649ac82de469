"""HTTP/1.1 to one endpoint, as a transport for httpx: httpcore's connection pool on top of our TLS, whose checks
httpx's own transport has no place for. It raises httpcore's exceptions."""

import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from backend.client.tls import Backend

KEEP_ALIVE = 4.0
"""Seconds an idle connection is kept: less than the 5 s after which PVE closes it."""


class Transport(httpx.AsyncBaseTransport):
    """The connections to one endpoint, at most `connections` at a time."""

    def __init__(self, ssl_context: ssl.SSLContext, fingerprint: str | None, connections: int) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=Backend(fingerprint),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status, headers=response.headers, stream=_Body(response), extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of a response, as it comes."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()
