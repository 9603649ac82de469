"""The process in which the workers are measured: a first fill and a second round of a fleet, with the lag of their
event loop and of the one beside it, where the dashboard lives; what they asked for, and their memory. Prints one
line of JSON."""

import asyncio
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from backend.apart import run_apart
from backend.archive import TaskCache
from backend.archive.health import Round
from backend.client import RemoteClient
from backend.client.connection import Answer, Connection
from backend.client.model import Page
from backend.config import load_config
from backend.interpreter import calm_interpreter
from backend.workers import run_workers
from tests.bench.measure import percentile

PROBE = 0.005
"""Seconds between two probes of the loop."""
LONG_DAYS = 3
LONG_EACH = 10
"""For how long a task has been running, on one node in how many, where PDM's rule is reckoned."""
_LOOK = 0.1


@dataclass
class Traffic:
    """What was asked of the fleet, but for the polls: `bytes` of bodies, decompressed; `rows` of task lists."""

    requests: int = 0
    bytes: int = 0
    rows: int = 0
    polls: int = 0

    def count(self) -> None:
        """Count whatever clients of this process ask from now on."""
        request, list_page = Connection.request, RemoteClient._list

        async def counted(
            connection: Connection,
            method: str,
            path: str,
            query: Mapping[str, str | int] | None = None,
            *,
            idempotent: bool = True,
        ) -> Answer:
            answer = await request(connection, method, path, query, idempotent=idempotent)
            if path == "/cluster/tasks" or "running" in (query or {}):
                self.polls += 1
            else:
                self.requests += 1
                self.bytes += len(answer.body)
            return answer

        async def counted_page(
            client: RemoteClient, node: str, start: int, since: int | None, until: int | None
        ) -> Page:
            page = await list_page(client, node, start, since, until)
            self.rows += page.rows
            return page

        setattr(Connection, "request", counted)  # noqa: B010 - a method may not be assigned
        setattr(RemoteClient, "_list", counted_page)  # noqa: B010

    def take(self) -> dict[str, int]:
        """What came together since the last call."""
        taken = asdict(self)
        self.requests = self.bytes = self.rows = self.polls = 0
        return taken


@dataclass
class Probe:
    """By how many seconds an event loop was late, each time, and for how long its thread had the processor."""

    lags: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    async def run(self) -> None:
        """Note it for ever, of the loop that runs this."""
        while True:
            began, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(PROBE)
            self.lags.append(max(0.0, time.perf_counter() - began - PROBE))
            self.own.append(time.thread_time() - worked)

    def take(self) -> dict[str, dict[str, float]]:
        """What came together since the last call."""
        taken = {"lag": lag_of(self.lags), "own": lag_of(self.own)}
        self.lags, self.own = [], []
        return taken


def memory() -> int:
    """Bytes that this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def measure(config_path: Path, directory: Path) -> dict[str, Any]:
    config = load_config(config_path)
    cache = TaskCache(directory)
    traffic, memories = Traffic(), list[tuple[int, int]]()
    beside, theirs = Probe(), Probe()
    traffic.count()
    began = time.perf_counter()

    async def probed() -> bool:
        probing = asyncio.create_task(theirs.run())
        try:
            return await run_workers(config, directory, role="bench")
        finally:
            probing.cancel()

    work = asyncio.create_task(run_apart(probed, "workers"))
    probing = asyncio.create_task(beside.run())

    async def round_over(after: float) -> Round:
        while not work.done():
            await asyncio.sleep(_LOOK)
            round = await asyncio.to_thread(lambda: cache.health().round)
            if round is not None:
                memories.append((round.tasks, memory()))
                if round.finished is not None and round.started > after:
                    return round
        raise await_error(work)

    try:
        first = await round_over(0.0)
        filled = {
            "seconds": time.perf_counter() - began,
            "tasks": first.tasks,
            **traffic.take(),
            "beside": beside.take(),
            "theirs": theirs.take(),
        }
        await asyncio.to_thread(cache.request_refresh)
        second = await round_over(first.started)
        assert second.finished is not None
        again = {
            "seconds": second.finished - second.started,
            "tasks": second.tasks,
            **traffic.take(),
            "beside": beside.take(),
            "theirs": theirs.take(),
        }
    finally:
        for task in (probing, work):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    half = next((held for tasks, held in memories if tasks * 2 >= first.tasks), 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "remotes": len(config.remotes),
        "nodes": first.nodes_total,
        "connections": config.settings.max_connections,
        "first": filled,
        "second": again,
        "memory": {"half": half, "end": memories[-1][1], "peak": peak},
        "oldest_running_rule": await asyncio.to_thread(rows_since_oldest_running, cache),
    }


def await_error(work: "asyncio.Task[bool]") -> BaseException:
    """Why the workers have ended."""
    return work.exception() or RuntimeError("the workers have ended by themselves")


def rows_since_oldest_running(cache: TaskCache) -> int:
    """The rows of a round in which each node is asked for all that has started since its oldest running task, or
    its newest task where none runs: Proxmox Datacenter Manager's rule. On one node in LONG_EACH a task has been
    running for LONG_DAYS; with ours that makes no difference."""
    with cache.snapshot() as snapshot:
        starts: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for task in snapshot.iterate():
            starts[task.remote, task.node].append(task.starttime)
    rows = 0
    for number, (_, newest_first) in enumerate(sorted(starts.items())):
        cutoff = newest_first[0] - (LONG_DAYS * 86_400 if number % LONG_EACH == 0 else 0)
        rows += sum(start >= cutoff for start in newest_first)
    return rows


def lag_of(lags: list[float]) -> dict[str, float]:
    """What the probes come to, in seconds."""
    return {"p50": percentile(lags, 50), "p99": percentile(lags, 99), "worst": max(lags)}


def main() -> None:
    calm_interpreter()
    print(json.dumps(asyncio.run(measure(Path(sys.argv[1]), Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
