"""PDM's remotes.cfg and remotes.shadow."""

from pathlib import Path

import pytest

from backend.config import ConfigError, Endpoint, load_config

AA = ":".join(["AA"] * 32)
CC = ":".join(["CC"] * 32)
REMOTES = f"""\
pve: wien
\tauthid root@pam!pdm-admin
\tnodes pve1.example.com,fingerprint={AA}
\tnodes hostname=[fd00::2]:8016,fingerprint={CC}
\ttoken -
\tweb-url https://pve.example.com/

pbs: graz
  authid "root@pam!pdm"
  nodes "10.0.0.7"
  token -

pom: newer
  nodes elsewhere
"""
SHADOW = """\
pve: wien
\ttoken wien-secret

pbs: graz
\ttoken graz-secret
"""


def write(folder: Path, remotes: str = REMOTES, shadow: str | None = SHADOW, toml: str = "") -> Path:
    """A configuration that takes over PDM's remotes, which are readable by PDM's group as PDM writes them."""
    (folder / "remotes.cfg").write_text(remotes)
    (folder / "remotes.cfg").chmod(0o640)
    if shadow is not None:
        (folder / "remotes.shadow").write_text(shadow)
        (folder / "remotes.shadow").chmod(0o640)
    path = folder / "config.toml"
    path.write_text(f'[settings]\npdm-remotes = "remotes.cfg"\n{toml}')
    path.chmod(0o600)
    return path


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "-secret" not in str(caught.value)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_remotes_and_their_secrets_are_taken_over(tmp_path: Path) -> None:
    config = load_config(write(tmp_path))
    assert config.settings.pdm_remotes == tmp_path / "remotes.cfg"
    assert list(config.remotes) == ["wien", "graz"]
    wien, graz = config.remotes.values()
    assert wien.nodes == (Endpoint("pve1.example.com", 8006, AA), Endpoint("fd00::2", 8016, CC))
    assert (wien.type, wien.token_id, wien.secret.reveal()) == ("pve", "root@pam!pdm-admin", "wien-secret")
    assert graz.nodes == (Endpoint("10.0.0.7", 8007),)
    assert (graz.type, graz.token_id, graz.secret.reveal()) == ("pbs", "root@pam!pdm", "graz-secret")
    assert {path.name for path in config.files} == {"config.toml", "remotes.cfg", "remotes.shadow"}


def test_a_secret_written_behind_the_tokens_id_is_not_shown(tmp_path: Path) -> None:
    message = fault(write(tmp_path, REMOTES.replace("authid root@pam!pdm-admin", "authid root@pam!pdm=a-secret")))
    assert message.endswith(
        "authid: expected a token's id alone, such as monitor@pve!tasks, and no more: not root@pam!…"
    )


def test_a_token_in_remotes_cfg_is_the_secret_itself(tmp_path: Path) -> None:
    text = REMOTES.replace("token -", "token plain-secret")
    config = load_config(write(tmp_path, text, shadow=None))
    assert config.remotes["wien"].secret.reveal() == "plain-secret"


def test_a_remote_of_the_same_name_in_the_configuration_wins(tmp_path: Path) -> None:
    own = '[remotes.wien]\ntype = "pbs"\nnodes = ["own"]\ntoken-id = "a@pam!b"\ntoken-secret = "own-secret"\n'
    config = load_config(write(tmp_path, toml=own))
    assert config.remotes["wien"].nodes == (Endpoint("own", 8007),)
    assert list(config.remotes) == ["wien", "graz"]


@pytest.mark.parametrize(
    ("remotes", "message"),
    [
        ("# no comments\n", "remotes.cfg:1: expected the head of a section, such as `pve: NAME`"),
        ("pve: a\n\tnodes x\n", "remotes.cfg:1: 'a' is no name for a remote"),
        ("pve: wien\n\tauthid a@pam!b\n", "remotes.cfg:1: wien has no nodes"),
        (
            "pve: wien\n\tnodes x\n",
            "remotes.cfg:1: authid: expected a token's id alone, such as monitor@pve!tasks",
        ),
        ("pve: wien\n\tnodes x\n\tauthid root@pam\n", "remotes.cfg:3: authid: expected a token"),
        ("pve: wien\n\tnodes x,fingerprint=AA\n", "remotes.cfg:2: nodes: expected a certificate's SHA-256"),
        ("pve: wien\n\tnodes http://x\n", "remotes.cfg:2: nodes: HTTPS only"),
        ("pve: wien\n\tnodes x\n\npbs: wien\n", "remotes.cfg:4: 'wien' stands here twice"),
        (
            "pve: ulm\n\tnodes x\n\tauthid a@pam!b\n\ttoken -\n",
            "remotes.shadow:1: no secret of ulm; expected a section",
        ),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, remotes: str, message: str) -> None:
    assert fault(write(tmp_path, remotes)).startswith(message)


def test_a_missing_or_unreadable_shadow_is_told(tmp_path: Path) -> None:
    assert fault(write(tmp_path, shadow=None)).startswith("remotes.shadow:1: PDM's secrets cannot be read")


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_secrets_that_more_than_the_group_may_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path)
    (tmp_path / "remotes.shadow").chmod(mode)
    assert (
        fault(path) == "remotes.shadow:1: it holds a secret and others may read it; run: chmod 640 remotes.shadow"
    )


def test_a_secret_that_can_be_none_is_not_shown(tmp_path: Path) -> None:
    assert fault(write(tmp_path, shadow="pve: wien\n\ttoken two-secret words\n")).startswith(
        "remotes.shadow:2: token: the secret is empty, or has blanks"
    )
