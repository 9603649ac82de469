"""What the commands share that ask a task's own remote: from the task to a client, and failures in one line."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from backend.client import RemoteClient, RemoteError
from backend.commands.command import INTERRUPTED, Places
from backend.remote_tasks import UnknownRemote, open_remote
from backend.task import Task

T = TypeVar("T")


def ask_remote(places: Places, task: Task, ask: Callable[[RemoteClient], Coroutine[Any, Any, T]]) -> T:
    """Ask the task's remote. Raises ClickException in the remote's words, or ConfigError; an interrupt ends the
    process as a shell expects it."""
    config = places.load()

    async def run() -> T:
        async with open_remote(config, task) as client:
            return await ask(client)

    try:
        return asyncio.run(run())
    except UnknownRemote as error:
        raise click.ClickException(str(error)) from None
    except RemoteError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
