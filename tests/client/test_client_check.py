"""The diagnosis of a remote, on real sockets: what each step finds, and what is never sent."""

import asyncio
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from backend.client.check import Step, check_remote
from backend.config import Endpoint, RemoteConfig
from tests.client.server import (
    SECRET,
    ApiServer,
    Reply,
    Request,
    data,
    eventually,
    make_identity,
    serve,
    serve_raw,
    write_pem,
)

ALL = {"/": {"Sys.Audit": 1}}
NODES = [{"node": "pve1", "status": "online"}, {"node": "pve2", "status": "online"}]


def api(
    permissions: Mapping[str, Mapping[str, int]] = ALL, nodes: list[dict[str, str]] = NODES
) -> Callable[[Request], Reply]:
    """What a server answers whose token has these permissions."""
    answers = {
        "/version": data({"version": "9.2.1"}),
        "/access/permissions": data(permissions),
        "/nodes": data(nodes),
    }
    return lambda request: answers.get(request.path, Reply(status=501, reason="not implemented"))


async def check(remote: RemoteConfig, seconds: float = 10.0) -> list[Step]:
    steps = await check_remote(remote, seconds=seconds)
    assert all(SECRET not in step.words for step in steps)
    return steps


def outcomes(steps: list[Step]) -> list[tuple[str, str]]:
    return [(step.check, step.result) for step in steps]


def found(steps: list[Step], name: str) -> Step:
    """The only step of this name."""
    (step,) = [step for step in steps if step.check == name]
    return step


async def nothing_was_sent(server: ApiServer) -> bool:
    await eventually(lambda: server.open == 0)
    return not server.requests and not any(server.received)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


async def test_a_remote_that_is_well_passes_each_step_in_its_order() -> None:
    async with serve(api(), make_identity(days=400)) as server:
        steps = await check(server.remote())
    assert outcomes(steps) == [
        ("port", "ok"),
        ("certificate", "ok"),
        ("token", "ok"),
        ("version", "ok"),
        ("privileges", "ok"),
        ("privileges", "ok"),
        ("privileges", "ok"),
    ]
    assert found(steps, "version").words == "Proxmox VE 9.2.1"
    assert [(step.endpoint, step.node) for step in steps[-3:]] == [(None, "pve1"), (None, "pve2"), (None, None)]
    assert {step.endpoint for step in steps[:-3]} == {str(server.endpoint)}


async def test_a_backup_server_is_one_host_with_privileges_of_its_own() -> None:
    async with serve(api({"/system": {"Sys.Audit": 1}})) as server:
        steps = await check(server.remote("pbs"))
    assert outcomes(steps)[-2:] == [("version", "ok"), ("privileges", "ok")]
    assert "/system/tasks" in steps[-1].words


async def test_every_address_is_looked_at_by_itself_in_the_order_of_the_configuration() -> None:
    async with serve(api()) as server:
        dead = Endpoint("127.0.0.1", closed_port())
        nameless = Endpoint("no-such-host.invalid", 8006)
        by_name = replace(server.endpoint, host="localhost")
        steps = await check(server.remote(nodes=(dead, nameless, by_name)))
    ways = list(dict.fromkeys(step.endpoint for step in steps))
    assert ways == [str(dead), str(nameless), str(by_name), None]
    assert outcomes(steps)[:3] == [("port", "failed"), ("name", "failed"), ("name", "ok")]
    assert "refused" in steps[0].words and "firewall" in steps[0].words
    assert "cannot be resolved" in steps[1].words
    assert "127.0.0.1" in steps[2].words
    assert outcomes(steps)[-1] == ("privileges", "ok")


class TestCertificates:
    async def test_a_wrong_fingerprint_is_told_with_both_and_not_a_byte_is_sent(self) -> None:
        async with serve(api()) as server:
            wrong = replace(server.endpoint, fingerprint=":".join(["AB"] * 32))
            steps = await check(server.remote(nodes=(wrong,)))
            assert await nothing_was_sent(server)
        assert outcomes(steps) == [("port", "ok"), ("certificate", "failed")]
        both = f"(trusted {wrong.fingerprint}, shown {server.identity.fingerprint})"
        words = f"another certificate than the one trusted {both}"
        assert words in steps[-1].words and steps[-1].fingerprint == server.identity.fingerprint

    async def test_without_a_fingerprint_the_one_to_configure_is_told_and_not_a_byte_is_sent(self) -> None:
        async with serve(api()) as server:
            steps = await check(server.remote(nodes=(replace(server.endpoint, fingerprint=None),)))
            assert await nothing_was_sent(server)
        assert outcomes(steps) == [("port", "ok"), ("certificate", "failed")]
        assert "not trusted" in steps[-1].words and server.identity.fingerprint in steps[-1].words

    async def test_one_that_an_authority_vouches_for_needs_no_fingerprint(self, tmp_path: Path) -> None:
        async with serve(api()) as server:
            nodes = (replace(server.endpoint, fingerprint=None),)
            ca_file = write_pem(server.identity, tmp_path)
            steps = await check(server.remote(nodes=nodes, ca_file=ca_file))
        assert found(steps, "certificate").words.startswith("valid, signed by CN=127.0.0.1, until ")
        assert outcomes(steps)[-1] == ("privileges", "ok")

    @pytest.mark.parametrize(
        ("name", "days", "words"),
        [("127.0.0.1", -1, "has expired"), ("other.example.com", 10, "another host name")],
    )
    async def test_of_a_vouched_for_one_name_and_time_count(
        self, tmp_path: Path, name: str, days: int, words: str
    ) -> None:
        identity = make_identity(name, days)
        async with serve(api(), identity) as server:
            nodes = (replace(server.endpoint, fingerprint=None),)
            steps = await check(server.remote(nodes=nodes, ca_file=write_pem(identity, tmp_path)))
            assert await nothing_was_sent(server)
        assert words in steps[-1].words and identity.fingerprint in steps[-1].words

    @pytest.mark.parametrize(
        ("days", "result", "words"),
        [(100, "ok", "until "), (3, "warning", "expires in"), (-1, "warning", "has expired")],
    )
    async def test_one_known_by_its_fingerprint_warns_of_its_renewal(
        self, days: int, result: str, words: str
    ) -> None:
        async with serve(api(), make_identity("127.0.0.1", days)) as server:
            steps = await check(server.remote())
        assert found(steps, "certificate").result == result
        assert words in found(steps, "certificate").words
        assert found(steps, "token").result == "ok"

    async def test_a_ca_file_without_certificates_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("none")
        async with serve(api()) as server:
            nodes = (replace(server.endpoint, fingerprint=None),)
            steps = await check(server.remote(nodes=nodes, ca_file=tmp_path / "ca.pem"))
            assert await nothing_was_sent(server)
        assert "ca.pem: no CA certificates" in steps[-1].words


class TestDeadlines:
    async def test_a_port_that_says_nothing_costs_one_step_its_time(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with serve(api()) as server:
                mute = replace(server.endpoint, port=silent.getsockname()[1])
                began = time.monotonic()
                steps = await check(server.remote(nodes=(mute, server.endpoint)), seconds=0.3)
                assert time.monotonic() - began < 5
        assert outcomes(steps)[:3] == [("port", "ok"), ("certificate", "failed"), ("port", "ok")]
        assert "silent" in steps[1].words
        assert outcomes(steps)[-1] == ("privileges", "ok")

    async def test_a_server_that_does_not_answer_is_told_so(self) -> None:
        async def hang(_: Request, __: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        async with serve_raw(hang) as server:
            steps = await check(server.remote(), seconds=0.3)
        assert outcomes(steps)[-1] == ("version", "failed")
        assert "no whole answer within 0.3 s" in steps[-1].words


class TestTokens:
    async def test_one_that_is_not_accepted_ends_the_check_there(self) -> None:
        async with serve(lambda _: Reply(status=401, reason="Authentication failed!")) as server:
            steps = await check(server.remote())
        assert [check for check, _ in outcomes(steps)] == ["port", "certificate", "token"]
        assert steps[-1].result == "failed"
        assert "monitor@pve!tasks is not accepted" in steps[-1].words

    async def test_a_server_that_is_no_proxmox_is_told_so(self) -> None:
        async with serve(lambda _: Reply(b"<html>Welcome")) as server:
            steps = await check(server.remote())
        assert outcomes(steps)[-1] == ("version", "failed")
        assert "is it a Proxmox API?" in steps[-1].words

    async def test_a_server_that_sends_the_secret_back_does_not_get_it_shown(self) -> None:
        def echo(request: Request) -> Reply:
            return Reply(status=400, reason=request.headers["authorization"])

        async with serve(echo) as server:
            steps = await check(server.remote())
        assert "***" in steps[-1].words


class TestPrivileges:
    @pytest.mark.parametrize("permissions", [{}, {"/vms": {"Sys.Audit": 1}}, {"/": {"VM.Audit": 1}}])
    async def test_none_at_all_is_a_failure_with_its_cure(self, permissions: dict[str, dict[str, int]]) -> None:
        async with serve(api(permissions)) as server:
            steps = await check(server.remote())
        assert outcomes(steps)[-2:] == [("privileges", "failed")] * 2
        cure = "pveum acl modify / --roles PVEAuditor --users monitor@pve --tokens 'monitor@pve!tasks'"
        assert all(cure in step.words for step in steps[-2:])

    async def test_none_on_a_backup_server_is_a_failure_with_its_cure(self) -> None:
        async with serve(api({})) as server:
            steps = await check(server.remote("pbs", token_id="monitor@pbs!tasks"))
        assert outcomes(steps)[-1] == ("privileges", "failed")
        assert "acl update / Audit --auth-id monitor@pbs && " in steps[-1].words
        assert steps[-1].words.endswith("--auth-id 'monitor@pbs!tasks'")

    async def test_one_missing_on_a_node_is_a_warning(self) -> None:
        async with serve(api({"/": {"Sys.Audit": 1}, "/nodes/pve2": {}})) as server:
            steps = await check(server.remote())
        assert [(step.node, step.result) for step in steps[-3:]] == [
            ("pve1", "ok"),
            ("pve2", "warning"),
            (None, "ok"),
        ]
        assert "/nodes/pve2" in steps[-2].words

    async def test_one_missing_on_the_cluster_is_a_warning(self) -> None:
        async with serve(api({"/nodes": {"Sys.Audit": 1}})) as server:
            steps = await check(server.remote())
        assert [step.result for step in steps[-3:]] == ["ok", "ok", "warning"]
        assert "only at each full round" in steps[-1].words

    async def test_an_offline_node_is_a_warning(self) -> None:
        async with serve(api(nodes=[*NODES, {"node": "pve3", "status": "offline"}])) as server:
            steps = await check(server.remote())
        assert (found(steps, "node").node, found(steps, "node").result) == ("pve3", "warning")

    async def test_those_that_cannot_be_asked_for_are_a_failure(self) -> None:
        def no_permissions(request: Request) -> Reply:
            return api()(request) if request.path == "/version" else Reply(status=500, reason="broken")

        async with serve(no_permissions) as server:
            steps = await check(server.remote())
        assert outcomes(steps)[-1] == ("privileges", "failed") and "broken" in steps[-1].words


@pytest.mark.parametrize(
    ("ahead", "result", "words"),
    [
        (0, "ok", "agrees"),
        (180, "warning", "3 minutes ahead of"),
        (-90, "warning", "(89|90|91) seconds behind"),
        (5 * 86_400, "warning", "5 days ahead of"),
    ],
)
async def test_clocks_are_compared_in_words(ahead: int, result: str, words: str) -> None:
    def dated(request: Request) -> Reply:
        return replace(api()(request), headers={"date": formatdate(time.time() + ahead, usegmt=True)})

    async with serve(dated) as server:
        steps = await check(server.remote())
    assert found(steps, "clock").result == result
    # A date counts whole seconds.
    assert re.search(words, found(steps, "clock").words)
