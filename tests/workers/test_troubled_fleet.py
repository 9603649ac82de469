"""The workers on a fleet in trouble: each remote tells why, and holds up nobody."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from backend.client import limit
from backend.config import Secret
from backend.simulator import Simulator
from tests.workers.fleet_at_work import (
    NOW,
    SMALL,
    Clock,
    at_work,
    configure,
    eventually,
    round_is_over,
    tasks_of,
    truth,
)


async def test_troubled_remotes_tell_why_and_hold_up_nobody(tmp_path: Path) -> None:
    clock = Clock()
    hung = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.set()
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with silent, Simulator(replace(SMALL, remotes=6), clock) as simulator:
        config = configure(simulator, tmp_path)
        remotes = dict(config.remotes)
        node = remotes["linz"].nodes[0]
        remotes["linz"] = replace(remotes["linz"], nodes=(replace(node, fingerprint="AA:" * 31 + "AA"),))
        node = replace(node, port=silent.sockets[0].getsockname()[1])
        remotes["salzburg"] = replace(remotes["salzburg"], nodes=(node,))
        remotes["wien"] = replace(remotes["wien"], secret=Secret("not the token"))
        await simulator.take_down("graz")
        healthy = ["innsbruck", "pbs-001"]
        async with at_work(replace(config, remotes=remotes), tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator, healthy))
            await eventually(lambda: {"linz", "graz", "wien"} <= set(cache.health().failing))
            assert hung.is_set()
            failing = {name: remote.error or "" for name, remote in cache.health().failing.items()}
            assert "fingerprint" in failing["linz"] and "AA:AA" in failing["linz"]
            assert "refused" in failing["graz"]
            assert "token" in failing["wien"] and "not the token" not in failing["wien"]
            assert "innsbruck" not in failing and "pbs-001" not in failing


async def test_more_silent_remotes_than_connections_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limit, "PATIENCE", 0.5)
    clock = Clock()
    hung: set[int] = set()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.add(id(writer))
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with silent, Simulator(replace(SMALL, remotes=2, pbs=1), clock) as simulator:
        config = configure(simulator, tmp_path)
        wien = config.remotes["wien"]
        nodes = (replace(wien.nodes[0], port=silent.sockets[0].getsockname()[1]),)
        # Asked before the healthy ones.
        remotes = {f"dead{number}": replace(wien, name=f"dead{number}", nodes=nodes) for number in range(30)}
        config = replace(config, remotes=remotes | config.remotes)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            # A request to a silent one takes ten seconds until it has failed.
            await eventually(lambda: tasks_of(cache) == truth(simulator), 6.0)
            assert len(hung) >= 20
            new = simulator.start_task("wien", "pve1", "qmstart", "100", duration=5)
            cache.request_refresh(["wien"])
            await eventually(lambda: f"pve:wien!{new}" in {task.upid for task in tasks_of(cache)}, 3.0)


async def test_a_remote_that_comes_back_is_fetched_at_once(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        await simulator.take_down("graz")
        async with at_work(configure(simulator, tmp_path, poll_interval=1), tmp_path / "cache", clock) as cache:
            await eventually(lambda: "graz" in cache.health().failing)
            await simulator.bring_up("graz")
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            await eventually(lambda: not cache.health().failing)


async def test_an_offline_node_fails_alone_and_keeps_its_cutoff(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        simulator.set_offline("wien", "pve2")
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            offline = [task for task in truth(simulator) if task.remote == "wien" and task.node == "pve2"]
            assert [task for task in truth(simulator) if task not in offline] == tasks_of(cache)
            wien = cache.health().remotes["wien"]
            assert wien.error is None and wien.nodes["pve1"].error is None
            assert wien.nodes["pve2"].offline and wien.nodes["pve2"].failing_since == NOW
        assert '"pve2"' not in (tmp_path / "cache/state").read_text().partition('"wien"')[2].partition("}}}")[0]
        clock.now += 720
        async with at_work(configure(simulator, tmp_path), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache, clock.now))
            assert cache.health().remotes["wien"].nodes["pve2"].failing_since == NOW
            simulator.set_offline("wien", "pve2", False)
            cache.request_refresh(["wien"])
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            await eventually(lambda: cache.health().remotes["wien"].nodes["pve2"].failing_since is None)


async def test_a_token_without_privileges_is_told_from_an_idle_remote(tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(SMALL, clock) as simulator:
        config = configure(simulator, tmp_path)
        low = simulator.remotes["wien"].low
        remotes = dict(config.remotes)
        remotes["wien"] = replace(remotes["wien"], token_id=low.id, secret=Secret(low.secret))
        async with at_work(replace(config, remotes=remotes), tmp_path / "cache", clock) as cache:
            await eventually(lambda: round_is_over(cache))
            assert "Sys.Audit" in cache.health().remotes["wien"].notes[0]


@pytest.mark.parametrize("ahead", [-2 * 3_600, 2 * 3_600])
async def test_remotes_whose_clocks_are_hours_off_lose_nothing_and_are_told_of(tmp_path: Path, ahead: int) -> None:
    clock = Clock()
    async with Simulator(SMALL, lambda: clock.now + ahead) as simulator:
        config = configure(simulator, tmp_path, poll_interval=1)
        async with at_work(config, tmp_path / "cache", clock) as cache:
            await eventually(lambda: tasks_of(cache) == truth(simulator))
            new = f"pve:wien!{simulator.start_task('wien', 'pve1', 'qmstart', '100', duration=50)}"
            await eventually(lambda: new in {task.upid for task in tasks_of(cache) if task.running})
            clock.now += 60
            await eventually(lambda: new in {task.upid for task in tasks_of(cache) if not task.running})
            clock.now += 60
            cache.request_refresh()
            await eventually(lambda: round_is_over(cache, clock.now))
            known = {task.upid for task in tasks_of(cache)}
            assert {task.upid for task in truth(simulator)} <= known
            wien = cache.health().remotes["wien"]
            assert wien.clock_skew == pytest.approx(ahead, abs=5)
            assert wien.notes == [f"its clock is about 2:00:00 {'ahead of' if ahead > 0 else 'behind'} ours"]
