"""What an answer of the API says: its data, or its refusal as a typed error."""

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

from backend.client.errors import (
    ApiError,
    AuthenticationError,
    NodeOfflineError,
    NotFoundError,
    PermissionDeniedError,
    RemoteError,
)
from backend.client.masking import mask
from backend.text import repair_latin1

if TYPE_CHECKING:
    from backend.client.connection import Answer, Connection

_MISSING_PRIVILEGE = re.compile(r"\((?P<path>/[^\s,()]*), (?P<privilege>[A-Za-z.|, ]+)\)")
_NODE_IN_PATH = re.compile(r"/nodes/([^/]+)")
# PVE: no such task. PBS: a log file that is gone.
_GONE = re.compile(r"no such task|No such file or directory", re.IGNORECASE)
_PREVIEW = 80
"""Bytes that are quoted of an answer that is none."""
_LONGEST_WORDS = 2_000
"""Bytes of a refusal in plain text that are read."""


def read_data(connection: "Connection", path: str, answer: "Answer") -> Any:
    """The `data` of an answer to a request for `path`, of any JSON type. Raises RemoteError."""
    return read_content(connection, path, answer)["data"]


def read_content(connection: "Connection", path: str, answer: "Answer") -> dict[str, Any]:
    """The same with what stands beside `data`, such as `total`. Raises RemoteError."""
    if answer.status != 200:
        raise _refusal(connection, path, answer)
    try:
        content = decode_json(answer.body)
    except ValueError:
        preview = connection.beginning(answer.body, _PREVIEW)
        what = f"no JSON but {preview!r}" if preview.strip() else "an empty answer"
        raise connection.unreadable(f"{what}; is it a Proxmox API?") from None
    if not isinstance(content, dict) or "data" not in content:
        raise connection.unreadable("JSON without data; is it a Proxmox API?")
    return content


def decode_json(text: bytes) -> Any:
    """Decode JSON; a lone surrogate, or bytes that are no UTF-8, become `�` instead of spoiling the whole answer,
    as they do for orjson. Raises ValueError."""
    try:
        return orjson.loads(text)
    except ValueError:
        if b"\\ud" not in text and b"\\uD" not in text and _is_utf8(text):
            raise
    try:
        lenient = json.dumps(json.loads(text.decode("utf-8", "replace")), ensure_ascii=False)
        return orjson.loads(lenient.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refusal(connection: "Connection", path: str, answer: "Answer") -> RemoteError:
    name = connection.remote.name
    status = answer.status
    words = _words(connection, answer)
    if status == 401:
        told = connection.clean(
            f"the token {connection.remote.token_id} is not accepted ({words}); check token-id and secret, "
            "and on the remote that the token exists and has not expired"
        )
        return AuthenticationError(name, told)
    if status == 403:
        missing = _MISSING_PRIVILEGE.search(words)
        if missing is None:
            return PermissionDeniedError(name, connection.clean(f"the token may not do this: {words}"))
        privilege, path = missing["privilege"], missing["path"]
        told = f"the token lacks {privilege} on {path}; give it a role with that privilege there"
        return PermissionDeniedError(name, connection.clean(told), privilege, path)
    if status in (595, 596):
        in_path = _NODE_IN_PATH.match(path)
        node = in_path[1] if in_path else ""
        return NodeOfflineError(
            name, connection.clean(f"node {node} is not reachable from the others ({words})"), node
        )
    if 300 <= status < 400:
        return connection.unreadable(f"a redirect ({status}); is it a Proxmox API?")
    if status in (400, 404, 500) and _GONE.search(words):
        return NotFoundError(name, "the remote no longer has this task, or not its log")
    return ApiError(name, connection.clean(f"the API refused the request: {words} ({status})"), status)


def _words(connection: "Connection", answer: "Answer") -> str:
    """The remote's own words, without the secret: in PVE's reason, in newer ones' body too; in PBS's body only."""
    words = answer.reason.strip()
    details: list[str] = []
    try:
        content = decode_json(answer.body)
    except ValueError:
        content = None
        text = connection.beginning(answer.body, _LONGEST_WORDS).strip()
        if text and not text.startswith("<"):
            words = text
    if isinstance(content, dict):
        message = content.get("message")
        if isinstance(message, str) and message.strip():
            words = message.strip()
        errors = content.get("errors")
        if isinstance(errors, dict):
            details = [f"{key}: {str(value).strip()}" for key, value in list(errors.items())[:5]]
    words = "; ".join([words, *details]) if details else words
    words = mask(connection.remote.secret, words)
    return repair_latin1(words) if connection.remote.type == "pve" else words
