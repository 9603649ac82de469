"""The remotes: what is told of each, in rows and in full, and what can be done about it from there."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from backend.archive import inbox
from backend.archive.health import NODE_OFFLINE, Health, NodeHealth, RemoteHealth, Round
from tests.tui.fleet import NOW, finished_tasks, healthy, tell_health, troubled, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tui.app import Dashboard
from tui.remote_row import (
    remote_cells,
    remote_columns,
    remote_details,
    remote_header,
    remote_row,
    remote_status,
    state_words,
)
from tui.row import Tone
from tui.screens.main import MainScreen
from tui.screens.remotes import RemoteDetails, RemotesScreen
from tui.widgets.row_list import RowList

Clock = Callable[[], float]

REFUSED = "no connection: Connection refused"
DOWN = f"10.0.0.7:8006: {REFUSED}; 10.0.0.8:8006: {REFUSED}; [fd00::9]:8006: {REFUSED}"


def with_troubles() -> Health:
    """A fleet with everything that can be wrong with a remote."""
    health = troubled()
    graz, wien, salzburg = (health.remotes[name] for name in ("graz", "wien", "salzburg"))
    graz.error, graz.last_success = DOWN, NOW - 250
    wien.nodes["pve2"] = NodeHealth(NOW - 4_000, "no answer in time", NOW - 720)
    wien.nodes["pve3"] = NodeHealth(None, NODE_OFFLINE, NOW - 7_200)
    wien.clock_skew = 95.4
    salzburg.latency = 1.234
    health.remotes["new"] = RemoteHealth()
    return health


async def opened(pilot: Pilot[None]) -> Screen:
    """The screen of the remotes, with their tasks counted."""
    screen = Screen(pilot)
    await screen.until_shown("History")
    await screen.press("f9")
    await screen.until(lambda: isinstance(pilot.app.screen, RemotesScreen), "the remotes")
    await screen.until(lambda: "…" not in screen.line_with("✓ pbs-main")[:80], "the tasks' counts")
    return screen


def names(screen: Screen) -> list[str]:
    """The remotes' signs and names in the rows, from the top."""
    rows = (re.match(r" ([✗!?✓]) (\S+)  ", line) for line in screen.lines)
    return [f"{row[1]} {row[2]}" for row in rows if row is not None]


async def test_those_with_trouble_stand_first_and_every_column_says_its_part(
    directory: Path, clock: Clock
) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(160, 40)) as pilot:
        screen = await opened(pilot)
        assert names(screen) == ["✗ graz", "! linz-lab", "! wien", "? new", "✓ pbs-main", "✓ salzburg"]
        head = screen.line_with("REMOTE").split()
        assert head == "REMOTE TYPE STATE LAST SEEN LATENCY NODES PER HOUR CLOCK TROUBLE".split()
        graz = screen.line_with("✗ graz")
        assert re.search(r"PVE   failing 4 min +4 min  +4  ", graz) and f"  {REFUSED}  " in graz
        linz = screen.line_with("linz-lab")
        assert "limited" in linz and "the token may not see node pve3" in linz
        wien = screen.line_with("! wien")
        assert "2 nodes failing 2 h+ " in wien and "2 of 4 fail" in wien and "+1 min" in wien
        assert "node pve2 failing for 12 min: no answer in time · node" in wien
        assert "1,234 ms" in screen.line_with("salzburg") and "ok" in screen.line_with("salzburg")
        assert "not asked yet" in screen.line_with("? new") and "never" in screen.line_with("? new")
        assert "1 remote failing" in screen.line_with("Remotes 6")


async def test_all_that_is_wrong_with_the_remote_under_the_cursor_stands_below(
    directory: Path, clock: Clock
) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert DOWN in "".join(line.rstrip() + " " for line in screen.lines[-4:-1]).replace("  ", " ")
        await screen.press("end")
        await screen.until(lambda: "10.0.0.8" not in screen.text, "the trouble's going")


async def test_what_a_remote_runs_in_an_hour_is_counted_over_a_day(empty: Path, clock: Clock) -> None:
    tasks = [task for task in finished_tasks(1_200, apart=60) if task.remote == "wien"]
    write_tasks(empty, [*tasks, *finished_tasks(5, until=NOW - 3 * 86_400, seed=9)])
    within = sum(NOW - 86_400 <= task.starttime for task in tasks)
    async with dashboard(empty, clock).run_test(size=(160, 40)) as pilot:
        screen = await opened(pilot)
        rate = f"{within / 24:.1f}" if within < 240 else f"{within / 24:.0f}"
        assert f"  {rate}  " in screen.line_with("✓ wien")
        assert screen.line_with("✓ salzburg").split()[-1] == "0"


async def test_of_enter_twice_in_one_piece_the_first_chooses(directory: Path, clock: Clock) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        remotes = pilot.app.screen.query_one(RowList)
        remotes.action_open()
        remotes.action_open()
        await screen.until_shown(" of 600 ── remote:")
        assert pilot.app.screen is screen.main


async def test_enter_narrows_the_lists_to_the_remote_and_escape_leads_back(directory: Path, clock: Clock) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "down", "enter")
        await screen.until_shown(" of 600 ── remote:wien ─")
        assert pilot.app.screen is screen.main and "Esc remotes" in screen.keys
        health = with_troubles()
        health.remotes["salzburg"].error = "it is down"
        tell_health(directory, health)
        await screen.press("escape")
        await screen.until(lambda: isinstance(pilot.app.screen, RemotesScreen), "the remotes")
        await screen.until_shown(" ✗ salzburg")
        await screen.press("enter")
        await screen.until_shown(" of 600 ── remote:wien ─")
        # who chooses elsewhere goes back to there
        await screen.press("s", "enter")
        await screen.until_shown("── since:24h ─")
        assert "Esc statistics" in screen.keys and "F9 remotes" in screen.keys
        await screen.press("escape", "escape")
        await screen.until_shown(" of 600 ── remote:wien ─")
        assert [type(one) for one in pilot.app.screen_stack] == [MainScreen] and not pilot.app._installed_screens


async def test_one_remote_is_fetched_from_or_all(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "r")
        await screen.until(lambda: screen.keys.startswith("Asked for a fetch from linz-lab"), "the bottom line")
        assert inbox.take(directory) == [inbox.Request(refresh=("linz-lab",))]
        await screen.press("f5")
        await screen.until_shown("Asked for a fetch from all remotes")
        assert inbox.take(directory) == [inbox.Request()]


async def test_a_fetch_that_cannot_be_asked_for_is_told(app: Dashboard, directory: Path) -> None:
    (directory / "inbox").write_text("")
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        screen = await opened(pilot)
        await screen.press("r")
        await screen.until(lambda: "inbox" in "".join(screen.text.split()), "the reason")


async def test_all_that_is_known_of_a_remote_stands_in_its_details(directory: Path, clock: Clock) -> None:
    health = with_troubles()
    health.remotes["wien"].notes = ["its clock is wrong", "the token may not see\x1b[2J node pve3"]
    tell_health(directory, health)
    async with dashboard(directory, clock).run_test(size=(100, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("i")
        await screen.until(lambda: isinstance(pilot.app.screen, RemoteDetails), "the details")
        await screen.until_shown("Trouble")
        words = " ".join(" ".join(re.findall("│(.*)│", screen.text)).split())
        assert DOWN in words and "failing 4 min" in words
        await screen.press("escape", "down", "down", "i")
        await screen.until_shown("node pve2 failing for 12 min: no answer in time")
        assert "node pve3 offline for at least 2 h " in screen.text
        assert "about 1:35 ahead of that of this machine" in screen.text and "see␛[2J node" in screen.text
        since = "failing since Tue 24 Nov 14:20"
        assert f"pve2: {since}; last fetched 1 h ago (Tue 24 Nov 13:25)" in screen.text
        assert "pve3: offline since Tue 24 Nov 12:32 or earlier; not yet fetched" in screen.text
        health.remotes["wien"].nodes["pve2"].error = "and now refused"
        tell_health(directory, health)
        await screen.until_shown("node pve2 failing for 12 min: and now refused")
        del health.remotes["wien"]
        tell_health(directory, health)
        await screen.until_shown("It is configured no longer")


async def test_the_cursor_stays_on_its_remote_when_others_get_well(directory: Path, clock: Clock) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "down")
        tell_health(directory, healthy())
        await screen.until(lambda: names(screen)[0] == "✓ graz", "graz's recovery")
        await screen.press("enter")
        await screen.until_shown("── remote:wien ─")


async def test_a_first_fill_and_a_round_are_told_remote_by_remote(empty: Path, clock: Clock) -> None:
    health = replace(healthy(), round=Round(NOW - 9, nodes_done=7, nodes_total=17, tasks=3_456))
    wien, graz = health.remotes["wien"], health.remotes["graz"]
    for node in ("pve1", "pve2", "pve3"):
        wien.nodes[node].last_success = None
    for state in graz.nodes.values():
        state.last_success = NOW - 700
    graz.nodes["pve4"].last_success = NOW - 3
    tell_health(empty, health)
    async with dashboard(empty, clock).run_test(size=(140, 30)) as pilot:
        screen = await opened(pilot)
        assert "first fill 1 of 4" in screen.line_with("wien")
        assert "fetching 1 of 4" in screen.line_with("graz")
        assert "7 of 17 nodes, 3,456 tasks" in screen.lines[0]


async def test_without_remotes_the_way_to_one_is_told(tmp_path: Path, clock: Clock) -> None:
    tell_health(tmp_path, Health(1, "daemon", NOW - 3, None, Round(NOW - 9, NOW - 8, NOW + 50), {}))
    async with dashboard(tmp_path, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("No remote is configured; add one")
        await screen.press("f9")
        await screen.until_shown("No remote is configured; remote-tasks remotes add NAME adds one")
        await screen.press("enter", "i", "r", "down", "end")
        assert isinstance(pilot.app.screen, RemotesScreen)


async def test_what_is_wrong_with_fetching_as_such_stands_above(directory: Path) -> None:
    health = healthy()
    health.problem = "writing the health file: no space left on device"
    tell_health(directory, replace(health, updated=NOW - 700))
    with (directory / "journal").open("ab") as journal:
        journal.write(b"no json\n")
    now = [float(NOW) - 700]
    async with dashboard(directory, lambda: now[0]).run_test(size=(120, 30)) as pilot:
        now[0] = float(NOW)
        screen = await opened(pilot)
        assert "✗ writing the health file: no space left on device" in screen.text
        assert "✗ nobody is fetching; data is 11 min old" in screen.text
        assert "✗ damaged: journal: 1 unreadable line" in screen.text


def many() -> Health:
    """200 remotes, each fifth of which fails."""
    health = healthy()
    health.remotes = {
        f"remote-{number:03}": RemoteHealth(
            last_success=NOW - number,
            latency=0.02,
            error=f"cause {number}" if number % 5 == 0 else None,
            failing_since=NOW - number if number % 5 == 0 else None,
            nodes={f"pve{node}": NodeHealth(NOW - 12) for node in range(10)},
        )
        for number in range(200)
    }
    return health


async def test_two_hundred_remotes_scroll_at_80_by_24(empty: Path, clock: Clock) -> None:
    tell_health(empty, many())
    async with dashboard(empty, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("F9 remotes")
        await screen.press("f9")
        await screen.until_shown("Remotes 200")
        assert "40 remotes failing" in screen.lines[0]
        assert all(name.startswith("✗") for name in names(screen)) and len(names(screen)) > 15
        await screen.press("pagedown", "pagedown", "pagedown")
        assert any(name.startswith("✓") for name in names(screen))
        await screen.press("end")
        assert names(screen)[-1] == "✓ remote-199"
        await screen.press("i")
        await screen.until(lambda: "10 nodes" in screen.text, "the details")


@pytest.mark.parametrize("width", [*range(1, 60, 3), 80, 120, 200])
def test_rows_and_head_fit_any_width(width: int) -> None:
    health = with_troubles()
    cells = [remote_cells(name, remote, 1_000, None, NOW) for name, remote in health.remotes.items()]
    columns = remote_columns(cells, width)
    used = 3 + sum(columns.values()) + 2 * (len(columns) - 1)
    assert len(remote_header(columns)) == used
    for (name, remote), one in zip(health.remotes.items(), cells, strict=True):
        row = remote_row(one, remote_status(remote), columns)
        assert sum(len(piece.text) for piece in row) == used, name
    if width >= 30:
        assert used == width and columns["TROUBLE"] >= 8


def test_trouble_is_told_in_its_colour_and_a_sound_remote_quietly() -> None:
    health = with_troubles()
    for name, tone in (("graz", Tone.ERROR), ("linz-lab", Tone.WARNING), ("salzburg", Tone.OK)):
        cells = remote_cells(name, health.remotes[name], 0, None, NOW)
        assert remote_row(cells, remote_status(health.remotes[name]), remote_columns([cells], 120))[0].tone == tone


def test_states_in_words() -> None:
    assert state_words(RemoteHealth(error="x"), None, NOW) == "failing"
    assert state_words(RemoteHealth(), None, NOW) == "not asked yet"
    assert state_words(RemoteHealth(last_success=NOW), None, NOW) == "ok"
    offline = RemoteHealth(last_success=NOW, nodes={"pve1": NodeHealth(NOW, NODE_OFFLINE)})
    assert state_words(offline, None, NOW) == "1 node offline"
    offline.nodes["pve1"].failing_since = NOW - 1_500
    assert state_words(offline, None, NOW) == "1 node offline 25 min"
    offline.nodes["pve2"] = NodeHealth(None, NODE_OFFLINE, NOW - 1_560)
    assert state_words(offline, None, NOW) == "2 nodes offline 26 min+"
    rows = dict(remote_details("wien", RemoteHealth(), None, None, NOW, None))
    assert rows["Tasks"].plain == "counting…" and rows["Latency"].plain == rows["Clock"].plain == "unknown"


def test_latency_and_clock_of_a_remote_that_is_silent_are_from_when_it_last_answered() -> None:
    remote = RemoteHealth(last_success=NOW - 60, latency=0.02, clock_skew=0.4, error=DOWN, failing_since=NOW - 50)

    def told() -> tuple[str, str]:
        rows = dict(remote_details("wien", remote, None, None, NOW, None))
        return rows["Latency"].plain, rows["Clock"].plain

    assert told() == (
        "20 ms when it last answered",
        "agreed with that of this machine when it last answered",
    )
    remote.clock_skew = 95.0
    assert told()[1] == "about 1:35 ahead of that of this machine when it last answered"
    cells = remote_cells("wien", remote, None, None, NOW)
    assert cells["LATENCY"] == cells["CLOCK"] == ""
    # what fails may be another thing than the poll
    remote.last_success = NOW - 5
    assert told() == ("20 ms", "about 1:35 ahead of that of this machine")
    assert remote_cells("wien", remote, None, None, NOW)["CLOCK"] == "+1 min"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_picture(snap_compare: Compare, directory: Path, clock: Clock, size: tuple[int, int]) -> None:
    """Those with trouble on top, in colour and words; columns give way to the words where there is less room."""
    tell_health(directory, with_troubles())

    async def ready(pilot: Pilot[None]) -> None:
        await (await opened(pilot)).press("down")

    assert snap_compare(dashboard(directory, clock), terminal_size=size, run_before=ready)


def test_picture_of_the_details(snap_compare: Compare, directory: Path, clock: Clock) -> None:
    """All that is known of the remote under the cursor, over the rows."""
    tell_health(directory, with_troubles())

    async def ready(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await screen.press("i")
        await screen.until_shown("Trouble")

    assert snap_compare(dashboard(directory, clock), terminal_size=(100, 30), run_before=ready)


SIZES = [(20, 5), (1, 1), (200, 60), (33, 9), (80, 3), (7, 40), (120, 40)]


async def test_it_bears_any_size_with_or_without_the_details(directory: Path, clock: Clock) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        for details in (False, True):
            if details:
                await screen.press("i")
                await screen.until(lambda: isinstance(pilot.app.screen, RemoteDetails), "the details")
            for size in SIZES:
                await pilot.resize_terminal(*size)
                await screen.press("down", "pagedown", "home")
        await screen.press("escape")
        await screen.until(lambda: names(screen)[:1] == ["✗ graz"], "the remotes")


async def test_twenty_by_five_shows_the_worst_remote(directory: Path, clock: Clock) -> None:
    tell_health(directory, with_troubles())
    async with dashboard(directory, clock).run_test(size=(20, 5)) as pilot:
        screen = Screen(pilot)
        await screen.press("f9")
        await screen.until(lambda: "✗ graz" in screen.text, "the failing remote")
