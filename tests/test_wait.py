"""`track` and `wait` as scripts meet them, and the round that `remotes` tells of: what is asked for, what is
printed, and the exit status."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
from click.testing import CliRunner, Result

from backend.archive import Batch, CacheWriter, TaskCache
from backend.archive.health import Health, NodeHealth, RemoteHealth, Round
from backend.cli import make_command
from backend.commands import wait as wait_module
from backend.commands.wait import UNKNOWN
from backend.report import format_moment
from backend.task import Task
from backend.times import moment_words

NOW = 1_795_478_000
UPID = f"pve:wien!UPID:pve1:00000001:0D015579:{NOW:08X}:vzdump:101:root@pam:"
WORDS = f"VM/CT 101 - Backup on wien, node pve1, by root@pam, started {format_moment(NOW)}"
WAITING = f"waiting for {WORDS}\n"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_command(lambda _: None, lambda: None), arguments, prog_name="remote-tasks")


def ended(status: str, *, ago: int = 0) -> Task:
    return Task(UPID, NOW, NOW + 5 - ago, status)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_module, "LOOK_EVERY", 0.01)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[CacheWriter]:
    """Who works on a cache in `tmp_path`, with the remote `wien`."""
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.write_health(Health(remotes={"wien": RemoteHealth()}))
        yield writer


@contextmanager
def meanwhile(act: Callable[[], None]) -> Iterator[None]:
    """Do something in another thread while the context lasts."""
    thread = threading.Thread(target=act)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def take_request(writer: CacheWriter) -> None:
    """Do what the workers do with a request to track."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for request in writer.take_requests():
            writer.track(request.track)
            return
        time.sleep(0.005)
    raise AssertionError("nothing was asked for")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("OK", 0),
        ("WARNINGS: 3", 3),
        ("command 'lvcreate' failed: exit code 5", 4),
        ("unexpected status", 5),
        ("unknown (its node no longer knows this task)", 5),
    ],
)
def test_wait_tells_by_its_exit_status_how_the_task_ended(
    writer: CacheWriter, tmp_path: Path, status: str, code: int
) -> None:
    def work() -> None:
        take_request(writer)
        writer.store(Batch([ended(status)]))

    with meanwhile(work):
        result = run("wait", UPID.removeprefix("pve:"), "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (code, f"{status}\n")
    assert ("is the remote UPID right?" in result.stderr) == status.startswith("unknown (")


def test_what_has_ended_already_is_told_at_once_even_if_nobody_fetches(
    writer: CacheWriter, tmp_path: Path
) -> None:
    writer.store(Batch([ended("it broke \x1b[31m")]))
    writer.close()
    result = run("wait", UPID, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (4, "it broke ␛[31m\n")
    assert not (tmp_path / "inbox").exists()


@pytest.mark.parametrize("span", ["1s", "1"])
def test_wait_gives_up_when_its_time_is_over(writer: CacheWriter, tmp_path: Path, span: str) -> None:
    with meanwhile(lambda: take_request(writer)):
        result = run("wait", UPID, "--timeout", span, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (6, "")
    assert result.stderr == f"{WAITING}it has not ended within 1 s\n"


def test_a_remote_that_answers_nothing_is_told_of_where_its_tasks_are_shown_as_running(
    writer: CacheWriter, tmp_path: Path
) -> None:
    writer.store(Batch([Task(UPID, NOW)]))
    silent = RemoteHealth(last_success=NOW, error="no connection", failing_since=NOW + 5)
    writer.write_health(Health(remotes={"wien": silent}))
    silence = f"wien has not answered since {moment_words(NOW, time.time())}"

    waited = run("wait", UPID, "--timeout", "1", "--cache-dir", str(tmp_path))
    assert waited.exit_code == 6
    assert waited.stderr == f"{WAITING}it has not ended within 1 s, as far as is known: {silence}\n"
    for command in ("list", "stats"):
        warned = run(command, "--cache-dir", str(tmp_path))
        assert warned.stderr == f"warning: {silence}; what ran there may have ended\n"
        assert run(command, "status:error", "--cache-dir", str(tmp_path)).stderr.count("warning") == 0
    assert UPID in writer.running


def test_a_task_whose_end_is_not_kept_is_not_waited_for_for_ever(writer: CacheWriter, tmp_path: Path) -> None:
    def work() -> None:
        take_request(writer)
        time.sleep(0.1)
        writer.keep_only([])

    with meanwhile(work):
        result = run("wait", UPID, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (5, f"{UNKNOWN}\n")


@pytest.mark.parametrize("told_before", [False, True])
def test_a_task_that_its_remote_does_not_know_is_told_and_nothing_of_it_stays(
    writer: CacheWriter, tmp_path: Path, told_before: bool
) -> None:
    health = Health(remotes={"wien": RemoteHealth()}, no_such_tasks={UPID: NOW - 60.0} if told_before else {})
    writer.write_health(health)

    def work() -> None:
        take_request(writer)
        writer.untrack(UPID)
        health.no_such_tasks[UPID] = float(NOW)
        writer.write_health(health)

    with meanwhile(work):
        result = run("wait", UPID, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (5, f"{UNKNOWN}\n")
    assert result.stderr == f"{WAITING}wien knows no such task, or no longer; is the remote UPID right?\n"
    with TaskCache(tmp_path).snapshot() as snapshot:
        assert snapshot.count() == 0 and snapshot.running() == []


@pytest.mark.parametrize(
    ("field", "made_up", "waited_for", "fault"),
    [
        (
            f"{NOW:08X}",
            "00000010",
            "whose start cannot be right",
            "by its UPID it started in 1970, which cannot be",
        ),
        (
            f"{NOW:08X}",
            "FFFFFFFF",
            "whose start cannot be right",
            "by its UPID it started in 2106, which cannot be",
        ),
        ("UPID:pve1", "UPID:pve9", "node pve9", "wien has no node pve9 now, only pve1, pve2"),
    ],
)
def test_what_cannot_be_right_in_a_upid_that_nobody_knows_is_said(
    writer: CacheWriter, tmp_path: Path, field: str, made_up: str, waited_for: str, fault: str
) -> None:
    nodes = {"pve1": NodeHealth(), "pve2": NodeHealth()}
    health = Health(remotes={"wien": RemoteHealth(nodes=nodes)})
    writer.write_health(health)
    upid = UPID.replace(field, made_up)

    def work() -> None:
        take_request(writer)
        writer.untrack(upid)
        health.no_such_tasks[upid] = float(NOW)
        writer.write_health(health)

    with meanwhile(work):
        result = run("wait", upid, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (5, f"{UNKNOWN}\n")
    waiting, told = result.stderr.splitlines()
    assert waited_for in waiting and "1970" not in waiting
    compare = "compare the remote UPID with `remote-tasks list --upid`"
    assert told == f"wien knows no such task, or no longer; {fault}: {compare}"


@pytest.mark.parametrize("command", ["track", "wait"])
def test_where_nobody_fetches_that_is_said_at_once(writer: CacheWriter, tmp_path: Path, command: str) -> None:
    writer.store(Batch([Task(UPID, NOW)]))
    writer.close()
    result = run(command, UPID, "--cache-dir", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: nobody is fetching into {tmp_path}")


def test_where_nobody_fetches_any_more_that_is_said_and_waiting_goes_on(
    writer: CacheWriter, tmp_path: Path
) -> None:
    def work() -> None:
        take_request(writer)
        writer.close()
        time.sleep(0.2)
        with CacheWriter(tmp_path, clock=lambda: NOW) as other:
            other.store(Batch([ended("OK")]))

    with meanwhile(work):
        result = run("wait", UPID, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, "OK\n")
    assert result.stderr == f"{WAITING}nobody is fetching into {tmp_path} any more; still waiting\n"


@pytest.mark.parametrize("command", ["track", "wait"])
def test_what_is_no_task_of_this_fleet_is_refused(writer: CacheWriter, tmp_path: Path, command: str) -> None:
    assert run(command, "nonsense", "--cache-dir", str(tmp_path)).exit_code == 2
    result = run(command, UPID.replace("wien", "graz"), "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, "Error: no remote is called graz; there is wien\n")
    backup = f"pbs:wien!UPID:pbs:000002B2:00000158:0000001F:{NOW:08X}:garbage_collection:store1:root@pam:"
    result = run(command, backup, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, "Error: wien is a PVE remote, the task one of PBS\n")
    assert run(command, UPID, "--cache-dir", str(tmp_path / "none")).exit_code == 1


def test_track_tells_of_a_task_that_has_ended_already_how(writer: CacheWriter, tmp_path: Path) -> None:
    writer.store(Batch([ended("it broke \x1b[31m")]))
    result = run("track", UPID, "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "it has ended already: it broke ␛[31m\n")
    assert writer.take_requests() == []


def test_a_span_that_is_none_is_wrong_usage(writer: CacheWriter, tmp_path: Path) -> None:
    result = run("wait", UPID, "--timeout", "soon", "--cache-dir", str(tmp_path))
    assert result.exit_code == 2 and "90s, 10m" in result.stderr


def test_track_asks_for_the_task_and_returns(writer: CacheWriter, tmp_path: Path) -> None:
    result = run("track", UPID.removeprefix("pve:"), "--cache-dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (
        0,
        f"asked to follow {WORDS}; `remote-tasks wait` waits for its end\n",
    )
    assert [request.track for request in writer.take_requests()] == [(UPID,)]


def test_an_interrupt_ends_waiting_cleanly(writer: CacheWriter, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", "wait", UPID, "--cache-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as waiting:
        take_request(writer)
        time.sleep(0.1)
        waiting.send_signal(signal.SIGINT)
        output, errors = waiting.communicate(timeout=10)
    told = f"{WAITING}interrupted; the task is not\n".encode()
    assert (waiting.returncode, output, errors) == (130, b"", told)


def test_a_terminal_is_told_what_is_waited_for_and_how_long_it_runs(writer: CacheWriter, tmp_path: Path) -> None:
    command = ["-m", "tui", "wait", UPID, "--cache-dir", str(tmp_path)]
    terminal = pexpect.spawn(sys.executable, command, encoding="utf-8", timeout=20, dimensions=(24, 80))
    terminal.expect_exact("asking for it · VM/CT 101 - Backup on wien, node pve1, by root@pam")
    take_request(writer)
    terminal.expect(r"\r\x1b\[Krunning for [0-9:d ]+ · VM/CT 101 - Backup")
    terminal.sendintr()
    terminal.expect_exact("\r\x1b[Kinterrupted; the task is not")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130


def test_remotes_tells_how_far_a_round_is_while_somebody_fetches(writer: CacheWriter, tmp_path: Path) -> None:
    round = Round(time.time() - 30, nodes_done=250, nodes_total=1_000, tasks=61_234)
    writer.write_health(Health(remotes={"wien": RemoteHealth(clock_skew=7.0)}, round=round))
    told = run("remotes", "--cache-dir", str(tmp_path))
    assert "a round goes on: 250 of 1,000 nodes, 61,234 tasks, about 1:3" in told.stderr
    as_json = run("remotes", "--format", "json", "--cache-dir", str(tmp_path)).stdout
    assert json.loads(as_json)[0]["clock_skew"] == 7.0
    writer.close()
    told = run("remotes", "--cache-dir", str(tmp_path))
    assert "a round goes on" not in told.stderr and "nobody is fetching" in told.stderr
