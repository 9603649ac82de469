"""The daemon as a process of its own, on a simulated fleet in another one: signals, and the end without one."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from backend import workers
from backend.archive import TaskCache
from backend.config import load_config
from backend.workers import run_workers_when_free
from tests.workers.fleet_at_work import eventually

COMMAND = [sys.executable, "-m", "tui"]


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for has not come about"
        time.sleep(0.02)


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """The configuration of a small fleet that serves while the test runs; nothing starts or ends on it."""
    path = tmp_path / "sim.toml"
    options = (
        "--remotes 3 --pbs 1 --nodes 2 --tasks-per-node 300 --tasks-per-pbs 3000 --days 5 --rate 0 --latency 50"
    )
    with subprocess.Popen([*COMMAND, "simulate", *options.split(), "--write-config", str(path)]) as fleet:
        try:
            wait_for(path.exists)
            yield path
        finally:
            fleet.terminate()
    assert fleet.returncode == 0


def start_daemon(config: Path, cache: Path) -> "subprocess.Popen[bytes]":
    command = [*COMMAND, "--daemon", "--config", str(config), "--cache-dir", str(cache)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def listed(cache: Path) -> list[dict[str, object]]:
    command = [*COMMAND, "list", "--limit", "0", "--format", "jsonl", "--cache-dir", str(cache), "-status:running"]
    return [json.loads(line) for line in subprocess.check_output(command).splitlines()]


def round_is_over(cache: Path) -> bool:
    round = TaskCache(cache).health().round
    return round is not None and round.finished is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_daemon_cleanly(config: Path, tmp_path: Path, number: signal.Signals) -> None:
    cache = tmp_path / "cache"
    with start_daemon(config, cache) as daemon:
        wait_for(lambda: round_is_over(cache))
        second = subprocess.run(daemon.args, capture_output=True, text=True)
        began = time.monotonic()
        daemon.send_signal(number)
        _, log = daemon.communicate()
    assert time.monotonic() - began < 2
    assert daemon.returncode == 0
    assert "stopped" in log.decode()
    assert second.returncode == 1
    assert "another process already fetches" in second.stderr.splitlines()[-1]
    assert not list(cache.glob(".tmp-*"))


def test_killed_in_the_middle_of_the_first_round_it_comes_to_the_same(config: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    with start_daemon(config, whole) as daemon:
        wait_for(lambda: round_is_over(whole))
        daemon.terminate()
        daemon.communicate()
    expected = listed(whole)
    assert len(expected) > 3_000
    broken = tmp_path / "broken"
    with start_daemon(config, broken) as daemon:
        wait_for(lambda: (broken / "journal").exists() and (broken / "journal").stat().st_size > 0)
        daemon.kill()
        daemon.communicate()
    # As if the kill had come in the middle of a line and of a file.
    with (broken / "journal").open("ab") as journal:
        journal.write(b'{"upid":"pve:wien!UPID:pv')
    (broken / ".tmp-archive.1.zst.abc").write_bytes(b"half")
    with start_daemon(config, broken) as daemon:
        wait_for(lambda: round_is_over(broken))
        daemon.terminate()
        _, log = daemon.communicate()
    assert listed(broken) == expected
    assert "not written whole" in log.decode()
    assert sorted(os.listdir(broken)) == sorted(os.listdir(whole))


def test_a_daemon_gets_the_work_from_a_dashboard_that_has_it(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    # of the dashboard, which is in this process; the daemon looks twice a second
    monkeypatch.setattr(workers, "HANDED_OVER", 3.0)
    monkeypatch.setattr(workers, "TAKE_OVER", 0.2)

    async def dashboard() -> None:
        await run_workers_when_free(load_config(config), cache, role="dashboard")

    async def both() -> None:
        work = asyncio.create_task(dashboard())
        reader = TaskCache(cache)
        await eventually(lambda: reader.health().role == "dashboard")
        daemon = await asyncio.to_thread(start_daemon, config, cache)
        with daemon:
            await eventually(lambda: reader.health().role == "daemon")
            assert not work.done()
            daemon.terminate()
            await asyncio.to_thread(daemon.communicate)
        assert daemon.returncode == 0
        await eventually(lambda: reader.health().role == "dashboard")
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    asyncio.run(both())
