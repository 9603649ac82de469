"""`remote-tasks stop`: ask a remote to stop a task."""

import sys
from functools import partial

import click

from backend.client import RemoteClient
from backend.commands.asking import ask_remote, node_names
from backend.commands.command import Command, Places, with_places_options
from backend.commands.track import read_task, task_words
from backend.commands.unknown_task import unknown_words
from backend.task import Task
from backend.text import safe


@click.command("stop", cls=Command, short_help="Ask a task's remote to stop it.")
@click.argument("upid", metavar="REMOTE-UPID")
@click.option("--yes", is_flag=True, help="Do not ask whether to.")
@with_places_options
def stop_command(places: Places, upid: str, yes: bool) -> None:
    """Ask the remote of the task with this remote UPID to stop it.

    \b
      remote-tasks stop \\
          'pve:wien!UPID:pve1:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:'

    `remote-tasks list --upid` shows the remote UPIDs; a shell wants them in single quotes.

    Asks first whether to, naming the task; without a terminal to ask on, --yes is needed. The remote may take its
    time: `remote-tasks wait` tells when the task has ended, and how. The token needs Sys.Modify on the node to
    stop tasks of others.

    The exit status is 0 if the remote was asked to stop it, and also if it has ended already, which is told; 1 if
    the remote does not know it, refuses, or cannot be asked, or if you decide against it.
    """
    task = read_task(upid)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("without a terminal to ask on, stopping a task needs --yes")
    found = ask_remote(places, task, partial(_find, task))
    if not found.running:
        click.echo(f"it has ended already: {safe(found.status_words)}", err=True)
        return
    if not yes and not click.confirm(f"Stop {task_words(task)}?", err=True):
        raise click.ClickException("left alone")
    ask_remote(places, task, partial(_stop, task))
    click.echo(f"asked {task.remote} to stop {safe(task.description)}", err=True)


async def _find(task: Task, client: RemoteClient) -> Task:
    found = await client.find(task.upid, pass_over=True)
    if found is None:
        raise click.ClickException(unknown_words(task, await node_names(client)))
    return found


async def _stop(task: Task, client: RemoteClient) -> None:
    await client.stop(task.upid)
