"""A certificate in words: whose it is, who signed it, how long it is good for. Whether it is believed is `tls`'s
matter."""

from dataclasses import dataclass

from cryptography import x509

from backend.client.tls import fingerprint_of
from backend.text import safe

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as a server showed it.

    Attributes:
        fingerprint: as Proxmox writes it: SHA-256, `AA:BB:…`.
        subject, issuer: as in RFC 4514, `CN=pve1.example.com,O=…`; safe to print. Empty where they cannot be read.
        expires: UNIX seconds; None where it cannot be read.
    """

    fingerprint: str
    subject: str = ""
    issuer: str = ""
    expires: float | None = None


def read_certificate(der: bytes) -> Certificate:
    """Read a DER certificate; of one that is malformed, there is the fingerprint alone."""
    fingerprint = fingerprint_of(der)
    try:
        read = x509.load_der_x509_certificate(der)
        return Certificate(
            fingerprint,
            safe(read.subject.rfc4514_string())[:_LONGEST_NAME],
            safe(read.issuer.rfc4514_string())[:_LONGEST_NAME],
            read.not_valid_after_utc.timestamp(),
        )
    except ValueError:
        return Certificate(fingerprint)
