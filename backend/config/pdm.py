"""The remotes of a Proxmox Datacenter Manager: `remotes.cfg`, and the secrets in `remotes.shadow` beside it."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from backend.config.model import ConfigError, Endpoint, RemoteConfig, Secret
from backend.config.values import check_private, read_endpoint, read_fingerprint, read_secret, read_token_id
from backend.upid import RemoteType, is_remote_name

_TYPES: dict[str, RemoteType] = {"pve": "pve", "pbs": "pbs"}
_ELSEWHERE = ("", "-")
_HEADER = re.compile(r"(?P<type>[a-z]+):\s*(?P<name>\S+)\s*")


@dataclass(slots=True)
class _Section:
    """A section of a section config: its header's parts and line, and its (key, value, line) in order."""

    type: str
    name: str
    line: int
    properties: list[tuple[str, str, int]] = field(default_factory=list)

    def get(self, key: str) -> tuple[str, int]:
        """The last value of a key and its line; empty, and the header's line, where it has none."""
        return next(
            ((value, line) for name, value, line in reversed(self.properties) if name == key), ("", self.line)
        )


def shadow_of(path: Path) -> Path:
    """The file that holds the secrets of a remotes.cfg."""
    return path.with_suffix(".shadow")


def read_pdm_remotes(path: Path) -> dict[str, RemoteConfig]:
    """PDM's remotes, by name. Raises ConfigError. Properties that we have no use for are passed over.

    PDM writes both files readable by its own group, so that is allowed here.
    """
    sections = [(section, _TYPES[section.type]) for section in _sections(path) if section.type in _TYPES]
    shadow = shadow_of(path)
    secrets: dict[str, tuple[str, int]] = {}
    if any(section.get("token")[0] in _ELSEWHERE for section, _ in sections):
        _refuse_open(shadow, 1)
        secrets = {section.name: section.get("token") for section in _sections(shadow)}
    return {section.name: _remote(path, section, type, secrets) for section, type in sections}


def _remote(path: Path, section: _Section, type: RemoteType, secrets: dict[str, tuple[str, int]]) -> RemoteConfig:
    if not is_remote_name(section.name):
        raise ConfigError(f"{path}:{section.line}: {section.name!r} is no name for a remote")
    nodes: list[Endpoint] = []
    for key, value, line in section.properties:
        if key == "nodes":
            try:
                nodes.append(_endpoint(value, type))
            except ValueError as error:
                raise ConfigError(f"{path}:{line}: nodes: {error}") from None
    if not nodes:
        raise ConfigError(f"{path}:{section.line}: {section.name} has no nodes")
    token_id, line = section.get("authid")
    try:
        read_token_id(token_id)
    except ValueError as error:
        raise ConfigError(f"{path}:{line}: authid: {error}") from None
    return RemoteConfig(section.name, type, tuple(nodes), token_id, _secret(path, section, secrets))


def _secret(path: Path, section: _Section, secrets: dict[str, tuple[str, int]]) -> Secret:
    token, line = section.get("token")
    if token in _ELSEWHERE:
        path = shadow_of(path)
        if section.name not in secrets:
            raise ConfigError(f"{path}:1: no secret of {section.name}; expected a section `pve: {section.name}`")
        token, line = secrets[section.name]
    else:
        _refuse_open(path, line)
    try:
        return read_secret(token)
    except ValueError as error:
        raise ConfigError(f"{path}:{line}: token: {error}") from None


def _endpoint(value: str, type: RemoteType) -> Endpoint:
    """A property string: `HOST,fingerprint=…`, the host with or without `hostname=`."""
    host, fingerprint = "", None
    for part in value.split(","):
        key, equals, content = part.strip().partition("=")
        if not equals or key == "hostname":
            host = content if equals else key
        elif key == "fingerprint":
            fingerprint = read_fingerprint(content)
    return read_endpoint(host, type, fingerprint)


def _sections(path: Path) -> list[_Section]:
    """Any Proxmox section config: a header, indented properties, a blank line; no comments."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}:1: PDM's remotes cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}:1: no UTF-8 text") from None
    sections: dict[str, _Section] = {}
    section: _Section | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            section = None
        elif section is None:
            header = _HEADER.fullmatch(line)
            if header is None:
                raise ConfigError(f"{path}:{number}: expected the head of a section, such as `pve: NAME`")
            if header["name"] in sections:
                raise ConfigError(f"{path}:{number}: {header['name']!r} stands here twice")
            section = sections[header["name"]] = _Section(header["type"], header["name"], number)
        else:
            key, _, value = line.strip().partition(" ")
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            section.properties.append((key, value, number))
    return list(sections.values())


def _refuse_open(path: Path, line: int) -> None:
    try:
        check_private(path, group_may_read=True)
    except ValueError as error:
        raise ConfigError(f"{path}:{line}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path}:{line}: PDM's secrets cannot be read: {error.strerror}") from None
