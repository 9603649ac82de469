"""The first start: no configuration yet, the ways to one, and what comes when it is there."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from textual.pilot import Pilot

from backend.commands.command import Places
from backend.config import ConfigError
from tests.client.server import Reply, Request, data, serve
from tests.task_server import TaskServer, write_config
from tests.test_demo import COMMAND, Terminal
from tests.tui.fleet import NOW, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tui.memory import Memory
from tui.screens.welcome import WelcomeScreen
from tui.start import make_dashboard

Clock = Callable[[], float]

TASK = pve_task(NOW - 60, kind="qmstart", end=NOW - 50)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Where nothing is yet."""
    return Places(tmp_path / "conf" / "config.toml", tmp_path / "cache")


def file_of(places: Places) -> Path:
    assert places.config is not None
    return places.config


def unwrapped(text: str | Screen) -> str:
    """Without any blanks: where lines are broken depends on how long the test's directories are called."""
    return "".join((text if isinstance(text, str) else text.text).split())


async def test_the_ways_on_are_told_with_exact_commands_and_the_file(places: Places) -> None:
    app = make_dashboard(places, Memory())
    async with app.run_test(size=(120, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        text = unwrapped(screen)
        assert unwrapped(f"remote-tasks --config {places.config} remotes add NAME") in text
        assert unwrapped(f"expected in {places.config}") in text
        assert unwrapped("look around on a simulated fleet") in text and unwrapped("press d, or run") in text
        assert "remote-tasks --demo" in screen.text
        assert "d demo" in screen.lines[-1] and "q quit" in screen.lines[-1]


async def test_the_usual_file_needs_no_option(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    app = make_dashboard(Places(None, places.cache_dir), Memory())
    async with app.run_test(size=(120, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("    remote-tasks remotes add NAME")
        assert unwrapped(str(tmp_path / "home" / "remote-tasks" / "config.toml")) in unwrapped(screen)


async def test_it_goes_on_by_itself_once_there_is_a_remote(places: Places) -> None:
    node = TaskServer(TASK, [])
    answers: dict[str, object] = {
        "/api2/json/nodes": [{"node": "pve1", "status": "online"}],
        "/api2/json/access/permissions": {"/": {"Sys.Audit": 1}},
        "/api2/json/cluster/tasks": [],
    }

    def answer(request: Request) -> Reply:
        return data(answers[request.path]) if request.path in answers else node(request)

    async with serve(answer) as server:
        app = make_dashboard(places, Memory())
        async with app.run_test(size=(120, 30)) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("No remote is configured yet")
            file = file_of(places)
            file.parent.mkdir()
            write_config(server, file)
            await screen.until(lambda: not isinstance(app.screen, WelcomeScreen), "the lists")
            await screen.until_shown("1 remote · ")
            await screen.until(lambda: server.requests, "the work's beginning")
            assert screen.history.task_list.has_focus


async def test_a_configuration_that_is_wrong_is_told_until_it_is_mended(places: Places) -> None:
    app = make_dashboard(places, Memory())
    async with app.run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        file = file_of(places)
        file.parent.mkdir()
        file.write_text("[settings]\nfetch-interval = 7\n")
        wrong = unwrapped(f"✗ {file}:2: fetch-interval: expected a text in quotes")
        await screen.until(lambda: wrong in unwrapped(screen), "the reason")
        file.write_text("[settings]\n")
        await screen.until_shown("✗ there are no remotes in it yet")
        file.unlink()
        await screen.until(lambda: "✗" not in screen.text, "the mending")


async def test_a_file_without_remotes_shows_the_ways_on_as_well(places: Places) -> None:
    file_of(places).parent.mkdir()
    file_of(places).write_text("")
    async with make_dashboard(places, Memory()).run_test(size=(80, 24)) as pilot:
        await Screen(pilot).until_shown("No remote is configured yet")


async def test_the_lists_can_be_looked_at_all_the_same(places: Places) -> None:
    assert places.cache_dir is not None
    write_tasks(places.cache_dir, [TASK])
    async with make_dashboard(places, Memory()).run_test(size=(120, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        await screen.press("escape")
        await screen.until_shown("History 1")
        assert "VM 101 - Start" in screen.text


async def test_the_first_screen_has_help_and_q_quits_it(places: Places) -> None:
    app = make_dashboard(places, Memory())
    async with app.run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        assert "? help" in screen.keys and "q quit" in screen.keys
        await screen.press("question_mark")
        await screen.until_shown("Before there is a configuration")
        await screen.press("escape")
        assert isinstance(app.screen, WelcomeScreen)
        await screen.press("q")
        assert not app.is_running or app._exit


@pytest.mark.parametrize("waited", [0, 60])
async def test_the_empty_lists_say_that_no_remote_is_configured_and_every_key_works(
    empty: Path, waited: float
) -> None:
    (empty / "health").unlink()
    now = [float(NOW)]
    welcome = WelcomeScreen(Path("~/.config/remote-tasks/config.toml"))
    app = dashboard(empty, lambda: now[0], welcome=welcome)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        await screen.press("escape")
        await screen.until_shown("No remote is configured; add one: remote-tasks remotes add NAME")
        now[0] += waited
        screen.main._tick()
        await pilot.pause()
        assert screen.text.count("No remote is configured") == 2
        assert not any(word in screen.text for word in ("fetched", "fetching", "waiting", "daemon", "✗"))
        await screen.press("question_mark")
        await screen.until_shown("Filter the lists")
        await screen.press("escape", "f9")
        await screen.until_shown("No remote is configured; remote-tasks remotes add NAME adds one")
        await screen.press("escape", "slash", "a", "enter", "escape", "e", "tab", "tab", "1", "escape", "s")
        await screen.press("escape", "b", "escape", "g", "escape")
        assert app.screen is screen.main
        screen.main.need_remote("")
        await screen.until(lambda: "No remote is configured" not in screen.text, "the usual words")


def test_a_file_that_is_wrong_at_the_start_is_refused_at_once(places: Places) -> None:
    file_of(places).parent.mkdir()
    for text, words in [("x = ", "no valid TOML"), ('[keys]\nnext-error = "w"\n', "w is the key of next-warning")]:
        file_of(places).write_text(text)
        with pytest.raises(ConfigError, match=words):
            make_dashboard(places, Memory())


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (33, 9), (200, 60)])
async def test_it_bears_any_size(places: Places, size: tuple[int, int]) -> None:
    async with make_dashboard(places, Memory()).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured yet")
        await pilot.resize_terminal(*size)
        await screen.press("down", "pagedown")
        await pilot.resize_terminal(80, 24)
        await screen.until_shown("No remote is configured yet")


def test_d_starts_the_demo_in_its_place(tmp_path: Path) -> None:
    home = {name: str(tmp_path / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    terminal = Terminal(environment=home | {"TMPDIR": str(tmp_path)}, columns=80, rows=24)
    terminal.wait_for(r"No remote is configured yet[\s\S]*remote-tasks remotes add NAME")
    terminal.program.send("d")
    terminal.wait_for(r"^ ?demo · 12 remotes[\s\S]*History [1-9]")
    terminal.program.send("q")
    terminal.program.expect(pexpect.EOF)
    terminal.program.close()
    assert terminal.program.exitstatus == 0
    # nothing was made but the empty cache and what the dashboard remembers
    assert not os.path.exists(tmp_path / "XDG_CONFIG_HOME")


def test_a_dashboard_whose_terminal_has_gone_ends(tmp_path: Path) -> None:
    """It has a session of its own, so that the system does not send it SIGHUP."""
    master, slave = os.openpty()
    command = [*COMMAND, "--config", str(tmp_path / "none.toml"), "--cache-dir", str(tmp_path / "cache")]
    program = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    painted = b""
    while b"remotes add" not in painted:
        painted += os.read(master, 65_536)
    os.close(master)
    program.wait(timeout=15)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_picture(snap_compare: Compare, empty: Path, clock: Clock, size: tuple[int, int]) -> None:
    """The two ways on, with the commands standing out; a wrong configuration would be told in red."""
    welcome = WelcomeScreen(Path("~/.config/remote-tasks/config.toml"))

    async def ready(pilot: Pilot[None]) -> None:
        await Screen(pilot).until_shown("No remote is configured yet")

    app = dashboard(empty, clock, welcome=welcome)
    assert snap_compare(app, terminal_size=size, run_before=ready)
