"""Changes of a configuration's text: every other line stays, or the change is refused."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.config import Endpoint, RemoteConfig, Secret, load_config
from backend.config.edit import EditError, put_table, remote_table, take_table

PRINT = ":".join(["AB"] * 32)
FILE = """\
# my clusters
[settings]   # few
poll-interval = "5s"

# the one in Wien
[remotes.wien]   # W
type = "pve"
nodes = [
  "pve1",  # the first
  "pve2",
]
# and its token
token-id = "a@pve!b"

# the one in Graz
[remotes.graz]
type = "pbs"
# the end
"""
TABLE = '[remotes.linz]\ntype = "pve"\n'


def remote(*nodes: Endpoint, name: str = "linz", ca_file: Path | None = None) -> RemoteConfig:
    return RemoteConfig(name, "pve", nodes, "monitor@pve!tasks", Secret("s"), ca_file)


class TestTables:
    def written(self, remote: RemoteConfig) -> str:
        return remote_table(remote, ("token-secret-file", f"{remote.name}.secret"))

    def test_a_remote_is_written_as_people_write_it(self) -> None:
        assert self.written(remote(Endpoint("pve1", 8006))) == (
            "[remotes.linz]\n"
            'type = "pve"\n'
            'nodes = ["pve1"]\n'
            'token-id = "monitor@pve!tasks"\n'
            'token-secret-file = "linz.secret"\n'
        )

    @pytest.mark.parametrize(
        "written",
        [
            remote(Endpoint("pve1", 8006)),
            remote(Endpoint("pve1", 8006, PRINT), Endpoint("fd00::2", 8016, PRINT)),
            remote(Endpoint("pve1", 8006, PRINT), Endpoint("pve2", 8007), name="linz.2"),
            remote(Endpoint("pve1", 8006, PRINT), Endpoint("pve2", 8006, PRINT.replace("AB", "CD"))),
        ],
    )
    def test_what_is_written_is_read_as_the_same_remote(self, tmp_path: Path, written: RemoteConfig) -> None:
        path = tmp_path / "config.toml"
        path.write_text(self.written(written))
        secret = tmp_path / f"{written.name}.secret"
        secret.touch(mode=0o600)
        secret.write_text("s")
        assert load_config(path).remotes == {written.name: written}

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
    def test_any_path_is_written_so_that_it_is_read_again(self, name: str) -> None:
        text = self.written(remote(Endpoint("pve1", 8006), ca_file=Path("/ca", name.replace("\0", ""))))
        assert tomllib.loads(text)["remotes"]["linz"]["ca-file"] == str(Path("/ca", name.replace("\0", "")))

    def test_a_path_that_is_no_text_is_refused(self) -> None:
        with pytest.raises(EditError, match="UTF-8"):
            self.written(remote(Endpoint("pve1", 8006), ca_file=Path("/ca/\udcff")))


class TestPut:
    def test_a_new_one_goes_to_the_end(self) -> None:
        assert put_table(FILE, "linz", TABLE) == f"{FILE}\n{TABLE}"
        assert put_table("", "linz", TABLE) == TABLE
        assert put_table("# no line's end", "linz", TABLE) == f"# no line's end\n\n{TABLE}"

    def test_lines_end_as_the_others_do(self) -> None:
        windows = FILE.replace("\n", "\r\n")
        assert put_table(windows, "linz", TABLE) == f"{windows}\r\n" + TABLE.replace("\n", "\r\n")

    def test_one_that_is_there_is_written_anew_in_its_place(self) -> None:
        table = '[remotes.wien]\ntype = "pbs"\n'
        before, _, after = FILE.partition("[remotes.wien]")
        rest = after[after.index("\n# the one in Graz") :]
        assert put_table(FILE, "wien", table) == before + table + rest

    def test_one_that_is_written_as_several_tables_becomes_one(self) -> None:
        text = '[remotes.wien]\na = 1\n[settings]\nkeep-days = 7\n[[remotes.wien.nodes]]\nhost = "a"\n'
        table = "[remotes.wien]\nb = 2\n"
        assert put_table(text, "wien", table) == f"{table}[settings]\nkeep-days = 7\n"

    @pytest.mark.parametrize(
        "text",
        [
            "remotes = {}\n",
            'remotes.linz = { type = "pbs" }\n',
            '[remotes]\nlinz.type = "pbs"\n',
            "remotes = 5\n",
            'a = """\n[remotes.linz]\n"""\n[remotes]\nlinz.x = 1\n',
        ],
    )
    def test_what_would_spoil_the_file_is_refused(self, text: str) -> None:
        with pytest.raises(EditError, match="by hand"):
            put_table(text, "linz", TABLE)


class TestTake:
    def test_every_line_but_the_tables_own_stays(self) -> None:
        without = take_table(FILE, "wien")
        before, _, after = FILE.partition("[remotes.wien]")
        assert without == before + after[after.index("# the one in Graz") :]
        assert take_table(FILE, "graz") == FILE.replace('[remotes.graz]\ntype = "pbs"\n', "")

    def test_what_was_put_can_be_taken_again(self) -> None:
        assert take_table(put_table(FILE, "linz", TABLE), "linz") == FILE + "\n"

    def test_one_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(EditError, match="there is no remote ulm"):
            take_table(FILE, "ulm")

    @pytest.mark.parametrize(
        "text",
        ['remotes.linz = { type = "pbs" }\n', '[remotes]\nlinz.type = "pbs"\n', '[remotes]\n"linz" = {}\n'],
    )
    def test_one_that_is_no_table_of_its_own_is_refused(self, text: str) -> None:
        with pytest.raises(EditError, match="by hand"):
            take_table(text, "linz")

    def test_a_text_that_looks_like_a_table_stays_whole(self) -> None:
        text = 'note = """\n[remotes.linz]\nx = 1\n"""\n[remotes.linz]\ny = 2\n'
        with pytest.raises(EditError, match="by hand"):
            take_table(text, "linz")
