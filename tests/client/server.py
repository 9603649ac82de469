"""A small HTTPS server on a real socket, which answers as a test tells it and notes what it was sent."""

import asyncio
import contextlib
import ipaddress
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend.config import Endpoint, RemoteConfig, Secret
from backend.upid import RemoteType

SECRET = "0c1d2e3f-secret-%/=-4a5b"


@dataclass(frozen=True)
class Identity:
    """A self-signed certificate: its PEM, its fingerprint, and a server's TLS settings with it."""

    pem: bytes
    fingerprint: str
    context: ssl.SSLContext


@lru_cache(maxsize=8)
def make_identity(name: str = "127.0.0.1", days: int = 10) -> Identity:
    """A certificate for a name or an address that is valid until `days` from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        context.load_cert_chain(file.name)
    return Identity(pem, certificate.fingerprint(hashes.SHA256()).hex(":").upper(), context)


@dataclass(frozen=True)
class Request:
    """What a client sent: the raw target, taken apart, and the headers, lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0].removeprefix("/api2/json")

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2]))


@dataclass
class Reply:
    """An answer of the server; with `close`, the last on its connection."""

    body: bytes = b""
    status: int = 200
    reason: str = "OK"
    headers: dict[str, str] = field(default_factory=dict)
    close: bool = False


def data(content: Any, **more: Any) -> Reply:
    """The answer of the API that holds this data."""
    return Reply(orjson.dumps({"data": content, **more}))


Handler = Callable[[Request], Reply]
RawHandler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
"""Writes what it likes; the connection is closed after it."""


class ApiServer:
    """The running server. `received` holds each connection's decrypted bytes."""

    def __init__(self, handler: Handler, raw: RawHandler | None, identity: Identity) -> None:
        self.identity = identity
        self.requests: list[Request] = []
        self.received: list[bytearray] = []
        self.open = 0
        self.port = 0
        self.busy = 0
        self.most_busy = 0
        self._handler = handler
        self._raw = raw
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port, self.identity.fingerprint)

    def remote(self, type: RemoteType = "pve", **changes: Any) -> RemoteConfig:
        """The configuration of this server as the remote `wien`."""
        values: dict[str, Any] = {
            "name": "wien",
            "type": type,
            "nodes": (self.endpoint,),
            "token_id": "monitor@pve!tasks",
            "secret": Secret(SECRET),
        }
        return RemoteConfig(**values | changes)

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = bytearray()
        self.received.append(received)
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                received += head
                request = _parse(head)
                self.requests.append(request)
                self.busy += 1
                self.most_busy = max(self.most_busy, self.busy)
                try:
                    if not await self._answer(request, writer):
                        return
                finally:
                    self.busy -= 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as error:
            received += error.partial if isinstance(error, asyncio.IncompleteReadError) else b""
        finally:
            self.open -= 1
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays open."""
        if self._raw is not None:
            await self._raw(request, writer)
            return False
        reply = self._handler(request)
        headers = {"content-length": str(len(reply.body)), **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} {reply.reason}", *(f"{key}: {value}" for key, value in headers.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
        await writer.drain()
        return not reply.close

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _parse(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines if line)
    return Request(method, target, {key.lower(): value for key, value in headers.items()})


def serve(handler: Handler, identity: Identity | None = None) -> AbstractAsyncContextManager[ApiServer]:
    """Serve on a free port until the end of the block."""
    return _running(ApiServer(handler, None, identity or make_identity()))


def serve_raw(handler: RawHandler) -> AbstractAsyncContextManager[ApiServer]:
    """The same, with a handler that need not speak HTTP."""
    return _running(ApiServer(lambda _: Reply(), handler, make_identity()))


@contextlib.asynccontextmanager
async def _running(api: ApiServer) -> AsyncIterator[ApiServer]:
    server = await asyncio.start_server(api.connected, "127.0.0.1", 0, ssl=api.identity.context)
    api.port = server.sockets[0].getsockname()[1]
    try:
        yield api
    finally:
        server.close()
        await api.close()
        await server.wait_closed()


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        await asyncio.sleep(0.005)


def write_pem(identity: Identity, folder: Path) -> Path:
    """A ca-file with the certificate."""
    path = folder / "ca.pem"
    path.write_bytes(identity.pem)
    return path
