"""`remote-tasks remotes add`: a remote into the configuration, looked at before it is written."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import click

from backend.client import RemoteError
from backend.client.check import check_remote
from backend.client.members import other_endpoints
from backend.commands.command import Command, Places, with_places_options
from backend.commands.remotes.files import ConfigurationFile, require_place
from backend.commands.remotes.questions import ask, confirm, need_terminal, on_terminal, say
from backend.commands.remotes.secret import TokenSecret, find_secret
from backend.commands.remotes.told import tell_steps
from backend.commands.remotes.trust import trusted
from backend.config import Endpoint, RemoteConfig, default_config_path
from backend.config.edit import EditError, remote_table
from backend.config.values import read_endpoint, read_fingerprint, read_name, read_token_id
from backend.upid import RemoteType

T = TypeVar("T")

_MEMBER_SECONDS = 5.0
"""Seconds within which another node of a cluster has to answer to be offered."""

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


@click.command("add", cls=Command)
@click.argument("name")
@click.option("--type", "type_", type=click.Choice(["pve", "pbs"]), help="Proxmox VE or Proxmox Backup Server.")
@click.option(
    "--host", "hosts", multiple=True, metavar="HOST[:PORT]", help="Where a node answers; may be repeated."
)
@click.option(
    "--fingerprint", "fingerprints", multiple=True, help="The certificate's SHA-256 fingerprint; may be repeated."
)
@click.option("--ca-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.option("--token-id", metavar="USER@REALM!NAME")
@click.option(
    "--token-secret-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The file that holds the token's secret.",
)
@click.option("--token-secret-env", metavar="NAME", help="The environment variable that holds it.")
@click.option("--all-nodes", is_flag=True, help="Add the cluster's other nodes, too, without asking.")
@click.option("--yes", is_flag=True, help="Accept the certificates that are shown, without asking.")
@click.option("--replace", "replacing", is_flag=True, help="Write the remote anew if it is there already.")
@with_places_options
def add_command(
    places: Places,
    name: str,
    type_: str | None,
    hosts: tuple[str, ...],
    fingerprints: tuple[str, ...],
    ca_file: Path | None,
    token_id: str | None,
    token_secret_file: Path | None,
    token_secret_env: str | None,
    all_nodes: bool,
    yes: bool,
    replacing: bool,
) -> None:
    """Add a PVE cluster or a PBS host to the configuration, under the NAME that it is to have here.

    Asks for what no option gives. The remote is connected to and looked at as by `remotes --check`; only then
    the configuration is written, with all else in it as it was. A secret that is typed goes into a file of its
    own, NAME.secret beside the configuration. With all options given, nothing is asked:

    \b
      remote-tasks remotes add wien --type pve --host pve1.example.com \\
          --fingerprint AA:BB:… --token-id 'monitor@pve!tasks' --token-secret-file FILE
    """
    file = ConfigurationFile(places.config or default_config_path())
    _read("NAME", read_name, name)
    if name in file and not replacing:
        raise click.ClickException(f"{name} is in {file.path} already; with --replace it is written anew")
    if token_secret_file and token_secret_env:
        raise click.UsageError("--token-secret-file and --token-secret-env do not go together")
    has_secret = bool(token_secret_file or token_secret_env)
    required = {
        "--type": type_,
        "--host": hosts,
        "--token-id": token_id,
        "--token-secret-file or --token-secret-env": has_secret,
    }
    need_terminal([option for option, given in required.items() if not given])
    secret_file = file.secret_file(name)
    if not has_secret and secret_file.exists() and not file.owns_secret_file(name):
        raise click.ClickException(
            f"{secret_file} is there already, and not {name}'s; remove it, or give it with --token-secret-file"
        )
    for place in (file.path,) if has_secret else (file.path, secret_file):
        require_place(place)
    known = [_read("--fingerprint", read_fingerprint, text) for text in fingerprints]
    if token_id is not None:
        _read("--token-id", read_token_id, token_id)
    if type_ is None:
        type = ask("Is it a PVE cluster or a PBS host (pve, pbs)?", _read_type, default="pve")
    else:
        type = _read("--type", _read_type, type_)

    def read_host(text: str) -> Endpoint:
        return read_endpoint(text, type, None)

    nodes = [_read("--host", read_host, host) for host in hosts] or [
        ask("Host name or IP address of one of its nodes", read_host)
    ]
    if len({str(node) for node in nodes}) < len(nodes):
        raise click.UsageError("--host: one of them is given twice")
    ca_file = ca_file and ca_file.absolute()
    nodes = [trusted(node, type, given=known, ca_file=ca_file, yes=yes) for node in nodes]
    if not (token_id and has_secret) and on_terminal():
        say(f"\n{_MAKE_TOKEN[type]}")
    token_id = token_id or ask("Token id", read_token_id, default=f"monitor@{type}!tasks")
    secret = find_secret(token_secret_file, token_secret_env, new_file=secret_file)
    remote = RemoteConfig(name, type, tuple(nodes), token_id, secret.value, ca_file)
    _check(remote)
    if type == "pve" and (all_nodes or on_terminal()):
        remote = _with_other_nodes(remote, ask_first=not all_nodes)
    _write(file, remote, secret)
    say(f"added {name} to {file.path}")


def _read_type(text: str) -> RemoteType:
    match text.lower():
        case "pve":
            return "pve"
        case "pbs":
            return "pbs"
    raise ValueError("expected pve or pbs")


def _read(option: str, reader: Callable[[str], T], text: str) -> T:
    """The value of an option. Raises UsageError that names it."""
    try:
        return reader(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None


def _check(remote: RemoteConfig) -> None:
    """Look at the remote, and tell. Raises ClickException or Abort if something fails, unless the user puts up
    with it."""
    say(f"\nlooking at {remote.name} …")
    steps = asyncio.run(check_remote(remote))
    for line in tell_steps(steps):
        say(line)
    if any(step.result == "failed" for step in steps):
        if not on_terminal():
            raise click.ClickException("nothing was written: the check failed")
        if not confirm("Something failed. Write it to the configuration all the same?", default=False):
            raise click.Abort


def _with_other_nodes(remote: RemoteConfig, *, ask_first: bool) -> RemoteConfig:
    """The remote with the other nodes of its cluster, as far as they are found and wanted."""
    say("\nlooking for the other nodes of the cluster …")
    try:
        others = asyncio.run(other_endpoints(remote, seconds=_MEMBER_SECONDS))
    except RemoteError as error:
        say(f"  {error.words}")
        return remote
    found = []
    for member, endpoint in others:
        if endpoint is None:
            say(f"  {member.name}: not found from here; add it by hand if it has an address of its own")
        else:
            say(f"  {member.name}: {endpoint}")
            found.append(endpoint)
    if not found:
        say("  none to add")
    elif not ask_first or confirm("Add them? With them, the cluster is reached while one is down.", default=True):
        return replace(remote, nodes=tuple({str(node): node for node in (*remote.nodes, *found)}.values()))
    return remote


def _write(file: ConfigurationFile, remote: RemoteConfig, secret: TokenSecret) -> None:
    """Write the configuration, and the secret if it was typed."""
    try:
        table = remote_table(remote, (secret.key, secret.place))
    except EditError as error:
        raise click.ClickException(str(error)) from None
    file.put(remote.name, table, None if secret.new_file is None else secret.value)
