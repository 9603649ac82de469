"""From names to connections: look-ups that hang or fail, and hosts of which only some addresses answer."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from backend.client import UnreachableError, open_client
from backend.client import resolve as resolve_module
from backend.client.resolve import addresses_of, connect_to_first
from backend.config import Endpoint
from tests.client.asking import fail, version
from tests.client.server import eventually, serve

Look = Callable[[str], list[str]]


class NameServer:
    """Answers look-ups; those of a name that begins with `hang` only once they are let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.addresses: dict[str, list[str]] = {}
        self.let_go = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", self.look_up)

    def look_up(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("hang"):
            self.let_go.wait(10)
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 0)) for text in self.addresses[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    names = NameServer(monkeypatch)
    yield names
    names.let_go.set()


async def test_an_address_is_its_own_and_nobody_is_asked(names: NameServer) -> None:
    assert await addresses_of("10.0.0.7") == ["10.0.0.7"]
    assert await addresses_of("fd00::2") == ["fd00::2"]
    assert names.asked == []


async def test_look_ups_that_hang_take_no_threads_from_the_disk(names: NameServer) -> None:
    hanging = [asyncio.create_task(addresses_of(f"hang{number}")) for number in range(100)]
    await eventually(lambda: len(names.asked) == 100)
    began = time.monotonic()
    await asyncio.to_thread(lambda: None)
    names.addresses["pve1"] = ["10.0.0.1"]
    assert await addresses_of("pve1") == ["10.0.0.1"]
    assert time.monotonic() - began < 1
    names.let_go.set()
    for outcome in await asyncio.gather(*hanging, return_exceptions=True):
        assert isinstance(outcome, socket.gaierror)


async def test_a_name_is_looked_up_once_by_all_who_ask_meanwhile(names: NameServer) -> None:
    names.addresses["hang"] = ["10.0.0.1"]
    first = asyncio.create_task(addresses_of("hang"))
    await eventually(lambda: names.asked == ["hang"])
    others = [asyncio.create_task(addresses_of("hang")) for _ in range(5)]
    await asyncio.sleep(0)
    first.cancel()
    names.let_go.set()
    assert await asyncio.gather(*others) == [["10.0.0.1"]] * 5
    assert names.asked == ["hang"]
    assert await addresses_of("hang") == ["10.0.0.1"]
    assert len(names.asked) == 2


async def test_a_name_for_which_no_thread_could_be_started_is_looked_up_the_next_time(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names.addresses["pve1"] = ["10.0.0.1"]
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="no thread can be started"):
            await addresses_of("pve1")
    async with asyncio.timeout(5):
        assert await addresses_of("pve1") == ["10.0.0.1"]


async def test_a_name_that_is_not_answered_for_is_told_as_that(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(version) as server:
        remote = replace(server.remote(), nodes=(Endpoint("hang.example.com", 8006),))
        async with open_client(remote, connect_timeout=0.1) as client:
            with pytest.raises(UnreachableError, match=r"its name cannot be resolved \(no name server answers\)"):
                await client.version()


async def test_an_unknown_name_is_told_in_the_systems_words(names: NameServer) -> None:
    async with serve(version) as server:
        error = await fail(replace(server.remote(), nodes=(Endpoint("nosuch.example.com", 8006),)))
    assert "its name cannot be resolved (Name or service not known)" in error.words


async def test_a_host_of_which_one_address_is_silent_answers_at_the_other(
    names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve_module, "HEAD_START", 0.01)
    listener = socket.create_server(("127.0.0.2", 0), backlog=1)
    async with serve(version) as server:
        names.addresses["pve1"] = ["127.0.0.3", "127.0.0.1"]
        node = replace(server.endpoint, host="pve1")
        async with open_client(replace(server.remote(), nodes=(node,))) as client:
            assert await client.version() == "9.2.1"
    listener.close()


async def test_the_first_that_connects_is_kept_and_the_others_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve_module, "HEAD_START", 0.01)
    gate = asyncio.Event()
    closed: list[str] = []

    async def connect(address: str) -> str:
        if address == "silent":
            await asyncio.Event().wait()
        if address == "refuses":
            raise ConnectionRefusedError(address)
        await gate.wait()
        return address

    async def close(connection: str) -> None:
        closed.append(connection)

    connecting = asyncio.create_task(connect_to_first(["silent", "refuses", "one", "two"], connect, close))
    await asyncio.sleep(0.1)
    gate.set()
    kept = await connecting
    assert {kept, *closed} <= {"one", "two"} and kept not in closed
    with pytest.raises(ConnectionRefusedError):
        await connect_to_first(["refuses"], connect, close)
