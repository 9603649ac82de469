"""The dashboard's own way to a task's remote: for what is not in the cache, its log and its stop."""

import asyncio
from collections.abc import Callable

from backend.client import RemoteClient
from backend.config import Config, ConfigError
from backend.remote_tasks import UnknownRemote, open_remote
from backend.task import Task
from backend.text import safe

_TIMEOUT = 20.0
_CONNECT_TIMEOUT = 5.0


class NoAccess(Exception):
    """A remote cannot be asked at all; `str()` says why, safe to print."""


class Access:
    """Opens clients of the remotes in the configuration as it is then.

    Args:
        load: reads the configuration, and raises ConfigError; None: there is none.
    """

    def __init__(self, load: Callable[[], Config] | None) -> None:
        self._load = load

    async def open(self, task: Task) -> RemoteClient:
        """A client of the task's remote, to be closed by the caller. Raises NoAccess."""
        if self._load is None:
            raise NoAccess("this dashboard has no configuration to ask a remote with")
        try:
            config = await asyncio.to_thread(self._load)
            return open_remote(config, task, timeout=_TIMEOUT, connect_timeout=_CONNECT_TIMEOUT)
        except (ConfigError, UnknownRemote, OSError) as error:
            raise NoAccess(safe(str(error))) from None
