"""What both APIs have in common: who asks, which call a path means, what a call gets and how it refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import unquote

from backend.simulator.fleet import SimulatedRemote, Token
from backend.simulator.messages import Request
from backend.simulator.parameters import Checked, Parameter, check
from backend.simulator.stream import SimulatedTask


class Refusal(Exception):
    """A call that is answered with an error: `errors` by parameter, where parameters are at fault."""

    def __init__(self, status: int, text: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.errors = errors


class Result(NamedTuple):
    """What a call gives: `data`, the `total` beside it where there is one, and how many tasks it lists."""

    data: Any
    total: int | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in.

    Attributes:
        now: whole UNIX seconds, by the fleet's clock.
        path: what stood in the path in place of `{node}`, `{upid}`, …
        given: its parameters, not checked yet.
    """

    remote: SimulatedRemote
    token: Token
    now: int
    path: dict[str, str]
    given: dict[str, list[str]]

    def checked(self, schema: dict[str, Parameter]) -> Checked:
        """The parameters, if the schema takes them. Raises ParameterErrors."""
        return check(self.remote.type, schema, self.given)

    def may_see(self, task: SimulatedTask) -> bool:
        """Whether the task is one's own, or Sys.Audit shows those of others."""
        return self.token.may("Sys.Audit") or task.user == self.token.id


Handler = Callable[[Call], Result]


class Routes:
    """The calls of an API, by method and path; a path's `{name}` stands for any one part."""

    def __init__(self, calls: dict[str, Handler]) -> None:
        """`calls` by method and path: `GET /nodes/{node}/tasks`."""
        self._calls = []
        for name, handler in calls.items():
            method, _, path = name.partition(" ")
            self._calls.append((method, path.strip("/").split("/"), handler))

    def find(self, method: str, segments: list[str]) -> tuple[Handler, list[str], dict[str, str]] | None:
        """The handler, its path's parts as written above, and what stands for their names; None for no such
        call."""
        for allowed, parts, handler in self._calls:
            if allowed != method or len(parts) != len(segments):
                continue
            pairs = list(zip(parts, segments, strict=True))
            if all(part == segment or part.startswith("{") for part, segment in pairs):
                return handler, parts, {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}
        return None


def route_name(remote: SimulatedRemote, parts: list[str], path: dict[str, str]) -> str:
    """The path to count a request by: with the node's name, if there is such a node, and no other variable."""
    node = path.get("node")
    return "/" + "/".join(node if part == "{node}" and node in remote.nodes else part for part in parts)


def realms_of(remote: SimulatedRemote, request: Request) -> list[dict[str, str]] | None:
    """The realms, if that is what is asked for: anybody may, as the login form has to."""
    if request.method != "GET" or request.path != "/api2/json/access/domains":
        return None
    comments = {"pam": "Linux PAM standard authentication", remote.type: f"Proxmox {remote.type.upper()} realm"}
    return [{"realm": name, "type": name, "comment": comment} for name, comment in comments.items()]


def find_token(remote: SimulatedRemote, request: Request) -> Token | None:
    """Whose token the request bears; None for a wrong one, or none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition("=")
    if scheme != f"{remote.type.upper()}APIToken":
        return None
    token_id, _, secret = credentials.partition("=" if remote.type == "pve" else ":")
    for token in remote.tokens:
        if token.id == token_id and token.secret == unquote(secret):
            return token
    return None


def phrase_of(status: int) -> str:
    """HTTP's own words for a status; of one that it does not know, its number."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"error {status}"


def split_user(user: str) -> dict[str, str]:
    """A user or token as rows split it: `user`, and `tokenid` if it is a token."""
    name, _, token = user.partition("!")
    return {"user": name, "tokenid": token} if token else {"user": name}
