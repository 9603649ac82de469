"""Which product answers is told by the realms that it tells to anybody, and never asked with the token."""

from dataclasses import replace

import pytest

from backend.client.product import product_at
from backend.upid import RemoteType
from tests.client.server import Reply, data, serve

PAM = {"realm": "pam", "type": "pam"}
PVE = {"realm": "pve", "type": "pve"}
PBS = {"realm": "pbs", "type": "pbs"}


@pytest.mark.parametrize(
    ("reply", "product"),
    [
        (data([PAM, PVE]), "pve"),
        (data([PAM, PBS]), "pbs"),
        (data([{"realm": "pam"}, {"realm": "pbs"}]), "pbs"),
        (data([PVE, {"realm": "pbs", "type": "ldap"}]), "pve"),
        (data([PVE, PBS]), None),
        (data([PAM, {"realm": "pmg", "type": "pmg"}]), None),
        (data("pve"), None),
        (data(["pve", {"realm": ["pve"]}]), None),
        (Reply(status=401), None),
        (Reply(body=b"<html>"), None),
    ],
)
async def test_the_product_is_the_realm_that_it_has_built_in(reply: Reply, product: RemoteType | None) -> None:
    async with serve(lambda _: reply) as server:
        assert await product_at(server.remote(), server.remote().nodes[0], 5) == product
        (request,) = server.requests
    assert request.path == "/access/domains" and "authorization" not in request.headers


async def test_a_server_with_another_certificate_is_sent_nothing() -> None:
    async with serve(lambda _: data([PVE])) as server:
        remote = replace(server.remote(), nodes=(replace(server.endpoint, fingerprint=":".join(["AB"] * 32)),))
        assert await product_at(remote, remote.nodes[0], 5) is None
        assert not server.requests
