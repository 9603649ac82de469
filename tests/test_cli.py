"""The command line as scripts meet it: outputs, exit statuses, and one clear line for each failure."""

import csv
import io
import json
import os
import re
import sys
import time
from pathlib import Path

import pexpect
import pytest
from click.testing import CliRunner, Result

from backend.archive import Batch, CacheWriter
from backend.archive.health import Health, NodeHealth, RemoteHealth
from backend.cli import COMMANDS, make_command
from backend.commands.command import Places
from backend.task import Task
from backend.times import moment_words

NOW = 1_795_478_000


def run(*arguments: str) -> Result:
    """Run the command line with a dashboard that says it was called."""

    def dashboard(places: Places) -> None:
        print(f"dashboard on {places.cache_dir}")

    return CliRunner().invoke(make_command(dashboard, lambda: print("demo")), arguments, prog_name="remote-tasks")


def task(number: int, *, ended: bool = True, status: str = "OK", type: str = "qmstart") -> Task:
    upid = f"pve:wien!UPID:pve1:{number:08X}:0D015579:{NOW - number:08X}:{type}:{100 + number}:root@pam:"
    return Task(upid, NOW - number, NOW - number + 5 if ended else None, status if ended else None)


TASKS = [
    task(0, ended=False),
    task(1),
    task(2, status="it broke \x1b[31m in two"),
    task(3, ended=False, type="vzdump"),
    task(4, status="WARNINGS: 1", type="vncproxy"),
    *(task(number) for number in range(5, 60)),
]


@pytest.fixture
def cache(tmp_path: Path) -> str:
    """A cache with TASKS in it."""
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.store(Batch(TASKS[:30]))
        writer.housekeep(merge_now=True)
        writer.store(Batch(TASKS[30:]))
        remote = RemoteHealth(last_success=NOW, latency=0.012, nodes={"pve1": NodeHealth(NOW)})
        failing = RemoteHealth(type="pbs", error="connection refused", failing_since=NOW)
        writer.write_health(Health(updated=NOW, remotes={"wien": remote, "graz": failing}))
    return str(tmp_path)


def listed(cache: str, *arguments: str) -> list[str]:
    result = run("list", "--cache-dir", cache, "--format", "jsonl", *arguments)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line)["upid"] for line in result.stdout.splitlines()]


def test_list_shows_running_and_finished_tasks_together_newest_start_first(cache: str) -> None:
    assert listed(cache, "--limit", "0") == [task.upid for task in TASKS]
    assert listed(cache) == [task.upid for task in TASKS[:50]]


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 5, 31, 57, 58, 59, 60, 61])
def test_list_pages_by_limit_and_offset_through_the_joint_order(cache: str, offset: int) -> None:
    paged = listed(cache, "--limit", "7", "--offset", str(offset))
    assert paged == [task.upid for task in TASKS[offset : offset + 7]]


def test_list_prints_the_keys_that_scripts_rely_on(cache: str) -> None:
    result = run("list", "--cache-dir", cache, "--format", "json", "--limit", "2")
    assert json.loads(result.stdout) == [
        {
            "upid": TASKS[0].upid,
            "remote": "wien",
            "node": "pve1",
            "pid": 0,
            "pstart": 0x0D015579,
            "starttime": NOW,
            "worker_type": "qmstart",
            "worker_id": "100",
            "user": "root@pam",
            "endtime": None,
            "status": None,
        },
        TASKS[1].as_dict(),
    ]
    assert run("list", "--cache-dir", cache, "--format", "json", "nothing-like-it").stdout == "[]\n"


def test_list_in_csv_has_a_header_and_a_row_a_task(cache: str) -> None:
    result = run("list", "--cache-dir", cache, "--format", "csv", "--limit", "3")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["upid"] for row in rows] == [task.upid for task in TASKS[:3]]
    assert rows[0]["endtime"] == ""


@pytest.mark.parametrize("command", ["list", "remotes"])
def test_csv_has_the_same_header_whether_or_not_there_are_rows(cache: str, tmp_path: Path, command: str) -> None:
    empty = tmp_path / "empty"
    CacheWriter(empty, clock=lambda: NOW).close()
    full = run(command, "--cache-dir", cache, "--format", "csv").stdout.splitlines()
    none = run(command, "--cache-dir", str(empty), "--format", "csv").stdout.splitlines()
    assert len(full) > 1 and none == full[:1]
    assert set(none[0].split(",")) == set(
        json.loads(run(command, "--cache-dir", cache, "--format", "jsonl").stdout.splitlines()[0])
    )


def test_list_as_a_table_is_in_words_and_harmless(cache: str) -> None:
    result = run("list", "--cache-dir", cache, "--limit", "3")
    title, *rows = result.stdout.splitlines()
    assert title.split() == ["START", "DURATION", "REMOTE", "NODE", "USER", "TASK", "STATUS"]
    assert "VM 100 - Start" in rows[0] and rows[0].endswith("running")
    assert "it broke ␛[31m in two" in rows[2]
    assert "\x1b" not in result.stdout


def test_a_table_is_headed_by_the_period_that_its_filter_asks_for(cache: str) -> None:
    words = ["since:2026-11-23", "until:2026-11-24"]
    period = "tasks started from Mon 23 Nov 00:00 to Tue 24 Nov 24:00"
    for command in ("list", "stats"):
        heading, titles, *_ = run(command, *words, "--cache-dir", cache).stdout.splitlines()
        assert re.sub(r" 20\d\d", "", heading.partition(";")[0]) == period, "the year is told in another year only"
        assert titles.split()[0] in ("START", "TOTAL")
        assert "tasks started" not in run(command, *words, "--format", "csv", "--cache-dir", cache).stdout
        none = run(command, "since:2026-11-24", "until:2026-11-23", "--cache-dir", cache).stdout
        assert none.startswith("tasks started at no time: it would end before it begins")


def test_stats_tell_how_far_back_what_is_counted_goes(cache: str, tmp_path: Path) -> None:
    oldest = moment_words(TASKS[-1].starttime, time.time())
    assert run("stats", "--cache-dir", cache).stdout.startswith(f"all kept tasks, since {oldest}\n")
    heading = run("stats", "since:2020-01-01", "--cache-dir", cache).stdout.splitlines()[0]
    assert heading == f"tasks started from Wed 1 Jan 2020 00:00; kept are those since {oldest}"
    since = f"since:{TASKS[40].starttime}"
    assert "kept" not in run("stats", since, "--cache-dir", cache).stdout
    CacheWriter(tmp_path / "empty", clock=lambda: NOW).close()
    assert run("stats", "--cache-dir", str(tmp_path / "empty")).stdout.split()[0] == "TOTAL"


def test_list_takes_the_filter_as_one_argument_or_as_several(cache: str) -> None:
    expected = [TASKS[2].upid, TASKS[4].upid]
    assert listed(cache, "status:error,warning") == expected
    assert listed(cache, "status:error,warning type:qm*") == expected[:1]
    assert listed(cache, "status:error,warning", "-type:vncproxy") == expected[:1]
    assert listed(cache, "-type:qmstart") == [TASKS[3].upid, TASKS[4].upid]
    assert listed(cache, "--running", "vzdump") == [TASKS[3].upid]
    assert listed(cache, "status:running") == [TASKS[0].upid, TASKS[3].upid]


def test_wrong_usage_exits_2_and_names_what_is_wrong(cache: str) -> None:
    for arguments, words in [
        (["list", "status:eror"], "eror"),
        (["list", "stat:error"], "status:"),
        (["list", "--limt", "5"], "--limt"),
        (["list", "--limit", "-1"], "--limit"),
        (["list", "--limit", "9" * 20], "--limit"),
        (["list", "--offset", "9" * 20], "--offset"),
        (["list", "--format", "xml"], "xml"),
        (["nonsense"], "nonsense"),
        (["--daemon", "--demo"], "--demo"),
        (["--daemon", "list"], "--daemon"),
        (["simulate", "--remotes", "0"], "--remotes"),
    ]:
        result = run(*arguments, *(["--cache-dir", cache] if arguments[0] == "list" else []))
        assert result.exit_code == 2, arguments
        assert words in result.stderr


def test_any_other_failure_exits_1_with_one_clear_line(cache: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[remotes.wien\n")
    absent = str(tmp_path / "absent")
    too_long = str(tmp_path / ("x" * 300))
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    for arguments, words in [
        (["list", "--cache-dir", absent], absent),
        (["remotes", "--cache-dir", absent], absent),
        (["refresh", "--cache-dir", cache], "nobody is fetching"),
        (["refresh", "--cache-dir", cache, "nowhere"], "graz, wien"),
        (["--daemon", "--config", absent], "--demo"),
        (["--daemon", "--config", str(broken)], f"{broken}:1"),
        (["--daemon", "--config", str(empty), "--cache-dir", str(empty)], str(empty)),
        (["simulate", "--remotes", "2", "--pbs", "3"], "pbs"),
        # Names that the system refuses to look at.
        (["list", "--cache-dir", too_long], too_long),
        (["remotes", "--cache-dir", too_long], too_long),
        (["refresh", "--cache-dir", too_long], too_long),
        (["--daemon", "--config", too_long], too_long),
        (["--daemon", "--config", str(empty), "--cache-dir", too_long], too_long),
    ]:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, ""), arguments
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may enter any directory")
def test_a_directory_one_may_not_enter_is_told_in_one_line(cache: str, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    (locked / "config.toml").write_text("")
    locked.chmod(0)
    try:
        for arguments in (
            ["list", "--cache-dir", str(locked / "cache")],
            ["--daemon", "--config", str(locked / "config.toml")],
            ["--daemon", "--config", str(tmp_path / "empty.toml"), "--cache-dir", str(locked / "cache")],
        ):
            (tmp_path / "empty.toml").write_text("")
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (1, ""), arguments
            assert "Permission denied" in result.stderr and len(result.stderr.splitlines()) == 1
    finally:
        locked.chmod(0o700)


def test_remotes_tells_each_ones_trouble_in_words(cache: str) -> None:
    result = run("remotes", "--cache-dir", cache)
    assert result.exit_code == 0
    _, graz, wien = result.stdout.splitlines()
    assert graz.split()[:4] == ["graz", "pbs", "was", "failing"] and graz.endswith("connection refused")
    assert wien.split()[:4] == ["wien", "pve", "was", "ok"] and "12 ms" in wien
    seen = moment_words(NOW, time.time())
    assert f"nobody is fetching into {cache} now; what follows is of {seen}\n" in result.stderr
    records = json.loads(run("remotes", "--cache-dir", cache, "--format", "json").stdout)
    assert [record["remote"] for record in records] == ["graz", "wien"]
    assert [(record["state"], record["fetching"]) for record in records] == [("failing", False), ("ok", False)]
    assert {record["as_of"] for record in records} == {NOW}
    with CacheWriter(Path(cache), clock=lambda: NOW):
        _, graz, wien = run("remotes", "--cache-dir", cache).stdout.splitlines()
    assert graz.split()[2] == "failing" and wien.split()[2] == "ok"


def test_a_health_of_no_time_on_any_calendar_is_shown(cache: str) -> None:
    path = Path(cache) / "health"
    path.write_text(json.dumps({**json.loads(path.read_text()), "updated": 1e20}))
    result = run("remotes", "--cache-dir", cache)
    assert result.exit_code == 0 and "what follows is of 1000" in result.stderr, result.output


def test_remotes_that_are_named_are_shown_wherever_the_names_stand(cache: str) -> None:
    for arguments in (["graz"], ["graz", "--format", "jsonl"], ["--format", "jsonl", "graz"]):
        result = run("--cache-dir", cache, "remotes", *arguments)
        assert result.exit_code == 0 and "graz" in result.stdout and "wien" not in result.stdout
    assert (
        run("remotes", "wien", "graz", "--cache-dir", cache).stdout == run("remotes", "--cache-dir", cache).stdout
    )
    result = run("remotes", "wien", "nix", "--cache-dir", cache)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: no remote is called nix; there are graz, wien\n"
    assert "[NAME... | COMMAND]" in run("remotes", "wien", "--help").stdout


@pytest.mark.parametrize(
    "command", ["list", "stats", "remotes", "refresh", "track", "wait", "log", "stop", "import"]
)
def test_a_configuration_that_was_named_and_is_not_there_is_told(cache: str, tmp_path: Path, command: str) -> None:
    upid = {"track": [TASKS[0].upid], "wait": [TASKS[0].upid], "log": [TASKS[0].upid], "import": [cache]}
    upid["stop"] = [TASKS[0].upid, "--yes"]
    absent = tmp_path / "it is" / "none.toml"
    cache_dir = cache if command != "import" else str(tmp_path / "other")
    result = run(command, *upid.get(command, []), "--config", str(absent), "--cache-dir", cache_dir)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: no configuration at {absent}; `remote-tasks ")
    assert f"remote-tasks --config '{absent}' --cache-dir {cache_dir} remotes add NAME`" in result.stderr


def test_without_cache_and_configuration_the_ways_on_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    result = run("list")
    assert result.exit_code == 1 and "`remote-tasks --demo`" in result.stderr
    (line,) = result.stderr.splitlines()
    assert len(line.replace(str(tmp_path), "")) < 140
    assert "`remote-tasks remotes add NAME`" in result.stderr
    (tmp_path / "config" / "remote-tasks").mkdir(parents=True)
    (tmp_path / "config" / "remote-tasks" / "config.toml").touch()
    assert "start `remote-tasks`" in run("list").stderr


def test_names_in_a_filter_that_no_task_has_are_told(cache: str) -> None:
    for words, told in [
        ("remote:nix", "no task has the remote nix: there are wien\n"),
        ("remote:wein", "no task has the remote wein: did you mean wien?\n"),
        ("-type:VZdmp", "no task has the type vzdmp: did you mean vzdump?\n"),
        ("node:pve1,pve9", "no task has the node pve9: did you mean pve1?\n"),
        ("user:root", "no task has the user root: did you mean root@pam?\n"),
        ("user:root@pam type:qm* remote:WIEN vmid:9", ""),
    ]:
        for command in ("list", "stats"):
            result = run(command, words, "--format", "json", "--cache-dir", cache)
            assert (result.exit_code, result.stderr) == (0, told), words
    assert "no task matches\n" in run("list", "nothing-like-it", "--cache-dir", cache).stderr


def test_a_word_that_reads_like_a_status_or_a_time_is_told_where_nothing_matches(cache: str) -> None:
    for words, told in [
        ("yesterday", "no task matches: did you mean since:yesterday?\n"),
        ("failed 2h", "no task matches: did you mean status:error?\n"),
        ("-failed 123456789", "no task matches\n"),
    ]:
        assert told in run("list", *words.split(), "--cache-dir", cache).stderr, words
    assert "did you mean since:14:30?" in run("list", "14:30", "--cache-dir", cache).stderr


def test_list_shows_the_remote_upid_on_wish(cache: str) -> None:
    title, first, *_ = run("list", "--upid", "--cache-dir", cache).stdout.splitlines()
    assert title.endswith("  REMOTE-UPID") and first.endswith(f"  {TASKS[0].upid}")


def test_refresh_leaves_a_request_for_the_one_at_work(cache: str) -> None:
    with CacheWriter(Path(cache), clock=lambda: NOW) as writer:
        assert run("refresh", "--cache-dir", cache, "wien").exit_code == 0
        assert run("--cache-dir", cache, "refresh").exit_code == 0
        assert sorted(request.refresh for request in writer.take_requests()) == [(), ("wien",)]
        assert writer.take_requests() == []


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_each_command_has_a_help_that_shows_what_it_takes(command: str | None) -> None:
    result = run(*([command] if command else []), "--help")
    assert result.exit_code == 0
    assert "--cache-dir DIR" in result.stdout and "--config FILE" in result.stdout
    # an example, in lines that can be copied whole
    assert re.search(rf"^    remote-tasks {command or '--demo'} ?", result.stdout, re.MULTILINE)
    assert max(map(len, result.stdout.splitlines())) <= 80
    if command == "list":
        assert "since" in result.stdout and "negates" in result.stdout


def test_without_a_command_the_dashboard_gets_the_places(cache: str) -> None:
    assert run("--cache-dir", cache).stdout == f"dashboard on {cache}\n"
    assert run("--demo").stdout == "demo\n"


def test_list_as_a_table_says_that_there_is_more_and_that_nobody_fetches(cache: str) -> None:
    some = run("list", "--cache-dir", cache, "--limit", "3")
    assert "--limit 0" in some.stderr and "nobody is fetching" in some.stderr
    assert "--limit 0" not in run("list", "--cache-dir", cache, "--limit", "60").stderr
    assert run("list", "--cache-dir", cache, "--limit", "3", "--format", "jsonl").stderr == ""
    with CacheWriter(Path(cache), clock=lambda: NOW):
        assert "nobody" not in run("list", "--cache-dir", cache, "--limit", "3").stderr


def test_a_directory_that_is_no_cache_is_not_called_one_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("something else")
    result = run("list", "--cache-dir", str(tmp_path))
    assert result.exit_code == 1 and "there is no cache" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hosts"]


@pytest.mark.parametrize(
    ("remotes", "words"), [("1", "1 remote on 127.0.0.1, port"), ("2", "2 remotes on .* each")]
)
def test_simulate_says_what_it_serves_and_where(remotes: str, words: str) -> None:
    fleet = pexpect.spawn(
        sys.executable,
        ["-m", "tui", "simulate", "--remotes", remotes, "--nodes", "1", "--tasks-per-node", "1", "--pbs", "0"],
        encoding="utf-8",
        timeout=20,
    )
    fleet.expect(f"serving {words}")
    fleet.expect("Ctrl-C ends the fleet")
    fleet.sendintr()
    fleet.expect(pexpect.EOF)
    fleet.close()
    assert fleet.exitstatus == 0
