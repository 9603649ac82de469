"""`remote-tasks remotes`: --check, add and remove, as scripts and as people at a terminal meet them."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest
from click.testing import CliRunner, Result

from backend.cli import make_command
from backend.config import Endpoint, load_config
from backend.simulator import Simulator, SimulatorOptions
from backend.simulator.fleet import SimulatedRemote
from tests.client.server import ApiServer, Reply, Request, data, make_identity, serve

SECONDS = 20


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    """Run the command line without a terminal."""
    command = make_command(lambda _: None, lambda: None)
    return CliRunner().invoke(command, ["remotes", *arguments], prog_name="remote-tasks", env=env)


@contextmanager
def in_background(
    serving: Callable[[Callable[[Any], None], asyncio.Event], Coroutine[Any, Any, None]],
) -> Iterator[Any]:
    """Run a server in a thread of its own; `serving` is to hand over what the block gets, and to end on the
    event."""
    started: list[Any] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    def hand_over(served: Any) -> None:
        started.append(served)
        ready.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serving(hand_over, ending),))
    thread.start()
    try:
        assert ready.wait(SECONDS)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(SECONDS)
        loop.close()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Simulator]:
    """A PVE host, `wien`, and a PBS host."""

    async def serving(hand_over: Callable[[Any], None], ending: asyncio.Event) -> None:
        options = SimulatorOptions(
            remotes=2, pbs=1, nodes=1, rate=0, tasks_per_node=5, tasks_per_pbs=5, auth_delay=0
        )
        async with Simulator(options) as simulator:
            hand_over(simulator)
            await ending.wait()

    with in_background(serving) as simulator:
        yield simulator


@contextmanager
def served(handler: Callable[[Request], Reply]) -> Iterator[ApiServer]:
    """A server that answers as the test tells it."""

    async def serving(hand_over: Callable[[Any], None], ending: asyncio.Event) -> None:
        async with serve(handler, make_identity()) as server:
            hand_over(server)
            await ending.wait()

    with in_background(serving) as server:
        yield server


def cluster(nodes: list[dict[str, str]] | None = None) -> Callable[[Request], Reply]:
    """A cluster of three whose second node answers where the first does, by its address; or of these nodes."""
    told = [{"node": "pve2", "ssl_fingerprint": make_identity().fingerprint}]
    answers = {
        "/version": data({"version": "9.2.1"}),
        "/access/permissions": data({"/": {"Sys.Audit": 1}}),
        "/nodes": data(nodes or told),
        "/cluster/status": data(
            [
                {"type": "node", "name": "pve1", "local": 1},
                {"type": "node", "name": "pve2", "ip": "127.0.0.1"},
                {"type": "node", "name": "pve3"},
            ]
        ),
    }
    return lambda request: answers[request.path]


def first_node(server: ApiServer, path: Path) -> list[str]:
    """The options that add the first node of such a cluster."""
    return [
        *("--config", str(path), "--type", "pve", "--host", f"localhost:{server.port}"),
        *("--fingerprint", server.identity.fingerprint, "--token-id", "a@pve!b", "--token-secret-env", "S"),
    ]


def configured(server: ApiServer, folder: Path, fingerprint: str) -> str:
    """The path of a configuration of this server as `wien`."""
    path = folder / "config.toml"
    path.touch(mode=0o600)
    path.write_text(
        f'[remotes.wien]\ntype = "pve"\nnodes = ["127.0.0.1:{server.port}"]\nfingerprint = "{fingerprint}"\n'
        'token-id = "a@pve!b"\ntoken-secret = "secret"\n'
    )
    return str(path)


@pytest.fixture
def wien(fleet: Simulator) -> SimulatedRemote:
    return fleet.remotes["wien"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the configuration is to be; there is none yet, nor its directory."""
    return tmp_path / "new" / "config.toml"


@pytest.fixture
def whole(fleet: Simulator, tmp_path: Path) -> Path:
    """A configuration of the whole fleet."""
    path = tmp_path / "fleet.toml"
    path.touch(mode=0o600)
    path.write_text(fleet.config_toml())
    return path


def given(remote: SimulatedRemote, path: Path, secret: Path | None = None) -> list[str]:
    """All options that add a remote without a question."""
    if secret is None:
        secret = path.parent.parent / "secret"
        secret.touch(mode=0o600)
        secret.write_text(remote.token.secret)
    return [
        *("--config", str(path)),
        *("--type", remote.type),
        *("--host", f"127.0.0.1:{remote.port}"),
        *("--fingerprint", remote.fingerprint),
        *("--token-id", remote.token.id),
        *("--token-secret-file", str(secret)),
    ]


class TestCheck:
    def test_it_tells_each_step_under_each_remote_and_exits_0_when_all_is_well(self, whole: Path) -> None:
        result = run("--config", str(whole), "--check")
        assert result.exit_code == 0, result.output
        lines = result.stdout.splitlines()
        heads = [line for line in lines if not line.startswith(" ")]
        assert heads == ["wien (pve)", "pbs-001 (pbs)"]
        assert all(line.startswith("    ✓ ") for line in lines if line.startswith("    "))
        for words in ("Proxmox VE 9", "Proxmox Backup Server 4", "pve1: Sys.Audit", "agrees", "until"):
            assert words in result.stdout

    def test_it_asks_those_that_are_named_wherever_the_names_stand(self, whole: Path) -> None:
        for arguments in (["--check", "wien"], ["wien", "--check"]):
            result = run(*arguments, "--config", str(whole))
            assert result.exit_code == 0
            assert "wien (pve)" in result.stdout and "pbs-001" not in result.stdout

    def test_programs_get_a_record_a_step(self, whole: Path, wien: SimulatedRemote) -> None:
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

    def test_a_failure_exits_1_and_names_the_remote(self, whole: Path, wien: SimulatedRemote) -> None:
        whole.write_text(whole.read_text().replace(wien.fingerprint, ":".join(["AB"] * 32)))
        result = run("--config", str(whole), "--check")
        assert result.exit_code == 1
        assert "✗ certificate" in result.stdout and wien.fingerprint in result.stdout
        assert result.stderr == "failed: wien\n"
        records = json.loads(run("--config", str(whole), "--check", "--format", "json").stdout)
        assert [record["remote"] for record in records if record["result"] == "failed"] == ["wien"]

    def test_a_warning_does_not_count_as_a_failure(self, tmp_path: Path) -> None:
        with served(cluster([{"node": "pve1"}, {"node": "pve2", "status": "offline"}])) as server:
            result = run("--config", configured(server, tmp_path, server.identity.fingerprint), "--check")
        assert result.exit_code == 0 and "! node" in result.stdout and not result.stderr

    def test_a_server_with_the_wrong_certificate_sees_no_byte_of_the_token(self, tmp_path: Path) -> None:
        with served(lambda _: data({"version": "9"})) as server:
            path = configured(server, tmp_path, ":".join(["AB"] * 32))
            assert run("--config", path, "--check").exit_code == 1
            assert not any(server.received)

    def test_an_unknown_name_and_no_remotes_are_told_in_a_line(self, whole: Path, tmp_path: Path) -> None:
        (tmp_path / "empty.toml").touch()
        for arguments, words in [
            (["--check", "graz", "--config", str(whole)], "there are pbs-001, wien"),
            (["--check", "--config", str(tmp_path / "empty.toml")], "remotes add"),
            (["--check", "--config", str(tmp_path / "none.toml")], "no configuration"),
        ]:
            result = run(*arguments)
            assert (result.exit_code, result.stdout) == (1, "")
            assert words in result.stderr and len(result.stderr.splitlines()) == 1

    def test_the_help_says_what_counts(self) -> None:
        help = " ".join(run("--help").stdout.split())
        assert "exit status is 1 if any step failed" in help
        assert "add" in help and "remove" in help

    @pytest.mark.parametrize("command", ["add", "remove"])
    def test_a_command_goes_without_check(self, command: str, whole: Path) -> None:
        result = run(command, "wien", "--check", "--config", str(whole))
        assert result.exit_code == 2 and f"{command} goes without --check" in result.stderr


class TestAddWithoutTerminal:
    def test_all_given_nothing_is_asked_and_the_file_is_made_private(
        self, path: Path, wien: SimulatedRemote
    ) -> None:
        result = run("add", "wien", *given(wien, path))
        assert result.exit_code == 0, result.output
        remote = load_config(path).remotes["wien"]
        assert remote.nodes == (Endpoint("127.0.0.1", wien.port, wien.fingerprint),)
        assert (remote.token_id, remote.secret.reveal()) == (wien.token.id, wien.token.secret)
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        assert [file.name for file in path.parent.iterdir()] == ["config.toml"]
        assert wien.token.secret not in path.read_text() + result.output

    def test_the_rest_of_the_file_its_mode_and_a_link_to_it_stay(self, tmp_path: Path, fleet: Simulator) -> None:
        (tmp_path / "folder").mkdir()
        target = tmp_path / "target.toml"
        before = '# mine\n[settings]  # few\npoll-interval = "7s"\n'
        target.write_text(before)
        target.chmod(0o640)
        path = tmp_path / "folder" / "config.toml"
        path.symlink_to(target)
        pbs = fleet.remotes["pbs-001"]
        assert run("add", "graz", *given(pbs, path)).exit_code == 0
        assert path.is_symlink() and target.read_text().startswith(f"{before}\n[remotes.graz]\n")
        assert target.stat().st_mode & 0o777 == 0o640
        assert load_config(path).remotes["graz"].type == "pbs"

    def test_the_secret_may_be_in_a_variable(self, path: Path, wien: SimulatedRemote) -> None:
        arguments = [*given(wien, path)[:-2], "--token-secret-env", "WIEN_SECRET"]
        assert run("add", "wien", *arguments, env={"WIEN_SECRET": wien.token.secret}).exit_code == 0
        assert 'token-secret-env = "WIEN_SECRET"' in path.read_text()
        result = run("add", "graz", *arguments)
        assert result.exit_code == 2 and "--token-secret-env" in result.stderr

    def test_yes_accepts_the_certificate_that_is_shown(self, path: Path, wien: SimulatedRemote) -> None:
        arguments = given(wien, path)
        del arguments[6:8]
        result = run("add", "wien", *arguments)
        assert result.exit_code == 2 and "--fingerprint" in result.stderr and not path.exists()
        result = run("add", "wien", *arguments, "--yes")
        assert result.exit_code == 0 and wien.fingerprint in result.stderr
        assert load_config(path).remotes["wien"].nodes[0].fingerprint == wien.fingerprint

    def test_a_certificate_that_an_authority_vouches_for_needs_neither(
        self, path: Path, tmp_path: Path, wien: SimulatedRemote
    ) -> None:
        (tmp_path / "ca.pem").write_text(wien.certificate.pem)
        arguments = given(wien, path)
        arguments[6:8] = ["--ca-file", str(tmp_path / "ca.pem")]
        result = run("add", "wien", *arguments)
        assert result.exit_code == 0, result.output
        remote = load_config(path).remotes["wien"]
        assert (remote.nodes[0].fingerprint, remote.ca_file) == (None, tmp_path / "ca.pem")

    @pytest.mark.parametrize("missing", ["--type", "--host", "--token-id", "--token-secret-file"])
    def test_what_is_missing_is_named(self, path: Path, wien: SimulatedRemote, missing: str) -> None:
        arguments = given(wien, path)
        at = arguments.index(missing)
        result = run("add", "wien", *arguments[:at], *arguments[at + 2 :])
        assert result.exit_code == 2
        assert missing in result.stderr and "no terminal" in result.stderr and not path.exists()

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--host", "http://a"),
            ("--fingerprint", "AB"),
            ("--token-id", "root@pam"),
            ("--type", "pmg"),
            ("--token-secret-file", "/none"),
        ],
    )
    def test_what_is_wrong_is_named(self, path: Path, wien: SimulatedRemote, option: str, value: str) -> None:
        arguments = given(wien, path)
        arguments[arguments.index(option) + 1] = value
        result = run("add", "wien", *arguments)
        assert result.exit_code == 2 and option in result.stderr and not path.exists()

    def test_a_name_that_is_none_and_a_host_given_twice_are_wrong(self, path: Path, wien: SimulatedRemote) -> None:
        assert run("add", "a b", *given(wien, path)).exit_code == 2
        result = run("add", "wien", *given(wien, path), "--host", f"127.0.0.1:{wien.port}")
        assert result.exit_code == 2 and "twice" in result.stderr

    def test_a_secret_file_that_others_may_read_is_refused(self, path: Path, wien: SimulatedRemote) -> None:
        arguments = given(wien, path)
        Path(arguments[-1]).chmod(0o644)
        result = run("add", "wien", *arguments)
        assert result.exit_code == 2 and f"chmod 600 {arguments[-1]}" in result.stderr and not path.exists()

    def test_nothing_is_written_if_the_check_fails(self, path: Path, wien: SimulatedRemote) -> None:
        secret = path.parent.parent / "wrong"
        secret.touch(mode=0o600)
        secret.write_text("wrong")
        result = run("add", "wien", *given(wien, path, secret))
        assert result.exit_code == 1 and "✗ token" in result.stderr and not path.exists()
        arguments = given(wien, path)
        arguments[arguments.index("--fingerprint") + 1] = ":".join(["AB"] * 32)
        result = run("add", "wien", *arguments)
        assert result.exit_code == 1 and wien.fingerprint in result.stderr and not path.exists()

    def test_one_that_is_there_is_written_anew_only_if_that_is_said(
        self, path: Path, wien: SimulatedRemote
    ) -> None:
        path.parent.mkdir()
        path.write_text('# first\n[remotes.wien]\ntype = "pbs"\n\n# second\n[remotes.graz]\n')
        result = run("add", "wien", *given(wien, path))
        assert result.exit_code == 1 and "--replace" in result.stderr
        assert run("add", "wien", *given(wien, path), "--replace").exit_code == 0
        text = path.read_text()
        assert text.startswith('# first\n[remotes.wien]\ntype = "pve"\n')
        assert text.endswith("\n\n# second\n[remotes.graz]\n")

    def test_a_file_that_cannot_be_changed_is_told_in_a_line(self, path: Path, wien: SimulatedRemote) -> None:
        path.parent.mkdir()
        for text, words in [("[remotes.wien\n", f"{path}:1: no valid TOML"), ("remotes = {}\n", "by hand")]:
            path.write_text(text)
            result = run("add", "wien", *given(wien, path))
            assert result.exit_code == 1 and words in result.stderr and path.read_text() == text

    def test_a_place_where_nothing_can_be_written_is_told_before_anybody_is_asked(
        self, tmp_path: Path, wien: SimulatedRemote, fleet: Simulator
    ) -> None:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "new" / "config.toml"
        (tmp_path / "link").symlink_to(path)
        fleet.requests.clear()
        for place in (path, tmp_path / "link"):
            result = run("add", "wien", *given(wien, tmp_path / "a" / "b"), "--config", str(place))
            assert result.exit_code == 1 and not fleet.requests
            assert result.stderr == f"Error: {tmp_path}/file: nothing can be written there: Not a directory\n"

    def test_the_clusters_other_nodes_are_added_if_that_is_said(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("S", "secret")
        with served(cluster()) as server:
            result = run("add", "wien", "--all-nodes", *first_node(server, path))
        assert result.exit_code == 0, result.output
        nodes = load_config(path).remotes["wien"].nodes
        assert [node.host for node in nodes] == ["localhost", "127.0.0.1"]
        assert "pve3: not found" in result.stderr


class Terminal:
    """The command in a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "tui", "remotes", *arguments],
            encoding="utf-8",
            timeout=SECONDS,
            dimensions=(50, 150),
            env=os.environ | {"PYTHONWARNINGS": "error"},
        )
        self.shown = ""

    def answer(self, question: str, *answers: str) -> None:
        """Wait for a question, and type the answers, each a line."""
        self._child.expect_exact(question)
        self.shown += self._child.before + question
        for answer in answers:
            self._child.sendline(answer)

    def interrupt(self, question: str) -> None:
        """Wait for a question, and press Ctrl-C."""
        self.answer(question)
        self._child.sendintr()

    def end(self) -> int:
        """Wait for the end; the exit status."""
        self._child.expect(pexpect.EOF)
        self.shown += self._child.before
        self._child.close()
        status: int = self._child.exitstatus
        return status


class TestAddAtTerminal:
    def test_everything_is_asked_for_explained_and_looked_at(self, path: Path, wien: SimulatedRemote) -> None:
        terminal = Terminal("add", "wien", "--config", str(path))
        terminal.answer("(pve, pbs)? ", "pve")
        terminal.answer("Host name or IP address", "http://wrong")
        terminal.answer("HTTPS only")
        terminal.answer("Host name or IP address", f"127.0.0.1:{wien.port}")
        terminal.answer("Is it the same? [y/N]:", "y")
        terminal.answer("Token id [monitor@pve!tasks]:", wien.token.id)
        terminal.answer("Token secret", wien.token.secret)
        assert terminal.end() == 0
        for words in (
            wien.fingerprint,
            "CN=pve1.wien",
            "pvenode cert info",
            "pveum user token add",
            "✓",
            "none to add",
        ):
            assert words in terminal.shown
        assert wien.token.secret not in terminal.shown + path.read_text()
        assert load_config(path).remotes["wien"].secret.reveal() == wien.token.secret
        secret = path.parent / "wien.secret"
        assert secret.stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("question", ["(pve, pbs)?", "Is it the same?", "Token id", "Token secret"])
    def test_an_abort_at_any_question_writes_nothing(
        self, path: Path, wien: SimulatedRemote, question: str
    ) -> None:
        answers = {
            "(pve, pbs)?": "pve",
            "Host name": f"127.0.0.1:{wien.port}",
            "Is it the same?": "y",
            "Token id": wien.token.id,
        }
        terminal = Terminal("add", "wien", "--config", str(path))
        for asked, answer in answers.items():
            if asked == question:
                break
            terminal.answer(asked, answer)
        terminal.interrupt(question)
        assert terminal.end() == 1
        assert "nothing was written" in terminal.shown and "Traceback" not in terminal.shown
        assert not path.parent.exists()

    def test_an_empty_first_answer_gives_up_as_it_is_said(self, path: Path) -> None:
        terminal = Terminal("add", "wien", "--config", str(path))
        terminal.answer("so does an empty answer")
        terminal.answer("(pve, pbs)?", "")
        assert terminal.end() == 1
        assert "given up; nothing was written" in terminal.shown and not path.parent.exists()

    def test_what_failed_is_told_and_asked_for_again(self, path: Path, wien: SimulatedRemote) -> None:
        host = f"127.0.0.1:{wien.port}"
        options = ["--config", str(path), "--type", "pve", "--host", "127.0.0.1:1", "--token-id", "no@pve!body"]
        terminal = Terminal("add", "wien", *options)
        terminal.answer("Host name", host)
        assert "✗ 127.0.0.1:1: no connection" in terminal.shown.replace("\x1b[31m", "").replace("\x1b[0m", "")
        terminal.answer("Is it the same?", "n")
        terminal.answer(f"{host}: its certificate is not accepted")
        terminal.answer("Host name", host)
        terminal.answer("Is it the same?", "y")
        terminal.answer("Token secret", "wrong")
        terminal.answer("The token is not accepted")
        terminal.answer("Token id [no@pve!body]:", wien.token.id)
        terminal.answer("Token secret", wien.token.secret)
        assert terminal.end() == 0
        remote = load_config(path).remotes["wien"]
        assert (remote.nodes[0].port, remote.token_id) == (wien.port, wien.token.id)
        assert remote.secret.reveal() == wien.token.secret
        assert f"remote-tasks --config {path}" in terminal.shown

    def test_a_file_that_is_not_there_is_asked_for_again_and_an_empty_answer_gives_up(
        self, path: Path, wien: SimulatedRemote
    ) -> None:
        options = given(wien, path)
        secret, options[-1] = options[-1], str(path.parent / "none")
        terminal = Terminal("add", "wien", *options)
        terminal.answer("File that holds the token's secret", "")
        assert terminal.end() == 1 and not path.parent.exists()
        assert "No such file" in terminal.shown and "nothing was written" in terminal.shown
        terminal = Terminal("add", "wien", *options, "--ca-file", str(path))
        terminal.answer("File with the authority's certificate", str(path))
        terminal.answer("no CA certificates (No such file")
        terminal.answer("File with the authority's certificate", str(self._certificate(path, wien)))
        terminal.answer("File that holds the token's secret", secret)
        assert terminal.end() == 0
        assert f'token-secret-file = "{secret}"' in path.read_text()

    def _certificate(self, path: Path, wien: SimulatedRemote) -> Path:
        file = path.parent.parent / "ca.pem"
        file.write_text(wien.certificate.pem)
        return file

    @pytest.mark.parametrize(("answer", "hosts"), [("", ["localhost", "127.0.0.1"]), ("n", ["localhost"])])
    def test_the_clusters_other_nodes_are_offered(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, hosts: list[str]
    ) -> None:
        monkeypatch.setenv("S", "secret")
        with served(cluster()) as server:
            terminal = Terminal("add", "wien", *first_node(server, path))
            terminal.answer("Add them?", answer)
            assert terminal.end() == 0
        assert f"pve2: 127.0.0.1:{server.port}" in terminal.shown
        assert [node.host for node in load_config(path).remotes["wien"].nodes] == hosts

    @pytest.mark.parametrize(("answer", "status"), [("stop", 1), ("write", 0), ("again", 0)])
    def test_a_check_that_failed_may_be_made_again_or_put_up_with(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
    ) -> None:
        monkeypatch.setenv("S", "secret")
        answers = cluster([{"node": "pve1"}])
        permitted = False

        def handler(request: Request) -> Reply:
            if request.path == "/access/permissions" and not permitted:
                return data({"/": {"VM.Audit": 1}})
            return answers(request)

        with served(handler) as server:
            terminal = Terminal("add", "wien", *first_node(server, path))
            terminal.answer("(again, write, stop)? [again]:")
            permitted = answer == "again"
            terminal.answer("", answer)
            assert terminal.end() == status
        assert "no Sys.Audit on /nodes/pve1" in terminal.shown
        assert path.exists() == (status == 0)

    def test_with_replace_the_same_file_is_written_anew(self, path: Path, wien: SimulatedRemote) -> None:
        path.parent.mkdir()
        path.write_text('[remotes.wien]\ntoken-secret-file = "wien.secret"\n')
        (path.parent / "wien.secret").write_text("old")
        terminal = Terminal("add", "wien", *given(wien, path)[:-2], "--replace")
        terminal.answer("Token secret", wien.token.secret)
        assert terminal.end() == 0
        assert load_config(path).remotes["wien"].secret.reveal() == wien.token.secret

    def test_the_old_secret_stays_if_the_configuration_is_to_be_changed_by_hand(
        self, path: Path, wien: SimulatedRemote
    ) -> None:
        path.parent.mkdir()
        text = '[remotes]\nwien = { type = "pve", token-secret-file = "wien.secret" }\n'
        path.write_text(text)
        secret = path.parent / "wien.secret"
        secret.write_text("old")
        terminal = Terminal("add", "wien", *given(wien, path)[:-2], "--replace")
        terminal.answer("Token secret", wien.token.secret)
        assert terminal.end() == 1 and "change it by hand" in terminal.shown
        assert (secret.read_text(), path.read_text()) == ("old", text)

    @pytest.mark.parametrize("old", [b"old\r\n", None])
    def test_the_old_secret_comes_back_if_the_configuration_cannot_be_written(
        self, path: Path, wien: SimulatedRemote, old: bytes | None
    ) -> None:
        path.parent.mkdir()
        path.write_text('[remotes.wien]\ntoken-secret-file = "wien.secret"\n')
        secret = path.parent / "wien.secret"
        if old is not None:
            secret.write_bytes(old)
        terminal = Terminal("add", "wien", *given(wien, path)[:-2], "--replace")
        terminal.answer("Token secret")
        path.unlink()
        path.mkdir()
        terminal.answer(":", wien.token.secret)
        assert terminal.end() == 1 and "Is a directory" in terminal.shown
        assert (secret.read_bytes() if secret.exists() else None) == old
        assert {file.name for file in path.parent.iterdir()} <= {"config.toml", "wien.secret"}

    def test_a_secret_file_of_somebody_else_is_left_alone(self, path: Path, wien: SimulatedRemote) -> None:
        path.parent.mkdir()
        (path.parent / "wien.secret").write_text("not ours")
        terminal = Terminal("add", "wien", *given(wien, path)[:-2])
        assert terminal.end() == 1 and "is there already" in terminal.shown
        assert (path.parent / "wien.secret").read_text() == "not ours"


class TestRemove:
    TEXT = """# mine
[remotes.wien]
type = "pve"
token-secret-file = "wien.secret"

# about graz
[remotes.graz]
token-secret-file = "graz.key"
"""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        for name in ("wien.secret", "graz.key"):
            (tmp_path / name).write_text("secret")
        path = tmp_path / "config.toml"
        path.write_text(self.TEXT)
        return path

    def test_it_goes_with_the_secret_that_add_made_and_the_rest_stays(self, path: Path) -> None:
        assert run("remove", "wien", "--yes", "--config", str(path)).exit_code == 0
        assert path.read_text() == self.TEXT[:7] + self.TEXT[self.TEXT.index("# about") :]
        assert not (path.parent / "wien.secret").exists()
        assert run("remove", "graz", "--yes", "--config", str(path)).exit_code == 0
        assert path.read_text() == "# mine\n# about graz\n"
        assert (path.parent / "graz.key").exists()

    def test_a_secret_that_another_remote_uses_stays(self, path: Path) -> None:
        path.write_text(self.TEXT.replace("graz.key", "wien.secret"))
        assert run("remove", "wien", "--yes", "--config", str(path)).exit_code == 0
        assert (path.parent / "wien.secret").exists()

    def test_without_yes_it_asks(self, path: Path) -> None:
        result = run("remove", "wien", "--config", str(path))
        assert result.exit_code == 2 and "--yes" in result.stderr
        terminal = Terminal("remove", "wien", "--config", str(path))
        terminal.answer("[y/N]:", "")
        assert terminal.end() == 1 and path.read_text() == self.TEXT
        terminal = Terminal("remove", "wien", "--config", str(path))
        terminal.answer(f"and remove {path.parent}/wien.secret? [y/N]:", "y")
        assert terminal.end() == 0 and "[remotes.wien]" not in path.read_text()

    def test_one_that_is_not_there_is_told(self, path: Path, tmp_path: Path) -> None:
        for file, words in (
            (path, f"{path} has no remote ulm; there are graz, wien"),
            (tmp_path / "none.toml", f"no configuration at {tmp_path / 'none.toml'}"),
        ):
            result = run("remove", "ulm", "--yes", "--config", str(file))
            assert result.exit_code == 1 and words in result.stderr


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
