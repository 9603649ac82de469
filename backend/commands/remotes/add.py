"""`remote-tasks remotes add`: a remote into the configuration, looked at before it is written."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.client.members import Member
from backend.client.tls import trusting_context
from backend.commands.command import Command, Places, with_places_options
from backend.commands.remotes.files import ConfigurationFile, require_place
from backend.commands.remotes.looking import checked, tell_missed, with_other_nodes
from backend.commands.remotes.questions import ask, need_terminal, on_terminal, say, settle
from backend.commands.remotes.secret import TokenSecret, find_secret
from backend.commands.remotes.trust import Refused, trusted
from backend.config import Endpoint, RemoteConfig
from backend.config.edit import EditError, remote_table
from backend.config.values import read_endpoint, read_fingerprint, read_name, read_token_id
from backend.upid import RemoteType

T = TypeVar("T")

_WHICH_NAME = "Name for it here, such as vienna"
_WHICH_HOST = "Host name or IP address of one of its nodes"
_WHICH_TOKEN = "Token id"
_WHICH_CA_FILE = "File with the authority's certificate"

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


@click.command("add", cls=Command, short_help="Add a PVE cluster or a PBS host to the configuration.")
@click.argument("name", required=False)
@click.option("--type", "type_", type=click.Choice(["pve", "pbs"]), help="Proxmox VE or Proxmox Backup Server.")
@click.option("--host", "hosts", multiple=True, metavar="HOST[:PORT]", help="Where a node answers; repeatable.")
@click.option(
    "--fingerprint",
    "fingerprints",
    multiple=True,
    metavar="AA:BB:…",
    help="SHA-256 of the certificate; repeatable.",
)
@click.option("--ca-file", metavar="FILE", help="The authority that vouches for the certificate, as PEM.")
@click.option("--token-id", metavar="ID", help="The API token, as in USER@REALM!NAME.")
@click.option("--token-secret-file", metavar="FILE", help="The file that holds the token's secret.")
@click.option("--token-secret-env", metavar="NAME", help="The environment variable that holds it.")
@click.option("--all-nodes", is_flag=True, help="Add the cluster's other nodes, too, without asking.")
@click.option("--yes", is_flag=True, help="Accept the certificates that are shown, without asking.")
@click.option("--replace", "replacing", is_flag=True, help="Write the remote anew if it is there already.")
@with_places_options
def add_command(places: Places, name: str | None, replacing: bool, **options: Any) -> None:
    """Add a PVE cluster or a PBS host to the configuration, under the NAME that it is to have here.

    \b
      remote-tasks remotes add
      remote-tasks remotes add wien

    Asks for what is not given, and once more for what turns out to be wrong. The remote is connected to and
    looked at as by `remotes --check`; only then the configuration is written, with all else in it as it was.
    Ctrl-C gives up, and so does an empty answer where none is proposed; nothing is written then. A secret that
    is typed goes into a file of its own, NAME.secret beside the configuration. With the name and all options
    given, nothing is asked:

    \b
      remote-tasks remotes add wien --type pve --host pve1.example.com \\
          --fingerprint AA:BB:… --token-id 'monitor@pve!tasks' \\
          --token-secret-file FILE
    """
    file = ConfigurationFile(places.config_file)
    unused = partial(_read_unused, file, replacing)
    if name is not None:
        _read("NAME", read_name, name)
        try:
            unused(name)
        except ValueError as error:
            raise click.ClickException(str(error)) from None
    try:
        remote, secret, missed = _made_out(file, name, unused, **options)
    except (click.Abort, KeyboardInterrupt):
        raise click.ClickException("given up; nothing was written") from None
    _write(file, remote, secret)
    say(f"added {remote.name} to {file.path}")
    tell_missed(missed, remote, file.path)
    say(f"Next: `{places.call('')}` shows its tasks; a dashboard or daemon at work takes it over by itself.")
    say(f"`{places.call('remotes add')}` adds another one.")


def _made_out(
    file: ConfigurationFile,
    name: str | None,
    unused: Callable[[str], str],
    *,
    type_: str | None,
    hosts: tuple[str, ...],
    fingerprints: tuple[str, ...],
    ca_file: str | None,
    token_id: str | None,
    token_secret_file: str | None,
    token_secret_env: str | None,
    all_nodes: bool,
    yes: bool,
) -> tuple[RemoteConfig, TokenSecret, list[Member]]:
    """The remote as the options and the answers tell it, looked at, and the nodes of its cluster that were not
    found. Raises Abort where the user gives up."""
    if token_secret_file and token_secret_env:
        raise click.UsageError("--token-secret-file and --token-secret-env do not go together")
    has_secret = bool(token_secret_file or token_secret_env)
    required = {
        "NAME": name,
        "--type": type_,
        "--host": hosts,
        "--token-id": token_id,
        "--token-secret-file or --token-secret-env": has_secret,
    }
    need_terminal([option for option, given in required.items() if not given])
    require_place(file.path)
    known = [_read("--fingerprint", read_fingerprint, text) for text in fingerprints]
    authority = None if ca_file is None else settle("--ca-file", ca_file, _read_ca_file, _WHICH_CA_FILE)
    if token_id is not None:
        token_id = settle("--token-id", token_id, read_token_id, _WHICH_TOKEN)
    if not all(required.values()):
        say("Ctrl-C gives up; so does an empty answer, unless one is proposed in [ ].")
        say("Nothing is written until the end.")

    def unused_with_place(text: str) -> str:
        name = unused(text)
        if not has_secret:
            try:
                file.new_secret_file(name)
            except click.ClickException as error:
                raise ValueError(error.message) from None
        return name

    if name is None:
        name = ask(_WHICH_NAME, unused_with_place)
    elif not has_secret:
        file.new_secret_file(name)
    new_file = partial(file.new_secret_file, name)
    if type_ is None:
        type = ask("Is it a PVE cluster or a PBS host (pve, pbs)?", _read_type)
    else:
        type = _read("--type", _read_type, type_)

    def read_host(text: str) -> Endpoint:
        return read_endpoint(text, type, None)

    def trust(node: Endpoint) -> Endpoint:
        """This endpoint, or on a terminal the one that the user names instead where it is refused."""
        while True:
            try:
                return trusted(node, type, given=known, ca_file=authority, yes=yes)
            except Refused as error:
                if not on_terminal():
                    raise click.ClickException(str(error)) from None
                say(f"{click.style('✗', fg='red')} {error}")
            node = ask(_WHICH_HOST, read_host)

    nodes = [settle("--host", host, read_host, _WHICH_HOST) for host in hosts] or [ask(_WHICH_HOST, read_host)]
    if len({str(node) for node in nodes}) < len(nodes):
        raise click.UsageError("--host: one of them is given twice")
    nodes = list({str(node): node for node in map(trust, nodes)}.values())
    if not (token_id and has_secret) and on_terminal():
        say(f"\n{_MAKE_TOKEN[type]}")
    token_id = token_id or ask(_WHICH_TOKEN, read_token_id, default=f"monitor@{type}!tasks")
    secret = find_secret(token_secret_file, token_secret_env, new_file=new_file)
    remote = RemoteConfig(name, type, tuple(nodes), token_id, secret.value, authority)
    remote, secret = checked(remote, secret, new_file=new_file)
    missed: list[Member] = []
    if type == "pve" and (all_nodes or on_terminal()):
        remote, missed = with_other_nodes(remote, ask_first=not all_nodes)
    return remote, secret, missed


def _read_unused(file: ConfigurationFile, replacing: bool, text: str) -> str:
    """A name for a remote that no other one has. Raises ValueError."""
    name = read_name(text)
    if name in file and not replacing:
        raise ValueError(f"{name} is in {file.path} already; with --replace it is written anew")
    return name


def _read_ca_file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    try:
        trusting_context(path)
    except OSError as error:
        raise ValueError(f"{path}: no CA certificates ({error.strerror})") from None
    return path


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


def _write(file: ConfigurationFile, remote: RemoteConfig, secret: TokenSecret) -> None:
    """Write the configuration, and the secret if it was typed."""
    try:
        table = remote_table(remote, (secret.key, secret.place))
    except EditError as error:
        raise click.ClickException(str(error)) from None
    file.put(remote.name, table, None if secret.new_file is None else secret.value)
