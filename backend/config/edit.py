"""Changes to the text of a configuration file that leave every other line of it as it is: a remote's table added,
written anew, taken out. Nothing here reads or writes files;
what is handed in is valid TOML."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from backend.config.lines import HEADER, read_path
from backend.config.model import DEFAULT_PORTS, Endpoint, RemoteConfig


class EditError(ValueError):
    """The text cannot be changed without taking it apart; the words say what is to be changed by hand."""


def remote_table(remote: RemoteConfig, secret: tuple[str, str]) -> str:
    """A remote as a table of TOML. `secret` is the key that tells where its secret is, and that key's value.
    Raises EditError."""
    lines = [f"[remotes.{_key(remote.name)}]", f"type = {_quoted(remote.type)}"]
    shared = _shared_fingerprint(remote)
    lines += nodes_lines(remote)
    if shared is not None:
        lines.append(f"fingerprint = {_quoted(shared)}")
    if remote.ca_file is not None:
        lines.append(f"ca-file = {_quoted(str(remote.ca_file))}")
    lines += [f"token-id = {_quoted(remote.token_id)}", f"{secret[0]} = {_quoted(secret[1])}"]
    return "\n".join(lines) + "\n"


def nodes_lines(remote: RemoteConfig, more: Sequence[Endpoint] = ()) -> list[str]:
    """The lines of a remote's table that name its nodes, and `more` beside them, each with the fingerprint that it
    has. Raises EditError."""
    shared = _shared_fingerprint(remote)
    nodes = [_node(node, remote, shared) for node in remote.nodes]
    nodes += [_node(node, remote, None) for node in more]
    if len(nodes) == 1:
        return [f"nodes = [{nodes[0]}]"]
    return ["nodes = [", *(f"    {node}," for node in nodes), "]"]


def _shared_fingerprint(remote: RemoteConfig) -> str | None:
    """The fingerprint that all of its nodes have, which its table names once."""
    fingerprints = {node.fingerprint for node in remote.nodes}
    return remote.nodes[0].fingerprint if len(fingerprints) == 1 else None


def put_table(text: str, name: str, table: str) -> str:
    """The text with a remote's table in place of the one it has, or at its end. Raises EditError."""
    newline = "\r\n" if "\r\n" in text else "\n"
    table = table.replace("\n", newline)
    lines = text.splitlines(keepends=True)
    spans = list(_spans(lines, name))
    if spans:
        (first, end), *others = spans
        for start, stop in reversed(others):
            del lines[start:stop]
        lines[first:end] = [table]
        changed = "".join(lines)
    else:
        if text and not text.endswith("\n"):
            text += newline
        changed = text + (newline if text.strip() else "") + table
    wanted = tomllib.loads(text)
    _remotes(wanted)[name] = tomllib.loads(table)["remotes"][name]
    return _verified(changed, wanted, name)


def take_table(text: str, name: str) -> str:
    """The text without a remote's table. Comments between it and the next one stay. Raises EditError, also if
    there is none."""
    lines = text.splitlines(keepends=True)
    for start, end in reversed(list(_spans(lines, name))):
        if end < len(lines) and not lines[end].strip():
            end += 1
        del lines[start:end]
    wanted = tomllib.loads(text)
    if _remotes(wanted).pop(name, None) is None:
        raise EditError(f"there is no remote {name}")
    return _verified("".join(lines), wanted, name)


def _spans(lines: list[str], name: str) -> Iterator[tuple[int, int]]:
    """From where to where the tables of a remote reach: from the head to the last line that is neither blank nor a
    comment. Lines within a text of several lines may be taken for others: the outcome is to be verified."""
    start = end = None
    for number, line in enumerate(lines):
        header = HEADER.fullmatch(line.rstrip("\r\n"))
        if header is not None:
            if start is not None and end is not None:
                yield start, end
            start = number if read_path(header["path"])[:2] == ("remotes", name) else None
        if line.strip() and not line.lstrip().startswith("#"):
            end = number + 1
    if start is not None and end is not None:
        yield start, end


def _remotes(content: dict[str, Any]) -> dict[str, Any]:
    remotes = content.setdefault("remotes", {})
    if not isinstance(remotes, dict):
        raise EditError("remotes is no table; change it by hand")
    return remotes


def _verified(changed: str, wanted: dict[str, Any], name: str) -> str:
    """The changed text, if it means what it is to mean."""
    try:
        content = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        content = {}
    # An empty table of remotes is as good as none.
    if _without_empty(content) != _without_empty(wanted):
        raise EditError(f"{name} is not written as a table [remotes.{name}] of its own; change it by hand")
    return changed


def _without_empty(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value != {}}


def _node(node: Endpoint, remote: RemoteConfig, shared: str | None) -> str:
    host = str(node) if node.port != DEFAULT_PORTS[remote.type] else node.host
    if node.fingerprint in (None, shared):
        return _quoted(host)
    return f"{{ host = {_quoted(host)}, fingerprint = {_quoted(node.fingerprint)} }}"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string: JSON's but for DEL, which JSON lets stand. Raises EditError."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise EditError(f"{text!a} is no UTF-8 text, as all of a configuration is") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
