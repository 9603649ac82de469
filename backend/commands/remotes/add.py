"""`remote-tasks remotes add`: a remote into the configuration, looked at before it is written."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.client.members import Other
from backend.client.tls import trusting_context
from backend.commands.command import Command, Places, with_places_options
from backend.commands.remotes.draft import WHICH_TOKEN, Draft, Given, read_type
from backend.commands.remotes.files import ConfigurationFile, require_place
from backend.commands.remotes.looking import tell_missed, with_other_nodes
from backend.commands.remotes.questions import need_terminal, on_terminal, say, settle
from backend.commands.remotes.secret import TokenSecret, filled
from backend.config import RemoteConfig
from backend.config.edit import EditError, remote_table
from backend.config.values import read_fingerprint, read_name, read_token_id

T = TypeVar("T")

_WHICH_CA_FILE = "File with the authority's certificate"


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
    all_nodes = options.pop("all_nodes")
    try:
        given = _read_given(file, name, **options)
        remote, secret = Draft(file, given, unused).made_out()
        missed: list[Other] = []
        if remote.type == "pve" and (all_nodes or on_terminal()):
            remote, missed = with_other_nodes(remote, ask_first=not all_nodes)
    except (click.Abort, KeyboardInterrupt):
        raise click.ClickException("given up; nothing was written") from None
    _write(file, remote, secret)
    say(f"added {remote.name} to {file.path}")
    tell_missed(missed, remote, file.path, places.call(f"remotes --check {remote.name}"))
    say(f"Next: `{places.call('')}` shows its tasks; a dashboard or daemon at work takes it over by itself.")
    say(f"`{places.call('remotes add')}` adds another one.")


def _read_given(
    file: ConfigurationFile,
    name: str | None,
    *,
    type_: str | None,
    hosts: tuple[str, ...],
    fingerprints: tuple[str, ...],
    ca_file: str | None,
    token_id: str | None,
    token_secret_file: str | None,
    token_secret_env: str | None,
    yes: bool,
) -> Given:
    """What the options say. Raises UsageError; ClickException where the configuration cannot be written; Abort
    where the user gives up."""
    if token_secret_file and token_secret_env:
        raise click.UsageError("--token-secret-file and --token-secret-env do not go together")
    given = Given(
        name=name,
        type=None if type_ is None else _read("--type", read_type, type_),
        hosts=hosts,
        fingerprints=tuple(_read("--fingerprint", read_fingerprint, text) for text in fingerprints),
        token_id=token_id,
        secret_file=token_secret_file,
        secret_variable=token_secret_env,
        yes=yes,
    )
    need_terminal(given.missing)
    require_place(file.path)
    authority = None if ca_file is None else settle("--ca-file", ca_file, _read_ca_file, _WHICH_CA_FILE)
    if token_id is not None:
        token_id = settle("--token-id", token_id, read_token_id, WHICH_TOKEN)
    if token_secret_env is not None:
        given = replace(given, secret_variable=filled(token_secret_env))
    if given.missing:
        say("Ctrl-C gives up; so does an empty answer, unless one is proposed in [ ].")
        say("Nothing is written until the end.")
    return replace(given, authority=authority, token_id=token_id)


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
