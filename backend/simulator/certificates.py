"""Self-signed certificates as Proxmox hosts have them, and the TLS settings that serve them."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in service.

    Attributes:
        pem: the certificate, for a client that wants to trust it as an authority.
        fingerprint: SHA-256 of its DER form, 32 hex pairs with colons.
        context: a server's TLS settings with it.
    """

    pem: str
    fingerprint: str
    context: ssl.SSLContext


def make_certificate(common_name: str, host: str) -> Certificate:
    """A new key (P-256) and its self-signed certificate for `host` (a name or an address), localhost and
    127.0.0.1, valid from yesterday on for ten years."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    # clients compare with the system's clock, whatever clock the fleet goes by
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3_650))
        .add_extension(x509.SubjectAlternativeName(_alternative_names(host)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # the ssl module reads keys from files only
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "certificate.pem")
        path.write_bytes(secret + pem)
        context.load_cert_chain(path)
    return Certificate(pem.decode(), certificate.fingerprint(hashes.SHA256()).hex(":").upper(), context)


def _alternative_names(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    try:
        address = ip_address(host)
    except ValueError:
        return names if host == "localhost" else [*names, x509.DNSName(host)]
    return names if str(address) == "127.0.0.1" else [*names, x509.IPAddress(address)]
