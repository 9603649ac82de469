"""A real PVE server's recorded answers, served again with status, reason and body as they were."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.client import (
    ApiError,
    AuthenticationError,
    LogLine,
    Node,
    NodeOfflineError,
    NotFoundError,
    PermissionDeniedError,
    RemoteClient,
    RemoteError,
    open_client,
)
from backend.client.answers import read_data
from backend.client.connection import Connection
from tests.client.server import Reply, Request, serve

RECORDING = Path(__file__).parents[3] / "shared" / "fixtures" / "pve-tasks.jsonl"
if not RECORDING.exists():
    pytest.skip("the recording is not at hand", allow_module_level=True)
EXCHANGES: list[dict[str, Any]] = [json.loads(line) for line in RECORDING.read_text().splitlines()]

RUNNING = "pve:wien!UPID:pve1:00003BF8:000294A7:6B04F139:vzdump::root@pam!tok:"
FAILED = "pve:wien!UPID:pve1:00003629:0001FF1D:6B04EF95:vzdump:101:root@pam:"
UNKNOWN = "pve:wien!UPID:pve1:00000001:00000001:00000001:x::root@pam:"


def replay(auth: str = "ro", **instead: str) -> Any:
    """A handler that answers as recorded for a token; a query of ours that was not recorded falls back to the list
    that was. `instead` replaces paths."""

    def handle(request: Request) -> Reply:
        path = instead.get(request.path, request.path)
        rows = [row for row in EXCHANGES if row["auth"] == auth and row["method"] == request.method]
        whole = path + "?" + request.target.partition("?")[2]
        for wanted in (whole, path, f"{path}?source=all"):
            for row in rows:
                if row["path"] == wanted:
                    headers = {"date": row["headers"]["date"]}
                    return Reply(row["body"].encode(), row["status"], row["reason"], headers)
        raise AssertionError(f"not recorded: {request.method} {request.target}")

    return handle


async def replayed(auth: str, ask: Any, **instead: str) -> Any:
    async with serve(replay(auth, **instead)) as server, open_client(server.remote()) as client:
        return await ask(client)


async def all_tasks(client: RemoteClient, node: str = "pve1") -> list[Any]:
    return [task async for page in client.tasks(node) for task in page.tasks]


async def test_version_and_nodes() -> None:
    assert await replayed("ro", lambda client: client.version()) == "9.2.1"
    assert await replayed("ro", lambda client: client.nodes()) == [
        Node("pve1", True),
        Node("pve2", True),
        Node("pve3", True),
    ]


async def test_the_list_comes_whole_with_its_texts_repaired() -> None:
    tasks = await replayed("ro", all_tasks)
    assert len(tasks) == len({task.upid for task in tasks})
    assert all(task.remote == "wien" and task.node == "pve1" for task in tasks)
    by_upid = {task.upid: task for task in tasks}
    assert by_upid["pve:wien!UPID:pve1:00003627:0001FF1D:6B04EF93:vzdump::root@pam!tok:"].user == "root@pam!tok"
    assert {"OK", "WARNINGS: 2", "unexpected status"} <= {task.status for task in tasks}


async def test_a_running_task_of_a_list_runs() -> None:
    async with serve(replay()) as server, open_client(server.remote()) as client:
        tasks = [task async for page in client.tasks("pve1", since=1) for task in page.tasks]
        assert server.requests[0].query == {"start": "0", "limit": "1500", "source": "all", "since": "1"}
    assert not [task for task in tasks if task.status == "RUNNING"]


async def test_what_runs_now_and_what_just_ended_come_in_one_answer() -> None:
    current = await replayed("ro", lambda client: client.current())
    assert current.rejected == 0 and not current.truncated
    rows = json.loads(next(row["body"] for row in EXCHANGES if row["path"] == "/cluster/tasks"))["data"]
    assert {task.upid for task in current.running} == {
        f"pve:wien!{row['upid']}" for row in rows if "endtime" not in row
    }
    assert len(current.running) + len(current.finished) == len({row["upid"] for row in rows})


async def test_states_and_logs() -> None:
    running = await replayed("ro", lambda client: client.status(RUNNING))
    assert running.running and running.exitstatus is None
    failed = await replayed("ro", lambda client: client.status(FAILED))
    assert not failed.running and failed.exitstatus == "Gerät kaputt"
    assert await replayed("ro", lambda client: client.log(FAILED)) == [
        LogLine(1, "INFO: Gerät ü"),
        LogLine(2, "line2"),
        LogLine(3, "TASK ERROR: Gerät kaputt"),
    ]
    assert await replayed("ro", lambda client: client.log(FAILED, start=2, limit=1)) == [
        LogLine(3, "TASK ERROR: Gerät kaputt")
    ]


async def test_a_task_the_remote_does_not_know() -> None:
    for ask in (lambda client: client.status(UNKNOWN), lambda client: client.log(UNKNOWN)):
        with pytest.raises(NotFoundError):
            await replayed("ro", ask)
    assert await replayed("ro", lambda client: client.find(UNKNOWN)) is None


async def test_a_task_is_found_in_the_list_with_its_end() -> None:
    row = next(row for row in EXCHANGES if row["path"] == "/nodes/pve1/tasks")
    first = json.loads(row["body"])["data"][0]
    task = await replayed("ro", lambda client: client.find(f"pve:wien!{first['upid']}"))
    assert task.endtime == first["endtime"]


async def test_stopping() -> None:
    await replayed("root", lambda client: client.stop(RUNNING))
    with pytest.raises(PermissionDeniedError, match=r"lacks Sys\.Modify on /nodes/pve1") as caught:
        await replayed("low", lambda client: client.stop(RUNNING))
    assert (caught.value.privilege, caught.value.path) == ("Sys.Modify", "/nodes/pve1")


async def test_refusals_in_words() -> None:
    with pytest.raises(AuthenticationError, match=r"Authentication failed!.*check token-id and secret"):
        await replayed("bad", lambda client: client.version())
    with pytest.raises(NodeOfflineError, match=r"node pve2 .*Connection refused") as caught:
        await replayed("ro", lambda client: all_tasks(client, "pve2"))
    assert caught.value.node == "pve2"
    with pytest.raises(ApiError, match="hostname lookup 'nosuch' failed"):
        await replayed("ro", lambda client: all_tasks(client, "nosuch"))


async def test_an_empty_list_for_lack_of_privileges_is_empty() -> None:
    assert await replayed("low", all_tasks) == []


@pytest.mark.parametrize(
    "exchange",
    [row for row in EXCHANGES if row["status"] >= 400 and row["method"] == "GET"],
    ids=lambda row: row["path"],
)
async def test_every_recorded_refusal_ends_in_a_typed_error_with_its_words(exchange: dict[str, Any]) -> None:
    def handle(_: Request) -> Reply:
        return Reply(
            exchange["body"].encode(), exchange["status"], exchange["reason"], {"connection": "close"}, True
        )

    async with serve(handle) as server:
        connection = Connection(server.remote(), timeout=10, connect_timeout=5, connections=1, limit=None)
        answer = await connection.request("GET", exchange["path"])
        with pytest.raises(RemoteError) as caught:
            read_data(connection, exchange["path"], answer)
        await connection.aclose()
    text = str(caught.value)
    assert text.startswith("wien: ") and text.isprintable()
    try:
        errors = json.loads(exchange["body"])["errors"]
    except (ValueError, KeyError):
        errors = {}
    if not isinstance(caught.value, NotFoundError):
        assert all(key in text for key in errors)
