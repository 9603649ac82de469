"""A remote diagnosed: every step on the way to its tasks, with words that say what to do. What comes before the
token is sent is `probe`'s; a server whose certificate is not accepted never gets it."""

import asyncio
import shlex
import time
from dataclasses import dataclass, replace
from typing import Literal

from backend.client import AuthenticationError, Permissions, RemoteClient, RemoteError, open_client
from backend.client.certificate import Certificate
from backend.client.probe import distrust, reach, resolve, shown_certificate
from backend.client.product import PRODUCTS, mistaken, product_at
from backend.client.tls import WrongFingerprint
from backend.client.trouble import Trouble, describe_trouble
from backend.config import Endpoint, RemoteConfig

STEP_SECONDS = 10.0
"""Seconds that one step may take."""
EXPIRES_SOON = 14 * 86_400
"""Seconds before its end at which a PVE host renews a certificate of its own (pveupdate)."""
CLOCKS_DIFFER = 5.0
"""Seconds from which on two clocks are said to differ."""

Result = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a check found.

    Attributes:
        endpoint: `HOST:PORT`; None for what holds for the remote as a whole.
        node: the member of the remote that it is about, None for all.
        check: name, port, certificate, type, token, version, clock, privileges or node.
        result: `failed`: tasks cannot be had this way; `warning`: some cannot, or something will go wrong.
        words: what was found and, unless that is good, what to do. Safe to print.
        fingerprint: of the certificate that was shown, in the step `certificate`.
    """

    remote: str
    endpoint: str | None
    node: str | None
    check: str
    result: Result
    words: str
    fingerprint: str | None = None


class _Steps(list[Step]):
    """The steps at one endpoint, or of a remote as a whole, in their order."""

    def __init__(self, remote: RemoteConfig, endpoint: Endpoint | None) -> None:
        super().__init__()
        self.remote = remote
        self._endpoint = None if endpoint is None else str(endpoint)

    def note(
        self, check: str, result: Result, words: str, *, node: str | None = None, fingerprint: str | None = None
    ) -> None:
        self.append(Step(self.remote.name, self._endpoint, node, check, result, words, fingerprint))


async def check_remote(remote: RemoteConfig, *, seconds: float = STEP_SECONDS) -> list[Step]:
    """Ask a remote all that its tasks depend on: each endpoint by itself, in the order of the configuration, then
    what holds for the remote as a whole. No step takes longer than so many seconds; nothing raises."""
    async with asyncio.TaskGroup() as group:
        checks = [group.create_task(_check_endpoint(remote, endpoint, seconds)) for endpoint in remote.nodes]
    steps = [step for check in checks for step in check.result()]
    answering = [
        endpoint
        for endpoint, check in zip(remote.nodes, checks, strict=True)
        if any(step.check == "version" and step.result == "ok" for step in check.result())
    ]
    if answering:
        steps += await _check_privileges(replace(remote, nodes=tuple(answering)), seconds)
    return steps


async def _check_endpoint(remote: RemoteConfig, endpoint: Endpoint, seconds: float) -> list[Step]:
    steps = _Steps(remote, endpoint)
    addresses = await resolve(endpoint, seconds)
    if isinstance(addresses, Trouble):
        steps.note("name", "failed", f"{addresses.words}; check how the host is written, and the name servers")
        return steps
    if addresses != [endpoint.host]:
        steps.note("name", "ok", f"is {', '.join(addresses)}")
    closed = await reach(endpoint, seconds)
    if closed is not None:
        steps.note("port", "failed", f"{closed.words}; is the host up, the port right, a firewall between?")
        return steps
    steps.note("port", "ok", "open")
    if await _check_certificate(steps, endpoint, seconds):
        await _check_token(steps, endpoint, seconds)
    return steps


async def _check_certificate(steps: _Steps, endpoint: Endpoint, seconds: float) -> bool:
    """Whether the client will accept it."""
    shown = await shown_certificate(endpoint, seconds)
    if isinstance(shown, Trouble):
        steps.note("certificate", "failed", shown.words)
        return False
    if endpoint.fingerprint is not None:
        refused = None
        if shown.fingerprint != endpoint.fingerprint:
            refused = describe_trouble(WrongFingerprint(shown.fingerprint), endpoint).words
    else:
        distrusted = await distrust(endpoint, steps.remote.ca_file, seconds)
        refused = None if distrusted is None else f"{distrusted.words}; it shows {shown.fingerprint}"
    if refused is not None:
        steps.note("certificate", "failed", refused, fingerprint=shown.fingerprint)
        return False
    left = None if shown.expires is None else shown.expires - time.time()
    if endpoint.fingerprint is None:
        words = f"valid, signed by {shown.issuer}"
    else:
        words = "has the fingerprint that was given"
    result: Result = "ok"
    if left is not None and left < EXPIRES_SOON and endpoint.fingerprint is not None:
        result = "warning"
        end = "has expired" if left <= 0 else f"expires in {_span(left)}"
        words += f", but {end}: once it is renewed, the new fingerprint has to be given"
    elif shown.expires is not None:
        words += f", until {_day(shown)}"
    steps.note("certificate", result, words, fingerprint=shown.fingerprint)
    return True


async def _check_token(steps: _Steps, endpoint: Endpoint, seconds: float) -> None:
    remote = steps.remote
    async with _client(replace(remote, nodes=(endpoint,)), seconds) as client:
        try:
            version = await client.version()
        except AuthenticationError as error:
            product = await product_at(remote, endpoint, seconds)
            if product is None or product == remote.type:
                steps.note("token", "failed", error.words)
            else:
                words = f'{mistaken(product, remote.type)}; set type = "{product}"'
                steps.note("type", "failed", words)
            return
        except RemoteError as error:
            steps.note("version", "failed", error.words)
            return
        steps.note("token", "ok", f"{remote.token_id} is accepted")
        steps.note("version", "ok", f"{PRODUCTS[remote.type]} {version}")
        skew = client.clock_skew
    if skew is None:
        return
    if abs(skew) < CLOCKS_DIFFER:
        steps.note("clock", "ok", "agrees with the one here")
    else:
        way = "ahead of" if skew > 0 else "behind"
        steps.note("clock", "warning", f"{_span(abs(skew))} {way} the one here; let both be set by NTP")


async def _check_privileges(remote: RemoteConfig, seconds: float) -> list[Step]:
    steps = _Steps(remote, None)
    async with _client(remote, seconds) as client:
        try:
            permissions = await client.permissions()
            nodes = await client.nodes()
        except RemoteError as error:
            steps.note("privileges", "failed", error.words)
            return steps
        for node in nodes:
            if node.online is False:
                steps.note("node", "warning", "is offline; its tasks are seen once it is back", node=node.name)
        _compare_privileges(steps, client, permissions, [node.name for node in nodes])
    return steps


def _compare_privileges(steps: _Steps, client: RemoteClient, permissions: Permissions, nodes: list[str]) -> None:
    seen = {node: permissions.allows("Sys.Audit", client.audit_path(node)) for node in nodes}
    for node, allowed in seen.items():
        path = client.audit_path(node)
        if allowed:
            steps.note("privileges", "ok", f"Sys.Audit on {path}: all its tasks are seen", node=node)
            continue
        # That one node of a cluster is left out may be meant so.
        result: Result = "warning" if any(seen.values()) else "failed"
        words = f"no Sys.Audit on {path}: only the token's own tasks are seen; {_cure(steps.remote)}"
        steps.note("privileges", result, words, node=node)
    if client.type == "pve" and any(seen.values()):
        if permissions.allows("Sys.Audit", "/"):
            steps.note("privileges", "ok", "Sys.Audit on /: what starts or ends anywhere is seen at once")
        else:
            words = f"no Sys.Audit on /: what starts is seen only at each full round; {_cure(steps.remote)}"
            steps.note("privileges", "warning", words)


def _cure(remote: RemoteConfig) -> str:
    """The commands that give a token what it needs; to its user as well, whose privileges bound the token's."""
    token, user = (shlex.quote(name) for name in (remote.token_id, remote.token_id.partition("!")[0]))
    if remote.type == "pve":
        return f"on a node, run: pveum acl modify / --roles PVEAuditor --users {user} --tokens {token}"
    update = "proxmox-backup-manager acl update / Audit --auth-id"
    return f"on the host, run: {update} {user} && {update} {token}"


def _client(remote: RemoteConfig, seconds: float) -> RemoteClient:
    return open_client(remote, timeout=seconds, connect_timeout=seconds)


def _day(certificate: Certificate) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(certificate.expires))


def _span(seconds: float) -> str:
    """A span in words, to the nearest unit of which there are at least two."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
