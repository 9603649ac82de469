"""Requests over real TLS: deadlines, bounds, clean ends."""

import asyncio
import gzip
import time
import tracemalloc
from email.utils import formatdate
from math import inf

import pytest
from pytest import approx

from backend.client import (
    AnswerError,
    FleetLimit,
    NotFoundError,
    UnreachableError,
    open_client,
)
from backend.client.connection import MAX_ANSWER
from backend.config import Endpoint, RemoteConfig, Secret
from tests.client.asking import VERSION, fail, version
from tests.client.server import (
    SECRET,
    Reply,
    Request,
    eventually,
    serve,
    serve_raw,
)

UPID = "pve:wien!UPID:pve1:00003628:0001FF1D:6B04EF94:vzdump:101:root@pam:"


class TestBounds:
    async def test_a_server_that_drips_is_held_to_the_deadline_of_the_whole_request(self) -> None:
        async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        async with serve_raw(drip) as server:
            began = time.monotonic()
            error = await fail(server.remote(), seconds=0.3)
            assert isinstance(error, UnreachableError)
            assert time.monotonic() - began < 2
            await eventually(lambda: server.open == 0)

    async def test_an_endless_body_is_cut_off_in_words(self) -> None:
        async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b" " * 65536)
                await writer.drain()

        async with serve_raw(endless) as server:
            error = await fail(server.remote())
            assert isinstance(error, AnswerError)
            assert "more than 16 MiB" in str(error)
            await eventually(lambda: server.open == 0)

    async def test_a_bomb_is_cut_off_before_it_is_unpacked(self) -> None:
        # at best, deflate makes 1 byte of a thousand: a single read may hold four times the bound
        bomb = gzip.compress(bytes(MAX_ANSWER * 4))
        async with serve(lambda _: Reply(bomb, headers={"content-encoding": "gzip"})) as server:
            tracemalloc.start()
            try:
                error = await fail(server.remote())
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert isinstance(error, AnswerError)
            assert "more than 16 MiB" in str(error)
            assert peak < 2.5 * MAX_ANSWER

    async def test_gzip_is_asked_for_and_read(self) -> None:
        def zipped(request: Request) -> Reply:
            assert request.headers["accept-encoding"] == "gzip"
            return Reply(gzip.compress(VERSION.body), headers={"content-encoding": "gzip"})

        async with serve(zipped) as server, open_client(server.remote()) as client:
            assert await client.version() == "9.2.1"

    @pytest.mark.parametrize(
        ("body", "encoding", "words"),
        [
            (b"junk", "gzip", "damaged gzip"),
            (gzip.compress(VERSION.body, mtime=0)[:-12], "gzip", "truncated gzip"),
            (VERSION.body, "gzip, gzip", "encoding not asked for"),
            (VERSION.body, "br", "encoding not asked for"),
        ],
    )
    async def test_a_body_in_no_readable_encoding_is_an_error(
        self, body: bytes, encoding: str, words: str
    ) -> None:
        async with serve(lambda _: Reply(body, headers={"content-encoding": encoding})) as server:
            error = await fail(server.remote())
            assert isinstance(error, AnswerError)
            assert words in str(error)

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{", "in the middle of the answer"),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n{", "in the middle of the answer"),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not answer in HTTP"),
            (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000, "does not answer in HTTP"),
            (b"", "before the whole answer"),
        ],
    )
    async def test_a_broken_answer_is_an_error_in_words(self, sent: bytes, words: str) -> None:
        async def write(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(sent)
            await writer.drain()

        async with serve_raw(write) as server:
            error = await fail(server.remote())
            assert words in str(error)
            await eventually(lambda: server.open == 0)

    async def test_a_server_without_tls_is_an_error_in_words(self) -> None:
        async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        async with server:
            endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1], ":".join(["AB"] * 32))
            error = await fail(RemoteConfig("wien", "pve", (endpoint,), "monitor@pve!tasks", Secret(SECRET)))
            assert "does this port speak HTTPS?" in str(error)

    async def test_a_redirect_is_not_followed(self) -> None:
        async with serve(version) as other:
            target = f"https://127.0.0.1:{other.port}/api2/json/version"
            async with serve(lambda _: Reply(b"", 302, "Found", {"location": target})) as server:
                error = await fail(server.remote())
                assert isinstance(error, AnswerError)
                assert "a redirect (302)" in str(error)
            assert not other.received

    async def test_requests_at_a_time_are_limited_for_the_remote_and_for_the_fleet(self) -> None:
        async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(VERSION.body) + VERSION.body)
            await writer.drain()

        async with serve_raw(slow) as one, serve_raw(slow) as two:
            limit = FleetLimit(4)
            async with (
                open_client(one.remote(), connections=2, limit=limit) as first,
                open_client(two.remote(), connections=5, limit=limit) as second,
            ):
                await asyncio.gather(*(client.version() for client in (first, second) for _ in range(10)))
            assert one.most_busy == 2
            assert two.most_busy <= 4


class TestEnds:
    @pytest.mark.parametrize("moment", ["handshake", "answer", "body"])
    async def test_cancelling_leaves_no_socket_open(self, moment: str) -> None:
        reached = asyncio.Event()

        async def stall(_: Request, writer: asyncio.StreamWriter) -> None:
            if moment == "body":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
                await writer.drain()
            reached.set()
            await eventually(writer.is_closing)

        ended = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10_000)
            reached.set()
            while await reader.read(10_000):
                pass
            ended.set()
            writer.close()

        plain = await asyncio.start_server(mute, "127.0.0.1", 0)
        async with plain, serve_raw(stall) as server:
            endpoint = server.endpoint
            if moment == "handshake":
                endpoint = Endpoint("127.0.0.1", plain.sockets[0].getsockname()[1], endpoint.fingerprint)
            client = open_client(server.remote(nodes=(endpoint,)))
            asking = asyncio.create_task(client.version())
            await reached.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            # the socket ends with the request, not only with the client
            await eventually(ended.is_set if moment == "handshake" else lambda: server.open == 0)
            await client.aclose()

    async def test_latency_and_clock_skew_are_known_after_an_answer(self) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 3600))
        async with serve(lambda _: Reply(VERSION.body, headers={"date": date})) as server:
            async with open_client(server.remote()) as client:
                assert client.latency is None and client.clock_skew is None
                await client.version()
                assert client.latency is not None and 0 < client.latency < 5
                assert client.clock_skew is not None and abs(client.clock_skew - 3600) < 3

    async def test_a_clock_that_is_set_back_is_noticed_and_no_other(self) -> None:
        clock = {"ahead": 0}

        def dated(_: Request) -> Reply:
            return Reply(VERSION.body, headers={"date": formatdate(time.time() + clock["ahead"], usegmt=True)})

        async with serve(dated) as server, open_client(server.remote()) as client:
            for ahead, set_back in [
                (0, False),
                (7200, False),
                (7200, False),
                (-600, True),
                (0, False),
                (-10, True),
            ]:
                clock["ahead"] = ahead
                await client.version()
                # no earlier than it shows, but for the moment since it was asked before
                assert client.take_set_back() == (approx(time.time() + ahead, abs=3) if set_back else inf)
                assert client.take_set_back() == inf

    async def test_a_date_that_is_none_is_passed_over(self) -> None:
        async with serve(lambda _: Reply(VERSION.body, headers={"date": "soon"})) as server:
            async with open_client(server.remote()) as client:
                await client.version()
                assert client.clock_skew is None

    async def test_a_missing_task_is_told_apart_from_a_broken_remote(self) -> None:
        body = b'{"errors":{"upid":"no such task"},"data":null}'
        async with serve(lambda _: Reply(body, 400, "Parameter verification failed.")) as server:
            async with open_client(server.remote()) as client:
                with pytest.raises(NotFoundError):
                    await client.status(UPID)
