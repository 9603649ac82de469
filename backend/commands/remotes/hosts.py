"""The hosts of a remote to be added, each looked at before it gets a token: whose certificate it shows, and
whether it is what the user takes it for."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from backend.client.check import STEP_SECONDS
from backend.client.probe import reach
from backend.client.product import PRODUCTS, mistaken, other_type, product_at
from backend.commands.remotes.questions import ask, confirm, on_terminal, say, say_refused
from backend.commands.remotes.trust import Refused, trusted
from backend.config import Endpoint, RemoteConfig, Secret
from backend.config.model import DEFAULT_PORTS
from backend.config.values import read_endpoint
from backend.upid import RemoteType

WHICH_HOST = "Host name or IP address of one of its nodes"

_OTHER_PORT_SECONDS = 3.0
"""Seconds within which the other product's port has to take a connection to be spoken of."""


class Hosts:
    """How the hosts of one remote come to be believed."""

    def __init__(self, fingerprints: Sequence[str], authority: Path | None, *, yes: bool) -> None:
        """What the options say of certificates, as `trusted` takes it."""
        self._fingerprints = fingerprints
        self._authority = authority
        self._yes = yes
        self._named = ""

    def ask(self, type: RemoteType, back: str | None) -> Endpoint:
        """Ask for a host. Raises Abort, Back."""

        def read(text: str) -> Endpoint:
            endpoint = read_endpoint(text, type, None)
            self._named = text
            return endpoint

        return ask(WHICH_HOST, read, default=self._named, back=back)

    def believed(
        self, nodes: Sequence[Endpoint], type: RemoteType, back: str | None
    ) -> tuple[tuple[Endpoint, ...], RemoteType]:
        """The endpoints with what their certificates are known by, and the type of what answers there, which the
        user may have taken for the other. On a terminal another host is asked for in place of one that is refused.
        Raises ClickException, Abort, Back."""
        found: dict[str, Endpoint] = {}
        for node in nodes:
            while True:
                try:
                    node, type = self._look(node, type, may_change=not found)
                    break
                except Refused as error:
                    if not on_terminal():
                        raise click.ClickException(str(error)) from None
                    say_refused(str(error))
                node = self.ask(type, back)
            found[str(node)] = node
        return tuple(found.values()), type

    def _look(self, node: Endpoint, type: RemoteType, *, may_change: bool) -> tuple[Endpoint, RemoteType]:
        """The endpoint, believed, and what answers there. Raises Refused."""
        other = other_type(type)
        try:
            believed = self._trusted(node, type)
        except Refused as error:
            elsewhere = replace(node, port=DEFAULT_PORTS[other])
            if not (error.silent and may_change and node.port == DEFAULT_PORTS[type]):
                raise
            if asyncio.run(reach(elsewhere, _OTHER_PORT_SECONDS)) is not None:
                raise
            words = f"{error}; but port {elsewhere.port} is open there, the one of {PRODUCTS[other]}"
            self._offer(words, other)
            return self._look(elsewhere, other, may_change=False)
        if self._product(believed, type) != other:
            return believed, type
        words = f"{node}: {mistaken(other, type)}"
        if not may_change:
            raise Refused(words)
        self._offer(words, other)
        return believed, other

    def _offer(self, words: str, type: RemoteType) -> None:
        """Offer to go on with this type, on a terminal. Raises Refused with these words if that is not wanted."""
        if not on_terminal():
            raise Refused(f"{words}; give --type {type}")
        say(f"{click.style('!', fg='yellow')} {words}")
        if not confirm(f"Go on with it as {PRODUCTS[type]} ({type})?", default=True):
            raise Refused(words)

    def _trusted(self, node: Endpoint, type: RemoteType) -> Endpoint:
        return trusted(node, type, given=self._fingerprints, ca_file=self._authority, yes=self._yes)

    def _product(self, node: Endpoint, type: RemoteType) -> RemoteType | None:
        remote = RemoteConfig("", type, (node,), "", Secret(""), self._authority)
        return asyncio.run(product_at(remote, node, STEP_SECONDS))
