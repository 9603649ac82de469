"""Single values as they are written in a configuration: hosts, fingerprints, token ids, secrets. A reader raises
ValueError that says what was expected; the caller adds the file and the line."""

import ipaddress
import os
import re
import shlex
import stat
from pathlib import Path

from backend.config.model import DEFAULT_PORTS, Endpoint, Secret
from backend.upid import RemoteType, is_remote_name

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._\-]{0,251}[A-Za-z0-9_])?\.?")
_PORT = re.compile(r"\d{1,5}")
_FINGERPRINT = re.compile(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}|[0-9A-F]{64}")
# proxmox-auth-api: a user's name (of ASCII without space, `:`, `/`, `!` and `@`), its realm, a token's name
_USER = re.compile(r"[\x22-\x2e\x30-\x39\x3b-\x3f\x41-\x7e]+@[A-Za-z][A-Za-z0-9._\-]+!")
_TOKEN_ID = re.compile(_USER.pattern + r"[A-Za-z][A-Za-z0-9._\-]*")
_SECRET = re.compile(r"[\x21-\x7e]{1,1024}")


def read_name(text: str) -> str:
    """A remote's name."""
    if not is_remote_name(text):
        raise ValueError(
            f"{text[:100]!r} is no name for a remote; expected 2 to 32 letters, digits, `.`, `_`, `-`, "
            "beginning with a letter, a digit or `_`"
        )
    return text


def read_endpoint(text: str, type: RemoteType, fingerprint: str | None) -> Endpoint:
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT` or an https URL of no more than that."""
    expected = "expected a host such as pve1.example.com, 10.0.0.7:8006 or [fd00::2]:8006"
    address = text.strip()
    if "@" in address:
        raise ValueError(f"{expected}, without a user or a password")
    scheme, separator, rest = address.partition("://")
    if separator:
        if scheme.lower() != "https":
            raise ValueError(f"HTTPS only: {expected}, not {text!r}")
        address = rest.removesuffix("/")
    if address.startswith("["):
        host, bracket, port = address[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ValueError(f"{expected}, not {text!r}")
        port, separator = port[1:], port[:1]
        if not _is_ipv6(host):
            raise ValueError(f"{expected}, not {text!r}")
    elif address.count(":") > 1:
        if not _is_ipv6(address):
            raise ValueError(f"{expected}, not {text!r}")
        host, separator, port = address, "", ""
    else:
        host, separator, port = address.partition(":")
        if _HOST.fullmatch(host) is None:
            raise ValueError(f"{expected}, not {text!r}")
    if not separator:
        return Endpoint(host, DEFAULT_PORTS[type], fingerprint)
    if not (port.isascii() and _PORT.fullmatch(port) and 0 < int(port) < 65536):
        raise ValueError(f"expected a port from 1 to 65535 after the host, not {text!r}")
    return Endpoint(host, int(port), fingerprint)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def read_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint, in any case, with or without colons; as `AA:BB:…`."""
    plain = text.strip().upper()
    if _FINGERPRINT.fullmatch(plain) is None:
        raise ValueError(
            "expected a certificate's SHA-256 fingerprint, 32 pairs of hexadecimal digits (AA:BB:…), "
            f"not {text[:100]!r}"
        )
    return bytes.fromhex(plain.replace(":", "")).hex(":").upper()


def read_token_id(text: str) -> str:
    """An API token's id, `USER@REALM!NAME`. The error quotes the user alone: people paste `ID=SECRET` here."""
    if _TOKEN_ID.fullmatch(text) is None:
        user = _USER.match(text)
        found = f", and no more: not {user[0]}…" if user else ""
        raise ValueError(f"expected a token's id alone, such as monitor@pve!tasks{found}")
    return text


def read_secret(text: str) -> Secret:
    """A token's secret. The error does not quote it."""
    if _SECRET.fullmatch(text) is None:
        raise ValueError("the secret is empty, or has blanks or other characters that no token secret has")
    return Secret(text)


def read_secret_file(path: Path) -> Secret:
    """The secret that is all of a file."""
    try:
        check_private(path)
        with path.open(encoding="utf-8") as file:
            text = file.read(4096)
    except OSError as error:
        # Without the path: it may be the secret itself, written where its file belongs.
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the file is no text") from None
    try:
        return read_secret(text.strip())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def check_private(path: Path, *, group_may_read: bool = False) -> None:
    """Refuse a file with a secret in it that others can read, or that is another user's: an owner may read it
    whenever he likes. Raises ValueError, or OSError."""
    status = path.stat()
    open_to = stat.S_IRWXO | (stat.S_IWGRP if group_may_read else stat.S_IRWXG)
    if status.st_mode & open_to:
        mode = "640" if group_may_read else "600"
        raise ValueError(f"it holds a secret and others may read it; run: chmod {mode} {shlex.quote(str(path))}")
    if status.st_uid not in (0, os.geteuid()):
        raise ValueError(
            f"it holds a secret and is another user's; run: chown {os.geteuid()} {shlex.quote(str(path))}"
        )


def resolve(text: str, folder: Path) -> Path:
    """A path of the configuration: `~` is the home directory, a relative one begins at `folder`."""
    if not text or "\0" in text:
        raise ValueError("expected a file's path")
    return folder / os.path.expanduser(text)
