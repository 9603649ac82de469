"""`remote-tasks log`: a task's log, from its remote."""

import time
from functools import partial

import click

from backend.client import RemoteClient, RemoteError
from backend.commands.asking import ask_remote
from backend.commands.command import Command, Places, with_places_options
from backend.commands.progress import Progress
from backend.commands.track import read_task
from backend.remote_tasks import log_lines
from backend.task import Task
from backend.text import safe_line
from backend.times import format_duration

TOLD_AFTER = 3.0
"""After how many seconds without a new line a terminal is told that the task still runs."""


@click.command("log", cls=Command, short_help="Print a task's log.")
@click.argument("upid", metavar="REMOTE-UPID")
@click.option("--follow", "-f", is_flag=True, help="Go on while the task runs, and end when it does.")
@with_places_options
def log_command(places: Places, upid: str, follow: bool) -> None:
    """Print the log of the task with this remote UPID.

    \b
      remote-tasks log --follow \\
          'pve:wien!UPID:pve1:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:'

    `remote-tasks list --upid` shows the remote UPIDs; a shell wants them in single quotes.

    Asks the remote itself, with the token of the configuration. On a terminal and in a pipe alike the lines come
    as the remote has them, but for characters that could steer a terminal: those are shown as signs (␛ for an
    escape). Tabs stay.

    The exit status says whether the log could be read; `remote-tasks wait` tells how a task ends.
    """
    task = read_task(upid)
    ask_remote(places, task, partial(_print, task, follow))


async def _print(task: Task, follow: bool, client: RemoteClient) -> None:
    progress = Progress()
    last_line = time.monotonic()

    def tell(error: RemoteError) -> None:
        progress.hide()
        click.echo(f"{error}; asking again", err=True)

    def wait() -> None:
        quiet = time.monotonic() - last_line
        if quiet >= TOLD_AFTER:
            running = format_duration(task.duration(time.time()))
            progress.show(f"still running, {running} by now · nothing new for {format_duration(quiet)}")

    try:
        async for line in log_lines(client, task.upid, follow=follow, trouble=tell, waiting=wait):
            progress.hide()
            click.echo(safe_line(line))
            last_line = time.monotonic()
    finally:
        progress.hide()
