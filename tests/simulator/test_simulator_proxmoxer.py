"""The simulated fleet as proxmoxer, a client of a third party, sees it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from proxmoxer import ProxmoxAPI, ResourceException

from backend.simulator import SimulatedRemote, Simulator, SimulatorOptions, Token

T = TypeVar("T")


def client(remote: SimulatedRemote, token: Token, directory: Path) -> Any:
    """A client that trusts the remote's certificate and no other."""
    authority = directory / f"{remote.name}.pem"
    authority.write_text(remote.certificate.pem)
    user, _, name = token.id.partition("!")
    return ProxmoxAPI(
        "127.0.0.1",
        port=remote.port,
        user=user,
        token_name=name,
        token_value=token.secret,
        verify_ssl=str(authority),
        service=remote.type.upper(),
        timeout=10,
    )


async def as_client(
    remote_name: str, directory: Path, use: Callable[[Any, Simulator], T], token: str = "token"
) -> T:
    """What `use` makes of a client of that remote, in a thread of its own."""
    async with Simulator(SimulatorOptions(remotes=2, auth_delay=0.0)) as simulator:
        remote = simulator.remotes[remote_name]

        def run() -> T:
            api = client(remote, getattr(remote, token), directory)
            try:
                return use(api, simulator)
            finally:
                api._store["session"].close()

        return await asyncio.to_thread(run)


async def test_it_finds_version_nodes_and_privileges(tmp_path: Path) -> None:
    def use(api: Any, simulator: Simulator) -> None:
        assert api.version.get()["release"] == "9.2"
        assert [node["node"] for node in api.nodes.get()] == ["pve1", "pve2", "pve3"]
        assert api.access.permissions.get()["/nodes"]["Sys.Audit"] == 1
        assert api.access.permissions.get(path="/nodes/pve2").keys() == {"/nodes/pve2"}
        assert {row["type"] for row in api.cluster.status.get()} == {"cluster", "node"}

    await as_client("wien", tmp_path, use)


async def test_it_lists_tasks_with_every_filter(tmp_path: Path) -> None:
    def use(api: Any, simulator: Simulator) -> None:
        tasks = api.nodes("pve2").tasks
        everything = tasks.get(source="all", limit=1_000)
        middle = sorted(row["starttime"] for row in everything)[350]

        assert len(everything) >= 700
        assert tasks.get(start=10, limit=5) == tasks.get(limit=15)[10:]
        assert all(row["starttime"] >= middle for row in tasks.get(since=middle, limit=1_000))
        assert all(row["starttime"] <= middle for row in tasks.get(until=middle, limit=1_000))
        assert all(row["status"] != "OK" for row in tasks.get(errors=1))
        assert all(row["status"].startswith("WARNINGS: ") for row in tasks.get(statusfilter="warning"))
        assert {row["type"] for row in tasks.get(typefilter="vzdump")} == {"vzdump"}
        guest = next(row["id"] for row in everything if row["id"].isdecimal())
        assert {row["id"] for row in tasks.get(vmid=guest)} == {guest}
        assert {row["tokenid"] for row in tasks.get(userfilter="!terraform")} == {"terraform"}
        assert api.cluster.tasks.get()

    await as_client("wien", tmp_path, use)


async def test_it_starts_follows_and_stops_a_task(tmp_path: Path) -> None:
    def use(api: Any, simulator: Simulator) -> None:
        node = api.nodes("pve1")
        upid = node.vzdump.post(vmid=100, mode="snapshot")
        assert node.tasks(upid).status.get()["status"] == "running"
        assert upid in {row["upid"] for row in node.tasks.get(source="active")}
        assert upid in {row["upid"] for row in api.cluster.tasks.get()}
        assert node.tasks(upid).log.get()[0]["n"] == 1
        assert node.tasks(upid).get() == [{"name": "log"}, {"name": "status"}]

        node.tasks(upid).delete()

        assert node.tasks(upid).status.get()["status"] == "stopped"
        assert upid in {row["upid"] for row in node.tasks.get(source="archive", limit=5)}
        assert ":qmstop:100:" in node.qemu(100).status.stop.post()

    await as_client("wien", tmp_path, use)


async def test_it_is_told_what_it_may_not(tmp_path: Path) -> None:
    def use(api: Any, simulator: Simulator) -> None:
        assert api.nodes("pve1").tasks.get() == []
        upid = simulator.start_task("wien", "pve1", "vzdump", duration=60)
        with pytest.raises(ResourceException, match=r"403.*Sys\.Audit"):
            api.nodes("pve1").tasks(upid).status.get()
        with pytest.raises(ResourceException, match=r"403.*Sys\.Modify"):
            api.nodes("pve1").tasks(upid).delete()

    await as_client("wien", tmp_path, use, token="low")


async def test_it_works_a_backup_server(tmp_path: Path) -> None:
    def use(api: Any, simulator: Simulator) -> None:
        tasks = api.nodes("localhost").tasks
        upid = simulator.start_task("pbs-001", "localhost", "backup", "store1:vm/100", duration=600)

        assert api.version.get()["version"]
        assert upid in {row["upid"] for row in tasks.get(running=1)}
        assert len(tasks.get(limit=0)) >= 5_000
        assert len(tasks.get(start=100, limit=20)) == 20
        assert tasks(upid).status.get()["status"] == "running"
        assert tasks(upid).log.get(start=0)[0]["n"] == 1
        tasks(upid).delete()
        assert tasks(upid).status.get()["exitstatus"] == "task aborted"

    await as_client("pbs-001", tmp_path, use)
