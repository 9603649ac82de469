"""The way to one endpoint, looked at step by step up to the TLS handshake. No byte of a request is ever sent here,
so that a server may be looked at before it is trusted. Nothing raises: a step gives what it found or a Trouble."""

import asyncio
import ssl
from pathlib import Path

import httpcore

from backend.client.certificate import Certificate, read_certificate
from backend.client.errors import CertificateError, UnreachableError
from backend.client.resolve import addresses_of
from backend.client.tls import Backend, pinning_context, trusting_context
from backend.client.trouble import Trouble, describe_trouble
from backend.config import Endpoint

_FAILURES = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)


async def resolve(endpoint: Endpoint, seconds: float) -> list[str] | Trouble:
    """The addresses of an endpoint's host, within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await addresses_of(endpoint.host)
    except TimeoutError:
        words = "no name server answers"
    except OSError as error:
        words = f"its name cannot be resolved ({error.strerror})"
    return Trouble(UnreachableError, words, sent=False)


async def reach(endpoint: Endpoint, seconds: float) -> Trouble | None:
    """Connect to an endpoint's port within so many seconds, and hang up."""
    try:
        stream = await Backend(None).connect_tcp(endpoint.host, endpoint.port, seconds)
    except _FAILURES as error:
        return describe_trouble(error, endpoint)
    await stream.aclose()
    return None


async def shown_certificate(endpoint: Endpoint, seconds: float) -> Certificate | Trouble:
    """The certificate that an endpoint shows, whatever it is worth. Connecting and the handshake have so many
    seconds each."""
    der = await _shake_hands(endpoint, pinning_context(), seconds)
    return der if isinstance(der, Trouble) else read_certificate(der)


async def distrust(endpoint: Endpoint, ca_file: Path | None, seconds: float) -> Trouble | None:
    """Why an endpoint's certificate does not pass the normal checks of chain, name and time, against a file of CA
    certificates or the system's; None if it does."""
    try:
        context = trusting_context(ca_file)
    except OSError as error:
        words = f"{ca_file or 'the system trust store'}: no CA certificates ({error.strerror})"
        return Trouble(CertificateError, words, sent=False)
    outcome = await _shake_hands(endpoint, context, seconds)
    return outcome if isinstance(outcome, Trouble) else None


async def _shake_hands(endpoint: Endpoint, context: ssl.SSLContext, seconds: float) -> bytes | Trouble:
    """The DER certificate of a server that the context accepts."""
    try:
        stream = await Backend(None).connect_tcp(endpoint.host, endpoint.port, seconds)
        secured = await stream.start_tls(context, endpoint.host, seconds)
    except _FAILURES as error:
        return describe_trouble(error, endpoint)
    try:
        return secured.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    finally:
        await secured.aclose()
