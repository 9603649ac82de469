"""Requests to one remote: deadlines, bounds, failover over its endpoints. It knows HTTP, and nothing of tasks."""

import asyncio
import contextlib
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import quote

import httpcore
import httpx

from backend.client.clocks import Clocks, Moment, Shown
from backend.client.errors import AnswerError, CertificateError, RemoteError, UnreachableError
from backend.client.limit import PATIENCE, FleetLimit, Lane
from backend.client.masking import mask, mask_bytes
from backend.client.tls import pinning_context, trusting_context
from backend.client.transport import Transport
from backend.client.trouble import Trouble, describe_trouble
from backend.config import Endpoint, RemoteConfig
from backend.text import safe

MAX_ANSWER = 16 * 2**20
"""Bytes of the largest answer taken, after decompression: some 16 KiB for each task of a page."""

MAX_LANES = 1000
"""Nodes of a remote whose requests are kept apart, at most: far more than a cluster has."""

MAX_WORDS = 600
"""Characters of an error's words, which may quote the remote."""

_NODE_IN_PATH = re.compile(r"/nodes/([^/]+)/")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered, whatever the status: `reason` as text, `body` decompressed and whole."""

    status: int
    reason: str
    body: bytes


class Connection:
    """The way to one remote: its endpoints in their order, beginning with the last one that worked.

    Attributes:
        latency: seconds the last whole answer took; None before the first.
        clocks: the clocks of its endpoints.
    """

    def __init__(
        self,
        remote: RemoteConfig,
        *,
        timeout: float,
        connect_timeout: float,
        connections: int,
        limit: FleetLimit | None,
        clock: Callable[[], float] = time.time,
        anonymous: bool = False,
    ) -> None:
        """`anonymous`: the token is never sent; the rest is as `open_client` tells it."""
        self.remote = remote
        self._clock = clock
        self.latency: float | None = None
        self.clocks = Clocks()
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._connections = connections
        self._anonymous = anonymous
        self._slots = asyncio.Semaphore(connections)
        self._limit = limit
        self._lanes: dict[str, Lane] = {}
        self._failure: RemoteError | None = None
        self._clients: dict[Endpoint, httpx.AsyncClient] = {}
        self._first = 0

    def __repr__(self) -> str:
        return f"Connection({self.remote.name!r})"

    async def request(
        self, method: str, path: str, query: Mapping[str, str | int] | None = None, *, idempotent: bool = True
    ) -> Answer:
        """Ask the remote; `path` is below `/api2/json` and already percent-encoded.

        A request that is not idempotent is never repeated once it may have been sent. Raises UnreachableError,
        CertificateError or AnswerError where no endpoint gave a whole answer.
        """
        # The remote's own slot first: a slow remote must not sit on the fleet's while it waits for itself.
        async with self._slots:
            ask = partial(self._first_answer, method, path, query or {}, idempotent)
            return await self._lane_of(path).run(ask, repeatable=idempotent)

    @contextlib.asynccontextmanager
    async def turn_to_read(self) -> AsyncIterator[None]:
        """Wait for the turn to take a large answer apart, and let the event loop go on when that is done."""
        if self._limit is None:
            yield
            return
        async with self._limit.reading:
            yield
            await asyncio.sleep(0)

    def _lane_of(self, path: str) -> Lane:
        """A cluster passes requests on to its nodes: one of them that is silent makes the others no slower."""
        node = _NODE_IN_PATH.match(path)
        name = node[1] if node else ""
        if name not in self._lanes and len(self._lanes) >= MAX_LANES:
            self._lanes.clear()
        return self._lanes.setdefault(name, Lane(self._limit))

    async def _first_answer(
        self, method: str, path: str, query: Mapping[str, str | int], idempotent: bool, brief: bool
    ) -> Answer:
        nodes = self.remote.nodes
        first = self._first
        troubles: list[tuple[Endpoint, Trouble]] = []
        endpoint = nodes[first]
        seconds = min(PATIENCE, self._timeout) if brief else self._timeout
        try:
            async with asyncio.timeout(seconds):
                for step in range(len(nodes)):
                    index = (first + step) % len(nodes)
                    endpoint = nodes[index]
                    # A kept connection may be closed under a request (PVE does so after 100), and whether it
                    # arrived is not known then: what must not be sent twice gets a connection of its own.
                    outcome = await self._ask(endpoint, method, path, query, fresh=not idempotent)
                    if isinstance(outcome, Trouble) and outcome.sent and idempotent:
                        outcome = await self._ask(endpoint, method, path, query, fresh=True)
                    if isinstance(outcome, Answer):
                        self._first = index
                        self._failure = None
                        return outcome
                    troubles.append((endpoint, outcome))
                    if outcome.sent and not idempotent:
                        break
        except TimeoutError:
            self._first = (nodes.index(endpoint) + 1) % len(nodes)
            if brief and self._failure is not None:
                # A brief silence tells nothing that the long one before it did not.
                raise type(self._failure)(self.remote.name, self._failure.words) from None
            words = f"no whole answer within {seconds:g} s"
            troubles.append((endpoint, Trouble(UnreachableError, words, sent=True)))
        self._failure = self._describe(troubles, idempotent)
        raise self._failure

    def _describe(self, troubles: list[tuple[Endpoint, Trouble]], idempotent: bool) -> RemoteError:
        words = "; ".join(f"{endpoint}: {trouble.words}" for endpoint, trouble in troubles)
        if not idempotent and any(trouble.sent for _, trouble in troubles):
            words += "; whether the request was carried out is not known"
        kinds = {trouble.kind for _, trouble in troubles}
        kind = kinds.pop() if len(kinds) == 1 else UnreachableError
        return kind(self.remote.name, self.clean(words))

    async def _ask(
        self, endpoint: Endpoint, method: str, path: str, query: Mapping[str, str | int], *, fresh: bool
    ) -> Answer | Trouble:
        """One request to one endpoint; with `fresh`, over a connection of its own."""
        client = None if fresh else self._clients.get(endpoint)
        if client is None:
            try:
                client = self._open(endpoint)
            except OSError as error:
                words = f"{self.remote.ca_file or 'the system trust store'}: no CA certificates ({error.strerror})"
                return Trouble(CertificateError, words, sent=False)
        if fresh:
            async with client:
                return await self._exchange(client, endpoint, method, path, query)
        self._clients[endpoint] = client
        return await self._exchange(client, endpoint, method, path, query)

    async def _exchange(
        self, client: httpx.AsyncClient, endpoint: Endpoint, method: str, path: str, query: Mapping[str, str | int]
    ) -> Answer | Trouble:
        url = f"https://{endpoint}/api2/json{path}"
        asked = self._now()
        try:
            async with client.stream(method, url, params=query or None) as response:
                answered = self._now()
                body = await self._read(response)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            return describe_trouble(error, endpoint)
        self.latency = time.monotonic() - asked.steady
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            date = parsedate_to_datetime(response.headers.get("date")).timestamp()
            self.clocks.note(endpoint, Shown(date, asked, answered))
        reason = response.extensions.get("reason_phrase", b"").decode("utf-8", "replace")
        return Answer(response.status_code, reason, body)

    def _open(self, endpoint: Endpoint) -> httpx.AsyncClient:
        if endpoint.fingerprint is None:
            context = trusting_context(self.remote.ca_file)
        else:
            context = pinning_context()
        return httpx.AsyncClient(
            transport=Transport(context, endpoint.fingerprint, self._connections),
            auth=None if self._anonymous else _Token(self.remote),
            headers={"accept": "application/json", "accept-encoding": "gzip", "user-agent": "remote-tasks"},
            # The whole request has its deadline elsewhere: a limit for each read would not stop a slow drip.
            timeout=httpx.Timeout(None, connect=self._connect_timeout),
            trust_env=False,
        )

    async def _read(self, response: httpx.Response) -> bytes:
        """The body, never more than MAX_ANSWER of it: httpx decompresses without a bound. Raises AnswerError."""
        told = response.headers.get("content-encoding", "identity")
        encoding = told.strip().lower()
        if encoding not in ("identity", "gzip"):
            raise self.unreadable(f"an answer in an encoding not asked for ({told})")
        inflater = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        pieces: list[bytes] = []
        size = 0
        try:
            async for piece in response.aiter_raw():
                if inflater is not None:
                    piece = inflater.decompress(piece, MAX_ANSWER + 1 - size)
                size += len(piece)
                if size > MAX_ANSWER:
                    raise self.unreadable(f"an answer of more than {MAX_ANSWER >> 20} MiB")
                pieces.append(piece)
        except zlib.error:
            raise self.unreadable("a damaged gzip stream") from None
        if inflater is not None and size and not inflater.eof:
            raise self.unreadable("a truncated gzip stream")
        return b"".join(pieces)

    def unreadable(self, what: str) -> AnswerError:
        """The error for an answer that no API of a Proxmox remote would give."""
        return AnswerError(self.remote.name, self.clean(f"the remote sent {what}"))

    def clean(self, words: str) -> str:
        """Words that may quote the remote: one line, bounded, safe to print, and without the secret, which a
        hostile remote could send back."""
        words = safe(" ".join(mask(self.remote.secret, words).split()))
        return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 1] + "…"

    def beginning(self, body: bytes, size: int) -> str:
        """The first bytes of a body as text, without the secret."""
        return mask_bytes(self.remote.secret, body)[:size].decode("utf-8", "replace")

    def _now(self) -> Moment:
        return Moment(time.monotonic(), self._clock())

    async def aclose(self) -> None:
        """Close all connections."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.aclose()


class _Token(httpx.Auth):
    """Adds the API token to each request, at the last moment: the header stands in no variable of ours."""

    def __init__(self, remote: RemoteConfig) -> None:
        self._remote = remote

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        remote = self._remote
        if remote.type == "pve":
            token = f"PVEAPIToken={remote.token_id}={remote.secret.reveal()}"
        else:
            token = f"PBSAPIToken={remote.token_id}:{quote(remote.secret.reveal(), safe='')}"
        request.headers["Authorization"] = token
        yield request
