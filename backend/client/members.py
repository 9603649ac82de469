"""The other nodes of a PVE cluster as further ways to it: where they should answer by what the cluster tells, and
which of them do, with the certificate that the cluster says is theirs."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from backend.client.answers import read_data
from backend.client.certificate import Certificate
from backend.client.connection import Connection
from backend.client.errors import PermissionDeniedError
from backend.client.probe import distrust, shown_certificate
from backend.config import Endpoint, RemoteConfig
from backend.config.values import read_endpoint, read_fingerprint

MAX_MEMBERS = 200
"""Nodes of a cluster that are looked at; real ones have a few dozen at most."""
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True)
class Member:
    """A node as the cluster tells of it.

    Attributes:
        name: safe to print.
        address: an IP address, that of the cluster's own network; None where it is not told.
        fingerprint: of its certificate, as `AA:BB:…`; None where it is not told.
        local: whether it is the one that was asked.
    """

    name: str
    address: str | None
    fingerprint: str | None
    local: bool


@dataclass(frozen=True, slots=True)
class Other:
    """A node that is not configured, and the way to it.

    Attributes:
        endpoint: where it answers; None where it was not found.
        shown: in place of that, where something answers that may be it, with the fingerprint that it shows: the
            cluster tells none, and no authority vouches for it.
    """

    member: Member
    endpoint: Endpoint | None = None
    shown: Endpoint | None = None


async def read_members(remote: RemoteConfig, seconds: float) -> list[Member]:
    """What a PVE cluster tells of its nodes, by name; empty if the token has no Sys.Audit on `/`. Raises
    RemoteError."""
    connection = Connection(remote, timeout=seconds, connect_timeout=seconds, connections=1, limit=None)
    try:
        try:
            status = await _rows(connection, "/cluster/status")
        except PermissionDeniedError:
            return []
        nodes = await _rows(connection, "/nodes")
    finally:
        await connection.aclose()
    prints = {str(row.get("node")): _fingerprint(row.get("ssl_fingerprint")) for row in nodes}
    members: dict[str, Member] = {}
    for row in status[: MAX_MEMBERS + 1]:
        name = row.get("name")
        if row.get("type") == "node" and isinstance(name, str):
            local = row.get("local") in (1, "1", True)
            shown = connection.clean(name)[:_LONGEST_NAME]
            members[name] = Member(shown, _address(row.get("ip")), prints.get(name), local)
    return sorted(members.values(), key=lambda member: member.name)


async def other_nodes(remote: RemoteConfig, *, seconds: float) -> list[Other]:
    """The nodes of a PVE cluster that none of the configured endpoints is. One that shows another certificate than
    the cluster says was not found.

    Each has so many seconds. Raises RemoteError where the cluster does not tell of its nodes.
    """
    asked = await asyncio.gather(
        *(read_members(replace(remote, nodes=(endpoint,)), seconds) for endpoint in remote.nodes)
    )
    configured: dict[str, Endpoint] = {}
    for endpoint, members in zip(remote.nodes, asked, strict=True):
        configured |= {member.name: endpoint for member in members if member.local}
    others = [member for member in asked[0] if member.name not in configured]
    return await asyncio.gather(
        *(_find(remote, member, _candidates(member, configured), seconds) for member in others)
    )


def _candidates(member: Member, configured: dict[str, Endpoint]) -> Iterable[Endpoint]:
    """Where a node may answer: where its name takes the place of a configured one's, and at its address."""
    for name, endpoint in configured.items():
        own, dot, domain = endpoint.host.partition(".")
        hosts = [member.name + dot + domain] if own.lower() == name.lower() else []
        for host in (*hosts, member.address):
            if host is not None:
                with contextlib.suppress(ValueError):
                    yield replace(read_endpoint(host, "pve", None), port=endpoint.port)


async def _find(remote: RemoteConfig, member: Member, candidates: Iterable[Endpoint], seconds: float) -> Other:
    unsure: Endpoint | None = None
    for candidate in dict.fromkeys(candidates):
        shown = await shown_certificate(candidate, seconds)
        if not isinstance(shown, Certificate):
            continue
        if member.fingerprint is not None and shown.fingerprint != member.fingerprint:
            # Another host of this name or address.
            continue
        if await distrust(candidate, remote.ca_file, seconds) is None:
            return Other(member, candidate)
        known = replace(candidate, fingerprint=shown.fingerprint)
        if member.fingerprint is not None:
            return Other(member, known)
        unsure = unsure or known
    return Other(member, shown=unsure)


async def _rows(connection: Connection, path: str) -> list[dict[str, Any]]:
    data = read_data(connection, path, await connection.request("GET", path))
    if not isinstance(data, list):
        raise connection.unreadable("a list of another form")
    return [row for row in data if isinstance(row, dict)]


def _fingerprint(value: Any) -> str | None:
    try:
        return read_fingerprint(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _address(value: Any) -> str | None:
    try:
        return str(ipaddress.ip_address(value)) if isinstance(value, str) else None
    except ValueError:
        return None
