"""`remote-tasks remotes remove`: take a remote out of the configuration."""

import contextlib

import click

from backend.commands.command import Command, Places, with_places_options
from backend.commands.remotes.files import ConfigurationFile
from backend.commands.remotes.questions import confirm, need_terminal, say
from backend.config import no_such_remote


@click.command("remove", cls=Command)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_places_options
def remove_command(places: Places, name: str, yes: bool) -> None:
    """Take the remote NAME out of the configuration.

    \b
      remote-tasks remotes remove wien

    Everything else in the file stays as it is, and the history of its tasks stays in the cache. Its secret goes,
    too, if it is in the file NAME.secret that `remotes add` made. On the remote itself the token stays valid.
    """
    places.require_named_config()
    path = places.config_file
    file = ConfigurationFile(path)
    if name not in file:
        raise click.ClickException(no_such_remote(name, file, lacking=f"{path} has no remote"))
    secret = file.secret_file(name) if file.owns_secret_file(name) else None
    if not yes:
        need_terminal(["--yes"])
        beside = f", and remove {secret}" if secret else ""
        if not confirm(f"Take {name} out of {path}{beside}?", default=False):
            raise click.Abort
    file.take(name)
    if secret is not None:
        with contextlib.suppress(FileNotFoundError):
            secret.unlink()
    say(f"took {name} out of {path}; on the remote itself its token is still valid")
