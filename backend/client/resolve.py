"""From a host's name to a connection: its addresses, looked up in threads of their own, and the first of them that
can be connected to. (A name server that does not answer must not take the threads that the disk needs.)"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

HEAD_START = 0.25
"""Seconds that an address has before the next is tried beside it (RFC 8305)."""

Outcome = list[str] | OSError
"""The addresses of a host, or why there are none."""

_closing: set["asyncio.Future[None]"] = set()
_pending: dict[str, "asyncio.Future[Outcome]"] = {}


async def addresses_of(host: str) -> list[str]:
    """A host's addresses in the order of the system's preference; an address is its own. Raises OSError, of which
    socket.gaierror is one.

    A look-up that hangs goes on when nobody waits for it any more; who asks for the same name meanwhile waits for
    the same answer, so there is never more than one thread a name.
    """
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        return [host]
    loop = asyncio.get_running_loop()
    pending = _pending.get(host)
    if pending is None or pending.get_loop() is not loop:
        pending = loop.create_future()
        try:
            # No pool: at the end, a process waits for a pool's threads.
            Thread(target=_look_up, args=(host, pending), name=f"look up {host}", daemon=True).start()
        except RuntimeError:
            raise socket.gaierror(socket.EAI_AGAIN, "no thread can be started to look it up") from None
        _pending[host] = pending
    outcome = await asyncio.shield(pending)
    if isinstance(outcome, OSError):
        raise outcome.with_traceback(None)
    return outcome


def _look_up(host: str, pending: "asyncio.Future[Outcome]") -> None:
    outcome: Outcome
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        outcome = list(dict.fromkeys(str(address[0]) for *_, address in found))
    except OSError as error:
        outcome = error
    except UnicodeError:
        outcome = socket.gaierror(socket.EAI_NONAME, "no valid host name")

    def tell() -> None:
        if _pending.get(host) is pending:
            del _pending[host]
        if not pending.done():
            pending.set_result(outcome)

    # The loop may have ended meanwhile.
    with contextlib.suppress(RuntimeError):
        pending.get_loop().call_soon_threadsafe(tell)


async def connect_to_first(
    addresses: list[str],
    connect: Callable[[str], Awaitable[T]],
    close: Callable[[T], Awaitable[None]],
) -> T:
    """Connect to the addresses in their order, without waiting long for one, and keep the first connection there
    is. Raises what the last attempt raised."""
    if len(addresses) == 1:
        return await connect(addresses[0])
    waiting = list(addresses)
    attempts: set[asyncio.Future[T]] = set()
    error: BaseException = OSError("no address")
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.ensure_future(connect(waiting.pop(0))))
            done, _ = await asyncio.wait(
                attempts, timeout=HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                attempts.discard(attempt)
                failure = attempt.exception()
                if failure is None:
                    return attempt.result()
                error = failure
        raise error
    finally:
        # Without waiting for them: whoever is cancelled meanwhile would lose the connection that is kept.
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(partial(_close_late, close))


def _close_late(close: Callable[[T], Awaitable[None]], attempt: "asyncio.Future[T]") -> None:
    """Close a connection that came when another one was there already."""
    if not attempt.cancelled() and attempt.exception() is None:
        closing = asyncio.ensure_future(close(attempt.result()))
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)
