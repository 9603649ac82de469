"""The TOML configuration: what it gives, and what it says when it cannot be used."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.config import (
    Config,
    ConfigError,
    Endpoint,
    Secret,
    Settings,
    default_cache_dir,
    default_config_path,
    load_config,
)
from backend.config.lines import KeyLines

PRINT = ":".join(["AB"] * 32)
SECRET = "1f0e-very-secret"
GOOD = """\
[settings]
keep-days = 14

[remotes.wien]
type = "pve"
nodes = ["pve1.example.com"]
token-id = "monitor@pve!tasks"
token-secret-file = "wien.secret"
"""


def load(folder: Path, text: str, mode: int = 0o600) -> Config:
    """Load a configuration from a folder that also has a good secret file."""
    secret = folder / "wien.secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(mode)
    return load_config(path)


def fault(folder: Path, text: str, mode: int = 0o600) -> str:
    """The error of loading a configuration, without the file's folder."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, mode)
    assert SECRET not in str(caught.value)
    return str(caught.value).replace(f"{folder}/", "")


def remote(*lines: str) -> str:
    """A configuration whose only remote has these lines, from line 2 on, and good ones for the rest."""
    given = {line.partition(" ")[0] for line in lines}
    rest = {
        "type": '"pve"',
        "nodes": '["pve1"]',
        "token-id": '"monitor@pve!tasks"',
        "token-secret-file": '"wien.secret"',
    }
    filled = [f"{key} = {value}" for key, value in rest.items() if key not in given]
    return "\n".join(["[remotes.wien]", *lines, *filled, ""])


class TestGoodFiles:
    def test_a_whole_configuration(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GRAZ_SECRET", SECRET)
        (tmp_path / "ca.pem").write_text("certificates")
        config = load(
            tmp_path,
            f"""
            [settings]
            fetch-interval = "1h30m"
            poll-interval = "5s"
            keep-days = 30
            max-connections = 40
            max-connections-per-remote = 2

            [remotes.wien]
            type = "pve"
            nodes = ["pve1.example.com", {{ host = "[fd00::2]:8016", fingerprint = "{32 * "ab"}" }}]
            fingerprint = "{PRINT.replace("AB", "CD").lower()}"
            ca-file = "ca.pem"
            token-id = "monitor@pve!tasks"
            token-secret-file = "wien.secret"

            [remotes."graz.2"]
            type = "pbs"
            nodes = ["10.0.0.7:8017", "fd00::3", "https://pbs.example.com/"]
            token-id = "root@pam!ro"
            token-secret-env = "GRAZ_SECRET"
            """,
        )
        assert config.settings == Settings(5400, 5, 30, 40, 2)
        wien, graz = config.remotes.values()
        assert (wien.name, wien.type, wien.token_id, wien.secret) == (
            "wien",
            "pve",
            "monitor@pve!tasks",
            Secret(SECRET),
        )
        assert wien.nodes == (
            Endpoint("pve1.example.com", 8006, PRINT.replace("AB", "CD")),
            Endpoint("fd00::2", 8016, PRINT),
        )
        assert wien.ca_file == tmp_path / "ca.pem"
        assert (graz.name, graz.type, graz.ca_file, graz.secret.reveal()) == ("graz.2", "pbs", None, SECRET)
        assert [str(node) for node in graz.nodes] == ["10.0.0.7:8017", "[fd00::3]:8007", "pbs.example.com:8007"]
        assert config.files == {tmp_path / "config.toml", tmp_path / "wien.secret", tmp_path / "ca.pem"}

    def test_an_empty_file_gives_the_defaults(self, tmp_path: Path) -> None:
        config = load(tmp_path, "")
        assert config.settings == Settings(600, 10, 7, 20, 5, None)
        assert config.remotes == {}

    def test_a_secret_in_the_file_itself(self, tmp_path: Path) -> None:
        config = load(
            tmp_path, remote(f'token-secret = "{SECRET}"').replace('token-secret-file = "wien.secret"', "")
        )
        assert config.remotes["wien"].secret.reveal() == SECRET
        assert SECRET not in repr(config) + str(config)

    def test_paths_begin_at_the_file_or_at_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir("/")
        text = remote('token-secret-file = "~/wien.secret"')
        assert load(tmp_path, text).remotes["wien"].secret.reveal() == SECRET
        assert load(tmp_path, remote()).remotes["wien"].secret.reveal() == SECRET

    def test_the_default_places_carry_the_name(self) -> None:
        assert default_config_path().parent.name == default_cache_dir().name == "remote-tasks"
        assert default_config_path().name == "config.toml"


class TestWhatIsToBeWatched:
    def test_a_ca_file_of_other_content_makes_another_remote(self, tmp_path: Path) -> None:
        ca_file = tmp_path / "ca.pem"
        text = remote('ca-file = "ca.pem"')
        configs = []
        for content in ("one", "two", "one"):
            ca_file.write_text(content)
            configs.append(load(tmp_path, text))
        assert configs[0] == configs[2] != configs[1]

    @pytest.mark.parametrize(
        ("line", "missing"),
        [
            ('token-secret-file = "none.secret"', "none.secret"),
            ('ca-file = "none.pem"', "none.pem"),
        ],
    )
    def test_an_error_tells_the_files_that_would_mend_it(self, tmp_path: Path, line: str, missing: str) -> None:
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, remote(line))
        assert {tmp_path / "config.toml", tmp_path / missing} <= caught.value.files


FAULTS = [
    # the file as a whole
    ("[settings", "config.toml:1: no valid TOML: "),
    ('[settings]\nkeep-days = 7\nkeep-days = 8\n', "config.toml:3: no valid TOML: "),
    ("[settings]\n\nkeep-days = \n", "config.toml:3: no valid TOML: "),
    ('a = """\n\n', "config.toml:1: no valid TOML: "),
    ("[setings]\n", "config.toml:1: unknown section 'setings'; did you mean settings?"),
    ("# one\n\ncolour = 1\n", "config.toml:3: unknown section 'colour'; expected settings, remotes"),
    ("settings = 5\n", "config.toml:1: settings: expected a table"),
    ("\n[[remotes]]\n", "config.toml:2: remotes: expected a table"),
    # settings
    ("[settings]\n\nkeep-dayz = 7\n", "config.toml:3: unknown key 'keep-dayz'; did you mean keep-days?"),
    ('[settings]\nkeep-days = "7"\n', "config.toml:2: keep-days: expected a whole number"),
    ("[settings]\nkeep-days = true\n", "config.toml:2: keep-days: expected a whole number"),
    ("[settings]\nkeep-days = 0\n", "config.toml:2: keep-days: expected 1 to 3650, not 0"),
    ("settings.keep-days = 0\n", "config.toml:1: keep-days: expected 1 to 3650, not 0"),
    ("\nsettings = { keep-days = 0 }\n", "config.toml:2: keep-days: expected 1 to 3650, not 0"),
    ('[settings]\nfetch-interval = "10"\n', "config.toml:2: fetch-interval: expected a span such as 90s, 10m"),
    ("[settings]\nfetch-interval = 10\n", "config.toml:2: fetch-interval: expected a text in quotes"),
    ('[settings]\nfetch-interval = "1s"\n', "config.toml:2: fetch-interval: expected 10s to 7d, not '1s'"),
    ('[settings]\npoll-interval = "0s"\n', "config.toml:2: poll-interval: expected 1s to 7d, not '0s'"),
    ('[settings]\npoll-interval = "8d"\n', "config.toml:2: poll-interval: expected 1s to 7d, not '8d'"),
    ("[settings]\nmax-connections = 5000\n", "config.toml:2: max-connections: expected 1 to 1000, not 5000"),
    ('[settings]\npdm-remotes = "none.cfg"\n', "config.toml:2: pdm-remotes: none.cfg cannot be read"),
    ('[settings]\npdm-remotes = ""\n', "config.toml:2: pdm-remotes: expected a file's path"),
    # remotes
    ('[remotes."a b"]\n', "config.toml:1: 'a b' is no name for a remote; expected 2 to 32 letters"),
    ("[remotes]\n\nwien = 5\n", "config.toml:3: wien: expected a table"),
    ("[remotes.wien]\n", 'config.toml:1: type: expected "pve" or "pbs"'),
    (remote('type = "pmg"'), "config.toml:2: type: expected \"pve\" or \"pbs\", not 'pmg'"),
    (remote("type = 1"), "config.toml:2: type: expected a text in quotes"),
    (remote('token-ids = ""'), "config.toml:2: unknown key 'token-ids'; did you mean token-id?"),
    (remote('nodes = "pve1"'), "config.toml:2: nodes: expected a list in [ ]"),
    (remote("nodes = []"), "config.toml:2: nodes: expected at least one host"),
    (remote("nodes = [5]"), "config.toml:2: nodes: expected hosts in quotes"),
    (remote('nodes = [{ host = "a", port = 5 }]'), "config.toml:2: nodes: unknown key 'port'; expected host"),
    (remote("nodes = [{ fingerprint = 5 }]"), "config.toml:2: nodes: expected hosts in quotes"),
    (remote('nodes = [', '  "pve1",', '  "http://pve2:8006",', "]"), "config.toml:4: nodes: HTTPS only"),
    (remote('nodes = ["a", "a:8006"]'), "config.toml:2: nodes: a:8006 stands here twice"),
    (remote('nodes = ["a/b"]'), "config.toml:2: nodes: expected a host such as pve1.example.com"),
    (remote('nodes = [""]'), "config.toml:2: nodes: expected a host"),
    (remote('nodes = ["a:"]'), "config.toml:2: nodes: expected a port from 1 to 65535"),
    (remote('nodes = ["a:70000"]'), "config.toml:2: nodes: expected a port from 1 to 65535"),
    (remote('nodes = ["[fd00::2"]'), "config.toml:2: nodes: expected a host"),
    (remote('nodes = ["[fd00::2]8006"]'), "config.toml:2: nodes: expected a host"),
    (remote('nodes = ["fd00::zz"]'), "config.toml:2: nodes: expected a host"),
    (remote('nodes = ["user@host"]'), "config.toml:2: nodes: expected a host"),
    (remote('fingerprint = "AA:BB"'), "config.toml:2: fingerprint: expected a certificate's SHA-256 fingerprint"),
    (
        remote('nodes = [', '{ host = "pve1" },', '{ host = "pve2", fingerprint = "x" }]'),
        "config.toml:4: nodes: expected a certificate's SHA-256 fingerprint",
    ),
    (remote('ca-file = "no.pem"'), "config.toml:2: ca-file: no.pem cannot be read: No such file or directory"),
    (remote('token-id = "root@pam"'), "config.toml:2: token-id: expected a token's id alone, such as monitor@pve"),
    (remote('token-id = "a@pve!x\\r\\nHost: b"'), "config.toml:2: token-id: expected a token"),
    # secrets
    (remote('token-secret-env = "A"'), "config.toml:6: expected one of token-secret-file, token-secret-env"),
    (remote('token-secret-file = "gone"'), "config.toml:2: token-secret-file: the file cannot be read: No such"),
    (remote('token-secret-file = "."'), "config.toml:2: token-secret-file: "),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_told_with_its_line_and_what_was_expected(tmp_path: Path, text: str, message: str) -> None:
    assert fault(tmp_path, text).startswith(message)


class TestSecrets:
    def without_file(self, line: str) -> str:
        return remote(line).replace('token-secret-file = "wien.secret"\n', "")

    def test_a_variable_that_is_not_set(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("NO_SECRET", raising=False)
        message = fault(tmp_path, self.without_file('token-secret-env = "NO_SECRET"'))
        assert message == (
            "config.toml:2: token-secret-env: no environment variable of this name is set; "
            "expected a variable that holds the secret"
        )

    @pytest.mark.parametrize(
        "line",
        [
            f'token-id = "monitor@pve!tasks={SECRET}"',
            f'token-id = "{SECRET}"',
            f'token-id = "{SECRET}!"',
            f'token-secret-env = "{SECRET}"',
            f'token-secret-file = "{SECRET}"',
            f'token-secret-file = "{SECRET}\\u0000"',
            f'nodes = ["https://root:{SECRET}@pve1"]',
        ],
    )
    def test_one_in_the_wrong_place_is_not_shown(self, tmp_path: Path, line: str) -> None:
        text = self.without_file(line) if line.startswith("token-secret") else remote(line)
        assert fault(tmp_path, text).startswith("config.toml:2: " + line.partition(" ")[0])

    def test_none_at_all(self, tmp_path: Path) -> None:
        message = fault(tmp_path, self.without_file(""))
        assert message == "config.toml:1: expected one of token-secret-file, token-secret-env, token-secret"

    @pytest.mark.parametrize("secret", ["", "two words", "line\\nbreak", "ümlaut"])
    def test_what_can_be_no_secret_is_refused_without_being_shown(self, tmp_path: Path, secret: str) -> None:
        message = fault(tmp_path, self.without_file(f'token-secret = "{secret}"'))
        assert message.startswith("config.toml:2: token-secret: the secret is empty, or has blanks")
        assert not secret or secret not in message

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
    def test_a_secret_file_that_others_may_read_is_refused_with_the_cure(self, tmp_path: Path, mode: int) -> None:
        secret = tmp_path / "o pen"
        secret.write_text(SECRET)
        secret.chmod(mode)
        message = fault(tmp_path, self.without_file('token-secret-file = "o pen"'))
        assert message.startswith("config.toml:2: token-secret-file: it holds a secret")
        assert "run: chmod 600 'o pen'" in message.replace(f"{tmp_path}/", "")

    @pytest.mark.parametrize("line", ['token-secret-file = "secret"', f'token-secret = "{SECRET}"'])
    def test_a_secret_in_another_users_file_is_refused_with_the_cure(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
    ) -> None:
        text = self.without_file(line)
        for name in ("secret", "config.toml"):
            (tmp_path / name).touch(mode=0o600)
        (tmp_path / "secret").write_text(SECRET)
        if os.geteuid() == 0:
            os.chown(tmp_path / "secret", 12345, -1)
            os.chown(tmp_path / "config.toml", 12345, -1)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)
        name = "secret" if "file" in line else "config.toml"
        assert fault(tmp_path, text).endswith(f"is another user's; run: chown {os.geteuid()} {name}")

    def test_a_configuration_with_a_secret_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        message = fault(tmp_path, self.without_file(f'token-secret = "{SECRET}"'), 0o644)
        assert message.endswith("run: chmod 600 config.toml")

    def test_a_configuration_without_one_may_be_read_by_others(self, tmp_path: Path) -> None:
        assert load(tmp_path, GOOD, 0o644).remotes

    def test_a_secret_shows_itself_to_no_one(self) -> None:
        secret = Secret(SECRET)
        assert SECRET not in repr(secret) + str(secret) + f"{secret}" + repr([secret])
        assert secret == Secret(SECRET) != Secret("other")


class TestFilesThatAreNone:
    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"none\.toml:1: the configuration cannot be read"):
            load_config(tmp_path / "none.toml")

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
            load_config(tmp_path)

    def test_one_that_is_nested_too_deeply(self, tmp_path: Path) -> None:
        assert fault(tmp_path, "a = " + 10_000 * "[") == "config.toml:1: no valid TOML: nested too deeply"

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "config.toml").write_bytes(b"[settings]\n\xff\xfe\n")
        with pytest.raises(ConfigError, match=r"config\.toml:2: the configuration is no UTF-8 text"):
            load_config(tmp_path / "config.toml")

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_a_good_file_cut_and_spoilt_anywhere_loads_or_says_why(
        self, tmp_path: Path, data: st.DataObject
    ) -> None:
        at = data.draw(st.integers(0, len(GOOD)))
        until = data.draw(st.integers(at, len(GOOD)))
        text = GOOD[:at] + data.draw(st.text("[]{}\"'=.,\n#a1é\x00", max_size=6)) + GOOD[until:]
        try:
            load(tmp_path, text)
        except ConfigError as error:
            assert str(error).startswith(f"{tmp_path}/config.toml:")


class TestLines:
    TEXT = """
top = 1
[a]
one = [
  "x",
  "y",
]
"two words" = 2
[a."b.c"]  # said
three.four = 5
[[list]]
""".lstrip("\n")

    @pytest.mark.parametrize(
        ("path", "content", "line"),
        [
            (("top",), None, 1),
            (("a",), None, 2),
            (("a", "one"), None, 3),
            (("a", "one"), "y", 5),
            (("a", "one"), "z", 3),
            (("a", "two words"), None, 7),
            (("a", "b.c"), None, 8),
            (("a", "b.c", "three", "four"), None, 9),
            (("a", "b.c", "three"), None, 9),
            (("a", "b.c", "none"), None, 8),
            (("list",), None, 10),
            (("none",), None, 1),
        ],
    )
    def test_keys_and_tables_are_found(self, path: tuple[str, ...], content: str | None, line: int) -> None:
        assert KeyLines(self.TEXT).find(path, content) == line
