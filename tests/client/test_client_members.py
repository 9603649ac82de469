"""The other nodes of a cluster as further ways to it: only those that answer with the certificate that the cluster
says is theirs."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from backend.client.errors import ApiError
from backend.client.members import other_nodes
from backend.config import Endpoint, RemoteConfig
from tests.client.server import ApiServer, Reply, Request, data, make_identity, serve, write_pem

FIRST = make_identity("localhost")
SECOND = make_identity("127.0.0.1", 42)


def cluster(fingerprint: str | None = SECOND.fingerprint) -> Callable[[Request], Reply]:
    """A cluster of three that says this of its second node's certificate."""
    nodes = [{"node": "localhost"}, {"node": "pve2", "ssl_fingerprint": fingerprint}, {"node": "pve3"}]
    status = [
        {"type": "cluster", "name": "wien"},
        {"type": "node", "name": "localhost", "ip": "127.0.0.1", "local": 1},
        {"type": "node", "name": "pve2", "ip": "127.0.0.1"},
        {"type": "node", "name": "pve3", "ip": "no address"},
        "no row",
    ]
    answers = {"/nodes": data(nodes), "/cluster/status": data(status)}
    return lambda request: answers[request.path]


@asynccontextmanager
async def two_nodes(handler: Callable[[Request], Reply]) -> AsyncIterator[tuple[ApiServer, RemoteConfig]]:
    """Two nodes on one port: the first goes by the name of localhost, the second by its address, and each shows a
    certificate of its own. Configured is the first."""

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = (FIRST if name == "localhost" else SECOND).context

    identity = make_identity("two nodes")
    identity.context.sni_callback = choose
    async with serve(handler, identity) as server:
        yield server, server.remote(nodes=(Endpoint("localhost", server.port, FIRST.fingerprint),))


async def found(remote: RemoteConfig) -> dict[str, Endpoint | None]:
    return {other.member.name: other.endpoint for other in await other_nodes(remote, seconds=5)}


async def test_a_node_that_shows_the_certificate_the_cluster_tells_of_is_found_with_its_fingerprint() -> None:
    async with two_nodes(cluster()) as (server, remote):
        assert await found(remote) == {
            "pve2": Endpoint("127.0.0.1", server.port, SECOND.fingerprint),
            "pve3": None,
        }
        assert {request.path for request in server.requests} == {"/nodes", "/cluster/status"}


async def test_a_host_that_shows_another_certificate_is_no_node() -> None:
    async with two_nodes(cluster(fingerprint=":".join(["AB"] * 32))) as (_, remote):
        assert await found(remote) == {"pve2": None, "pve3": None}


@pytest.mark.parametrize("fingerprint", [None, "no fingerprint"])
async def test_without_a_word_of_the_cluster_only_an_authority_can_vouch_for_a_node(
    tmp_path: Path, fingerprint: str | None
) -> None:
    async with two_nodes(cluster(fingerprint)) as (server, remote):
        assert (await found(remote))["pve2"] is None
        trusting = replace(remote, ca_file=write_pem(SECOND, tmp_path))
        assert (await found(trusting))["pve2"] == Endpoint("127.0.0.1", server.port)


async def test_nodes_that_are_configured_are_no_others() -> None:
    def asked(request: Request) -> Reply:
        # Whoever is asked says of itself that it is the local one.
        host = request.headers["host"].partition(":")[0]
        names = {"localhost": "pve1", "127.0.0.1": "pve2"}
        status = [
            {"type": "node", "name": name, "ip": "127.0.0.1", "local": int(names[host] == name)}
            for name in names.values()
        ]
        return data(status if request.path == "/cluster/status" else [])

    async with two_nodes(asked) as (server, remote):
        both = (*remote.nodes, Endpoint("127.0.0.1", server.port, SECOND.fingerprint))
        assert await found(replace(remote, nodes=both)) == {}
        assert list(await found(remote)) == ["pve2"]


async def test_a_token_that_may_not_look_finds_none() -> None:
    def refuse(_: Request) -> Reply:
        return Reply(status=403, reason="Permission check failed (/, Sys.Audit)")

    async with serve(refuse) as server:
        assert await found(server.remote()) == {}


async def test_an_answer_of_another_kind_is_an_error() -> None:
    async with serve(lambda _: Reply(status=500, reason="broken")) as server:
        with pytest.raises(ApiError, match="broken"):
            await found(server.remote())
