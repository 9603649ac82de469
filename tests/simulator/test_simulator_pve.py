"""The PVE API of a simulated fleet, over HTTPS: paging, filters, privileges, logs, errors."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from backend.simulator import SimulatedRemote, Simulator, SimulatorOptions, Token
from backend.task import Status, Task, status_class

NOW = 1_795_486_070
LONG = "9" * 5_000


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Wien:
    """A simulated fleet of one PVE cluster, and a client of it."""

    def __init__(self, simulator: Simulator, clock: Clock, client: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self.clock = clock
        self.client = client

    @property
    def remote(self) -> SimulatedRemote:
        return self.simulator.remotes["wien"]

    async def ask(
        self, path: str, token: Token | None = None, method: str = "GET", **params: Any
    ) -> httpx.Response:
        token = token or self.remote.token
        return await self.client.request(
            method,
            f"https://127.0.0.1:{self.remote.port}/api2/json{path}",
            params=params or None,
            headers={"Authorization": f"PVEAPIToken={token.id}={token.secret}"},
        )

    async def data(self, path: str, **params: Any) -> Any:
        response = await self.ask(path, **params)
        assert response.status_code == 200, response.reason_phrase
        return response.json()["data"]

    def known(self, node: str) -> list[Task]:
        return [task for task in self.simulator.remembered("wien") if task.node == node]


@contextlib.asynccontextmanager
async def wien(**options: Any) -> AsyncIterator[Wien]:
    clock = Clock()
    settings = SimulatorOptions(**{"remotes": 1, "auth_delay": 0.0, **options})
    async with Simulator(settings, clock=clock) as simulator:
        trusted = ssl.create_default_context(cadata=simulator.remotes["wien"].certificate.pem)
        async with httpx.AsyncClient(verify=trusted) as client:
            yield Wien(simulator, clock, client)


def upids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["upid"] for row in rows]


async def test_paging_gives_every_remembered_task_once_newest_end_first() -> None:
    async with wien(tasks_per_node=230) as fleet:
        rows: list[dict[str, Any]] = []
        while page := await fleet.data("/nodes/pve1/tasks", start=len(rows), limit=50):
            rows += page

        assert len(set(upids(rows))) == len(rows) == 230
        assert set(upids(rows)) == {task.parsed.upid.text for task in fleet.known("pve1") if not task.running}
        assert [row["endtime"] for row in rows] == sorted((row["endtime"] for row in rows), reverse=True)


async def test_the_order_is_that_of_ends_not_of_starts() -> None:
    async with wien() as fleet:
        starts = [row["starttime"] for row in await fleet.data("/nodes/pve1/tasks", limit=700)]

        assert starts != sorted(starts, reverse=True)


async def test_running_tasks_come_first_and_are_told_apart_from_archived_ones() -> None:
    async with wien() as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", user="root@pam!tok", duration=100)

        everything = await fleet.data("/nodes/pve1/tasks", source="all", limit=3)
        assert upid in upids(await fleet.data("/nodes/pve1/tasks", source="active"))
        assert upid not in upids(await fleet.data("/nodes/pve1/tasks", limit=700))

        assert everything[0]["upid"] == upid
        assert everything[0]["status"] == "RUNNING"
        assert everything[0]["saved"] == "0"
        assert everything[0]["user"] == "root@pam!tok"
        fleet.clock.now += 100
        (row, *_) = await fleet.data("/nodes/pve1/tasks", typefilter="vzdump")
        assert (row["upid"], row["status"], row["endtime"]) == (upid, "OK", NOW + 100)
        assert (row["user"], row["tokenid"]) == ("root@pam", "tok")
        assert upid not in upids(await fleet.data("/nodes/pve1/tasks", source="active"))


async def test_filters_agree_with_the_truth() -> None:
    async with wien(rate=120) as fleet:
        fleet.clock.now += 3_600
        known = fleet.known("pve2")
        newest = sorted(task.starttime for task in known)[-150]

        async def listed(**params: Any) -> set[str]:
            return set(upids(await fleet.data("/nodes/pve2/tasks", source="all", limit=5_000, **params)))

        def expected(test: Any) -> set[str]:
            return {task.parsed.upid.text for task in known if test(task)}

        assert await listed() == expected(lambda task: True)
        assert await listed(since=newest) == expected(lambda task: task.starttime >= newest)
        assert await listed(until=newest) == expected(lambda task: task.starttime <= newest)
        assert await listed(since=newest, until=newest) == expected(lambda task: task.starttime == newest)
        assert await listed(errors=1) == expected(lambda task: task.status != "OK")
        assert await listed(statusfilter="warning,error") == expected(
            lambda task: task.status_class in (Status.WARNING, Status.ERROR)
        )
        assert await listed(statusfilter="unknown") == expected(
            lambda task: task.running or status_class(task.status) is Status.UNKNOWN
        )
        assert await listed(typefilter="qmstart") == expected(lambda task: task.worker_type == "qmstart")
        assert await listed(typefilter="qm") == set()
        assert await listed(userfilter="TERRAFORM") == expected(lambda task: "terraform" in task.user)
        assert await listed(vmid=104) == expected(lambda task: task.worker_id == "104")
        assert await listed(since=10**17) == set()


async def test_start_and_limit_apply_to_what_the_filters_leave() -> None:
    async with wien() as fleet:
        whole = await fleet.data("/nodes/pve1/tasks", source="all", userfilter="root", limit=700)

        page = await fleet.data("/nodes/pve1/tasks", source="all", userfilter="root", start=20, limit=15)

        assert page == whole[20:35]
        assert await fleet.data("/nodes/pve1/tasks", source="all", userfilter="root") == whole[:50]


async def test_total_counts_what_the_filters_leave_and_is_missing_when_that_is_nothing() -> None:
    async with wien() as fleet:
        everything = (await fleet.ask("/nodes/pve1/tasks", limit=1)).json()
        none_shown = (await fleet.ask("/nodes/pve1/tasks", limit=0)).json()
        filtered = (await fleet.ask("/nodes/pve1/tasks", typefilter="qmstart", limit=1)).json()
        nothing = (await fleet.ask("/nodes/pve1/tasks", typefilter="nosuch")).json()

        assert everything["total"] == 700 and len(everything["data"]) == 1
        assert none_shown == {"data": [], "total": 700}
        starts = [task for task in fleet.known("pve1") if task.worker_type == "qmstart" and not task.running]
        assert filtered["total"] == len(starts)
        assert nothing == {"data": []}


async def test_the_cluster_lists_all_running_and_up_to_25_tasks_of_each_node() -> None:
    async with wien() as fleet:
        started = {fleet.simulator.start_task("wien", "pve3", "qmstart", "100", duration=60) for _ in range(40)}
        fleet.simulator.set_offline("wien", "pve2")

        rows = await fleet.data("/cluster/tasks")

        by_node = {node: [row for row in rows if row["node"] == node] for node in ("pve1", "pve2", "pve3")}
        assert len(by_node["pve1"]) == 25
        assert by_node["pve2"] == []
        running = [row for row in by_node["pve3"] if "endtime" not in row]
        assert {row["upid"] for row in running} >= started
        assert all("status" not in row and "pstart" not in row for row in running)
        ended = [row for row in by_node["pve1"] if "endtime" in row]
        assert ended and all({"status", "saved", "user"} <= row.keys() for row in ended)


async def test_what_a_node_tells_its_cluster_is_cut_at_32_kib() -> None:
    async with wien(nodes=1) as fleet:
        for _ in range(400):
            fleet.simulator.start_task("wien", "pve1", "qmstart", "100", duration=60)

        response = await fleet.ask("/cluster/tasks")

        assert 31_000 < len(response.content) <= 33_000
        assert len(response.json()["data"]) < 400


async def test_non_ascii_statuses_and_logs_come_as_utf8_read_as_latin1() -> None:
    async with wien() as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", "101", duration=1, status="Gerät kaputt")
        fleet.clock.now += 1
        path = f"/nodes/pve1/tasks/{quote(upid, safe='')}"

        assert (await fleet.data("/nodes/pve1/tasks", vmid=101))[0]["status"] == "GerÃ¤t kaputt"
        assert (await fleet.data(f"{path}/status"))["exitstatus"] == "GerÃ¤t kaputt"
        assert (await fleet.data(f"{path}/log"))[-1]["t"] == "TASK ERROR: GerÃ¤t kaputt"


async def test_a_log_grows_while_its_task_runs_and_keeps_its_lines() -> None:
    async with wien() as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", "100", duration=300)
        path = f"/nodes/pve1/tasks/{quote(upid, safe='')}"
        seen: list[list[dict[str, Any]]] = []
        for later in (0, 10, 299, 300, 4_000):
            fleet.clock.now = NOW + later
            seen.append(await fleet.data(f"{path}/log", limit=0))

        assert 1 < len(seen[0]) < len(seen[1]) < len(seen[2]) < len(seen[3])
        for earlier, later_lines in pairwise(seen):
            assert later_lines[: len(earlier)] == earlier
        assert seen[3] == seen[4]
        assert seen[3][-1]["t"] == "TASK OK"
        assert "TASK" not in seen[2][-1]["t"]
        assert [line["n"] for line in seen[4]] == list(range(1, len(seen[4]) + 1))
        assert await fleet.data(f"{path}/log", start=3, limit=2) == seen[4][3:5]
        assert (await fleet.ask(f"{path}/log")).json()["total"] == len(seen[4])
        assert len(await fleet.data(f"{path}/log")) == 50


async def test_a_stopped_task_ends_now_without_changing_the_past() -> None:
    async with wien() as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", "100", duration=10_000)
        path = f"/nodes/pve1/tasks/{quote(upid, safe='')}"
        fleet.clock.now += 500
        before = await fleet.data(f"{path}/log", limit=0)
        assert (await fleet.data(f"{path}/status"))["status"] == "running"

        assert (await fleet.ask(path, method="DELETE")).json() == {"data": None}
        fleet.clock.now += 50
        assert (await fleet.ask(path, method="DELETE")).json() == {"data": None}

        status = await fleet.data(f"{path}/status")
        assert status["status"] == "stopped"
        assert status["exitstatus"] in ("unexpected status", "interrupted by signal")
        (row,) = [row for row in await fleet.data("/nodes/pve1/tasks", limit=9) if row["upid"] == upid]
        assert row["endtime"] == NOW + 500
        assert (await fleet.data(f"{path}/log", limit=0))[: len(before)] == before


async def test_a_task_of_the_fleets_own_can_be_stopped_and_stays_stopped() -> None:
    async with wien(rate=300) as fleet:
        fleet.clock.now += 600
        running = await fleet.data("/nodes/pve1/tasks", source="active")
        upid = running[-1]["upid"]

        await fleet.ask(f"/nodes/pve1/tasks/{quote(upid, safe='')}", method="DELETE")

        assert upid not in upids(await fleet.data("/nodes/pve1/tasks", source="active"))
        fleet.clock.now += 5
        again = await fleet.data("/nodes/pve1/tasks", source="all", limit=700)
        assert upids(again).count(upid) == 1


async def test_a_task_that_was_started_over_the_api_is_there_at_once() -> None:
    async with wien() as fleet:
        response = await fleet.ask("/nodes/pve1/qemu/100/status/start", method="POST")
        upid = response.json()["data"]

        assert upid.startswith("UPID:pve1:") and ":qmstart:100:automation@pve!remote-tasks:" in upid
        assert upids(await fleet.data("/nodes/pve1/tasks", source="active"))[0] == upid
        job = (await fleet.ask("/nodes/pve1/vzdump", method="POST", vmid="100,101")).json()["data"]
        assert ":vzdump::automation@pve!remote-tasks:" in job
        container = (await fleet.ask("/nodes/pve2/lxc/101/status/shutdown", method="POST")).json()["data"]
        assert ":vzshutdown:101:" in container


@pytest.mark.parametrize("path", ["/nodes/pve1/qemu/101/status/start", "/nodes/pve1/qemu/9999/status/start"])
async def test_a_guest_that_does_not_exist_cannot_be_started(path: str) -> None:
    async with wien() as fleet:
        response = await fleet.ask(path, method="POST")

        assert response.status_code == 500
        assert response.reason_phrase.startswith("Configuration file 'nodes/pve1/qemu-server/")


async def test_a_token_without_privileges_sees_its_own_tasks_only() -> None:
    async with wien() as fleet:
        low = fleet.remote.low
        foreign = fleet.known("pve1")[-1].parsed.upid.text

        assert (await fleet.ask("/nodes/pve1/tasks", low, source="all")).json() == {"data": []}
        assert (await fleet.ask("/cluster/tasks", low)).json() == {"data": []}
        assert (await fleet.ask("/access/permissions", low)).json() == {"data": {}}
        for part in ("/status", "/log"):
            refused = await fleet.ask(f"/nodes/pve1/tasks/{quote(foreign, safe='')}{part}", low)
            assert refused.reason_phrase == "Permission check failed (/nodes/pve1, Sys.Audit)"
        assert (await fleet.ask("/nodes/pve1/qemu/100/status/start", low, "POST")).status_code == 403

        own = fleet.simulator.start_task("wien", "pve1", "vncproxy", "100", user=low.id, duration=50)
        assert upids((await fleet.ask("/nodes/pve1/tasks", low, source="all")).json()["data"]) == [own]
        assert upids((await fleet.ask("/cluster/tasks", low)).json()["data"]) == [own]
        stopped = await fleet.ask(f"/nodes/pve1/tasks/{quote(own, safe='')}", low, "DELETE")
        assert stopped.status_code == 200


async def test_a_token_that_may_only_look_cannot_stop_a_task() -> None:
    async with wien() as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "vzdump", duration=50)
        path = f"/nodes/pve1/tasks/{quote(upid, safe='')}"

        refused = await fleet.ask(path, fleet.remote.read_only, "DELETE")

        assert refused.status_code == 403
        assert refused.reason_phrase == "Permission check failed (/nodes/pve1, Sys.Modify)"
        assert (await fleet.data(f"{path}/status"))["status"] == "running"
        permissions = (await fleet.ask("/access/permissions", fleet.remote.read_only)).json()["data"]
        assert permissions["/"]["Sys.Audit"] == 1 and "Sys.Modify" not in permissions["/"]


async def test_a_forgotten_task_is_unknown() -> None:
    async with wien(nodes=1, tasks_per_node=20, rate=600) as fleet:
        upid = (await fleet.data("/nodes/pve1/tasks", limit=1))[0]["upid"]
        path = f"/nodes/pve1/tasks/{quote(upid, safe='')}/status"
        assert (await fleet.ask(path)).status_code == 200

        fleet.clock.now += 3_600

        assert (await fleet.ask(path)).json()["errors"] == {"upid": "no such task"}


@pytest.mark.parametrize(
    ("path", "params", "errors"),
    [
        ("/nodes/pve1/tasks", {"errors": "maybe"}, {"errors": "type check ('boolean') failed - got 'maybe'"}),
        ("/nodes/pve1/tasks", {"vmid": "5"}, {"vmid": "value must have a minimum value of 100"}),
        (
            "/nodes/pve1/tasks",
            {"limit": LONG},
            {"limit": f"type check ('integer') failed - got '{LONG}'"},
        ),
        ("/nodes/a_b/tasks", {}, {"node": "invalid format - value does not look like a valid node name\n"}),
    ],
)
async def test_bad_parameters_are_refused_by_name(
    path: str, params: dict[str, Any], errors: dict[str, str]
) -> None:
    async with wien() as fleet:
        response = await fleet.ask(path, **params)

        assert response.status_code == 400
        assert response.json()["errors"] == errors


async def test_a_path_cannot_put_a_line_of_its_own_into_the_answer() -> None:
    async with wien() as fleet:
        response = await fleet.ask("/x%0d%0aset-cookie:%20a=b")

        assert response.status_code == 501
        assert "set-cookie" not in response.headers


async def test_requests_and_rows_are_counted_by_node() -> None:
    async with wien() as fleet:
        await fleet.data("/nodes/pve1/tasks", limit=30)
        await fleet.data("/nodes/pve1/tasks", limit=12)
        await fleet.ask("/nodes/other/tasks")
        await fleet.ask("/nosuch/thing")

        assert fleet.simulator.requests == {
            "wien GET /nodes/pve1/tasks": 2,
            "wien GET /nodes/{node}/tasks": 1,
            "wien GET unknown": 1,
        }
        assert fleet.simulator.rows == {"wien GET /nodes/pve1/tasks": 42}
