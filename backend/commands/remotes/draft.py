"""A remote as `remotes add` makes it out: from the options, and for the rest from one question after another, with
a way back to the one before."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from backend.commands.remotes.files import ConfigurationFile
from backend.commands.remotes.hosts import WHICH_HOST, Hosts
from backend.commands.remotes.looking import TokenRefused, check
from backend.commands.remotes.questions import Back, ask, on_terminal, say, settle
from backend.commands.remotes.secret import TokenSecret, another_secret, find_secret
from backend.config import Endpoint, RemoteConfig
from backend.config.values import read_endpoint, read_token_id
from backend.upid import RemoteType

_WHICH_NAME = "Name for it here, such as vienna"
_WHICH_TYPE = "Is it a PVE cluster or a PBS host (pve, pbs)?"
WHICH_TOKEN = "Token id"

_MAKE_TOKEN: dict[RemoteType, str] = {
    "pve": """\
An API token that may look at tasks is made so, on any node of the cluster:
  pveum user add monitor@pve
  pveum acl modify / --users monitor@pve --roles PVEAuditor
  pveum user token add monitor@pve tasks --privsep 0
The last command prints the token's id (full-tokenid) and its secret (value).""",
    "pbs": """\
An API token that may look at tasks is made so, on the Backup Server:
  proxmox-backup-manager user create monitor@pbs
  proxmox-backup-manager acl update / Audit --auth-id monitor@pbs
  proxmox-backup-manager user generate-token monitor@pbs tasks
  proxmox-backup-manager acl update / Audit --auth-id 'monitor@pbs!tasks'
The third command prints the token's id (tokenid) and its secret (value).""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the options of `remotes add` say, read; None or empty is asked for."""

    name: str | None
    type: RemoteType | None
    hosts: tuple[str, ...]
    fingerprints: tuple[str, ...]
    authority: Path | None = None
    token_id: str | None
    secret_file: str | None
    secret_variable: str | None
    yes: bool

    @property
    def has_secret(self) -> bool:
        return bool(self.secret_file or self.secret_variable)

    @property
    def missing(self) -> list[str]:
        """The options without which something has to be asked."""
        given = {
            "NAME": self.name,
            "--type": self.type,
            "--host": self.hosts,
            "--token-id": self.token_id,
            "--token-secret-file or --token-secret-env": self.has_secret,
        }
        return [option for option, value in given.items() if not value]


class _Step(NamedTuple):
    """One thing to find out.

    Attributes:
        name: what a way back to it is called by.
        settle: finds it out, and tells whether it was asked for. It is given what a way back leads to, None for
            nothing.
    """

    name: str
    settle: Callable[[str | None], bool]


class Draft:
    """The remote so far. `made_out` finds out what is missing."""

    def __init__(self, file: ConfigurationFile, given: Given, unused: Callable[[str], str]) -> None:
        """`unused` reads a name for a remote, and raises ValueError for one that is taken."""
        self._file = file
        self._given = given
        self._unused = unused
        self._name = given.name or ""
        self._type: RemoteType = given.type or "pve"
        self._hosts = Hosts(given.fingerprints, given.authority, yes=given.yes)
        self._nodes: tuple[Endpoint, ...] = ()
        self._token_id = given.token_id or ""
        self._token_told: RemoteType | None = None
        self._token_refused = False
        self._secret: TokenSecret | None = None

    def made_out(self) -> tuple[RemoteConfig, TokenSecret]:
        """The remote, looked at, with its secret. Raises Abort where the user gives up, ClickException."""
        token = _Step("the token id", self._settle_token_id)
        steps = [
            _Step("the name", self._settle_name),
            _Step("the type", self._settle_type),
            _Step("the host", self._settle_nodes),
            token,
            _Step("the secret", self._settle_secret),
            _Step("", self._look),
        ]
        asked: list[int] = []
        at = 0
        while at < len(steps):
            try:
                if steps[at].settle(steps[asked[-1]].name if asked else None):
                    asked.append(at)
                at += 1
            except Back:
                at = asked.pop()
            except TokenRefused:
                say("\nThe token is not accepted. Give its id and secret again.")
                self._token_refused = True
                at = steps.index(token)
                asked = [step for step in asked if step < at]
        assert self._secret is not None
        return self._remote(self._secret), self._secret

    def _settle_name(self, back: str | None) -> bool:
        if self._given.name is None:
            self._name = ask(_WHICH_NAME, self._read_name, default=self._name, back=back)
            return True
        if not self._given.has_secret:
            self._new_secret_file()
        return False

    def _read_name(self, text: str) -> str:
        name = self._unused(text)
        if not self._given.has_secret:
            try:
                self._file.new_secret_file(name)
            except click.ClickException as error:
                raise ValueError(error.message) from None
        return name

    def _new_secret_file(self) -> Path:
        return self._file.new_secret_file(self._name)

    def _settle_type(self, back: str | None) -> bool:
        if self._given.type is not None:
            return False
        self._type = ask(_WHICH_TYPE, read_type, back=back)
        return True

    def _settle_nodes(self, back: str | None) -> bool:
        options = self._given.hosts
        if options:
            read = partial(read_endpoint, type=self._type, fingerprint=None)
            nodes = [settle("--host", host, read, WHICH_HOST) for host in options]
            if len({str(node) for node in nodes}) < len(nodes):
                raise click.UsageError("--host: one of them is given twice")
        else:
            nodes = [self._hosts.ask(self._type, back)]
        self._nodes, self._type = self._hosts.believed(nodes, self._type, None if options else back)
        return not options

    def _settle_token_id(self, back: str | None) -> bool:
        if not (self._given.token_id and self._given.has_secret) and on_terminal():
            if self._token_told != self._type:
                say(f"\n{_MAKE_TOKEN[self._type]}")
                # made for the other product, it would not do here
                self._token_id = self._given.token_id or ""
            self._token_told = self._type
        if self._given.token_id is not None and not self._token_refused:
            return False
        proposed = self._token_id or f"monitor@{self._type}!tasks"
        self._token_id = ask(WHICH_TOKEN, read_token_id, default=proposed, back=back)
        return True

    def _settle_secret(self, back: str | None) -> bool:
        if self._token_refused and self._secret is not None:
            self._secret = another_secret(self._secret, new_file=self._new_secret_file, back=back)
            return True
        file, variable = self._given.secret_file, self._given.secret_variable
        self._secret = find_secret(file, variable, new_file=self._new_secret_file, back=back)
        return self._secret.new_file is not None

    def _look(self, back: str | None) -> bool:
        assert self._secret is not None
        check(self._remote(self._secret), back=back)
        return False

    def _remote(self, secret: TokenSecret) -> RemoteConfig:
        return RemoteConfig(
            self._name, self._type, self._nodes, self._token_id, secret.value, self._given.authority
        )


def read_type(text: str) -> RemoteType:
    """A type of remotes. Raises ValueError."""
    match text.lower():
        case "pve":
            return "pve"
        case "pbs":
            return "pbs"
    raise ValueError("expected pve or pbs")
