"""What went wrong at one endpoint, in words, read from the exceptions of httpcore, ssl and the system."""

import os
import socket
import ssl
from dataclasses import dataclass

import httpcore

from backend.client.errors import AnswerError, CertificateError, RemoteError, UnreachableError
from backend.client.tls import SilentNameServer, WrongFingerprint
from backend.config import Endpoint

# OpenSSL's X509_V_ERR_…
_EXPIRED = 10
_NOT_YET_VALID = 9
_WRONG_NAME = (62, 64)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an endpoint gave no whole answer. `sent`: whether the request may have reached it."""

    kind: type[RemoteError]
    words: str
    sent: bool


def describe_trouble(error: Exception, endpoint: Endpoint) -> Trouble:
    """The words for an exception of a request to an endpoint."""
    if isinstance(error, WrongFingerprint):
        return Trouble(
            CertificateError,
            f"another certificate than the one trusted (trusted {endpoint.fingerprint}, shown {error.got}); "
            "if it was renewed, check the new one on the host and put its fingerprint into the configuration",
            sent=False,
        )
    if isinstance(error, SilentNameServer):
        return Trouble(UnreachableError, "its name cannot be resolved (no name server answers)", sent=False)
    cause = _system_error(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Trouble(CertificateError, _certificate_words(cause), sent=False)
    sent = not isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout)
    if isinstance(cause, ssl.SSLWantReadError | ssl.SSLWantWriteError) or isinstance(
        error, httpcore.ConnectTimeout
    ):
        # The handshake was waiting when its time was over.
        return Trouble(UnreachableError, "no connection within the time allowed: it is silent", sent)
    if isinstance(cause, ssl.SSLError):
        words = f"TLS failed ({cause.reason or cause}); does this port speak HTTPS?"
        return Trouble(UnreachableError, words, sent)
    if isinstance(cause, socket.gaierror):
        return Trouble(UnreachableError, f"its name cannot be resolved ({cause.strerror})", sent)
    if isinstance(error, httpcore.ConnectError):
        words = os.strerror(cause.errno) if cause and cause.errno else "it closed the connection"
        return Trouble(UnreachableError, f"no connection: {words}", sent)
    if isinstance(error, httpcore.RemoteProtocolError) and "disconnected" not in str(error):
        if "incomplete" in str(error) or "closed connection" in str(error):
            return Trouble(UnreachableError, "the connection broke in the middle of the answer", sent)
        return Trouble(AnswerError, f"it does not answer in HTTP ({error})", sent)
    return Trouble(UnreachableError, "the connection broke before the whole answer came", sent)


def _system_error(error: BaseException | None) -> OSError | None:
    """The first error of TLS or the system in the chain: anyio and httpcore wrap it, several in a group. What
    lies below it is how the ssl module got there."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, OSError) and error.errno is not None:
            return error
        error = error.__cause__ or error.__context__
    return None


def _certificate_words(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "its certificate has expired; renew it on the host, or give its fingerprint in the configuration"
    if error.verify_code == _NOT_YET_VALID:
        return "its certificate is not valid yet; compare the clocks of both machines"
    if error.verify_code in _WRONG_NAME:
        return "its certificate is for another host name; use that name, or give the certificate's fingerprint"
    return (
        f"its certificate is not trusted ({error.verify_message}); give its fingerprint or a ca-file "
        "in the configuration"
    )
