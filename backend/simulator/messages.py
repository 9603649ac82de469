"""A request and an answer, as the two APIs take and give them; how they travel is `connection`'s matter."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        target: path and query as they came.
        headers: names in lower case.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def segments(self) -> list[str]:
        """The path's parts, decoded one by one: a UPID stays in one piece."""
        return [unquote(part) for part in self.path.strip("/").split("/")]

    @property
    def parameters(self) -> dict[str, list[str]]:
        """What query and body (a form, or a JSON object) say; a name may come more than once."""
        found = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        if not self.body:
            return found
        if "json" in self.headers.get("content-type", ""):
            try:
                raw = orjson.loads(self.body)
            except ValueError:
                return found
            if isinstance(raw, dict):
                found.update({name: [_plain(value)] for name, value in raw.items()})
            return found
        return {**found, **parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)}


class Delivery(Enum):
    """How much of an answer arrives."""

    WHOLE = auto()
    HALF_THEN_RESET = auto()
    HALF_THEN_SILENCE = auto()
    NEVER = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        reason: the reason phrase; PVE puts its error messages there.
        headers: all but those about the connection and the length.
        body: not compressed.
        parts: the body in pieces, in place of `body`, for one that is too large to hold.
        route: what was asked for, of few different values, to count by: `/nodes/pve1/tasks/{upid}/log`.
        rows: how many tasks it lists.
        delay: seconds to wait before it is sent, besides the remote's latency.
        delivery: how much of it arrives; one in parts arrives as a whole, or never.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    parts: Iterator[bytes] | None = None
    route: str = ""
    rows: int = 0
    delay: float = 0.0
    delivery: Delivery = Delivery.WHOLE


Answerer = Callable[[Request], Awaitable[Answer]]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else str(value)
