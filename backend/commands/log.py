"""`remote-tasks log`: a task's log, from its remote."""

from functools import partial

import click

from backend.client import RemoteClient, RemoteError
from backend.commands.asking import ask_remote
from backend.commands.command import Command, Places, with_places_options
from backend.commands.track import read_task
from backend.remote_tasks import log_lines
from backend.task import Task
from backend.text import safe_line


@click.command("log", cls=Command, short_help="Print a task's log.")
@click.argument("upid", metavar="REMOTE-UPID")
@click.option("--follow", "-f", is_flag=True, help="Go on while the task runs, and end when it does.")
@with_places_options
def log_command(places: Places, upid: str, follow: bool) -> None:
    """Print a task's log, as in pve:REMOTE!UPID:…

    Asks the remote itself, with the token of the configuration. On a terminal and in a pipe alike the lines come
    as the remote has them, but for characters that could steer a terminal: those are shown as signs (␛ for an
    escape). Tabs stay.

    The exit status says whether the log could be read; `remote-tasks wait` tells how a task ends, and
    `remote-tasks list --upid` shows the remote UPIDs.
    """
    task = read_task(upid)
    ask_remote(places, task, partial(_print, task, follow))


async def _print(task: Task, follow: bool, client: RemoteClient) -> None:
    async for line in log_lines(client, task.upid, follow=follow, trouble=_tell):
        click.echo(safe_line(line))


def _tell(error: RemoteError) -> None:
    click.echo(f"{error}; asking again", err=True)
