"""Every fault of the simulated fleet on a real socket, and what the project's own client makes of it."""

import asyncio
import json
import ssl
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import httpx
import pytest

from backend.client import (
    AnswerError,
    ApiError,
    AuthenticationError,
    CertificateError,
    NodeOfflineError,
    PermissionDeniedError,
    RemoteClient,
    RemoteError,
    UnreachableError,
)
from tests.client.server import eventually
from tests.simulator.faulty import NOW, Clock, authorization, faulty

NODES = {"wien": "pve1", "pbs-001": "localhost"}


def list_path(remote: str) -> str:
    """The path of a node's task list."""
    return f"/nodes/{NODES[remote]}/tasks"


async def read_all(client: RemoteClient) -> list[tuple[str, int | None]]:
    """UPID and end of all tasks of a node, as the project's own client reads them."""
    return [(task.upid, task.endtime) async for page in client.tasks(NODES[client.name]) for task in page.tasks]


@pytest.mark.parametrize("remote", NODES)
@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("refuse", UnreachableError, "refused"),
        ("silent", UnreachableError, "silent"),
        ("certificate", CertificateError, "another certificate than the one trusted"),
        ("hang", UnreachableError, "no whole answer within 0.3 s"),
        ("stall", UnreachableError, "no whole answer within 0.3 s"),
        ("reset", UnreachableError, "the connection broke"),
        ("status=401", AuthenticationError, "is not accepted"),
        ("status=403", PermissionDeniedError, "token"),
        ("status=500", ApiError, "500"),
        ("status=503", ApiError, "503"),
        ("status=599", ApiError, "599"),
        ("empty", AnswerError, "an empty answer"),
        ("truncated", AnswerError, "no JSON"),
        ("object", AnswerError, "a task list of another form"),
        ("nested", AnswerError, "the remote sent"),
        ("huge=17", AnswerError, "more than 16 MiB"),
    ],
)
async def test_a_fault_is_a_typed_error_in_words_for_the_client(
    tmp_path: Path, remote: str, fault: str, error: type[RemoteError], words: str
) -> None:
    patience = 0.3 if fault in ("hang", "stall") else 20.0
    connect_patience = 0.2 if fault == "silent" else 10.0
    async with faulty(
        tmp_path, f"{remote}:{fault}", patience=patience, connect_patience=connect_patience
    ) as fleet:
        with pytest.raises(error, match=words):
            await read_all(fleet.clients[remote])
        (other,) = NODES.keys() - {remote}
        assert len(await read_all(fleet.clients[other])) >= 60

        await fleet.simulator.clear_fault(f"{remote}:{fault}")
        assert len(await read_all(fleet.clients[remote])) >= 60


@pytest.mark.parametrize("status", [595, 596])
async def test_a_node_that_its_cluster_cannot_reach_is_told_with_an_empty_body(
    tmp_path: Path, status: int
) -> None:
    async with faulty(tmp_path, f"wien/pve1:status={status}") as fleet:
        answer = await fleet.ask("wien", "/nodes/pve1/tasks")

        assert (answer.status_code, answer.content) == (status, b"")
        assert answer.reason_phrase in ("Connection refused", "Connection timed out")
        with pytest.raises(NodeOfflineError, match="pve1"):
            await read_all(fleet.clients["wien"])


async def test_a_call_that_fails_is_not_carried_out(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty(tmp_path, "wien:status=500", "pbs-001:status=403", clock=clock) as fleet:
        upid = fleet.simulator.start_task("pbs-001", "localhost", "backup", "store1:vm/100", duration=900)
        before = {remote: len(fleet.simulator.remembered(remote)) for remote in NODES}

        started = await fleet.ask("wien", "/nodes/pve1/vzdump", "POST", all=1)
        stopped = await fleet.ask("pbs-001", f"/nodes/localhost/tasks/{upid}", "DELETE")

        assert (started.status_code, stopped.status_code) == (500, 403)
        assert {remote: len(fleet.simulator.remembered(remote)) for remote in NODES} == before
        running = [task for task in fleet.simulator.remembered("pbs-001") if task.running]
        assert upid in {task.parsed.upid.text for task in running}
        assert fleet.simulator.requests["wien POST /nodes/pve1/vzdump"] == 1


async def test_a_fault_of_a_node_befalls_what_is_about_that_node_only(tmp_path: Path) -> None:
    async with faulty(tmp_path, "wien/pve2:status=500", "wien/pve1:offline") as fleet:
        asked = (
            "/version",
            "/cluster/tasks",
            "/nodes/pve1/tasks",
            "/nodes/pve2/tasks",
            "/nodes/pve2/tasks/x/status",
        )
        said = [(await fleet.ask("wien", path)).status_code for path in asked]

        assert said == [200, 200, 595, 500, 500]
        nodes = {node["node"]: node["status"] for node in await fleet.rows("wien", "/nodes")}
        assert nodes == {"pve1": "offline", "pve2": "online"}


async def test_latency_is_drawn_between_its_bounds_and_adds_to_the_remotes_own(tmp_path: Path) -> None:
    async with faulty(tmp_path, "wien:latency=0.25..0.3", "wien/pve2:latency=0.2") as fleet:

        async def seconds(path: str) -> float:
            begun = time.monotonic()
            await fleet.ask("wien", path)
            return time.monotonic() - begun

        assert await seconds("/version") >= 0.25
        assert await seconds("/nodes/pve2/tasks") >= 0.45
        fleet.simulator.remotes["wien"].latency = 0.1
        assert await seconds("/version") >= 0.35
        fleet.simulator.remotes["wien"].latency = 0.0
        await fleet.simulator.set_faults([])
        assert min([await seconds("/version") for _ in range(3)]) < 0.25


async def test_a_chance_befalls_about_that_share_of_the_answers_and_all_others_are_good(tmp_path: Path) -> None:
    async with faulty(tmp_path, "wien:status=500@0.3", "wien:empty@0.5") as fleet:
        said: Counter[str] = Counter()
        for _ in range(200):
            answer = await fleet.ask("wien", "/version")
            said["failed" if answer.status_code == 500 else "good" if answer.content else "empty"] += 1

        assert said["failed"] == pytest.approx(60, abs=25)
        assert said["empty"] == pytest.approx(70, abs=25)
        assert said["good"] == pytest.approx(70, abs=25)


@pytest.mark.parametrize("fault", ["reset", "stall"])
async def test_half_of_an_answer_arrives_and_then_a_reset_or_nothing(tmp_path: Path, fault: str) -> None:
    async with faulty(tmp_path, f"wien:{fault}") as fleet:
        remote = fleet.simulator.remotes["wien"]
        context = ssl.create_default_context(cadata=remote.certificate.pem)
        reader, writer = await asyncio.open_connection("127.0.0.1", remote.port, ssl=context)
        head = f"GET /api2/json/nodes/pve1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization(remote)}"
        writer.write(f"{head}\r\n\r\n".encode())
        received = bytearray()
        with pytest.raises(ConnectionResetError if fault == "reset" else TimeoutError):
            async with asyncio.timeout(0.3 if fault == "stall" else 5):
                while piece := await reader.read(65_536):
                    received += piece
        writer.transport.abort()

        head, _, body = received.decode().partition("\r\n\r\n")
        length = int(head.partition("content-length: ")[2])
        assert head.startswith("HTTP/1.1 200 OK") and body.startswith('{"data":[{"upid"')
        assert length * 0.4 < len(body) < length * 0.6


async def test_a_client_that_gives_up_waiting_leaves_no_connection_behind(tmp_path: Path) -> None:
    async with faulty(tmp_path, "wien:hang", patience=0.1) as fleet:
        before = len(asyncio.all_tasks())
        for _ in range(5):
            with pytest.raises(httpx.ReadTimeout):
                await fleet.ask("wien", "/version")

        for _ in range(500):
            if len(asyncio.all_tasks()) <= before:
                break
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) <= before


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
async def test_a_huge_answer_is_never_held_in_memory(tmp_path: Path, accepted: str) -> None:
    async with faulty(tmp_path, "wien:huge=20") as fleet:
        remote = fleet.simulator.remotes["wien"]
        url = f"https://127.0.0.1:{remote.port}/api2/json/nodes/pve1/tasks"
        headers = {"Authorization": authorization(remote), "Accept-Encoding": accepted}
        size = 0
        tracemalloc.start()
        try:
            async with fleet.plain.stream("GET", url, headers=headers) as answer:
                async for piece in answer.aiter_raw():
                    size += len(piece)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert answer.headers.get("content-encoding", "identity") == accepted
        assert size < 400_000 if accepted == "gzip" else 20_000_000 <= size < 20_500_000
        assert peak < 3_000_000


async def test_a_huge_answer_to_the_last_byte_is_json(tmp_path: Path) -> None:
    async with faulty(tmp_path, "*:huge=3") as fleet:
        for remote in NODES:
            rows = await fleet.rows(remote, list_path(remote))
            assert len(rows) > 7_000 and rows[0] == rows[-1]
            version = await fleet.rows(remote, "/version")
            assert version[0].keys() == {"version", "release", "repoid"}


@pytest.mark.parametrize("remote", NODES)
async def test_wrong_types_are_what_they_are_called(tmp_path: Path, remote: str) -> None:
    async with faulty(tmp_path) as fleet:
        good = await fleet.rows(remote, list_path(remote))

        await fleet.simulator.set_fault(f"{remote}:object")
        assert await fleet.rows(remote, list_path(remote)) == {"rows": good}
        assert isinstance(await fleet.rows(remote, "/version"), list)

        await fleet.simulator.set_faults([f"{remote}:strings"])
        for row, was in zip(await fleet.rows(remote, list_path(remote)), good, strict=True):
            assert row == {key: str(value) if isinstance(value, int) else value for key, value in was.items()}

        await fleet.simulator.set_faults([f"{remote}:nulls"])
        rows = await fleet.rows(remote, list_path(remote))
        assert rows[::2] == good[::2] and set(map(type, rows[1::2])) == {type(None)}

        await fleet.simulator.set_faults([f"{remote}:nested"])
        text = (await fleet.ask(remote, list_path(remote))).text
        assert text.count("[") == text.count("]") == 100_000
        with pytest.raises(RecursionError):
            json.loads(text)


@pytest.mark.parametrize("remote", NODES)
@pytest.mark.parametrize("fault", ["nulls", "strings", "long-status"])
async def test_the_client_takes_the_good_rows_of_a_bad_list(tmp_path: Path, remote: str, fault: str) -> None:
    async with faulty(tmp_path) as fleet:
        good = dict(await read_all(fleet.clients[remote]))
        await fleet.simulator.set_fault(f"{remote}:{fault}")

        found = dict(await read_all(fleet.clients[remote]))

        assert found.items() <= good.items()
        assert fault == "strings" or len(found) >= len(good) // 2


@pytest.mark.parametrize("remote", NODES)
async def test_a_long_status_is_that_of_one_finished_task(tmp_path: Path, remote: str) -> None:
    async with faulty(tmp_path, f"{remote}:long-status=0.3") as fleet:
        rows = await fleet.rows(remote, list_path(remote), limit=500)
        long = [row for row in rows if len(row.get("status", "")) > 1_000]

        assert [len(row["status"]) for row in long] == [300_000]
        state = await fleet.rows(remote, f"{list_path(remote)}/{long[0]['upid']}/status")
        assert len(state["exitstatus"]) == 300_000


async def test_an_ended_task_is_listed_as_running_too_for_half_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    async with faulty(tmp_path, "wien/pve1:twice", clock=clock) as fleet:
        upid = fleet.simulator.start_task("wien", "pve1", "qmstart", "100", duration=10)

        async def told(**params: str) -> list[tuple[str, bool]]:
            rows = await fleet.rows("wien", "/nodes/pve1/tasks", limit=500, **params)
            return [(row["status"], "endtime" in row) for row in rows if row["upid"] == upid]

        assert await told(source="all") == [("RUNNING", False)]
        clock.now += 10
        assert await told(source="all") == [("RUNNING", False), ("OK", True)]
        assert await told(source="active") == [("RUNNING", False)]
        assert await told() == [("OK", True)]
        assert (f"pve:wien!{upid}", NOW + 10) in await read_all(fleet.clients["wien"])
        assert len(set(await read_all(fleet.clients["wien"]))) == len(dict(await read_all(fleet.clients["wien"])))
        clock.now += 30
        assert await told(source="all") == [("OK", True)]


async def test_a_certificate_is_swapped_while_the_remote_runs_and_back(tmp_path: Path) -> None:
    async with faulty(tmp_path) as fleet:
        client = fleet.clients["wien"]
        assert await client.version()

        await fleet.simulator.set_fault("wien:certificate")
        other = fleet.simulator.remotes["wien"].other_certificate
        assert other is not None
        with pytest.raises(CertificateError, match=f"shown {other.fingerprint}"):
            await client.version()

        await fleet.simulator.clear_fault("wien:certificate")
        assert await client.version()


async def test_a_port_that_refuses_is_kept_for_its_remote(tmp_path: Path) -> None:
    async with faulty(tmp_path, "wien:refuse") as fleet:
        port = fleet.simulator.remotes["wien"].port
        assert f"127.0.0.1:{port}" in fleet.simulator.config_toml()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises(OSError):
            await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port, reuse_address=False)

        await fleet.simulator.bring_up("wien")
        assert await fleet.clients["wien"].version()


async def test_faults_come_and_go_under_load_without_harm(tmp_path: Path) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: unhandled.append(context))
    kinds = (
        "latency=0.01",
        "reset",
        "stall",
        "refuse",
        "silent",
        "certificate",
        "hang",
        "truncated",
        "status=596",
    )
    async with faulty(tmp_path, patience=2.0) as fleet:
        client, said, over = fleet.clients["wien"], Counter[str](), asyncio.Event()

        async def ask() -> None:
            while not over.is_set():
                try:
                    said[await client.version()] += 1
                except RemoteError as error:
                    said[type(error).__name__] += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(ask())
            await eventually(lambda: said["9.2.1"] > 0)
            for kind in kinds:
                await fleet.simulator.set_faults([f"wien:{kind}"])
                await asyncio.sleep(0.08)
            await fleet.simulator.set_faults([])
            assert await client.version()
            over.set()
        assert {"UnreachableError", "CertificateError"} <= said.keys()
    assert unhandled == []
