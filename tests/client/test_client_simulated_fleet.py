"""The client against the simulated fleet, by way of the configuration that the fleet writes of itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.client import PbsClient, PveClient, RemoteClient, open_client
from backend.config import load_config
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Task
from backend.upid import RemoteType


@asynccontextmanager
async def fleet(folder: Path, per_node: int, per_pbs: int) -> AsyncIterator[dict[RemoteType, RemoteClient]]:
    """Clients of a simulated PVE cluster and a simulated PBS host, by type."""
    options = SimulatorOptions(remotes=2, pbs=1, nodes=2, rate=0, tasks_per_node=per_node, tasks_per_pbs=per_pbs)
    async with Simulator(options) as simulator:
        path = folder / "config.toml"
        path.touch(mode=0o600)
        path.write_text(simulator.config_toml())
        clients = {remote.type: open_client(remote) for remote in load_config(path).remotes.values()}
        try:
            yield clients
        finally:
            for client in clients.values():
                await client.aclose()


async def all_tasks(client: RemoteClient, node: str, since: int | None = None) -> list[Task]:
    return [task async for page in client.tasks(node, since=since) for task in page.tasks]


async def test_both_products_answer_every_question(tmp_path: Path) -> None:
    async with fleet(tmp_path, 50, 50) as clients:
        assert isinstance(clients["pve"], PveClient) and isinstance(clients["pbs"], PbsClient)
        for client in clients.values():
            nodes = await client.nodes()
            assert await client.version()
            permissions = await client.permissions()
            assert all(permissions.allows("Sys.Audit", client.audit_path(node.name)) for node in nodes)
            current = await client.current()
            tasks = await all_tasks(client, nodes[0].name)
            assert current.rejected == 0 and tasks
            ended = next(task for task in tasks if not task.running)
            assert await client.find(ended.upid) == ended
            state = await client.status(ended.upid)
            assert not state.running and state.exitstatus == ended.status
            lines = await client.log(ended.upid)
            assert [line.number for line in lines] == list(range(1, len(lines) + 1))
            assert await client.log(ended.upid, start=1, limit=2) == lines[1:3]
            assert client.latency is not None and client.clock_skew is not None


async def test_a_long_history_is_paged_to_its_end(tmp_path: Path) -> None:
    async with fleet(tmp_path, 10, 4_321) as clients:
        tasks = await all_tasks(clients["pbs"], "localhost")
        finished = {task.upid for task in tasks if not task.running}
        assert len(finished) == 4_321
        starts = sorted(task.starttime for task in tasks)
        since = starts[len(starts) // 2]
        later = await all_tasks(clients["pbs"], "localhost", since)
        assert {task.upid for task in later} == {task.upid for task in tasks if task.starttime >= since}
