"""A fleet as a process of its own: its flags, its control file, its truth."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from backend.simulator import Simulator, SimulatorError, SimulatorOptions, parse_fault, serve

SMALL = SimulatorOptions(remotes=2, nodes=1, tasks_per_node=20, tasks_per_pbs=20, auth_delay=0.0)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; fails after some seconds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    pytest.fail("what was waited for has not come about")


@asynccontextmanager
async def served(control: Path, *faults: str) -> AsyncIterator[tuple[Simulator, list[str]]]:
    """A fleet in service with a control file, and what it tells."""
    ready: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    told: list[str] = []
    always = [parse_fault(fault) for fault in faults]
    serving = asyncio.create_task(
        serve(SMALL, faults=always, control=control, ready=ready.set_result, tell=told.append)
    )
    try:
        await eventually(lambda: serving.done() or ready.done())
        if serving.done():
            await serving
        yield ready.result(), told
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError, SimulatorError):
            await serving


async def test_the_control_files_faults_hold_as_long_as_they_stand_there(tmp_path: Path) -> None:
    control = tmp_path / "faults"
    control.write_text("# at first\n\nwien:hang\n")
    async with served(control, "*:latency=0.01") as (simulator, told):

        def held() -> list[str]:
            return [str(fault) for fault in simulator.faults]

        assert held() == ["*:latency=0.01", "wien:hang"]
        control.write_text("wien:refuse  # a host that is down\npbs-001:status=500@0.5")
        await eventually(lambda: held() == ["*:latency=0.01", "wien:refuse", "pbs-001:status=500@0.5"])
        await eventually(lambda: told == ["faults: *:latency=0.01, wien:refuse, pbs-001:status=500@0.5"])
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", simulator.remotes["wien"].port)

        # as an editor does
        (tmp_path / "new").write_text("")
        os.replace(tmp_path / "new", control)
        await eventually(lambda: told[1:] == ["faults: *:latency=0.01"])
        _, writer = await asyncio.open_connection("127.0.0.1", simulator.remotes["wien"].port)
        writer.transport.abort()

        control.write_text("wien:empty")
        await eventually(lambda: held() == ["*:latency=0.01", "wien:empty"])
        control.unlink()
        await eventually(lambda: held() == ["*:latency=0.01"])


async def test_a_control_file_that_is_not_there_yet_is_an_empty_one(tmp_path: Path) -> None:
    control = tmp_path / "later" / "faults"
    async with served(control) as (simulator, told):
        assert simulator.faults == ()
        control.parent.mkdir()
        control.write_text("wien:hang")
        await eventually(lambda: told == ["faults: wien:hang"])
        control.write_text("")
        await eventually(lambda: told[1:] == ["faults: none"])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wien:hnag", "line 2: in the fault 'wien:hnag': there is no fault 'hnag'; did you mean hang?"),
        ("wein:hang", "line 2: in the fault 'wein:hang': no remote is called wein; there is wien"),
    ],
)
async def test_a_wrong_line_is_told_once_and_changes_nothing(tmp_path: Path, line: str, words: str) -> None:
    control = tmp_path / "faults"
    control.write_text("wien:hang")
    async with served(control) as (simulator, told):
        control.write_text(f"wien:reset\n{line}\n")
        await eventually(lambda: bool(told))
        assert told == [f"{control}, {words}"]
        assert [str(fault) for fault in simulator.faults] == ["wien:hang"]
        control.write_text("wien:reset")
        await eventually(lambda: told[1:] == ["faults: wien:reset"])
    control.write_text(line)
    with pytest.raises(SimulatorError, match="line 1: in the fault"):
        async with served(control):
            pass


async def test_a_control_file_that_cannot_be_read_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match=r"cannot read .*Is a directory"):
        async with served(tmp_path):
            pass


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`remote-tasks simulate` with these arguments; killed at the end if it still runs."""
    command = (sys.executable, "-m", "tui", "simulate", "--remotes", "2", "--nodes", "1", *arguments)
    running = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def said(running: asyncio.subprocess.Process, words: str) -> str:
    """The next line on its standard error that holds these words."""
    assert running.stderr is not None
    async with asyncio.timeout(20):
        while line := (await running.stderr.readline()).decode():
            if words in line:
                return line.rstrip()
    pytest.fail(f"it ended without a line with {words!r}")


async def test_a_process_writes_the_truth_when_asked_and_at_its_end_and_reads_its_control_file(
    tmp_path: Path,
) -> None:
    truth, control = tmp_path / "truth.jsonl", tmp_path / "faults"
    arguments = ("--truth", str(truth), "--control", str(control), "--speed", "60", "--tasks-per-pbs", "50")
    async with process(*arguments, "--tasks-per-node", "50", "--rate", "60") as running:
        await said(running, "Ctrl-C ends the fleet")
        assert not truth.exists()
        running.send_signal(signal.SIGUSR1)
        assert await said(running, "wrote") == f"wrote {truth}"
        first = [json.loads(line) for line in truth.read_text().splitlines()]
        control.write_text("wien/pve1:burst=2000")
        assert await said(running, "faults") == "faults: wien/pve1:burst=2000"
        await asyncio.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        await said(running, "wrote")
        assert await running.wait() == 0
        last = [json.loads(line) for line in truth.read_text().splitlines()]
        assert {task["upid"] for task in first} < {task["upid"] for task in last}
        assert len(last) > len(first) + 200
        assert any(task["forgotten"] is not None for task in last)


@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (("--fault", "wien:hnag"), "there is no fault 'hnag'; did you mean hang?", 2),
        (("--fault", "wein:hang"), "no remote is called wein; there is wien", 2),
        (("--speed", "0"), "speed: expected more than 0", 1),
        (("--truth", "/nonexistent/truth"), "cannot write /nonexistent/truth: No such file or directory", 1),
    ],
)
async def test_wrong_flags_are_one_clear_line_and_no_traceback(
    arguments: tuple[str, ...], words: str, status: int
) -> None:
    async with process(*arguments) as running:
        if "--truth" in arguments:
            await said(running, "Ctrl-C ends the fleet")
            running.send_signal(signal.SIGINT)
        assert words in await said(running, "Error: ")
        assert await running.wait() == status
