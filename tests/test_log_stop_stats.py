"""`log`, `stop` and `stats` as scripts and as people at a terminal meet them."""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import CliRunner, Result

from backend import remote_tasks
from backend.archive import Batch, CacheWriter
from backend.cli import make_command
from backend.query import parse_filter
from backend.simulator import Simulator, SimulatorOptions
from backend.task import Task
from tests.background import in_background, served
from tests.client.server import Reply
from tests.task_server import TaskServer, write_config
from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks

FORBIDDEN = Reply(b"", 403, "Permission check failed (/nodes/pve1, Sys.Modify)", close=True)
NODE_GONE = Reply(b"", 595, "Connection refused", close=True)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(make_command(lambda _: None, lambda: None), arguments, prog_name="remote-tasks")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_tasks, "LOOK_EVERY", 0.02)


@pytest.fixture
def node() -> TaskServer:
    """A node on which a backup runs."""
    return TaskServer(pve_task(NOW - 60, kind="vzdump"), ["INFO: starting", "INFO: 10%"])


@pytest.fixture
def config(node: TaskServer, tmp_path: Path) -> Iterator[str]:
    """The path of a configuration with that node."""
    with served(node) as server:
        path = tmp_path / "config.toml"
        write_config(server, path)
        yield str(path)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, str]]:
    """A simulated PVE cluster and a PBS host, and the path of their configuration."""

    async def serving(hand_over: Any, ending: Any) -> None:
        options = SimulatorOptions(remotes=2, pbs=1, nodes=2, rate=0, tasks_per_node=20, tasks_per_pbs=20)
        async with Simulator(options) as simulator:
            hand_over(simulator)
            await ending.wait()

    with in_background(serving) as simulator:
        path = tmp_path_factory.mktemp("fleet") / "config.toml"
        path.touch(mode=0o600)
        path.write_text(simulator.config_toml())
        yield simulator, str(path)


class TestLog:
    def test_the_lines_of_both_products_come_as_the_remote_has_them(self, fleet: tuple[Simulator, str]) -> None:
        simulator, config = fleet
        for remote in simulator.remotes:
            backups = (task for task in simulator.remembered(remote) if task.worker_type in ("vzdump", "backup"))
            task = next(task for task in backups if task.status == "OK")
            result = run("log", task.upid, "--config", config)
            assert result.exit_code == 0, result.output
            lines = result.stdout.splitlines()
            assert len(lines) > 1 and lines[-1].endswith("TASK OK")
            assert run("log", task.upid.partition(":")[2], "--config", config).stdout == result.stdout

    def test_a_long_log_is_read_to_its_end(self, node: TaskServer, config: str) -> None:
        node.lines = range(2 * remote_tasks.LOG_LINES + 7)
        result = run("log", node.task.upid, "--config", config)
        assert result.stdout.splitlines() == [f"line {number} of many" for number in node.lines]
        assert len(node.asked) == 3

    def test_what_could_steer_a_terminal_is_shown_as_signs_and_tabs_stay(
        self, node: TaskServer, config: str
    ) -> None:
        node.lines = ["\x1b[31mred\x1b]52;c;AAAA\x07", "a\tb", "\u202eturned", "[bold]x", "GerÃ¤t"]
        result = run("log", node.task.upid, "--config", config)
        assert result.stdout == "␛[31mred␛]52;c;AAAA␇\na\tb\n�turned\n[bold]x\nGerät\n"

    def test_an_empty_log_is_nothing(self, node: TaskServer, config: str) -> None:
        node.lines = []
        result = run("log", node.task.upid, "--config", config)
        assert (result.exit_code, result.output) == (0, "")

    def test_following_goes_on_until_the_task_has_ended(self, node: TaskServer, config: str) -> None:
        lines: list[str] = ["INFO: starting"]
        node.lines = lines

        def work() -> None:
            for number in range(5):
                wait_for(lambda number=number: len(node.asked) > 2 * number)
                lines.append(f"INFO: {number}")
            lines.append("TASK OK")
            node.running = False

        worker = threading.Thread(target=work)
        worker.start()
        result = run("log", "--follow", node.task.upid, "--config", config)
        worker.join()
        assert result.exit_code == 0
        assert result.stdout.splitlines() == lines

    def test_following_outlasts_a_node_that_is_out_of_reach(self, node: TaskServer, config: str) -> None:
        def work() -> None:
            wait_for(lambda: len(node.asked) > 1)
            node.refusal = NODE_GONE
            time.sleep(0.1)
            node.running = False
            node.refusal = None

        worker = threading.Thread(target=work)
        worker.start()
        result = run("log", "-f", node.task.upid, "--config", config)
        worker.join()
        assert (result.exit_code, result.stdout) == (0, "INFO: starting\nINFO: 10%\n")
        assert result.stderr.count("; asking again") == 1
        assert result.stderr.startswith("wien: node pve1 is not reachable")

    def test_a_terminal_is_told_that_a_quiet_task_still_runs(self, node: TaskServer, config: str) -> None:
        start = "import backend.commands.log as log; log.TOLD_AFTER = 0.0; from tui.__main__ import main; main()"
        command = ["-c", start, "log", "-f", node.task.upid, "--config", config]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        terminal = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=20)
        terminal.expect(r"INFO: 10%\r\n\r\x1b\[Kstill running, [0-9:d ]+ by now · nothing new for \d s")
        node.lines = ["INFO: starting", "INFO: 10%", "TASK OK"]
        node.running = False
        terminal.expect_exact("\r\x1b[KTASK OK\r\n")
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0

    def test_following_gives_up_in_the_end(
        self, node: TaskServer, config: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(remote_tasks, "GIVE_UP_AFTER", 0.1)

        def work() -> None:
            wait_for(lambda: len(node.asked) > 1)
            node.refusal = NODE_GONE

        worker = threading.Thread(target=work)
        worker.start()
        result = run("log", "-f", node.task.upid, "--config", config)
        worker.join()
        assert result.exit_code == 1
        assert result.stderr.splitlines()[-1].startswith("Error: wien: node pve1 is not reachable")

    @pytest.mark.parametrize(
        ("refusal", "words"),
        [
            (FORBIDDEN, "the token lacks Sys.Modify on /nodes/pve1"),
            (Reply(b"", 401, "authentication failure", close=True), "is not accepted"),
            (Reply(b'{"data":[{"n":1,"t":"unable to open file - No such file"}]}'), "log is gone"),
            (Reply(b'{"data":"x"}'), "a task log of another form"),
            (Reply(b"<html>"), "is it a Proxmox API?"),
        ],
    )
    def test_a_refusal_is_one_clear_line(self, node: TaskServer, config: str, refusal: Reply, words: str) -> None:
        node.refusal = refusal
        result = run("log", node.task.upid, "--config", config)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: wien: ") and words in result.stderr
        assert result.stderr.count("\n") == 1

    def test_who_stops_reading_ends_it_quietly(self, node: TaskServer, config: str) -> None:
        node.lines = range(20_000)
        command = f"{sys.executable} -m tui log '{node.task.upid}' --config {config} | head -1"
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        done = pexpect.run(f"sh -c {json.dumps(command)}", env=environment, encoding="utf-8")
        assert done.replace("\r", "") == "line 0 of many\n"


@pytest.mark.parametrize("command", ["log", "stop"])
class TestWhatCannotBeAsked:
    def arguments(self, command: str) -> list[str]:
        return [command, *(["--yes"] if command == "stop" else [])]

    def test_a_text_that_is_no_upid_is_wrong_usage(self, command: str, config: str) -> None:
        result = run(*self.arguments(command), "nonsense", "--config", config)
        assert result.exit_code == 2 and "not a remote UPID" in result.stderr

    def test_a_remote_that_is_not_configured_is_named(self, command: str, node: TaskServer, config: str) -> None:
        upid = node.task.upid.replace("wien", "graz")
        result = run(*self.arguments(command), upid, "--config", config)
        assert result.exit_code == 1
        assert result.stderr == "Error: the configuration has no remote graz; there is wien\n"

    def test_a_task_of_the_other_product_is_not_asked_for(self, command: str, config: str) -> None:
        upid = "pbs:wien!UPID:pbs:000002B2:00000158:0000001F:674D828C:garbage_collection:store1:root@pam:"
        result = run(*self.arguments(command), upid, "--config", config)
        assert result.exit_code == 1 and "wien is a PVE remote in the configuration" in result.stderr

    @pytest.mark.parametrize(
        ("upid", "words"),
        [
            ("pve:wien!UPID:pve1:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:", "is the remote UPID right?"),
            ("pve:wien!UPID:pve1:000934AF:0D015579:00000010:vzdump:101:root@pam:", "it started in 1970, which"),
            (
                "pve:wien!UPID:pve9:000934AF:0D015579:68BF3A41:vzdump:101:root@pam:",
                "wien has no node pve9 now, only pve1",
            ),
            (
                "pbs:pbs-001!UPID:pbs:000002B2:00000158:0000001F:674D828C:prune:a:root@pam:",
                "is the remote UPID right?",
            ),
        ],
    )
    def test_a_made_up_upid_is_told_as_one(
        self, command: str, fleet: tuple[Simulator, str], upid: str, words: str
    ) -> None:
        result = run(*self.arguments(command), upid, "--config", fleet[1])
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: ") and words in result.stderr and result.stderr.count("\n") == 1

    def test_without_a_configuration_that_is_said(self, command: str, node: TaskServer, tmp_path: Path) -> None:
        result = run(*self.arguments(command), node.task.upid, "--config", str(tmp_path / "none.toml"))
        assert result.exit_code == 1 and result.stderr.startswith("Error: no configuration at")


class TestStop:
    def test_without_a_terminal_it_needs_yes(self, node: TaskServer, config: str) -> None:
        result = run("stop", node.task.upid, "--config", config)
        assert result.exit_code == 2 and "needs --yes" in result.stderr
        assert node.running

    def test_with_yes_the_remote_is_asked_once(self, node: TaskServer, config: str) -> None:
        result = run("stop", "--yes", node.task.upid, "--config", config)
        assert (result.exit_code, result.stderr) == (0, "asked wien to stop VM/CT 101 - Backup\n")
        assert node.stops == 1 and not node.running

    def test_a_task_that_has_ended_is_left_alone(self, node: TaskServer, config: str) -> None:
        node.running = False
        result = run("stop", "--yes", node.task.upid, "--config", config)
        assert (result.exit_code, result.stderr) == (0, "it has ended already: OK\n")
        assert node.stops == 0

    def test_a_refusal_is_told(self, node: TaskServer, config: str) -> None:
        node.refusal = FORBIDDEN
        result = run("stop", "--yes", node.task.upid, "--config", config)
        assert result.exit_code == 1 and "the token lacks Sys.Modify on /nodes/pve1" in result.stderr

    @pytest.mark.parametrize(("answer", "stops", "words"), [("n", 0, "left alone"), ("y", 1, "asked wien to")])
    def test_on_a_terminal_it_asks_naming_the_task(
        self, node: TaskServer, config: str, answer: str, stops: int, words: str
    ) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "TZ": "UTC"}
        command = ["-m", "tui", "stop", node.task.upid, "--config", config]
        terminal = pexpect.spawn(sys.executable, command, env=environment, encoding="utf-8", timeout=20)
        terminal.expect(r"Stop VM/CT 101 - Backup on wien, node pve1, by root@pam, started 2026-11-24 14:31:05\?")
        terminal.sendline(answer)
        terminal.expect(words)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert (node.stops, terminal.exitstatus) == (stops, 1 - stops)


class TestStats:
    @pytest.fixture
    def tasks(self) -> list[Task]:
        return [*finished_tasks(600), *running_tasks()]

    @pytest.fixture
    def cache(self, tmp_path: Path, tasks: list[Task]) -> Iterator[str]:
        """A cache with these tasks, half of them merged, on which somebody works."""
        with CacheWriter(tmp_path / "cache", clock=lambda: NOW) as writer:
            writer.store(Batch(tasks[300:]))
            writer.housekeep(merge_now=True)
            writer.store(Batch([*tasks[:300], *running_tasks()]))
            yield str(tmp_path / "cache")

    def test_where_the_oldest_tasks_are_damaged_it_counts_from_those_that_are_there(self, tmp_path: Path) -> None:
        tasks = finished_tasks(4_000, apart=40)
        with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
            writer.store(Batch(list(tasks)))
            writer.housekeep(merge_now=True)
        oldest = min(path for path in tmp_path.glob("archive.*.zst") if path.stat().st_size > 1_000)
        content = oldest.read_bytes()
        oldest.write_bytes(content[:-2_000] + bytes(1_000) + content[-1_000:])
        result = run("stats", "--cache-dir", str(tmp_path))
        assert result.exit_code == 0, result.output
        assert "all kept tasks, since" in result.stdout
        assert f"warning: {oldest.name}" in result.stderr

    def counted(self, *arguments: str) -> Any:
        result = run("stats", *arguments, "--format", "json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def test_all_are_counted_by_status_in_one_row(self, cache: str, tasks: list[Task]) -> None:
        (row,) = self.counted("--cache-dir", cache)
        assert row == {"total": 604, **Counter(str(task.status_class) for task in tasks)}

    @pytest.mark.parametrize("by", ["type", "remote", "node", "user"])
    def test_by_a_field_there_is_a_row_for_each_value(self, cache: str, tasks: list[Task], by: str) -> None:
        rows = self.counted("--by", by, "--cache-dir", cache)
        attribute = "worker_type" if by == "type" else by
        expected = Counter((getattr(task, attribute), str(task.status_class)) for task in tasks)
        found = {
            (row[by], status): number
            for row in rows
            for status, number in row.items()
            if status not in (by, "total") and number
        }
        assert found == expected
        assert [row["total"] for row in rows] == sorted((row["total"] for row in rows), reverse=True)
        assert all(row["total"] == sum(row[name] for name in row if name not in (by, "total")) for row in rows)

    def test_a_filter_narrows_what_is_counted(self, cache: str, tasks: list[Task]) -> None:
        rows = self.counted("type:vzdump", "-remote:graz", "--by", "remote", "--cache-dir", cache)
        matches = parse_filter("type:vzdump -remote:graz").matcher()
        assert {row["remote"]: row["total"] for row in rows} == Counter(
            task.remote for task in tasks if matches(task)
        )

    def test_the_table_is_for_eyes_and_csv_for_programs(self, cache: str) -> None:
        table = run("stats", "--by", "type", "--cache-dir", cache).stdout.splitlines()
        assert table.pop(0).startswith("all kept tasks, since ")
        assert table[0].split() == ["TYPE", "TOTAL", "OK", "WARNING", "ERROR", "UNKNOWN", "RUNNING"]
        csv = run("stats", "--by", "type", "--format", "csv", "--cache-dir", cache).stdout.splitlines()
        assert csv[0] == "type,total,ok,warning,error,unknown,running"
        assert len(csv) == len(table)

    def test_what_matches_nothing_is_a_row_of_zeros(self, cache: str) -> None:
        (row,) = self.counted("nothing-has-this", "--cache-dir", cache)
        assert set(row.values()) == {0}
        assert self.counted("nothing-has-this", "--by", "type", "--cache-dir", cache) == []

    def test_a_wrong_filter_is_wrong_usage_and_no_cache_a_failure(self, cache: str, tmp_path: Path) -> None:
        assert run("stats", "status:broken", "--cache-dir", cache).exit_code == 2
        assert run("stats", "--cache-dir", str(tmp_path / "none")).exit_code == 1


def wait_for(condition: Any, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)
