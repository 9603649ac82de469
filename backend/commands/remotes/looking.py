"""How `remotes add` looks at a remote before it is written: all steps of a check, and the other nodes of its
cluster."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from backend.client import RemoteError
from backend.client.check import check_remote
from backend.client.members import Member, Other, other_nodes
from backend.commands.remotes.questions import ask, confirm, on_terminal, say
from backend.commands.remotes.told import tell_steps
from backend.commands.remotes.trust import OWN_FINGERPRINT
from backend.config import Endpoint, RemoteConfig
from backend.config.edit import EditError, nodes_lines

_MEMBER_SECONDS = 5.0
"""Seconds within which another node of a cluster has to answer to be offered."""


class TokenRefused(Exception):
    """The remote does not accept the token, and there is somebody to ask for another."""


def check(remote: RemoteConfig, *, back: str | None) -> None:
    """Look at the remote, and tell. Returns if all is well, or the user puts up with what is not. Raises
    TokenRefused; ClickException without a terminal; Abort where the user gives up; Back."""
    while True:
        say(f"\nlooking at {remote.name} …")
        steps = asyncio.run(check_remote(remote))
        for line in tell_steps(steps):
            say(line)
        failed = {step.check for step in steps if step.result == "failed"}
        if not failed:
            return
        if not on_terminal():
            raise click.ClickException("nothing was written: the check failed")
        if "token" in failed:
            raise TokenRefused
        say("\nSomething failed.")
        question = "Look again, write it all the same, or stop (again, write, stop)?"
        wish = ask(question, _read_wish, default="again", back=back)
        if wish == "stop":
            raise click.Abort
        if wish == "write":
            return


def _read_wish(text: str) -> Literal["again", "write", "stop"]:
    match text.lower():
        case "again":
            return "again"
        case "write":
            return "write"
        case "stop":
            return "stop"
    raise ValueError("expected again, write or stop")


def with_other_nodes(remote: RemoteConfig, *, ask_first: bool) -> tuple[RemoteConfig, list[Other]]:
    """The remote with the other nodes of its cluster, as far as they are found and wanted; and those that are not
    found."""
    say("\nlooking for the other nodes of the cluster …")
    try:
        others = asyncio.run(other_nodes(remote, seconds=_MEMBER_SECONDS))
    except RemoteError as error:
        say(f"  {error.words}")
        return remote, []
    for other in others:
        say(f"  {other.member.name}: {_where(other)}")
    found = [other.endpoint for other in others if other.endpoint is not None]
    if not found:
        say("  none to add")
    elif not ask_first or confirm("Add them? With them, the cluster is reached while one is down.", default=True):
        remote = replace(remote, nodes=tuple({str(node): node for node in (*remote.nodes, *found)}.values()))
    return remote, [other for other in others if other.endpoint is None]


def _where(other: Other) -> str:
    if other.endpoint is not None:
        return str(other.endpoint)
    if other.shown is not None:
        return f"perhaps {other.shown}, with a certificate that neither the cluster nor an authority vouches for"
    return "not found from here"


def tell_missed(missed: Sequence[Other], remote: RemoteConfig, path: Path, check: str) -> None:
    """Tell how nodes that were not found get into the configuration at `path`, which has the remote by now, and
    that the command `check` looks at them then."""
    if not missed:
        return
    by_fingerprint = remote.nodes[0].fingerprint is not None
    more = [other.shown or _unknown(other.member, remote.nodes[0].port, by_fingerprint) for other in missed]
    names = ", ".join(other.member.name for other in missed)
    try:
        lines = nodes_lines(remote, more)
    except EditError as error:
        say(f"\nNot found from here: {names}. To reach {remote.name} through them, too, add them by hand: {error}")
        return
    say(
        f"\nNot found from here: {names}. Tasks there are fetched through the "
        f"others. To reach {remote.name} through them, too, have this under [remotes.{remote.name}] in {path}:"
    )
    for line in lines:
        # not folded: it is to be copied
        click.echo(f"  {line}", err=True)
    if any(node.fingerprint is not None for node in more):
        say(f"Each node has a certificate of its own; `{OWN_FINGERPRINT['pve']}` prints its fingerprint there.")
    if any(other.shown is not None for other in missed):
        say("What is written above as seen from here is to be compared with that.")
    say(f"Look at it with `{check}` then.\n")


def _unknown(member: Member, port: int, by_fingerprint: bool) -> Endpoint:
    fingerprint = member.fingerprint or f"FINGERPRINT-OF-{member.name}"
    return Endpoint(f"ADDRESS-OF-{member.name}", port, fingerprint if by_fingerprint else None)
