"""Live reload: what real changes of real files give, as editors, deployments and mishaps make them."""

import asyncio
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from watchfiles import awatch
from watchfiles.main import FileChange

import backend.config.watch as watch
from backend.config import Config, ConfigError, Settings, load_config
from backend.config.watch import config_changes

SECONDS = 10.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settle and look again soon, so that tests take no longer than they must."""
    monkeypatch.setattr(watch, "SETTLED", 0.05)
    monkeypatch.setattr(watch, "LOOK_AGAIN", 0.2)


def remote(name: str, secret: str = "a-secret") -> str:
    return (
        f'[remotes.{name}]\ntype = "pve"\nnodes = ["{name}.example.com"]\n'
        f'token-id = "monitor@pve!tasks"\ntoken-secret = "{secret}"\n'
    )


def write(path: Path, text: str) -> Path:
    """Write a file in place, as some editors do."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def replace(path: Path, text: str) -> None:
    """Write a file beside it and rename that over it, as other editors do."""
    os.replace(write(path.with_name("new~"), text), path)


def link(path: Path, target: Path | str) -> None:
    """Make a symbolic link in place of whatever is there."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)


class Changes:
    """What config_changes has yielded so far, and what it yields next."""

    def __init__(self, config: Config) -> None:
        self._yielded: asyncio.Queue[Config | ConfigError] = asyncio.Queue()
        self._config = config

    async def run(self) -> None:
        async for change in config_changes(self._config):
            self._yielded.put_nowait(change)

    async def next(self) -> Config:
        change = await asyncio.wait_for(self._yielded.get(), SECONDS)
        assert isinstance(change, Config), change
        return change

    async def names(self) -> list[str]:
        return list((await self.next()).remotes)

    async def error(self) -> str:
        change = await asyncio.wait_for(self._yielded.get(), SECONDS)
        assert isinstance(change, ConfigError)
        return str(change)

    @property
    def none_left(self) -> bool:
        return self._yielded.empty()


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Changes]:
    changes = Changes(load_config(path))
    task = asyncio.create_task(changes.run())
    try:
        yield changes
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration of one remote, `wien`, in a directory of its own."""
    folder = tmp_path / "config"
    folder.mkdir()
    return write(folder / "config.toml", remote("wien"))


@pytest.mark.parametrize("change", [write, replace])
async def test_a_changed_file_gives_the_new_configuration(
    path: Path, change: Callable[[Path, str], object]
) -> None:
    async with watching(path) as changes:
        change(path, remote("wien") + remote("graz"))
        assert await changes.names() == ["wien", "graz"]
        change(path, remote("graz"))
        assert await changes.names() == ["graz"]
        change(path, remote("graz") + '[settings]\npoll-interval = "5s"\n')
        assert (await changes.next()).settings == Settings(poll_interval=5)
        assert changes.none_left


async def test_a_change_between_reading_and_watching_is_not_missed(path: Path) -> None:
    config = load_config(path)
    replace(path, remote("graz"))
    change = await asyncio.wait_for(anext(config_changes(config)), SECONDS)
    assert isinstance(change, Config) and list(change.remotes) == ["graz"]


async def test_a_remote_that_did_not_change_is_equal_to_what_it_was(path: Path) -> None:
    before = load_config(path).remotes["wien"]
    async with watching(path) as changes:
        replace(path, "# a comment\n" + remote("graz") + remote("wien"))
        assert (await changes.next()).remotes["wien"] == before
        replace(path, remote("wien", secret="another-secret"))
        assert (await changes.next()).remotes["wien"] != before


async def test_the_same_content_in_other_words_gives_nothing(path: Path) -> None:
    async with watching(path) as changes:
        replace(path, "# the same\n" + remote("wien"))
        os.utime(path)
        replace(path, remote("graz"))
        assert await changes.names() == ["graz"]


async def test_a_file_that_is_being_written_is_left_alone_until_it_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SETTLED", 0.5)
    async with watching(path) as changes:
        with path.open("w", buffering=1) as file:
            for line in (remote("wien") + remote("graz")).splitlines(keepends=True):
                file.write(line)
                await asyncio.sleep(0.01)
        assert await changes.names() == ["wien", "graz"]


async def test_a_broken_file_gives_its_error_once_and_the_last_good_one_again_when_mended(path: Path) -> None:
    async with watching(path) as changes:
        replace(path, "\n[remotes.wien\n")
        assert (await changes.error()).startswith(f"{path}:2: no valid TOML")
        replace(path, "\n[remotes.wien\n# the same error\n")
        replace(path, "settings = 5\n")
        assert await changes.error() == f"{path}:1: settings: expected a table"
        replace(path, remote("wien"))
        assert await changes.names() == ["wien"]
        assert changes.none_left


async def test_a_deleted_file_is_an_error_until_it_is_written_again(path: Path) -> None:
    async with watching(path) as changes:
        os.unlink(path)
        assert "cannot be read: No such file" in await changes.error()
        write(path, remote("graz"))
        assert await changes.names() == ["graz"]


async def test_a_directory_may_vanish_and_come_back(path: Path) -> None:
    async with watching(path) as changes:
        shutil.rmtree(path.parent)
        assert "cannot be read" in await changes.error()
        path.parent.mkdir()
        write(path, remote("graz"))
        assert await changes.names() == ["graz"]
        replace(path, remote("linz"))
        assert await changes.names() == ["linz"]


async def test_a_directory_may_be_exchanged_for_another(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / path.name, remote("graz"))
    async with watching(path) as changes:
        path.parent.rename(tmp_path / "old")
        other.rename(path.parent)
        assert await changes.names() == ["graz"]
        write(path, remote("linz"))
        assert await changes.names() == ["linz"]


async def test_symbolic_links_are_followed_wherever_on_the_way_they_are_turned(tmp_path: Path) -> None:
    for name, remote_name in (("..1", "wien"), ("..2", "graz")):
        (tmp_path / "volume" / name).mkdir(parents=True)
        write(tmp_path / "volume" / name / "config.toml", remote(remote_name))
    volume = tmp_path / "volume"
    (volume / "..data").symlink_to("..1")
    (volume / "config.toml").symlink_to("..data/config.toml")
    (tmp_path / "home").mkdir()
    home = tmp_path / "home" / "config.toml"
    home.symlink_to(volume / "config.toml")
    async with watching(home) as changes:
        (volume / "..new").symlink_to("..2")
        os.replace(volume / "..new", volume / "..data")
        assert await changes.names() == ["graz"]
        write(volume / "..2" / "config.toml", remote("linz"))
        assert await changes.names() == ["linz"]
        os.unlink(home)
        write(home, remote("ulm"))
        assert await changes.names() == ["ulm"]


async def test_a_link_that_leads_nowhere_or_round_is_an_error_like_any_other(path: Path) -> None:
    async with watching(path) as changes:
        link(path, path)
        assert "cannot be read" in await changes.error()
        link(path, "nowhere")
        assert "No such file" in await changes.error()
        write(path.parent / "nowhere", remote("graz"))
        assert await changes.names() == ["graz"]


async def test_a_renewed_secret_or_ca_file_makes_another_remote(path: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    write(secrets / "wien", "first")
    write(secrets / "ca.pem", "authority")
    text = remote("wien").replace('token-secret = "a-secret"', f'token-secret-file = "{secrets}/wien"')
    write(path, f'{text}ca-file = "{secrets}/ca.pem"\n')
    async with watching(path) as changes:
        replace(secrets / "wien", "second")
        second = (await changes.next()).remotes["wien"]
        assert second.secret.reveal() == "second"
        write(secrets / "ca.pem", "another authority")
        assert (await changes.next()).remotes["wien"] != second


async def test_a_secret_file_that_comes_later_or_is_closed_to_others_mends_the_configuration(path: Path) -> None:
    secret = path.parent / "graz.secret"
    async with watching(path) as changes:
        replace(path, remote("graz").replace('token-secret = "a-secret"', 'token-secret-file = "graz.secret"'))
        assert "token-secret-file: the file cannot be read" in await changes.error()
        write(secret, "graz-secret").chmod(0o644)
        assert f"chmod 600 {secret}" in await changes.error()
        secret.chmod(0o600)
        assert (await changes.next()).remotes["graz"].secret.reveal() == "graz-secret"


async def test_the_remotes_of_a_datacenter_manager_are_watched_with_their_secrets(
    path: Path, tmp_path: Path
) -> None:
    cfg, shadow = tmp_path / "pdm" / "remotes.cfg", tmp_path / "pdm" / "remotes.shadow"
    cfg.parent.mkdir()
    write(cfg, "pve: graz\n\tauthid root@pam!pdm\n\tnodes graz1\n\ttoken -\n")
    async with watching(path) as changes:
        replace(path, f'[settings]\npdm-remotes = "{cfg}"\n')
        assert "remotes.shadow" in await changes.error()
        write(shadow, "pve: graz\n\ttoken first\n")
        assert (await changes.next()).remotes["graz"].secret.reveal() == "first"
        replace(shadow, "pve: graz\n\ttoken second\n")
        assert (await changes.next()).remotes["graz"].secret.reveal() == "second"


async def test_the_system_tells_of_a_change_long_before_the_next_look(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_AGAIN", 10 * SECONDS)
    watched = asyncio.Event()

    def telling_awatch(*directories: Path, **options: Any) -> AsyncGenerator[set[FileChange], None]:
        watched.set()
        return awatch(*directories, **options)

    monkeypatch.setattr(watch, "awatch", telling_awatch)
    async with watching(path) as changes:
        await asyncio.wait_for(watched.wait(), SECONDS)
        for name in ("graz", "linz", "ulm"):
            while changes.none_left:
                # Until the watch is in place, a change may go unnoticed.
                replace(path, remote(name))
                await asyncio.sleep(0.2)
            assert await changes.names() == [name]


async def test_where_the_system_tells_of_no_changes_they_are_found_by_looking(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_watches(*_: object, **__: object) -> Awaitable[None]:
        raise OSError("no watches left")

    monkeypatch.setattr(watch, "awatch", no_watches)
    monkeypatch.setattr(watch, "LOOK_AGAIN", 0.05)
    async with watching(path) as changes:
        replace(path, remote("graz"))
        assert await changes.names() == ["graz"]


async def test_a_configuration_that_was_read_from_no_file_has_no_changes() -> None:
    assert [change async for change in config_changes(Config())] == []
