"""`remotes add` at a terminal: what it asks, tells and offers, and what is left when it is given up."""

from pathlib import Path

import pytest

from backend.config import Endpoint, load_config
from backend.simulator import Simulator
from backend.simulator.fleet import SimulatedRemote
from tests.background import served
from tests.client.server import Reply, Request, data
from tests.remotes.asking import Terminal, cluster, first_node, given


def test_everything_is_asked_for_explained_and_looked_at(path: Path, wien: SimulatedRemote) -> None:
    path.parent.mkdir()
    path.write_text("[remotes.graz]\n")
    terminal = Terminal("add", "--config", str(path))
    terminal.answer("Name for it here, such as vienna:", "a b")
    terminal.answer("✗\x1b[0m 'a b' is no name for a remote")
    terminal.answer("Name for it here", "graz")
    terminal.answer("graz is in")
    terminal.answer("Name for it here", "wien")
    terminal.answer("(pve, pbs)? ", "pve")
    terminal.answer("Host name or IP address", "http://wrong")
    terminal.answer("HTTPS only")
    terminal.answer("Host name or IP address", f"127.0.0.1:{wien.port}")
    terminal.answer("Is it the same? [y/N]:", "perhaps")
    terminal.answer("✗\x1b[0m expected y or n")
    terminal.answer("Is it the same? [y/N]:", "y")
    terminal.answer("Token id (< back to the host) [monitor@pve!tasks]:", wien.token.id)
    terminal.answer("Token secret", "a b")
    terminal.answer("✗\x1b[0m the secret is empty, or has blanks")
    terminal.answer("Token secret", wien.token.secret)
    assert terminal.end() == 0
    assert "Error:" not in terminal.shown
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
    path.write_text(path.read_text().replace("[remotes.graz]\n", ""))
    assert load_config(path).remotes["wien"].secret.reveal() == wien.token.secret
    secret = path.parent / "wien.secret"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_backup_server_taken_for_pve_is_recognised_and_every_question_has_a_way_back(
    path: Path, fleet: Simulator, wien: SimulatedRemote
) -> None:
    pbs = fleet.remotes["pbs-001"]
    terminal = Terminal("add", "--config", str(path), "--yes")
    terminal.answer("Name for it here, such as vienna:", "graz")
    terminal.answer("(pve, pbs)? (< back to the name):", "<")
    terminal.answer("Name for it here, such as vienna [graz]:", "linz")
    terminal.answer("(< back to the name):", "pve")
    terminal.answer("(< back to the type):", f"127.0.0.1:{wien.port}")
    terminal.answer("Token id (< back to the host)", "a@pve!b")
    terminal.answer("(< back to the token id)", "<")
    terminal.answer("(< back to the host) [a@pve!b]", "<")
    terminal.answer(f"(< back to the type) [127.0.0.1:{wien.port}]", f"127.0.0.1:{pbs.port}")
    terminal.answer(f"127.0.0.1:{pbs.port}: this is a Proxmox Backup Server, not Proxmox VE")
    terminal.answer("Go on with it as Proxmox Backup Server (pbs)? [Y/n]:", "")
    terminal.answer("proxmox-backup-manager user generate-token")
    terminal.answer("Token id (< back to the host) [monitor@pbs!tasks]", pbs.token.id)
    terminal.answer("Token secret", pbs.token.secret)
    assert terminal.end() == 0
    (remote,) = load_config(path).remotes.values()
    assert (remote.name, remote.type, remote.nodes) == (
        "linz",
        "pbs",
        (Endpoint("127.0.0.1", pbs.port, pbs.fingerprint),),
    )


@pytest.mark.parametrize("question", ["(pve, pbs)?", "Is it the same?", "Token id", "Token secret"])
def test_an_abort_at_any_question_writes_nothing(path: Path, wien: SimulatedRemote, question: str) -> None:
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


def test_a_variable_without_a_secret_is_told_before_anything_is_asked(
    path: Path, wien: SimulatedRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WIEN_SECRET", raising=False)
    options = [*given(wien, path)[:-2], "--token-secret-env", "WIEN_SECRET"]
    terminal = Terminal("add", "wien", *options)
    terminal.answer("✗\x1b[0m --token-secret-env: WIEN_SECRET: the secret is empty")
    terminal.answer("Token secret", wien.token.secret)
    assert terminal.end() == 0
    assert load_config(path).remotes["wien"].secret.reveal() == wien.token.secret
    path.write_text("")
    terminal = Terminal("add", "wien", "--config", str(path), "--token-secret-env", "WIEN_SECRET")
    assert terminal.end() == 1 and "the secret is empty" in terminal.shown
    assert "wien.secret is there already" in terminal.shown and "(pve, pbs)?" not in terminal.shown


def test_an_empty_first_answer_gives_up_as_it_is_said(path: Path) -> None:
    terminal = Terminal("add", "wien", "--config", str(path))
    terminal.answer("so does an empty answer")
    terminal.answer("(pve, pbs)?", "")
    assert terminal.end() == 1
    assert "given up; nothing was written" in terminal.shown and not path.parent.exists()


def test_what_failed_is_told_and_asked_for_again(path: Path, wien: SimulatedRemote) -> None:
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
    path: Path, wien: SimulatedRemote
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
    terminal.answer("File with the authority's certificate", str(_certificate(path, wien)))
    terminal.answer("File that holds the token's secret", secret)
    assert terminal.end() == 0
    assert f'token-secret-file = "{secret}"' in path.read_text()


def _certificate(path: Path, wien: SimulatedRemote) -> Path:
    file = path.parent.parent / "ca.pem"
    file.write_text(wien.certificate.pem)
    return file


@pytest.mark.parametrize(("answer", "hosts"), [("", ["localhost", "127.0.0.1"]), ("n", ["localhost"])])
def test_the_clusters_other_nodes_are_offered(
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, hosts: list[str]
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
    path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
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


def test_with_replace_the_same_file_is_written_anew(path: Path, wien: SimulatedRemote) -> None:
    path.parent.mkdir()
    path.write_text('[remotes.wien]\ntoken-secret-file = "wien.secret"\n')
    (path.parent / "wien.secret").write_text("old")
    terminal = Terminal("add", "wien", *given(wien, path)[:-2], "--replace")
    terminal.answer("Token secret", wien.token.secret)
    assert terminal.end() == 0
    assert load_config(path).remotes["wien"].secret.reveal() == wien.token.secret


def test_the_old_secret_stays_if_the_configuration_is_to_be_changed_by_hand(
    path: Path, wien: SimulatedRemote
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
    path: Path, wien: SimulatedRemote, old: bytes | None
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


def test_a_secret_file_of_somebody_else_is_left_alone(path: Path, wien: SimulatedRemote) -> None:
    path.parent.mkdir()
    (path.parent / "wien.secret").write_text("not ours")
    terminal = Terminal("add", "wien", *given(wien, path)[:-2])
    assert terminal.end() == 1 and "is there already" in terminal.shown
    assert (path.parent / "wien.secret").read_text() == "not ours"
    terminal = Terminal("add", "--config", str(path))
    terminal.answer("Name", "wien")
    terminal.answer("is there already")
    terminal.answer("Name", "graz")
    terminal.answer("(pve, pbs)?", "")
    assert terminal.end() == 1 and "given up; nothing was written" in terminal.shown
