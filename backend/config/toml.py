"""The configuration file: `[settings]`, `[remotes.NAME]` and `[keys]`, in TOML."""

import hashlib
import os
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from backend.config.lines import KeyLines
from backend.config.model import Config, ConfigError, Endpoint, KeyWish, RemoteConfig, Secret, Settings
from backend.config.pdm import read_pdm_remotes, shadow_of
from backend.config.table import Table
from backend.config.values import (
    check_private,
    read_endpoint,
    read_fingerprint,
    read_name,
    read_secret,
    read_secret_file,
    read_token_id,
    resolve,
)
from backend.times import parse_duration
from backend.upid import RemoteType

_AT = re.compile(r" \(at line (?P<line>\d+), column \d+\)$")
_SECRETS = ("token-secret-file", "token-secret-env", "token-secret")
_TYPES: dict[str, RemoteType] = {"pve": "pve", "pbs": "pbs"}
_LONGEST_INTERVAL = 7 * 86_400


def load_config(path: Path) -> Config:
    """Read a configuration file and all it names. A remote of PDM's gives way to one of the same name in the file
    itself. Raises ConfigError."""
    # Each goes in before it is read: what cannot be read now is to be watched as well.
    files = {path}
    try:
        return _load(path, files)
    except ConfigError as error:
        error.files = frozenset(files)
        raise


def read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a configuration file and what is in it, as far as TOML goes. Raises ConfigError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}:1: the configuration cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: the configuration is no UTF-8 text") from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        at = _AT.search(words)
        line = int(at["line"]) if at else text.rstrip("\n").count("\n") + 1
        raise ConfigError(f"{path}:{line}: no valid TOML: {_AT.sub('', words)}") from None
    except RecursionError:
        raise ConfigError(f"{path}:1: no valid TOML: nested too deeply") from None


def _load(path: Path, files: set[Path]) -> Config:
    text, content = read_toml(path)
    root = Table(path, KeyLines(text), (), content)
    root.allow("settings", "remotes", "keys")
    settings = _settings(root.table("settings"), files)
    remotes: dict[str, RemoteConfig] = {}
    if settings.pdm_remotes is not None:
        files.add(shadow_of(settings.pdm_remotes))
        remotes |= read_pdm_remotes(settings.pdm_remotes)
    section = root.table("remotes")
    for name in section.content:
        try:
            read_name(name)
        except ValueError as error:
            raise section.error(str(error), name) from None
        remotes[name] = _remote(section.table(name), name, files)
    return Config(path, settings, remotes, _keys(root.table("keys")), frozenset(files))


def _settings(table: Table, files: set[Path]) -> Settings:
    table.allow(
        "fetch-interval",
        "poll-interval",
        "keep-days",
        "max-connections",
        "max-connections-per-remote",
        "pdm-remotes",
    )
    defaults = Settings()
    return Settings(
        fetch_interval=_interval(table, "fetch-interval", 10) or defaults.fetch_interval,
        poll_interval=_interval(table, "poll-interval", 1) or defaults.poll_interval,
        keep_days=_number(table, "keep-days", 3650) or defaults.keep_days,
        max_connections=_number(table, "max-connections", 1000) or defaults.max_connections,
        max_connections_per_remote=_number(table, "max-connections-per-remote", 100)
        or defaults.max_connections_per_remote,
        pdm_remotes=_file(table, "pdm-remotes", files)[0],
    )


def _keys(table: Table) -> dict[str, KeyWish]:
    """The keys of actions, whose names the dashboard knows."""
    wishes = {}
    for action, value in table.content.items():
        keys = (value,) if isinstance(value, str) else value
        if not isinstance(keys, tuple | list) or not keys or not all(isinstance(key, str) for key in keys):
            raise table.error(f'{action}: expected a key in quotes such as "n", or a list of them', action)
        wishes[action] = KeyWish(tuple(keys), table.where(action))
    return wishes


def _interval(table: Table, key: str, shortest: int) -> int | None:
    seconds = table.read(key, parse_duration)
    if seconds is not None and not shortest <= seconds <= _LONGEST_INTERVAL:
        raise table.error(f"{key}: expected {shortest}s to 7d, not {table.content[key]!r}", key)
    return seconds


def _number(table: Table, key: str, largest: int) -> int | None:
    number = table.get(key, int)
    if number is not None and not 1 <= number <= largest:
        raise table.error(f"{key}: expected 1 to {largest}, not {number}", key)
    return number


def _file(table: Table, key: str, files: set[Path]) -> tuple[Path | None, bytes | None]:
    """A file that can be read, and the SHA-256 of what it holds."""
    path = table.read(key, partial(resolve, folder=table.file.parent))
    if path is None:
        return None, None
    files.add(path)
    try:
        return path, hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        raise table.error(f"{key}: {path} cannot be read: {error.strerror}", key) from None


def _remote(table: Table, name: str, files: set[Path]) -> RemoteConfig:
    table.allow("type", "nodes", "fingerprint", "ca-file", "token-id", *_SECRETS)
    written = table.get("type", str)
    type = _TYPES.get(written or "")
    if type is None:
        raise table.error('type: expected "pve" or "pbs"' + (f", not {written!r}" if written else ""), "type")
    fingerprint = table.read("fingerprint", read_fingerprint)
    nodes = _nodes(table, type, fingerprint)
    ca_file, ca_digest = _file(table, "ca-file", files)
    token_id = table.read("token-id", read_token_id)
    if token_id is None:
        raise table.error("expected token-id, such as monitor@pve!tasks")
    return RemoteConfig(name, type, nodes, token_id, _secret(table, files), ca_file, ca_digest)


def _nodes(table: Table, type: RemoteType, fingerprint: str | None) -> tuple[Endpoint, ...]:
    rows = table.get("nodes", list)
    if not rows:
        raise table.error('nodes: expected at least one host, as in nodes = ["pve1.example.com"]', "nodes")
    nodes: list[Endpoint] = []
    for row in rows:
        host, own = row, None
        if isinstance(row, dict):
            unknown = [key for key in row if key not in ("host", "fingerprint")]
            if unknown:
                raise table.error(f"nodes: unknown key {unknown[0]!r}; expected host, fingerprint", "nodes")
            host, own = row.get("host"), row.get("fingerprint")
        if not isinstance(host, str) or not isinstance(own, str | None):
            raise table.error('nodes: expected hosts in quotes, or { host = "…", fingerprint = "…" }', "nodes")
        try:
            own = fingerprint if own is None else read_fingerprint(own)
            node = read_endpoint(host, type, own)
        except ValueError as error:
            raise table.error(f"nodes: {error}", "nodes", content=host) from None
        if any(str(node) == str(other) for other in nodes):
            raise table.error(f"nodes: {node} stands here twice", "nodes", content=host)
        nodes.append(node)
    return tuple(nodes)


def _secret(table: Table, files: set[Path]) -> Secret:
    given = [key for key in table.content if key in _SECRETS]
    if len(given) != 1:
        many = f", not both {given[0]} and {given[1]}" if given else ""
        raise table.error(f"expected one of {', '.join(_SECRETS)}{many}", *given[1:2])
    (key,) = given
    text = table.get(key, str) or ""
    try:
        if key == "token-secret-env":
            value = os.environ.get(text)
            if value is None:
                # Without its name: it may be the secret itself.
                raise ValueError(
                    "no environment variable of this name is set; expected a variable that holds the secret"
                )
            return read_secret(value)
        if key == "token-secret-file":
            path = resolve(text, table.file.parent)
            files.add(path)
            return read_secret_file(path)
        check_private(table.file)
        return read_secret(text)
    except (ValueError, OSError) as error:
        raise table.error(f"{key}: {error}", key) from None
