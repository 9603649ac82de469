"""How `remotes add` looks at a remote before it is written: all steps of a check, what failed asked for again, and
the other nodes of its cluster."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from backend.client import RemoteError
from backend.client.check import check_remote
from backend.client.members import Member, other_endpoints
from backend.commands.remotes.questions import ask, confirm, on_terminal, say
from backend.commands.remotes.secret import TokenSecret, another_secret
from backend.commands.remotes.told import tell_steps
from backend.config import Endpoint, RemoteConfig
from backend.config.edit import nodes_lines
from backend.config.values import read_token_id

_MEMBER_SECONDS = 5.0
"""Seconds within which another node of a cluster has to answer to be offered."""


def checked(
    remote: RemoteConfig, secret: TokenSecret, *, new_file: Callable[[], Path]
) -> tuple[RemoteConfig, TokenSecret]:
    """Look at the remote, and tell: the remote and the secret with which all is well, or that the user puts up
    with. On a terminal a token that is not accepted is asked for again. Raises ClickException, or Abort where the
    user gives up."""
    while True:
        say(f"\nlooking at {remote.name} …")
        steps = asyncio.run(check_remote(remote))
        for line in tell_steps(steps):
            say(line)
        failed = {step.check for step in steps if step.result == "failed"}
        if not failed:
            return remote, secret
        if not on_terminal():
            raise click.ClickException("nothing was written: the check failed")
        if "token" in failed:
            say("\nThe token is not accepted. Give its id and secret again.")
            token_id = ask("Token id", read_token_id, default=remote.token_id)
            secret = another_secret(secret, new_file=new_file)
            remote = replace(remote, token_id=token_id, secret=secret.value)
            continue
        say("\nSomething failed.")
        wish = ask("Look again, write it all the same, or stop (again, write, stop)?", _read_wish, default="again")
        if wish == "stop":
            raise click.Abort
        if wish == "write":
            return remote, secret


def _read_wish(text: str) -> Literal["again", "write", "stop"]:
    match text.lower():
        case "again":
            return "again"
        case "write":
            return "write"
        case "stop":
            return "stop"
    raise ValueError("expected again, write or stop")


def with_other_nodes(remote: RemoteConfig, *, ask_first: bool) -> tuple[RemoteConfig, list[Member]]:
    """The remote with the other nodes of its cluster, as far as they are found and wanted; and those that are not
    found."""
    say("\nlooking for the other nodes of the cluster …")
    try:
        others = asyncio.run(other_endpoints(remote, seconds=_MEMBER_SECONDS))
    except RemoteError as error:
        say(f"  {error.words}")
        return remote, []
    found, missed = [], []
    for member, endpoint in others:
        if endpoint is None:
            say(f"  {member.name}: not found from here")
            missed.append(member)
        else:
            say(f"  {member.name}: {endpoint}")
            found.append(endpoint)
    if not found:
        say("  none to add")
    elif not ask_first or confirm("Add them? With them, the cluster is reached while one is down.", default=True):
        remote = replace(remote, nodes=tuple({str(node): node for node in (*remote.nodes, *found)}.values()))
    return remote, missed


def tell_missed(missed: Sequence[Member], remote: RemoteConfig, path: Path) -> None:
    """Tell how nodes that were not found get into the configuration at `path`, which has the remote by now."""
    if not missed:
        return
    by_fingerprint = remote.nodes[0].fingerprint is not None
    more = [
        Endpoint(
            f"ADDRESS-OF-{member.name}",
            remote.nodes[0].port,
            (member.fingerprint or f"FINGERPRINT-OF-{member.name}") if by_fingerprint else None,
        )
        for member in missed
    ]
    names = ", ".join(member.name for member in missed)
    say(
        f"\nNot found from here: {names}. Tasks there are fetched through the "
        f"others. To reach {remote.name} through them, too, have this under [remotes.{remote.name}] in {path}:"
    )
    for line in nodes_lines(remote, more):
        # not folded: it is to be copied
        click.echo(f"  {line}", err=True)
    say(f"and look at it with `remote-tasks remotes --check {remote.name}`.\n")
