"""The configuration as values: settings, remotes, endpoints, secrets. Nothing here reads files."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from backend.upid import RemoteType

DEFAULT_PORTS: dict[RemoteType, int] = {"pve": 8006, "pbs": 8007}


class ConfigError(Exception):
    """The configuration cannot be used; `str()` is `FILE:LINE: what is wrong and what was expected`, never with
    a secret in it. `files` are all files that were looked at: a change of one of them may mend it."""

    files: frozenset[Path] = frozenset()


class Secret:
    """A token's secret, which shows itself to no one but a caller of reveal()."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not to be pickled")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one node of a remote answers; `fingerprint` is `AA:BB:…` in upper case, None for normal certificate
    checks. `str()` is `HOST:PORT`, with brackets around an IPv6 address."""

    host: str
    port: int
    fingerprint: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """One remote: a PVE cluster or a PBS host. `nodes` are tried in their order; there is at least one.

    Two are equal if connecting to them is the same: `ca_digest`, the SHA-256 of what the ca-file holds, makes a
    remote another one when its ca-file was renewed.
    """

    name: str
    type: RemoteType
    nodes: tuple[Endpoint, ...]
    token_id: str
    secret: Secret
    ca_file: Path | None = None
    ca_digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the `[settings]` section holds.

    Attributes:
        fetch_interval: seconds between full rounds over all nodes.
        poll_interval: seconds between polls of the running and tracked tasks.
        keep_days: UTC days of history kept.
        max_connections: requests at a time over the whole fleet.
        max_connections_per_remote: requests at a time to one remote.
        pdm_remotes: PDM's remotes.cfg, whose remotes are added.
    """

    fetch_interval: int = 600
    poll_interval: int = 10
    keep_days: int = 7
    max_connections: int = 20
    max_connections_per_remote: int = 5
    pdm_remotes: Path | None = None


@dataclass(frozen=True, slots=True)
class KeyWish:
    """The keys that are to do an action of the dashboard's; `where` is `FILE:LINE`. Two are equal if they wish for
    the same. Which actions and keys there are, the dashboard knows."""

    keys: tuple[str, ...]
    where: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. `path` is the file it was read from, None if it was made otherwise; `files` are all
    files it depends on, to be watched; `keys` are wishes by the name of the action."""

    path: Path | None = None
    settings: Settings = Settings()
    remotes: dict[str, RemoteConfig] = field(default_factory=dict)
    keys: dict[str, KeyWish] = field(default_factory=dict)
    files: frozenset[Path] = frozenset()


def no_such_remote(name: str, known: Iterable[str], *, lacking: str = "no remote is called") -> str:
    """The words for a name that none of the known remotes has; `lacking` stands before it."""
    names = sorted(known)
    return f"{lacking} {name}; there {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}"
