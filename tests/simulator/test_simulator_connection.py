"""Connections to a simulated remote: when they close, and what clients do wrong."""

import asyncio
import contextlib
import gzip
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.simulator import SimulatedRemote, Simulator, SimulatorError, SimulatorOptions
from backend.simulator.connection import KeepAlive, serve_connection
from backend.simulator.messages import Answer, Request


@contextlib.asynccontextmanager
async def fleet(**options: Any) -> AsyncIterator[Simulator]:
    """A listening fleet of one PVE cluster and one PBS host. Whatever its listeners failed to handle fails the
    test."""
    unhandled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
    async with Simulator(SimulatorOptions(**{"remotes": 2, "auth_delay": 0.0, **options})) as simulator:
        yield simulator
    assert unhandled == []


async def connect(remote: SimulatedRemote) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context(cadata=remote.certificate.pem)
    return await asyncio.open_connection("127.0.0.1", remote.port, ssl=context)


def request(remote: SimulatedRemote, path: str = "/version", **headers: str) -> bytes:
    separator = "=" if remote.type == "pve" else ":"
    token = f"{remote.type.upper()}APIToken={remote.token.id}{separator}{remote.token.secret}"
    lines = [f"GET /api2/json{path} HTTP/1.1", "Host: x", f"Authorization: {token}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    return int(head[0].split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def still_serves(remote: SimulatedRemote) -> bool:
    reader, writer = await connect(remote)
    writer.write(request(remote))
    status, _, _ = await read_answer(reader)
    await close(writer)
    return status == 200


async def test_pve_closes_a_connection_after_100_requests() -> None:
    async with fleet() as simulator:
        remote = simulator.remotes["wien"]
        reader, writer = await connect(remote)
        said = []
        for _ in range(100):
            writer.write(request(remote))
            said.append((await read_answer(reader))[1]["connection"])

        assert said == ["Keep-Alive"] * 99 + ["close"]
        assert await reader.read() == b""
        await close(writer)


async def test_pve_closes_a_connection_after_an_error_and_pbs_does_not() -> None:
    async with fleet() as simulator:
        for name, open_afterwards in (("wien", False), ("pbs-001", True)):
            remote = simulator.remotes[name]
            reader, writer = await connect(remote)
            writer.write(request(remote, "/nosuch"))
            assert (await read_answer(reader))[0] >= 400
            writer.write(request(remote))
            if open_afterwards:
                assert (await read_answer(reader))[0] == 200
            else:
                assert await reader.read() == b""
            await close(writer)


async def test_an_idle_connection_is_closed() -> None:
    async def answer(request: Request) -> Answer:
        return Answer(200, "OK")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_connection(
            reader, writer, answer, KeepAlive(requests=None, idle=0.02, after_error=False, compress=False)
        )
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /half")

        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
        await close(writer)


async def test_large_answers_are_compressed_for_clients_that_take_it() -> None:
    async with fleet() as simulator:
        remote = simulator.remotes["wien"]
        reader, writer = await connect(remote)
        answers = []
        for path, accepted in (("/nodes/pve1/tasks", "gzip"), ("/nodes/pve1/tasks", ""), ("/version", "gzip")):
            writer.write(request(remote, path, **{"Accept-Encoding": accepted}))
            answers.append(await read_answer(reader))
        await close(writer)

        (_, packed_headers, packed), (_, plain_headers, plain), (_, small_headers, _) = answers
        assert packed_headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed) == plain
        assert "content-encoding" not in plain_headers.keys() | small_headers.keys()


@pytest.mark.parametrize(
    "garbage",
    [b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
)
async def test_garbage_gets_a_400_and_harms_nobody(garbage: bytes) -> None:
    async with fleet() as simulator:
        for remote in simulator.remotes.values():
            reader, writer = await connect(remote)
            writer.write(garbage)

            assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            await close(writer)
            assert await still_serves(remote)


async def test_a_body_without_end_is_refused() -> None:
    async with fleet() as simulator:
        remote = simulator.remotes["wien"]
        reader, writer = await connect(remote)
        writer.write(b"POST /version HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n" + b"x" * 70_000)

        assert (await reader.read()).startswith(b"HTTP/1.1 413 ")
        await close(writer)


async def test_clients_that_break_off_at_any_point_harm_nobody() -> None:
    async with fleet(latency=0.01) as simulator:
        remote = simulator.remotes["wien"]
        whole = request(remote, "/nodes/pve1/tasks?limit=500")
        for sent in (b"", whole[:20], whole, whole * 3):
            _, writer = await connect(remote)
            writer.write(sent)
            await writer.drain()
            writer.transport.abort()
        # no TLS at all, and a handshake that is never begun
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b""):
            _, writer = await asyncio.open_connection("127.0.0.1", remote.port)
            writer.write(sent)
            await close(writer)

        assert await still_serves(remote)


async def test_leaving_drops_clients_in_the_middle_of_anything() -> None:
    async with fleet(latency=60) as simulator:
        remote = simulator.remotes["wien"]
        reader, waiting = await connect(remote)
        waiting.write(request(remote))
        _, idle = await connect(remote)
        _, before_handshake = await asyncio.open_connection("127.0.0.1", remote.port)

    with contextlib.suppress(OSError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    for writer in (waiting, idle, before_handshake):
        await close(writer)


async def test_every_answer_waits_for_the_latency_and_a_401_for_its_delay() -> None:
    async with fleet(latency=0.05, auth_delay=0.1) as simulator:
        remote = simulator.remotes["wien"]

        async def seconds(raw: bytes) -> float:
            reader, writer = await connect(remote)
            begun = time.monotonic()
            writer.write(raw)
            await read_answer(reader)
            taken = time.monotonic() - begun
            await close(writer)
            return taken

        assert await seconds(request(remote)) >= 0.05
        assert await seconds(b"GET /api2/json/version HTTP/1.1\r\nHost: x\r\n\r\n") >= 0.15
        remote.latency = 0.0
        assert await seconds(request(remote)) < 0.05


async def test_a_remote_goes_down_and_comes_up_on_the_same_port() -> None:
    async with fleet() as simulator:
        remote = simulator.remotes["wien"]
        port = remote.port
        reader, writer = await connect(remote)

        await simulator.take_down("wien")

        with contextlib.suppress(OSError):
            assert await reader.read() == b""
        await close(writer)
        with pytest.raises(ConnectionRefusedError):
            await connect(remote)
        assert await still_serves(simulator.remotes["pbs-001"])

        await simulator.bring_up("wien")
        assert remote.port == port
        assert await still_serves(remote)


async def test_a_port_that_is_taken_is_named() -> None:
    async with fleet() as simulator:
        port = simulator.remotes["wien"].port
        with pytest.raises(SimulatorError, match=rf"cannot listen on 127\.0\.0\.1:{port} for wien: "):
            async with Simulator(SimulatorOptions(remotes=1, port=port)):
                pass


async def test_many_clients_at_once_are_served() -> None:
    async with fleet() as simulator:
        remote = simulator.remotes["wien"]
        trusted = ssl.create_default_context(cadata=remote.certificate.pem)
        headers = {"Authorization": f"PVEAPIToken={remote.token.id}={remote.token.secret}"}
        url = f"https://127.0.0.1:{remote.port}/api2/json/nodes/pve1/tasks"
        async with httpx.AsyncClient(verify=trusted, headers=headers) as client:
            answers = await asyncio.gather(*(client.get(url, params={"limit": 10}) for _ in range(40)))

        assert {len(answer.json()["data"]) for answer in answers} == {10}
