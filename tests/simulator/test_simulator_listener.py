"""The simulator's listening port: no connection outlives it, whenever it comes."""

import asyncio
import ssl

import pytest

from backend.simulator.listener import Listener, bind_port


@pytest.mark.parametrize("context", [None, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)], ids=["silent", "tls"])
async def test_a_connection_that_is_dropped_as_it_comes_is_closed(context: ssl.SSLContext | None) -> None:
    dropping: list[asyncio.Task[None]] = []

    def greet() -> ssl.SSLContext | None:
        # runs before the connection's own first step
        dropping.append(asyncio.create_task(listener.drop()))
        return context

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nobody shakes hands here")

    listener = await Listener.open(bind_port("127.0.0.1", 0), greet, serve)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(5):
                if not await reader.read():
                    raise ConnectionResetError
        writer.close()
    finally:
        await listener.close()
        await asyncio.gather(*dropping)
