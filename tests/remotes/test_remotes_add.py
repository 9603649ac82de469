"""`remotes add` as scripts call it: everything given, nothing asked."""

import textwrap
from pathlib import Path

import pytest

from backend.client.members import Member, Other
from backend.commands.remotes.looking import tell_missed
from backend.config import Endpoint, RemoteConfig, Secret, load_config
from backend.config.model import DEFAULT_PORTS
from backend.simulator import Simulator
from backend.simulator.fleet import SimulatedRemote
from tests.background import served
from tests.remotes.asking import cluster, first_node, given, run


def test_all_given_nothing_is_asked_and_the_file_is_made_private(path: Path, wien: SimulatedRemote) -> None:
    result = run("add", "wien", *given(wien, path))
    assert result.exit_code == 0, result.output
    remote = load_config(path).remotes["wien"]
    assert remote.nodes == (Endpoint("127.0.0.1", wien.port, wien.fingerprint),)
    assert (remote.token_id, remote.secret.reveal()) == (wien.token.id, wien.token.secret)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]
    assert wien.token.secret not in path.read_text() + result.output


def test_the_rest_of_the_file_its_mode_and_a_link_to_it_stay(tmp_path: Path, fleet: Simulator) -> None:
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


def test_the_secret_may_be_in_a_variable(path: Path, wien: SimulatedRemote) -> None:
    arguments = [*given(wien, path)[:-2], "--token-secret-env", "WIEN_SECRET"]
    assert run("add", "wien", *arguments, env={"WIEN_SECRET": wien.token.secret}).exit_code == 0
    assert 'token-secret-env = "WIEN_SECRET"' in path.read_text()
    result = run("add", "graz", *arguments)
    assert result.exit_code == 2 and "--token-secret-env: WIEN_SECRET: the secret is empty" in result.stderr


def test_yes_accepts_the_certificate_that_is_shown(path: Path, wien: SimulatedRemote) -> None:
    arguments = given(wien, path)
    del arguments[6:8]
    result = run("add", "wien", *arguments)
    assert result.exit_code == 2 and "--fingerprint" in result.stderr and not path.exists()
    result = run("add", "wien", *arguments, "--yes")
    assert result.exit_code == 0 and wien.fingerprint in result.stderr
    assert load_config(path).remotes["wien"].nodes[0].fingerprint == wien.fingerprint


def test_a_certificate_that_an_authority_vouches_for_needs_neither(
    path: Path, tmp_path: Path, wien: SimulatedRemote
) -> None:
    (tmp_path / "ca.pem").write_text(wien.certificate.pem)
    arguments = given(wien, path)
    arguments[6:8] = ["--ca-file", str(tmp_path / "ca.pem")]
    result = run("add", "wien", *arguments)
    assert result.exit_code == 0, result.output
    remote = load_config(path).remotes["wien"]
    assert (remote.nodes[0].fingerprint, remote.ca_file) == (None, tmp_path / "ca.pem")


@pytest.mark.parametrize("missing", ["--type", "--host", "--token-id", "--token-secret-file"])
def test_what_is_missing_is_named(path: Path, wien: SimulatedRemote, missing: str) -> None:
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
def test_what_is_wrong_is_named(path: Path, wien: SimulatedRemote, option: str, value: str) -> None:
    arguments = given(wien, path)
    arguments[arguments.index(option) + 1] = value
    result = run("add", "wien", *arguments)
    assert result.exit_code == 2 and option in result.stderr and not path.exists()


def test_a_name_that_is_none_and_a_host_given_twice_are_wrong(path: Path, wien: SimulatedRemote) -> None:
    assert run("add", "a b", *given(wien, path)).exit_code == 2
    result = run("add", "wien", *given(wien, path), "--host", f"127.0.0.1:{wien.port}")
    assert result.exit_code == 2 and "twice" in result.stderr


def test_a_secret_file_that_others_may_read_is_refused(path: Path, wien: SimulatedRemote) -> None:
    arguments = given(wien, path)
    Path(arguments[-1]).chmod(0o644)
    result = run("add", "wien", *arguments)
    assert result.exit_code == 2 and f"chmod 600 {arguments[-1]}" in result.stderr and not path.exists()


def test_nothing_is_written_if_the_check_fails(path: Path, wien: SimulatedRemote) -> None:
    secret = path.parent.parent / "wrong"
    secret.touch(mode=0o600)
    secret.write_text("wrong")
    result = run("add", "wien", *given(wien, path, secret))
    assert result.exit_code == 1 and "✗ token" in result.stderr and not path.exists()
    arguments = given(wien, path)
    arguments[arguments.index("--fingerprint") + 1] = ":".join(["AB"] * 32)
    result = run("add", "wien", *arguments)
    assert result.exit_code == 1 and not path.exists()
    assert f"another certificate than the one given (shown {wien.fingerprint})" in result.stderr
    assert "pvenode cert info" in result.stderr


def test_one_that_is_there_is_written_anew_only_if_that_is_said(path: Path, wien: SimulatedRemote) -> None:
    path.parent.mkdir()
    path.write_text('# first\n[remotes.wien]\ntype = "pbs"\n\n# second\n[remotes.graz]\n')
    result = run("add", "wien", *given(wien, path))
    assert result.exit_code == 1 and "--replace" in result.stderr
    assert run("add", "wien", *given(wien, path), "--replace").exit_code == 0
    text = path.read_text()
    assert text.startswith('# first\n[remotes.wien]\ntype = "pve"\n')
    assert text.endswith("\n\n# second\n[remotes.graz]\n")


def test_a_file_that_cannot_be_changed_is_told_in_a_line(path: Path, wien: SimulatedRemote) -> None:
    path.parent.mkdir()
    for text, words in [("[remotes.wien\n", f"{path}:1: no valid TOML"), ("remotes = {}\n", "by hand")]:
        path.write_text(text)
        result = run("add", "wien", *given(wien, path))
        assert result.exit_code == 1 and words in result.stderr and path.read_text() == text


def test_a_place_where_nothing_can_be_written_is_told_before_anybody_is_asked(
    tmp_path: Path, wien: SimulatedRemote, fleet: Simulator
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "new" / "config.toml"
    (tmp_path / "link").symlink_to(path)
    fleet.requests.clear()
    for place in (path, tmp_path / "link"):
        result = run("add", "wien", *given(wien, tmp_path / "a" / "b"), "--config", str(place))
        assert result.exit_code == 1 and not fleet.requests
        assert result.stderr == f"Error: {tmp_path}/file: nothing can be written there: Not a directory\n"


def test_the_clusters_other_nodes_are_added_if_that_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S", "secret")
    with served(cluster()) as server:
        result = run("add", "wien", "--all-nodes", *first_node(server, path))
    assert result.exit_code == 0, result.output
    nodes = load_config(path).remotes["wien"].nodes
    assert [node.host for node in nodes] == ["localhost", "127.0.0.1"]
    assert "pve3: not found" in result.stderr
    # how to have that one, too: the very lines, which the configuration takes
    told = result.stderr.partition("Not found from here: pve3.")[2]
    assert f"under [remotes.wien] in {path}:" in " ".join(told.split())
    lines = told[told.index("nodes = [") : told.index("]\n") + 1]
    text = path.read_text()
    before = text[text.index("nodes = [") : text.index("]\nfingerprint") + 1]
    lines = lines.replace("FINGERPRINT-OF-pve3", ":".join(["AB"] * 32)).replace(
        "ADDRESS-OF-pve3", "pve3.example.com"
    )
    path.write_text(text.replace(before, textwrap.dedent(lines)))
    assert load_config(path).remotes["wien"].nodes == (
        *nodes,
        Endpoint("pve3.example.com", nodes[0].port, ":".join(["AB"] * 32)),
    )


def test_a_node_that_nobody_vouches_for_is_told_with_the_fingerprint_it_shows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S", "secret")
    with served(cluster([{"node": "pve2"}])) as server:
        result = run("add", "wien", "--all-nodes", *first_node(server, path))
    assert result.exit_code == 0, result.output
    assert [node.host for node in load_config(path).remotes["wien"].nodes] == ["localhost"]
    fingerprint = server.identity.fingerprint
    assert f'{{ host = "127.0.0.1:{server.port}", fingerprint = "{fingerprint}" }}' in result.stderr
    assert "ADDRESS-OF-pve3" in result.stderr and "FINGERPRINT-OF-pve3" in result.stderr
    words = " ".join(result.stderr.split())
    assert "Each node has a certificate of its own; `pvenode cert info` prints" in words and "compared" in words


def test_a_node_that_the_configuration_cannot_name_is_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    known = Endpoint("pve1.example.com", 8006, None)
    remote = RemoteConfig("wien", "pve", (known,), "a@pve!b", Secret("s"))
    odd = Other(Member("pve2", None, None, False), shown=Endpoint("pve2.\udcff", 8006, "AA"))
    tell_missed([odd], remote, Path("config.toml"), "remotes --check wien")
    assert "To reach wien through them, too, add them by hand: 'pve2.\\udcff" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "type", "words"),
    [
        ("pbs-001", "pve", "this is a Proxmox Backup Server, not Proxmox VE; give --type pbs"),
        ("wien", "pbs", "this is Proxmox VE, not a Proxmox Backup Server; give --type pve"),
    ],
)
def test_the_wrong_type_is_told_before_the_token_is_sent(
    path: Path, fleet: Simulator, name: str, type: str, words: str
) -> None:
    remote = fleet.remotes[name]
    arguments = given(remote, path)
    arguments[arguments.index("--type") + 1] = type
    fleet.requests.clear()
    result = run("add", "graz", *arguments)
    assert result.exit_code == 1 and words in result.stderr and not path.exists()
    assert fleet.requests == {f"{name} GET /access/domains": 1}


def test_where_the_port_is_closed_and_that_of_the_other_product_is_open_this_is_told(
    path: Path, fleet: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbs = fleet.remotes["pbs-001"]
    monkeypatch.setitem(DEFAULT_PORTS, "pve", 1)
    monkeypatch.setitem(DEFAULT_PORTS, "pbs", pbs.port)
    arguments = given(pbs, path)
    arguments[arguments.index("--type") + 1] = "pve"
    arguments[arguments.index("--host") + 1] = "127.0.0.1"
    result = run("add", "graz", *arguments)
    told = f"but port {pbs.port} is open there, the one of Proxmox Backup Server; give --type pbs"
    assert result.exit_code == 1 and "127.0.0.1:1: no connection" in result.stderr and told in result.stderr


def test_without_a_name_that_is_what_is_missing(path: Path, wien: SimulatedRemote) -> None:
    result = run("add", *given(wien, path))
    assert result.exit_code == 2 and "NAME: not given, and there is no terminal" in result.stderr
    assert not path.exists()
