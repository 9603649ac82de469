"""`remotes --check`: each step told, what counts as a failure, and what a server without our trust is sent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.simulator.fleet import SimulatedRemote
from tests.background import SECONDS, served
from tests.client.server import ApiServer, data
from tests.remotes.asking import cluster, run


def configured(server: ApiServer, folder: Path, fingerprint: str) -> str:
    """The path of a configuration of this server as `wien`."""
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(
        f'[remotes.wien]\ntype = "pve"\nnodes = ["127.0.0.1:{server.port}"]\nfingerprint = "{fingerprint}"\n'
        'token-id = "a@pve!b"\ntoken-secret = "secret"\n'
    )
    return str(path)


def test_it_tells_each_step_under_each_remote_and_exits_0_when_all_is_well(whole: Path) -> None:
    result = run("--config", str(whole), "--check")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]
    assert heads == ["pbs-001 (pbs)", "wien (pve)"]
    assert all(line.startswith("    ✓ ") for line in lines if line.startswith("    "))
    for words in ("Proxmox VE 9", "Proxmox Backup Server 4", "pve1: Sys.Audit", "agrees", "until"):
        assert words in result.stdout


def test_the_order_is_by_name_whatever_that_of_the_file_and_of_the_arguments(whole: Path) -> None:
    for names in ([], ["wien", "pbs-001", "wien"]):
        result = run("--check", *names, "--format", "jsonl", "--config", str(whole))
        records = [json.loads(line) for line in result.stdout.splitlines()]
        assert list(dict.fromkeys(record["remote"] for record in records)) == ["pbs-001", "wien"]
        assert sum(record["check"] == "token" for record in records) == 2


def test_a_remote_of_the_other_type_is_told_as_such_instead_of_a_wrong_token(whole: Path) -> None:
    text = whole.read_text()
    whole.write_text(text.replace('type = "pbs"', 'type = "pve"'))
    result = run("--check", "pbs-001", "--config", str(whole))
    words = 'this is a Proxmox Backup Server, not Proxmox VE; set type = "pbs"'
    assert result.exit_code == 1 and words in " ".join(result.stdout.split())
    assert "token" not in result.stdout and "privileges" not in result.stdout


def test_it_asks_those_that_are_named_wherever_the_names_stand(whole: Path) -> None:
    for arguments in (["--check", "wien"], ["wien", "--check"]):
        result = run(*arguments, "--config", str(whole))
        assert result.exit_code == 0
        assert "wien (pve)" in result.stdout and "pbs-001" not in result.stdout


def test_programs_get_a_record_a_step(whole: Path, wien: SimulatedRemote) -> None:
    lines = run("--check", "wien", "--format", "jsonl", "--config", str(whole)).stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert json.loads(run("--check", "wien", "--format", "json", "--config", str(whole)).stdout) == records
    assert records[1] == {
        "remote": "wien",
        "endpoint": f"127.0.0.1:{wien.port}",
        "node": None,
        "check": "certificate",
        "result": "ok",
        "words": records[1]["words"],
        "fingerprint": wien.fingerprint,
    }


def test_a_failure_exits_1_and_names_the_remote(whole: Path, wien: SimulatedRemote) -> None:
    whole.write_text(whole.read_text().replace(wien.fingerprint, ":".join(["AB"] * 32)))
    result = run("--config", str(whole), "--check")
    assert result.exit_code == 1
    assert "✗ certificate" in result.stdout and wien.fingerprint in result.stdout
    assert result.stderr == "failed: wien\n"
    records = json.loads(run("--config", str(whole), "--check", "--format", "json").stdout)
    assert [record["remote"] for record in records if record["result"] == "failed"] == ["wien"]


def test_a_warning_does_not_count_as_a_failure(tmp_path: Path) -> None:
    with served(cluster([{"node": "pve1"}, {"node": "pve2", "status": "offline"}])) as server:
        result = run("--config", configured(server, tmp_path, server.identity.fingerprint), "--check")
    assert result.exit_code == 0 and "! node" in result.stdout and not result.stderr


def test_a_server_with_the_wrong_certificate_sees_no_byte_of_the_token(tmp_path: Path) -> None:
    with served(lambda _: data({"version": "9"})) as server:
        path = configured(server, tmp_path, ":".join(["AB"] * 32))
        assert run("--config", path, "--check").exit_code == 1
        assert not any(server.received)


def test_an_unknown_name_and_no_remotes_are_told_in_a_line(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    for arguments, words in [
        (["--check", "graz", "--config", str(whole)], "there are pbs-001, wien"),
        (["--check", "--config", str(tmp_path / "empty.toml")], "remotes add"),
        (["--check", "--config", str(tmp_path / "none.toml")], "no configuration"),
    ]:
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert words in result.stderr and len(result.stderr.splitlines()) == 1


def test_the_help_says_what_counts() -> None:
    help = " ".join(run("--help").stdout.split())
    assert "exit status is 1 if any step failed" in help
    assert "add" in help and "remove" in help


@pytest.mark.parametrize("command", ["add", "remove"])
def test_a_command_goes_without_check(command: str, whole: Path) -> None:
    result = run(command, "wien", "--check", "--config", str(whole))
    assert result.exit_code == 2 and f"{command} goes without --check" in result.stderr


def test_a_reader_that_closes_the_output_of_a_check_early_is_no_traceback(whole: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "--config", str(whole), "remotes", "--check"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=SECONDS,
        )
    finally:
        os.close(writing)
    assert done.returncode == 1 and "Traceback" not in done.stderr
