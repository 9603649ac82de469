"""What the commands share that ask a task's own remote: from the task to a client, and failures in one line."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import click

from backend.client import ApiError, NotFoundError, RemoteClient, RemoteError
from backend.commands.command import INTERRUPTED, Places
from backend.commands.unknown_task import advice, fault_of
from backend.remote_tasks import UnknownRemote, open_remote
from backend.task import Task

T = TypeVar("T")


def ask_remote(places: Places, task: Task, ask: Callable[[RemoteClient], Coroutine[Any, Any, T]]) -> T:
    """Ask the task's remote. Raises ClickException in the remote's words, with what cannot be right in the task's
    UPID, or ConfigError; an interrupt ends the process as a shell expects it."""
    config = places.load()

    async def run() -> T:
        async with open_remote(config, task) as client:
            try:
                return await ask(client)
            except (ApiError, NotFoundError) as error:
                told = advice if isinstance(error, NotFoundError) else fault_of
                words = told(task, await node_names(client))
                raise click.ClickException(f"{error}; {words}" if words else str(error)) from None

    try:
        return asyncio.run(run())
    except UnknownRemote as error:
        raise click.ClickException(str(error)) from None
    except RemoteError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


async def node_names(client: RemoteClient) -> list[str]:
    """The names of a remote's nodes; none where it does not tell."""
    try:
        return [node.name for node in await client.nodes()]
    except RemoteError:
        return []
