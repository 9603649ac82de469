"""Requests over real TLS: whom the token reaches, and failover."""

import asyncio
import socket
from pathlib import Path

import pytest

from backend.client import CertificateError, FleetLimit, UnreachableError, limit, open_client
from backend.client.connection import MAX_LANES, Connection
from backend.config import Endpoint, RemoteConfig, Secret
from backend.upid import RemoteType
from tests.client.asking import VERSION, fail, version
from tests.client.server import (
    SECRET,
    Reply,
    Request,
    data,
    eventually,
    make_identity,
    serve,
    serve_raw,
    write_pem,
)

TYPES: tuple[RemoteType, ...] = ("pve", "pbs")
UPID = "pve:wien!UPID:pve1:00003628:0001FF1D:6B04EF94:vzdump:101:root@pam:"


def refused() -> Endpoint:
    """An endpoint nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Endpoint("127.0.0.1", free.getsockname()[1], "AA" + 31 * ":AA")


class TestTrust:
    async def test_a_server_with_the_expected_fingerprint_is_asked(self) -> None:
        async with serve(version) as server, open_client(server.remote()) as client:
            assert await client.version() == "9.2.1"

    async def test_a_wrong_fingerprint_sends_not_one_byte_of_a_request(self) -> None:
        async with serve(version) as server:
            wrong = Endpoint("127.0.0.1", server.port, ":".join(["AB"] * 32))
            error = await fail(server.remote(nodes=(wrong,)))
            assert isinstance(error, CertificateError)
            both = f"(trusted {wrong.fingerprint}, shown {server.identity.fingerprint})"
            assert f"another certificate than the one trusted {both}" in str(error)
            await eventually(lambda: len(server.received) == 1 and server.open == 0)
            assert server.received == [bytearray()]

    async def test_without_a_fingerprint_an_unknown_certificate_is_refused_before_a_byte_is_sent(self) -> None:
        async with serve(version) as server:
            error = await fail(server.remote(nodes=(Endpoint("127.0.0.1", server.port),)))
            assert isinstance(error, CertificateError)
            assert "not trusted" in str(error) and "ca-file" in str(error)
            assert not server.requests

    async def test_a_ca_file_makes_its_certificates_trusted(self, tmp_path: Path) -> None:
        async with serve(version) as server:
            remote = server.remote(
                nodes=(Endpoint("127.0.0.1", server.port),), ca_file=write_pem(server.identity, tmp_path)
            )
            async with open_client(remote) as client:
                assert await client.version() == "9.2.1"

    @pytest.mark.parametrize(
        ("name", "days", "words"),
        [("other.example.com", 10, "another host name"), ("127.0.0.1", -1, "has expired")],
    )
    async def test_a_trusted_certificate_must_fit_name_and_time(
        self, tmp_path: Path, name: str, days: int, words: str
    ) -> None:
        identity = make_identity(name, days)
        async with serve(version, identity) as server:
            remote = server.remote(
                nodes=(Endpoint("127.0.0.1", server.port),), ca_file=write_pem(identity, tmp_path)
            )
            error = await fail(remote)
            assert isinstance(error, CertificateError)
            assert words in str(error)
            assert not server.requests

    async def test_a_ca_file_that_holds_no_certificate_is_an_error_in_words(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nothing")
        async with serve(version) as server:
            remote = server.remote(nodes=(Endpoint("127.0.0.1", server.port),), ca_file=tmp_path / "ca.pem")
            error = await fail(remote)
            assert isinstance(error, CertificateError)
            assert "ca.pem: no CA certificates" in str(error)

    async def test_the_token_is_written_as_each_product_reads_it(self) -> None:
        async with serve(version) as server:
            for type in TYPES:
                async with open_client(server.remote(type)) as client:
                    await client.version()
            assert [request.headers["authorization"] for request in server.requests] == [
                "PVEAPIToken=monitor@pve!tasks=0c1d2e3f-secret-%/=-4a5b",
                "PBSAPIToken=monitor@pve!tasks:0c1d2e3f-secret-%25%2F%3D-4a5b",
            ]

    async def test_proxies_of_the_environment_are_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{refused()}")
        monkeypatch.setenv("ALL_PROXY", f"http://{refused()}")
        async with serve(version) as server, open_client(server.remote()) as client:
            assert await client.version() == "9.2.1"

    async def test_nothing_shows_the_secret(self) -> None:
        def echo(request: Request) -> Reply:
            return Reply(request.headers["authorization"].encode(), 400, request.headers["authorization"])

        for type in TYPES:
            async with serve(echo) as server:
                remote = server.remote(type)
                error = await fail(remote)
                assert "***" in str(error)
                for shown in (str(error), repr(error), repr(remote), str(remote.secret), f"{remote}"):
                    assert SECRET not in shown and "secret-%25" not in shown
                async with open_client(remote) as client:
                    assert SECRET not in repr(client) + repr(vars(client))


class TestFailover:
    async def test_the_next_endpoint_is_tried_and_kept(self) -> None:
        async with serve(version) as server:
            dead = refused()
            remote = server.remote(nodes=(dead, server.endpoint))
            async with open_client(remote) as client:
                assert await client.version() == "9.2.1"
                with socket.create_server(("127.0.0.1", dead.port)) as listener:
                    listener.setblocking(False)
                    assert await client.version() == "9.2.1"
                    with pytest.raises(BlockingIOError):
                        listener.accept()

    async def test_a_wrong_certificate_at_one_endpoint_does_not_keep_from_the_next(self) -> None:
        async with serve(version, make_identity("other.example.com")) as other, serve(version) as server:
            wrong = Endpoint("127.0.0.1", other.port, server.identity.fingerprint)
            async with open_client(server.remote(nodes=(wrong, server.endpoint))) as client:
                assert await client.version() == "9.2.1"
            assert not other.requests

    async def test_when_all_fail_the_error_tells_the_trouble_of_each(self) -> None:
        dead = refused()
        remote = RemoteConfig(
            "wien", "pve", (dead, Endpoint("no-such-host.invalid", 8006)), "monitor@pve!tasks", Secret(SECRET)
        )
        error = await fail(remote)
        assert isinstance(error, UnreachableError)
        assert str(error).startswith(f"wien: {dead}: no connection: ")
        assert "refused" in str(error)
        assert "no-such-host.invalid:8006: its name cannot be resolved" in str(error)

    async def test_a_silent_handshake_gives_way_to_the_next_endpoint(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with serve(version) as server:
                mute = Endpoint("127.0.0.1", silent.getsockname()[1], server.identity.fingerprint)
                remote = server.remote(nodes=(mute, server.endpoint))
                async with open_client(remote, connect_timeout=0.1) as client:
                    assert await client.version() == "9.2.1"

    async def test_a_silent_handshake_is_told_as_silence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            async with serve(version) as server:
                mute = Endpoint("127.0.0.1", silent.getsockname()[1], server.identity.fingerprint)
                async with open_client(server.remote(nodes=(mute,)), connect_timeout=0.1) as client:
                    with pytest.raises(UnreachableError, match="within the time allowed: it is silent"):
                        await client.version()

    async def test_an_endpoint_that_took_all_the_time_is_not_asked_first_again(self) -> None:
        async def hang(_: Request, __: asyncio.StreamWriter) -> None:
            await asyncio.sleep(60)

        async with serve_raw(hang) as hanging, serve(version) as server:
            async with open_client(
                server.remote(nodes=(hanging.endpoint, server.endpoint)), timeout=0.3
            ) as client:
                with pytest.raises(UnreachableError, match=r"no whole answer within 0\.3 s"):
                    await client.version()
                assert await client.version() == "9.2.1"

    async def test_a_connection_closed_under_a_request_is_opened_again(self) -> None:
        seen: list[int] = []

        async def closing(request: Request, writer: asyncio.StreamWriter) -> None:
            seen.append(1)
            if len(seen) > 1:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(VERSION.body) + VERSION.body)
                await writer.drain()

        async with serve_raw(closing) as server, open_client(server.remote()) as client:
            assert await client.version() == "9.2.1"

    async def test_a_stop_is_not_sent_twice_once_it_may_have_arrived(self) -> None:
        async def breaking(_: Request, __: asyncio.StreamWriter) -> None:
            return

        async with serve_raw(breaking) as first, serve(version) as second:
            async with open_client(first.remote(nodes=(first.endpoint, second.endpoint))) as client:
                with pytest.raises(UnreachableError, match="whether the request was carried out is not known"):
                    await client.stop(UPID)
            assert [request.method for request in first.requests] == ["DELETE"]
            assert not second.requests

    async def test_a_stop_goes_to_the_next_endpoint_if_the_first_cannot_be_reached(self) -> None:
        async with serve(lambda _: data(None)) as server:
            async with open_client(server.remote(nodes=(refused(), server.endpoint))) as client:
                await client.stop(UPID)
            assert [request.method for request in server.requests] == ["DELETE"]

    async def test_connections_are_kept_and_used_again(self) -> None:
        async with serve(version) as server, open_client(server.remote()) as client:
            for _ in range(20):
                await client.version()
            assert len(server.received) == 1


class TestNodes:
    async def test_a_node_that_is_silent_makes_requests_to_the_others_no_slower(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limit, "PATIENCE", 0.1)
        silent = asyncio.Event()

        async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
            if "/pve2/" in request.path:
                silent.set()
                await asyncio.Event().wait()
            body = b'{"data":[]}'
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()

        async with serve_raw(handle) as server:
            async with open_client(server.remote(), limit=FleetLimit(3)) as client:
                asking = asyncio.ensure_future(anext(client.tasks("pve2")))
                await silent.wait()
                await asyncio.sleep(0.3)
                # The one slot of the slow is taken; who is quick does without.
                async with asyncio.timeout(2):
                    for _ in range(3):
                        await anext(client.tasks("pve1"))
                        await client.current()
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def test_node_names_without_end_take_no_memory(self) -> None:
        async with serve(lambda _: data([])) as server:
            connection = Connection(
                server.remote(), timeout=5, connect_timeout=5, connections=5, limit=FleetLimit(9)
            )
            for number in range(2 * MAX_LANES):
                connection._lane_of(f"/nodes/x{number}/tasks")
            assert len(connection._lanes) <= MAX_LANES
            await connection.aclose()
