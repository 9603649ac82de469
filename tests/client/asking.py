"""Asking a server its version: the simplest request there is, for tests of what surrounds one."""

import traceback

import pytest

from backend.client import RemoteError, open_client
from backend.config import RemoteConfig
from tests.client.server import SECRET, Reply, Request, data

VERSION = data({"version": "9.2.1"})


def version(_: Request) -> Reply:
    return VERSION


async def fail(remote: RemoteConfig, seconds: float = 30.0) -> RemoteError:
    """The error of asking a remote its version, with a deadline."""
    async with open_client(remote, timeout=seconds) as client:
        with pytest.raises(RemoteError) as caught:
            await client.version()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value
