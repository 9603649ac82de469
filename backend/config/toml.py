"""The configuration file: `[settings]` and `[remotes.NAME]`, in TOML."""

import os
import re
import tomllib
from functools import partial
from pathlib import Path

from backend.config.lines import KeyLines
from backend.config.model import Config, ConfigError, Endpoint, RemoteConfig, Secret, Settings
from backend.config.pdm import read_pdm_remotes, shadow_of
from backend.config.table import Table
from backend.config.values import (
    check_private,
    read_endpoint,
    read_fingerprint,
    read_secret,
    read_secret_file,
    read_token_id,
    resolve,
)
from backend.times import parse_duration
from backend.upid import RemoteType, is_remote_name

_AT = re.compile(r" \(at line (?P<line>\d+), column \d+\)$")
_SECRETS = ("token-secret-file", "token-secret-env", "token-secret")
_TYPES: dict[str, RemoteType] = {"pve": "pve", "pbs": "pbs"}
_LONGEST_INTERVAL = 7 * 86_400


def load_config(path: Path) -> Config:
    """Read a configuration file and all it names. A remote of PDM's gives way to one of the same name in the file
    itself. Raises ConfigError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}:1: the configuration cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: the configuration is no UTF-8 text") from None
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        at = _AT.search(words)
        line = int(at["line"]) if at else text.rstrip("\n").count("\n") + 1
        raise ConfigError(f"{path}:{line}: no valid TOML: {_AT.sub('', words)}") from None
    root = Table(path, KeyLines(text), (), content)
    root.allow("settings", "remotes")
    files = {path}
    settings = _settings(root.table("settings"))
    remotes: dict[str, RemoteConfig] = {}
    if settings.pdm_remotes is not None:
        remotes |= read_pdm_remotes(settings.pdm_remotes)
        files |= {settings.pdm_remotes, shadow_of(settings.pdm_remotes)}
    section = root.table("remotes")
    for name in section.content:
        if not is_remote_name(name):
            raise section.error(
                f"{name!r} is no name for a remote; expected 2 to 32 letters, digits, `.`, `_`, `-`, "
                "beginning with a letter, a digit or `_`",
                name,
            )
        remotes[name] = _remote(section.table(name), name, files)
    return Config(path, settings, remotes, frozenset(files))


def _settings(table: Table) -> Settings:
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
        pdm_remotes=_file(table, "pdm-remotes"),
    )


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


def _file(table: Table, key: str) -> Path | None:
    """A file that is there and can be read."""
    path = table.read(key, partial(resolve, folder=table.file.parent))
    if path is not None:
        try:
            with path.open("rb"):
                pass
        except OSError as error:
            raise table.error(f"{key}: {path} cannot be read: {error.strerror}", key) from None
    return path


def _remote(table: Table, name: str, files: set[Path]) -> RemoteConfig:
    table.allow("type", "nodes", "fingerprint", "ca-file", "token-id", *_SECRETS)
    written = table.get("type", str)
    type = _TYPES.get(written or "")
    if type is None:
        raise table.error('type: expected "pve" or "pbs"' + (f", not {written!r}" if written else ""), "type")
    fingerprint = table.read("fingerprint", read_fingerprint)
    nodes = _nodes(table, type, fingerprint)
    ca_file = _file(table, "ca-file")
    if ca_file is not None:
        files.add(ca_file)
    token_id = table.read("token-id", read_token_id)
    if token_id is None:
        raise table.error("expected token-id, such as monitor@pve!tasks")
    return RemoteConfig(name, type, nodes, token_id, _secret(table, files), ca_file)


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
