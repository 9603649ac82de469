"""The PBS API of a simulated fleet, over HTTPS."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from backend.simulator import SimulatedRemote, Simulator, SimulatorOptions, Token
from backend.task import Status, Task

NOW = 1_795_486_070
TASKS = "/nodes/localhost/tasks"
FAILED = "parameter verification failed"


class Host:
    """A simulated fleet of one PBS host, and a client of it."""

    def __init__(self, simulator: Simulator, client: httpx.AsyncClient, now: list[float]) -> None:
        self.simulator = simulator
        self.client = client
        self.now = now

    @property
    def remote(self) -> SimulatedRemote:
        return self.simulator.remotes["pbs-001"]

    async def ask(
        self, path: str, token: Token | None = None, method: str = "GET", **params: Any
    ) -> httpx.Response:
        token = token or self.remote.token
        return await self.client.request(
            method,
            f"https://127.0.0.1:{self.remote.port}/api2/json{path}",
            params=params or None,
            headers={"Authorization": f"PBSAPIToken={token.id}:{quote(token.secret)}"},
        )

    async def data(self, path: str, **params: Any) -> Any:
        response = await self.ask(path, **params)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    def known(self) -> list[Task]:
        return self.simulator.remembered("pbs-001")


@contextlib.asynccontextmanager
async def host(**options: Any) -> AsyncIterator[Host]:
    now = [float(NOW)]
    settings = SimulatorOptions(**{"remotes": 1, "pbs": 1, "tasks_per_pbs": 400, "auth_delay": 0.0, **options})
    async with Simulator(settings, clock=lambda: now[0]) as simulator:
        trusted = ssl.create_default_context(cadata=simulator.remotes["pbs-001"].certificate.pem)
        async with httpx.AsyncClient(verify=trusted) as client:
            yield Host(simulator, client, now)


def upids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["upid"] for row in rows]


async def test_paging_gives_every_task_once_newest_start_first() -> None:
    async with host() as pbs:
        rows: list[dict[str, Any]] = []
        while page := await pbs.data(TASKS, start=len(rows), limit=70):
            rows += page

        assert len(set(upids(rows))) == len(rows)
        assert set(upids(rows)) == {task.parsed.upid.text for task in pbs.known()}
        assert [row["starttime"] for row in rows] == sorted((row["starttime"] for row in rows), reverse=True)
        assert upids(await pbs.data(TASKS, limit=0)) == upids(rows)
        assert len(await pbs.data(TASKS)) == 50


async def test_start_and_limit_apply_to_what_the_filters_leave() -> None:
    async with host() as pbs:
        whole = await pbs.data(TASKS, typefilter="backup", limit=0)

        assert await pbs.data(TASKS, typefilter="backup", start=20, limit=15) == whole[20:35]
        assert await pbs.data(TASKS, typefilter="backup") == whole[:50]


async def test_tasks_started_by_hand_are_in_their_place() -> None:
    async with host(rate=60) as pbs:
        upid = pbs.simulator.start_task("pbs-001", "localhost", "prune", "store1:vm/100", duration=2)
        pbs.now[0] += 60

        rows = await pbs.data(TASKS, limit=0)

        assert [row["starttime"] for row in rows] == sorted((row["starttime"] for row in rows), reverse=True)
        (row,) = [row for row in rows if row["upid"] == upid]
        assert row["worker_id"] == "store1:vm/100"
        assert rows[0]["upid"] != upid


async def test_total_is_a_lower_bound_that_tells_whether_the_limit_was_reached() -> None:
    async with host() as pbs:
        everything = len(pbs.known())

        assert (await pbs.ask(TASKS, start=20, limit=30)).json()["total"] == 51
        assert (await pbs.ask(TASKS, start=everything - 5, limit=30)).json()["total"] == everything
        assert (await pbs.ask(TASKS, limit=0)).json()["total"] == everything
        assert (await pbs.ask(TASKS, typefilter="nosuch")).json() == {"data": [], "total": 0}


async def test_running_tasks_have_neither_status_nor_end_and_ids_are_readable() -> None:
    async with host() as pbs:
        running = pbs.simulator.start_task("pbs-001", "localhost", "backup", "nas-01:ct/105", user="a@pbs!x")
        pbs.simulator.start_task("pbs-001", "localhost", "logrotate", duration=1)
        pbs.now[0] += 1

        rows = {row["upid"]: row for row in await pbs.data(TASKS, limit=0)}

        row = rows[running]
        assert row.keys() == {"upid", "node", "pid", "pstart", "starttime", "worker_type", "worker_id", "user"}
        assert (row["node"], row["worker_id"], row["user"]) == ("localhost", "nas-01:ct/105", "a@pbs!x")
        (ended,) = [one for one in rows.values() if one["worker_type"] == "logrotate" and one["endtime"] > NOW]
        assert (ended["worker_id"], ended["status"]) == (None, "OK")


async def test_filters_agree_with_the_truth() -> None:
    async with host(rate=120) as pbs:
        pbs.now[0] += 900
        known = pbs.known()
        middle = sorted(task.starttime for task in known)[200]

        async def listed(**params: Any) -> set[str]:
            return set(upids(await pbs.data(TASKS, **{"limit": 0, **params})))

        def expected(test: Any) -> set[str]:
            return {task.parsed.upid.text for task in known if test(task)}

        def of_store(task: Task) -> bool:
            parts = (task.worker_id or "").split(":")
            return "store1" == (parts[2] if task.worker_type == "syncjob" else parts[0])

        assert await listed(running=1) == expected(lambda task: task.running)
        assert await listed(errors=1) == expected(lambda task: task.status != "OK")
        assert await listed(since=middle) == expected(lambda task: task.starttime >= middle)
        assert await listed(until=middle) == expected(lambda task: task.starttime <= middle)
        assert await listed(typefilter="verif") == expected(lambda task: "verif" in task.worker_type)
        assert await listed(userfilter="pbs!p") == expected(lambda task: "pbs!p" in task.user)
        assert await listed(statusfilter="error") == expected(lambda task: task.status_class is Status.ERROR)
        assert await listed(statusfilter=["ok", "warning"]) == expected(
            lambda task: task.status_class in (Status.OK, Status.WARNING)
        )
        assert await listed(store="store1") == expected(of_store)


async def test_log_lines_are_counted_from_one_and_from_zero_alike() -> None:
    async with host() as pbs:
        upid = pbs.simulator.start_task("pbs-001", "localhost", "backup", "store1:vm/100", duration=60)
        pbs.now[0] += 60
        path = f"{TASKS}/{quote(upid, safe='')}/log"

        everything = await pbs.data(path, limit=0)

        assert await pbs.data(path, start=0, limit=2) == everything[:2]
        assert await pbs.data(path, start=1, limit=2) == everything[:2]
        assert await pbs.data(path, start=2, limit=2) == everything[1:3]
        assert [line["n"] for line in everything] == list(range(1, len(everything) + 1))
        assert everything[-1]["t"] == "2026-11-24T02:08:50+00:00: TASK OK"


async def test_a_stopped_task_ends_now() -> None:
    async with host() as pbs:
        upid = pbs.simulator.start_task("pbs-001", "localhost", "syncjob", "a:b:store1::s-1", duration=900)
        path = f"{TASKS}/{quote(upid, safe='')}"
        assert (await pbs.data(f"{path}/status"))["status"] == "running"

        refused = await pbs.ask(path, pbs.remote.read_only, "DELETE")
        assert (refused.status_code, refused.text) == (403, "permission check failed")
        assert (await pbs.ask(path, method="DELETE")).json() == {"data": None}

        status = await pbs.data(f"{path}/status")
        assert (status["status"], status["exitstatus"]) == ("stopped", "task aborted")
        assert "endtime" not in status


async def test_a_token_without_privileges_sees_nothing() -> None:
    async with host() as pbs:
        low = pbs.remote.low
        foreign = quote(pbs.known()[-1].parsed.upid.text, safe="")

        assert (await pbs.ask(TASKS, low)).json() == {"data": [], "total": 0}
        assert (await pbs.ask("/access/permissions", low)).json() == {"data": {}}
        assert (await pbs.ask(f"{TASKS}/{foreign}/status", low)).status_code == 403
        assert (await pbs.ask(f"{TASKS}/{foreign}/log", low)).status_code == 403


@pytest.mark.parametrize(
    ("path", "params", "status", "text"),
    [
        ("/nosuch", {}, 404, "Path '/api2/json/nosuch' not found."),
        ("/nodes/other/tasks", {}, 400, f"{FAILED} - 'node': no such node"),
        (
            TASKS,
            {"foo": 1},
            400,
            "parameter verification failed - 'foo': schema does not allow additional properties.",
        ),
        (
            TASKS,
            {"limit": -1},
            400,
            "parameter verification failed - 'limit': value must have a minimum value of 0",
        ),
        (
            TASKS,
            {"statusfilter": "bogus"},
            400,
            "parameter verification failed - 'statusfilter': value 'bogus' is not",
        ),
        (TASKS, {"foo": 1, "limit": "x"}, 400, f"{FAILED}:\n- 'foo': schema"),
        (f"{TASKS}/garbage/status", {}, 400, f"{FAILED} - 'upid': value does not match"),
        (f"{TASKS}/UPID:pbs:00000001:00000001:00000001:00000001:x::root@pam:/log", {}, 400, "No such file or"),
    ],
)
async def test_errors_are_plain_text(path: str, params: dict[str, Any], status: int, text: str) -> None:
    async with host() as pbs:
        response = await pbs.ask(path, **params)

        assert response.status_code == status
        assert response.text.startswith(text)
        assert response.headers["content-type"].startswith("text/plain")


async def test_a_wrong_token_is_refused() -> None:
    async with host() as pbs:
        wrong = Token(pbs.remote.token.id, "wrong", frozenset())

        response = await pbs.ask(TASKS, wrong)

        assert response.status_code == 401
        assert response.text.startswith("authentication failed")
