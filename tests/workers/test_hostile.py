"""Remotes that lie, and remotes that hang: their trouble is told in words, and is nobody else's. And the answers
that a real server gave, served again: nothing of them is lost on the way into the cache."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.archive import TaskCache
from backend.client import limit
from backend.config import Config, RemoteConfig, Settings
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Task
from backend.workers import turns as turns_module
from tests.client.server import Reply, Request, data, serve, serve_raw
from tests.workers.fleet_at_work import NOW, Clock, at_work, configure, eventually, round_is_over, tasks_of, truth

RECORDING = Path(__file__).parents[3] / "shared" / "fixtures" / "pve-tasks.jsonl"
START = int(NOW) - 500
UPID = f"UPID:pve1:00003628:0001FF1D:{START:08X}:vzdump:101:root@pam:"
GOOD = {"upid": UPID, "status": "OK", "endtime": START + 5}
HONEST = SimulatorOptions(remotes=1, pbs=0, nodes=1, tasks_per_node=20, days=2, rate=0)


def config_of(*remotes: RemoteConfig) -> Config:
    return Config(settings=Settings(fetch_interval=3_600, poll_interval=1), remotes={r.name: r for r in remotes})


def answers(**bodies: Any) -> Callable[[Request], Reply]:
    """Answers as an honest cluster with one node and one task would, but for some paths: `nodes`, `permissions`,
    `current`, `tasks`. Bytes are sent as they are."""
    honest = {
        "nodes": [{"node": "pve1", "status": "online"}],
        "permissions": {"/": {"Sys.Audit": 1}},
        "current": [],
        "tasks": [GOOD],
    }

    def handle(request: Request) -> Reply:
        names = {"/nodes": "nodes", "/access/permissions": "permissions", "/cluster/tasks": "current"}
        told = (honest | bodies)[names.get(request.path, "tasks")]
        return Reply(told) if isinstance(told, bytes) else data(told)

    return handle


def troubles(cache: TaskCache, name: str = "wien") -> str:
    """All that is told of a remote, in words."""
    known = cache.health().remotes.get(name)
    if known is None:
        return ""
    told = [known.error, *known.notes, *(node.error for node in known.nodes.values())]
    return " ".join(words for words in told if words)


@asynccontextmanager
async def beside_an_honest_one(folder: Path, handle: Callable[[Request], Reply]) -> AsyncIterator[TaskCache]:
    """Workers on the remote `liar`, which answers so, and on an honest one, whose history is in the cache."""
    clock = Clock()
    async with serve(handle) as liar, Simulator(HONEST, clock) as simulator:
        honest = configure(simulator, folder).remotes
        config = config_of(liar.remote(name="liar"), *honest.values())
        async with at_work(config, folder / "cache", clock) as cache:
            await eventually(lambda: set(truth(simulator)) <= set(tasks_of(cache)))
            await eventually(lambda: round_is_over(cache))
            yield cache
            assert cache.health().problem is None
            assert not troubles(cache, *honest)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00\xff\xfe",
        b"[" * 100_000,
        b'{"data":{}}',
        b'{"data":' + b"9" * 10_000 + b"}",
        b'{"data":"' + b"x" * 10_000_000 + b'"}',
    ],
    ids=["binary", "nested", "object", "number", "long"],
)
@pytest.mark.parametrize("place", ["nodes", "current", "tasks"])
async def test_an_answer_of_another_form_is_that_remotes_trouble_alone(
    tmp_path: Path, place: str, body: bytes
) -> None:
    async with beside_an_honest_one(tmp_path, answers(**{place: body})) as cache:
        await eventually(lambda: bool(troubles(cache, "liar")))
        assert troubles(cache, "liar").isprintable()
        assert len(troubles(cache, "liar")) < 2_000


async def test_rows_that_lie_are_counted_and_the_good_ones_among_them_are_kept(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"upid": UPID.replace("101", "x" * 10_000_000)},
        {"upid": "UPID:../../etc:00000001:00000001:6B04EF94:x::root@pam:"},
        {"upid": None, "status": {"a": []}},
        {"upid": UPID.replace("vzdump", "\x1b[31mred"), "status": "\x1b]52;c;\x07\x9b", "endtime": 2**63},
        {"upid": UPID.replace("00003628", "FFFFFFFF"), "status": "OK", "endtime": "9" * 5_000},
        [[[]]],
        GOOD,
    ]
    async with beside_an_honest_one(tmp_path, answers(tasks=rows, current=rows)) as cache:
        await eventually(lambda: "4 rows of its task list were no tasks" in troubles(cache, "liar"))
        kept = {task.upid for task in tasks_of(cache) if task.remote == "liar"}
        assert f"pve:liar!{UPID}" in kept and len(kept) == 3
    assert {path.name.split(".")[0] for path in (tmp_path / "cache").iterdir()} <= {
        *("active", "journal", "archive", "state", "health", "inbox", ""),
    }


async def test_thousands_of_node_names_are_refused_in_words(tmp_path: Path) -> None:
    nodes = [{"node": f"pve{number}", "status": "online"} for number in range(5_000)]
    async with beside_an_honest_one(tmp_path, answers(nodes=nodes)) as cache:
        await eventually(lambda: "5000 nodes" in troubles(cache, "liar"))


async def test_a_list_without_end_is_that_nodes_trouble_alone(tmp_path: Path) -> None:
    number = 0

    def handle(request: Request) -> Reply:
        nonlocal number
        if request.path != "/nodes/pve1/tasks":
            return answers()(request)
        rows = []
        for _ in range(int(request.query["limit"])):
            number += 1
            rows.append({**GOOD, "upid": UPID.replace("00003628", f"{number:08X}")})
        return data(rows)

    async with beside_an_honest_one(tmp_path, handle) as cache:
        await eventually(lambda: "changes faster than it can be read" in troubles(cache, "liar"))


async def test_a_remote_that_hangs_for_ever_costs_the_others_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Had anybody to wait for the one that hangs, a round would take five times as long.
    monkeypatch.setattr(limit, "PATIENCE", 0.5)
    monkeypatch.setattr(turns_module, "PATIENCE", 0.5)
    clock = Clock()
    fleet = SimulatorOptions(
        remotes=12, pbs=2, nodes=2, tasks_per_node=20, tasks_per_pbs=20, days=2, rate=0, latency=0.02
    )
    hung = 0

    async def hang(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal hung
        hung += 1
        await asyncio.Event().wait()

    async def seconds_for_a_round(config: Config, cache: str) -> float:
        async with at_work(config, tmp_path / cache, clock) as reader:
            await eventually(lambda: truth(simulator) == tasks_of(reader))
            simulator.requests.clear()
            began = time.monotonic()
            reader.request_refresh()
            lists = 10 * 2 + 2
            await eventually(lambda: sum("/tasks" in key for key in simulator.requests) >= lists)
            return time.monotonic() - began

    async with Simulator(fleet, clock) as simulator, serve_raw(hang) as silent:
        config = configure(simulator, tmp_path)
        without = await seconds_for_a_round(config, "without")
        remotes = {"silent": silent.remote(name="silent"), **config.remotes}
        beside = await seconds_for_a_round(replace(config, remotes=remotes), "beside")
        assert hung > 0
        # One second passes until a request is read from the inbox.
        assert beside < without + 0.5


async def test_who_comes_back_is_served_soon_while_many_others_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "PATIENCE", 0.2)
    monkeypatch.setattr("backend.client.connection.PATIENCE", 0.2)
    monkeypatch.setattr("backend.workers.fleet.CONNECT_TIMEOUT", 0.5)
    monkeypatch.setattr("backend.workers.poll.LONGEST_PAUSE", 2.0)
    clock = Clock()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with silent, Simulator(HONEST, clock) as simulator:
        config = configure(simulator, tmp_path, poll_interval=1)
        (honest,) = config.remotes.values()
        nodes = (replace(honest.nodes[0], port=silent.sockets[0].getsockname()[1]),)
        dead = {f"dead{number}": replace(honest, name=f"dead{number}", nodes=nodes) for number in range(30)}
        await simulator.take_down(honest.name)
        config = replace(config, remotes=dead | config.remotes)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: len(cache.health().failing) == 31)
            await simulator.bring_up(honest.name)
            await eventually(lambda: tasks_of(cache) == truth(simulator), 6.0)


@pytest.mark.skipif(not RECORDING.exists(), reason="the recording is not at hand")
async def test_what_a_real_server_told_comes_into_the_cache_whole(tmp_path: Path) -> None:
    exchanges = [json.loads(line) for line in RECORDING.read_text().splitlines()]
    recorded = {row["path"]: row for row in exchanges if row["auth"] == "ro" and row["method"] == "GET"}
    told = [
        row
        for path in ("/nodes/pve1/tasks", "/cluster/tasks")
        for row in json.loads(recorded[path]["body"])["data"]
    ]
    finished = {f"pve:wien!{row['upid']}": row for row in told if "endtime" in row}
    running = {f"pve:wien!{row['upid']}" for row in told} - finished.keys()
    now = max(row["starttime"] for row in told) + 60.0

    def handle(request: Request) -> Reply:
        if request.path == "/access/permissions":
            return data({"/": {"Sys.Audit": 1}})
        row = recorded.get(request.path)
        if row is None:
            return Reply(b"", 595, "Connection refused")
        return Reply(row["body"].encode(), row["status"], row["reason"])

    async with serve(handle) as server:
        async with at_work(config_of(server.remote()), tmp_path / "cache", Clock(now)) as cache:
            await eventually(lambda: round_is_over(cache))
            await eventually(lambda: finished.keys() | running <= {task.upid for task in tasks_of(cache)})
            known: dict[str, Task] = {task.upid: task for task in tasks_of(cache)}
            assert {upid for upid, task in known.items() if task.running} == running
            for upid, row in finished.items():
                task = known[upid]
                assert (task.starttime, task.endtime) == (row["starttime"], row["endtime"])
                assert (task.node, task.worker_type, task.worker_id or "") == (row["node"], row["type"], row["id"])
            assert {"OK", "WARNINGS: 2", "unexpected status"} <= {task.status for task in known.values()}
            health = cache.health().remotes["wien"]
            assert health.error is None and health.nodes.keys() == {"pve1", "pve2", "pve3"}
            assert "not reachable" in (health.nodes["pve2"].error or "")
