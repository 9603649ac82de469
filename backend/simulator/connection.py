"""One HTTP/1.1 connection of a client to a simulated remote: reads requests, writes answers, or as much of them as
is to arrive, closes when the real server would. What a client does wrong ends its connection and nothing else."""

import asyncio
import contextlib
import gzip
import socket
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import h11

from backend.simulator.messages import Answer, Answerer, Delivery, Request

_MAX_BODY = 65_536
_GZIP_ABOVE = 1_024
"""Bytes of a body from which on PVE compresses (PVE::APIServer::AnyEvent)."""

_WRITE_TIMEOUT = 30.0

_BEFORE_RESET = 0.05
"""Seconds for the half of an answer to arrive: a reset overtakes what the client has not read yet."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """When a server closes a connection.

    Attributes:
        requests: after so many; None for never.
        idle: after so many seconds without a whole request.
        after_error: after any status of 400 or more.
        compress: whether large bodies are sent as gzip to clients that take it.
    """

    requests: int | None
    idle: float
    after_error: bool
    compress: bool


PVE_KEEP_ALIVE = KeepAlive(requests=100, idle=5.0, after_error=True, compress=True)
PBS_KEEP_ALIVE = KeepAlive(requests=None, idle=30.0, after_error=False, compress=False)


async def serve_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answerer, keep_alive: KeepAlive
) -> None:
    """Serve a client until either side ends it; closing the writer is left to the caller. Whatever the client does
    wrong raises nothing."""
    connection = h11.Connection(h11.SERVER)
    served = 0
    try:
        while True:
            async with asyncio.timeout(keep_alive.idle):
                request = await _next_request(connection, reader)
            if request is None:
                break
            served += 1
            reply = await answer(request)
            if reply.delay:
                await asyncio.sleep(reply.delay)
            if reply.delivery is Delivery.NEVER:
                await _outwait(reader)
                break
            close = (reply.status >= 400 and keep_alive.after_error) or served == keep_alive.requests
            await _send(connection, writer, request, reply, close=close, compress=keep_alive.compress)
            if reply.delivery is Delivery.HALF_THEN_RESET:
                await asyncio.sleep(_BEFORE_RESET)
                _reset(writer)
            elif reply.delivery is Delivery.HALF_THEN_SILENCE:
                await _outwait(reader)
            if connection.our_state is h11.MUST_CLOSE or reply.delivery is not Delivery.WHOLE:
                break
            connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        with contextlib.suppress(h11.LocalProtocolError, OSError, TimeoutError):
            bad = Answer(error.error_status_hint, "bad request")
            await _send(connection, writer, None, bad, close=True, compress=False)
    except (OSError, TimeoutError):
        pass


async def _next_request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The next request, whole; None when the client is done. Raises h11.RemoteProtocolError."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _MAX_BODY:
                raise h11.RemoteProtocolError("request too large", error_status_hint=413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode("ascii"), head.target.decode("latin-1"), headers, bytes(body))
        else:
            return None


async def _send(
    connection: h11.Connection,
    writer: asyncio.StreamWriter,
    request: Request | None,
    answer: Answer,
    *,
    close: bool,
    compress: bool,
) -> None:
    headers = [*answer.headers, ("connection", "close" if close else "Keep-Alive")]
    body = answer.body
    accepted = "" if request is None else request.headers.get("accept-encoding", "")
    if compress := compress and "gzip" in accepted and (answer.parts is not None or len(body) > _GZIP_ABOVE):
        headers.append(("content-encoding", "gzip"))
    if answer.parts is None:
        body = gzip.compress(body, compresslevel=1, mtime=0) if compress else body
        headers.append(("content-length", str(len(body))))
    # a reason phrase may quote the request: nothing of it may end the line
    reason = "".join(char for char in answer.reason if char.isprintable()).encode("latin-1", "replace")
    data = connection.send(h11.Response(status_code=answer.status, headers=headers, reason=reason)) or b""
    if request is None or request.method != "HEAD":
        if answer.parts is not None:
            await _write(writer, data)
            await _send_parts(connection, writer, answer.parts, compress=compress)
            data = b""
        else:
            data += connection.send(h11.Data(data=body)) or b""
    data += connection.send(h11.EndOfMessage()) or b""
    await _write(writer, data if answer.delivery is Delivery.WHOLE else data[: len(data) // 2])


async def _send_parts(
    connection: h11.Connection, writer: asyncio.StreamWriter, parts: Iterable[bytes], *, compress: bool
) -> None:
    deflater = zlib.compressobj(level=1, wbits=31) if compress else None
    for part in parts:
        piece = part if deflater is None else deflater.compress(part)
        await _write(writer, connection.send(h11.Data(data=piece)) or b"")
        # a client that takes all at once must not keep the others waiting
        await asyncio.sleep(0)
    if deflater is not None:
        await _write(writer, connection.send(h11.Data(data=deflater.flush())) or b"")


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    async with asyncio.timeout(_WRITE_TIMEOUT):
        writer.write(data)
        await writer.drain()


async def _outwait(reader: asyncio.StreamReader) -> None:
    """Say nothing until the client leaves."""
    while await reader.read(65_536):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    """Break a connection off as a host does that has lost it, without a word of farewell."""
    # no lingering: the system sends a reset instead of an end
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
