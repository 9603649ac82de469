"""UPIDs of PVE and PBS, and remote UPIDs, which name the remote as well. A UPID is an identifier: its text is
kept byte for byte and never re-encoded."""

import re
from typing import Literal, NamedTuple

RemoteType = Literal["pve", "pbs"]

# What follows the numbers. A lone surrogate is no text: it could not be written down and found again.
_REST = r":(?P<type>[^:\s/\ud800-\udfff]+):(?P<id>[^:\s/\ud800-\udfff]*):(?P<user>[^:\s/\ud800-\udfff]+):"
_NODE = r"(?P<node>[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?)"
# PVE::Tools::upid_decode
_PVE = re.compile(
    rf"UPID:{_NODE}:(?P<pid>[0-9A-Fa-f]{{8}}):(?P<pstart>[0-9A-Fa-f]{{8,9}}):(?P<starttime>[0-9A-Fa-f]{{8}})"
    + _REST
)
# proxmox-schema's upid.rs
_PBS = re.compile(
    rf"UPID:{_NODE}:(?P<pid>[0-9A-Fa-f]{{8}}):(?P<pstart>[0-9A-Fa-f]{{8,9}}):(?P<task_id>[0-9A-Fa-f]{{8,16}})"
    r":(?P<starttime>[0-9A-Fa-f]{8})" + _REST
)
_REMOTE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]{1,31}")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


class UpidError(ValueError):
    """A text that is no UPID."""


class Upid(NamedTuple):
    """One UPID, taken apart. Times are UNIX seconds; `worker_id` is decoded and None where the UPID has none."""

    text: str
    node: str
    pid: int
    pstart: int
    starttime: int
    worker_type: str
    worker_id: str | None
    user: str


class RemoteUpid(NamedTuple):
    """A UPID and the remote it belongs to; `text` is the typed form, `pve:REMOTE!UPID…`."""

    text: str
    type: RemoteType
    remote: str
    upid: Upid


def is_remote_name(name: str) -> bool:
    """Whether a remote may be called so: 2 to 32 letters, digits, `._-`, beginning with none of `.-`."""
    return _REMOTE_NAME.fullmatch(name) is not None


def parse_upid(text: str, type: RemoteType) -> Upid:
    """Take apart a UPID as a remote of this type writes it. Raises UpidError."""
    match = (_PVE if type == "pve" else _PBS).fullmatch(text)
    if match is None:
        raise UpidError(f"not a {type.upper()} UPID: {text[:200]!r}")
    worker_id = decode_worker_id(match["id"], type)
    return Upid(
        text,
        match["node"],
        int(match["pid"], 16),
        int(match["pstart"], 16),
        int(match["starttime"], 16),
        match["type"],
        worker_id,
        match["user"],
    )


def remote_upid(type: RemoteType, remote: str, upid: str) -> str:
    """The typed remote UPID of a remote's UPID."""
    return f"{type}:{remote}!{upid}"


def parse_remote_upid(text: str) -> RemoteUpid:
    """Take apart a remote UPID, of the typed form or of the older `REMOTE!UPID…`. Raises UpidError."""
    head, separator, upid = text.partition("!")
    if not separator:
        raise UpidError(
            f"not a remote UPID, as `list --format jsonl` prints them (expected pve:REMOTE!UPID:…): {text[:200]!r}"
        )
    type, colon, remote = head.partition(":")
    if not colon:
        remote = head
    if not is_remote_name(remote):
        raise UpidError(f"not a remote's name: {remote[:200]!r}")
    if not colon:
        try:
            return RemoteUpid(f"pve:{text}", "pve", remote, parse_upid(upid, "pve"))
        except UpidError:
            return RemoteUpid(f"pbs:{text}", "pbs", remote, parse_upid(upid, "pbs"))
    if type == "pve":
        return RemoteUpid(text, "pve", remote, parse_upid(upid, "pve"))
    if type == "pbs":
        return RemoteUpid(text, "pbs", remote, parse_upid(upid, "pbs"))
    raise UpidError(f"not a type of remote (expected pve or pbs): {type[:200]!r}")


def escape_worker_id(worker_id: str) -> str:
    """Write a PBS worker id as its UPID holds it: systemd's unit escaping, over UTF-8."""
    escaped = []
    for position, byte in enumerate(worker_id.encode("utf-8", "surrogatepass")):
        char = chr(byte)
        if char == "/":
            escaped.append("-")
        elif (char.isascii() and (char.isalnum() or char == "_")) or (char == "." and position > 0):
            escaped.append(char)
        else:
            escaped.append(f"\\x{byte:02x}")
    return "".join(escaped)


def decode_worker_id(raw: str, type: RemoteType) -> str | None:
    """The worker id that stands in a UPID as `raw`: None if it is empty. PBS escapes it as systemd does; what is
    no valid escape or no UTF-8 stays as it is written."""
    if type == "pve" or not raw:
        return raw or None
    content = raw.replace("-", "/").encode("utf-8", "surrogatepass")
    content = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), content)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return raw
