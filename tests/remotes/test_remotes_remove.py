"""`remotes remove`: what goes, and what stays."""

from pathlib import Path

import pytest

from tests.remotes.asking import Terminal, run

TEXT = """# mine
[remotes.wien]
type = "pve"
token-secret-file = "wien.secret"

# about graz
[remotes.graz]
token-secret-file = "graz.key"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for name in ("wien.secret", "graz.key"):
        (tmp_path / name).write_text("secret")
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    return path


def test_it_goes_with_the_secret_that_add_made_and_the_rest_stays(path: Path) -> None:
    assert run("remove", "wien", "--yes", "--config", str(path)).exit_code == 0
    assert path.read_text() == TEXT[:7] + TEXT[TEXT.index("# about") :]
    assert not (path.parent / "wien.secret").exists()
    assert run("remove", "graz", "--yes", "--config", str(path)).exit_code == 0
    assert path.read_text() == "# mine\n# about graz\n"
    assert (path.parent / "graz.key").exists()


def test_a_secret_that_another_remote_uses_stays(path: Path) -> None:
    path.write_text(TEXT.replace("graz.key", "wien.secret"))
    assert run("remove", "wien", "--yes", "--config", str(path)).exit_code == 0
    assert (path.parent / "wien.secret").exists()


def test_without_yes_it_asks(path: Path) -> None:
    result = run("remove", "wien", "--config", str(path))
    assert result.exit_code == 2 and "--yes" in result.stderr
    terminal = Terminal("remove", "wien", "--config", str(path))
    terminal.answer("[y/N]:", "")
    assert terminal.end() == 1 and path.read_text() == TEXT
    terminal = Terminal("remove", "wien", "--config", str(path))
    terminal.answer(f"and remove {path.parent}/wien.secret? [y/N]:", "y")
    assert terminal.end() == 0 and "[remotes.wien]" not in path.read_text()


def test_one_that_is_not_there_is_told(path: Path, tmp_path: Path) -> None:
    for file, words in (
        (path, f"{path} has no remote ulm; there are graz, wien"),
        (tmp_path / "none.toml", f"no configuration at {tmp_path / 'none.toml'}"),
    ):
        result = run("remove", "ulm", "--yes", "--config", str(file))
        assert result.exit_code == 1 and words in result.stderr
