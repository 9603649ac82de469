"""TLS to an endpoint: whose certificate is believed, checked before the first byte of a request is sent."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import httpcore
from httpcore import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

from backend.client.resolve import addresses_of, connect_to_first


class WrongFingerprint(httpcore.ConnectError):
    """The server's certificate is another one than expected; `got` is its fingerprint."""

    def __init__(self, got: str) -> None:
        super().__init__(f"certificate with fingerprint {got}")
        self.got = got


class SilentNameServer(httpcore.ConnectError):
    """Nobody told the addresses of the endpoint's name in time."""


def fingerprint_of(certificate: bytes) -> str:
    """The fingerprint of a DER certificate as Proxmox writes it: SHA-256, `AA:BB:…`."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def trusting_context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that checks chain and host name, against a file of CA certificates or the system's.

    Raises OSError (ssl.SSLError is one) where the file cannot be read or holds no certificate.
    """
    if ca_file is None:
        return _trusting(None, 0)
    return _trusting(ca_file, ca_file.stat().st_mtime_ns)


# A system's trust store takes some 20 ms and a megabyte: remotes that trust the same share a context.
@lru_cache(maxsize=64)
def _trusting(ca_file: Path | None, mtime_ns: int) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca_file)
    return context


@lru_cache(maxsize=1)
def pinning_context() -> ssl.SSLContext:
    """A context that believes any certificate: only for connections whose fingerprint Backend checks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Backend(AsyncNetworkBackend):
    """Opens the connections to one endpoint; with a fingerprint, only to the server that has it."""

    def __init__(self, fingerprint: str | None) -> None:
        self._fingerprint = fingerprint
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        async def connect(address: str) -> AsyncNetworkStream:
            return await self._backend.connect_tcp(address, port, None, local_address, socket_options)

        addresses: list[str] | None = None
        try:
            async with asyncio.timeout(timeout):
                addresses = await addresses_of(host)
                stream = await connect_to_first(addresses, connect, AsyncNetworkStream.aclose)
        except TimeoutError as error:
            if addresses is None:
                raise SilentNameServer(host) from error
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return _Stream(stream, self._fingerprint)


class _Stream(AsyncNetworkStream):
    """A TCP connection, good for nothing but to become a TLS one."""

    def __init__(self, stream: AsyncNetworkStream, fingerprint: str | None) -> None:
        self._stream = stream
        self._fingerprint = fingerprint

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
    ) -> AsyncNetworkStream:
        """Shake hands and check the fingerprint. Raises WrongFingerprint before anything is sent."""
        try:
            secured = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            # httpcore closes the socket on errors only: a handshake that is cancelled would leave it open.
            await self._stream.aclose()
            raise
        if self._fingerprint is not None:
            certificate = secured.get_extra_info("ssl_object").getpeercert(binary_form=True)
            got = fingerprint_of(certificate or b"")
            if got != self._fingerprint:
                await secured.aclose()
                raise WrongFingerprint(got)
        return secured

    async def aclose(self) -> None:
        await self._stream.aclose()
