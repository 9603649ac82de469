"""A simulated fleet that misbehaves, and clients of it: the project's own and a plain one."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.client import RemoteClient, open_client
from backend.config import load_config
from backend.simulator import SimulatedRemote, Simulator, SimulatorOptions

NOW = 1_795_486_070
SMALL = SimulatorOptions(remotes=2, nodes=2, tasks_per_node=60, tasks_per_pbs=60, auth_delay=0.0)
"""A PVE cluster and a PBS host."""


class Clock:
    """UNIX seconds that pass only when a test says so."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def authorization(remote: SimulatedRemote) -> str:
    """The header's value with the token that may do everything."""
    separator = "=" if remote.type == "pve" else ":"
    return f"{remote.type.upper()}APIToken={remote.token.id}{separator}{remote.token.secret}"


class Fleet:
    """A listening fleet, with the project's own client for each remote, and `plain` for whoever asks without
    one."""

    def __init__(self, simulator: Simulator, clients: dict[str, RemoteClient], plain: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self.clients = clients
        self.plain = plain

    async def ask(self, remote: str, path: str, method: str = "GET", **params: Any) -> httpx.Response:
        """What a remote answers to a request for a path below /api2/json."""
        asked = self.simulator.remotes[remote]
        return await self.plain.request(
            method,
            f"https://127.0.0.1:{asked.port}/api2/json{path}",
            params=params or None,
            headers={"Authorization": authorization(asked)},
        )

    async def rows(self, remote: str, path: str, **params: Any) -> Any:
        """The data of a good answer."""
        answer = await self.ask(remote, path, **params)
        assert answer.status_code == 200, answer.reason_phrase
        return answer.json()["data"]


@asynccontextmanager
async def faulty(
    folder: Path,
    *faults: str,
    options: SimulatorOptions = SMALL,
    clock: Clock | None = None,
    patience: float = 20.0,
    connect_patience: float = 10.0,
) -> AsyncIterator[Fleet]:
    """A fleet with these faults from the start on. Clients wait for an answer for `patience` seconds, for a
    connection of that for `connect_patience`."""
    async with Simulator(options, clock or Clock(), faults=faults) as simulator:
        path = folder / "config.toml"
        path.touch(mode=0o600)
        path.write_text(simulator.config_toml())
        clients = {
            name: open_client(remote, timeout=patience, connect_timeout=connect_patience)
            for name, remote in load_config(path).remotes.items()
        }
        unchecked = ssl.create_default_context()
        unchecked.check_hostname = False
        unchecked.verify_mode = ssl.CERT_NONE
        async with httpx.AsyncClient(verify=unchecked, timeout=patience) as plain:
            try:
                yield Fleet(simulator, clients, plain)
            finally:
                for client in clients.values():
                    await client.aclose()
