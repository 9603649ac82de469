"""The guests by the age of their last backup, and the tasks that they lead to."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from backend.archive import Snapshot
from backend.guests import Guest, one_row_each
from backend.task import Status, Task
from tests.tui.fleet import NOW, PBS_REMOTE, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tui.app import Dashboard
from tui.guest_row import backup_words, guest_filter, guest_name, whose_words
from tui.screens.guests import GuestsScreen
from tui.screens.main import MainScreen
from tui.widgets.row_list import RowList

Clock = Callable[[], float]

DAY = 86_400


def group(id: str, start: int, status: str = "OK", *, pid: int = 1) -> Task:
    """A backup that the Backup Server took."""
    upid = f"pbs:{PBS_REMOTE}!UPID:backup1:{pid:08X}:00000158:00000001:{start:08X}:backup:{id}:backup@pbs:"
    return Task(upid, start, start + 30, status)


TASKS = [
    pve_task(NOW - 3 * DAY, kind="vzdump", id="101", pid=1, end=NOW - 3 * DAY + 60),
    pve_task(NOW - 7_200, kind="vzdump", id="101", pid=2, end=NOW - 7_100, status="job errors"),
    pve_task(NOW - 5_000, kind="qmstart", id="101", pid=3, end=NOW - 4_990),
    pve_task(NOW - 7_000, kind="vzdump", id="102", pid=4, end=NOW - 6_900),
    pve_task(NOW - 6_000, kind="vzstart", id="102", pid=5, end=NOW - 5_990),
    pve_task(NOW - 4_000, kind="qmstart", id="103", pid=6, end=NOW - 3_990),
    pve_task(NOW - 3_000, remote="graz", kind="vzdump", id="", pid=7, end=NOW - 2_000),
    pve_task(NOW - 2_500, remote="graz", kind="qmreboot", id="101", pid=8, end=NOW - 2_400),
    pve_task(NOW - 2_000, kind="vzdump", id="104", pid=9, end=NOW - 1_900, status="WARNINGS: 1"),
    pve_task(NOW - 60, kind="vzdump", id="105", pid=10),
    pve_task(NOW - DAY, kind="vzdump", id="105", pid=11, end=NOW - DAY + 60),
    pve_task(NOW - 900, kind="vzdump", id="106", pid=12, end=NOW - 890),
    pve_task(NOW - 800, kind="qmdestroy", id="106", pid=13, end=NOW - 790),
    group(r"store1\x3avm-101", NOW - 2 * DAY),
    group(r"store1\x3ahost-db.example", NOW - 3_600, "connection lost"),
]


@pytest.fixture
def filled(empty: Path) -> Path:
    """A cache directory with these tasks."""
    write_tasks(empty, TASKS)
    return empty


async def opened(pilot: Pilot[None]) -> Screen:
    screen = Screen(pilot)
    await screen.until_shown("History 14")
    await screen.press("b")
    await screen.until_shown("Guests 8")
    return screen


async def test_the_worst_come_first_each_with_what_is_known(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        first = screen.lines.index(screen.line_with("LAST BACKUP")) + 1
        rows = [" ".join(line.split()) for line in screen.lines[first : first + 8]]
        assert rows == [
            "✗ none pbs-main store1:host/db.example failed Tue 24 Nov 13:32",
            "? none wien VM 103 no backup in 3 d",
            "✗ 3d 0h wien VM 101 failed Tue 24 Nov 12:32",
            "✓ 2d 0h pbs-main store1:vm/101 OK Sun 22 Nov 14:32 · any cluster's guest 101",
            "▶ 1d 0h wien VM/CT 105 runs since Tue 24 Nov 14:31",
            "✓ 1h 56m wien CT 102 OK Tue 24 Nov 12:35",
            "? job 50m graz VM 101 no backup of its own · a job over several guests OK Tue 24 Nov 13:42",
            "! 33m wien VM/CT 104 with warnings Tue 24 Nov 13:58",
        ]
        assert (
            "2 without a good backup · then 1 whose last failed or is unknown · then the oldest good first"
            in screen.text
        )
        assert "106" not in screen.text


async def test_what_a_row_has_no_room_for_stands_below_the_rows(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "down", "down")
        await screen.until_shown(" store1:vm/101: OK Sun 22 Nov 14:32 · any cluster's guest 101")
        await screen.press("up")
        await screen.until_shown(" VM 101: failed Tue 24 Nov 12:32")


async def test_a_guest_with_groups_in_several_stores_has_one_row_its_worst(filled: Path, clock: Clock) -> None:
    write_tasks(filled, [group(r"store2\x3avm-101", NOW - 5_000, "connection lost", pid=2)])
    write_tasks(filled, [group(r"store2\x3avm-101", NOW - DAY, pid=3), group(r"store2\x3avm-102", NOW - 9, pid=4)])
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 17")
        await screen.press("b")
        await screen.until_shown("Guests 9")
        row = " ".join(screen.line_with("store2:vm/101").split())
        failed = "✗ 1d 0h pbs-main store2:vm/101 failed Tue 24 Nov 13:08"
        assert row.startswith(f"{failed} · the worst of its 2 backup groups · any")
        assert "store1:vm/101" not in screen.text
        await screen.press("slash", *"store1", "enter")
        await screen.until_shown("Guests 2 of 9 ── store1")
        assert "OK Sun 22 Nov 14:32" in screen.line_with("store1:vm/101")


async def test_enter_shows_the_tasks_of_the_guest(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "down", "enter")
        await screen.until_shown("History 4 of 14 ── vmid:101 remote:wien,pbs-main")
        assert screen.keys.startswith("Backups on pbs-main may be of another cluster's guest 101")
        await screen.press("b")
        await screen.until_shown("Guests 8")
        await screen.press("enter")
        await screen.until_shown("History 1 of 14 ── remote:pbs-main type:backup host/db.example")


async def test_a_guest_opens_at_its_last_backup_and_escape_leads_back(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 14")
        # a filter that does not even find the backup
        await screen.press("tab", "slash", *"type:qmreboot", "enter")
        await screen.until_shown("History 1 of 14")
        await screen.press("b")
        await screen.until_shown("Guests 8")
        await screen.press("1", "down", "down", "enter")
        await screen.until_shown("History 4 of 14 ── vmid:101 remote:wien,pbs-main")
        await screen.until(lambda: screen.history.task_list.selected == TASKS[1], "the cursor on its failure")
        assert screen.history.task_list.has_focus
        await screen.press("1", "down", "up")
        await screen.until_shown("History 1 of 14")
        assert "Esc guests" in screen.keys
        await screen.press("escape")
        await screen.until_shown("Guests 3 of 8 ── none or failed")
        assert pilot.app.screen.query_one(RowList).cursor == 2
        await screen.press("escape", "escape")
        await screen.until_shown("History 1 of 14 ── type:qmreboot")
        assert "b guests" in screen.keys
        await screen.press("0")
        await screen.until_shown("History 14 ──")


async def test_the_guests_come_back_at_once_and_keys_typed_ahead_act_on_them(
    filled: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(filled, clock).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "enter")
        await screen.until_shown("History 1 of 14 ── vmid:103")
        go_on, read = threading.Event(), Snapshot.guests

        def slow(snapshot: Snapshot, *, cancelled: Callable[[], bool]) -> list[Guest]:
            go_on.wait(10)
            return read(snapshot, cancelled=cancelled)

        monkeypatch.setattr(Snapshot, "guests", slow)
        write_tasks(filled, [pve_task(NOW - 5, kind="qmstart", id="300", pid=99, end=NOW - 1)])
        for key in ("escape", "down", "down"):
            pilot.app.post_message(events.Key(key, None))
        await screen.until(lambda: isinstance(pilot.app.screen, GuestsScreen), "the guests")
        await screen.until(lambda: pilot.app.screen.query_one(RowList).cursor == 3, "the cursor two rows on")
        assert "Guests 8" in screen.text
        go_on.set()
        await screen.until_shown("Guests 9")


async def test_a_guests_filter_that_is_given_up_leads_back_no_longer(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("enter")
        await screen.until_shown("History 1 of 14 ── remote:pbs-main type:backup")
        await screen.press("slash", "ctrl+u", *"type:qmreboot", "enter")
        await screen.until_shown("History 1 of 14 ── type:qmreboot")
        await screen.press("escape")
        assert isinstance(pilot.app.screen, MainScreen) and "── type:qmreboot" in screen.text


async def test_one_key_shows_the_tasks_of_the_guest_of_a_row(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 14")
        view = screen.history.task_list
        position = next(n for n in range(14) if (task := view.rows[n]) and task.worker_id == "102")
        view.move_to(position)
        await screen.press("B")
        await screen.until_shown("History 2 of 14 ── vmid:102 remote:wien,pbs-main")
        await screen.press("0")
        await screen.until_shown("History 14")
        view.move_to(next(n for n in range(14) if (task := view.rows[n]) and task.worker_id is None))
        await screen.press("B", *"wien", "enter")
        await screen.until_shown("expected a guest's number")
        await screen.press(*["backspace"] * 4, *"101", "enter")
        await screen.until_shown("History 5 of 14 ── vmid:101")


async def test_guests_of_one_number_on_two_clusters_lead_to_their_own_tasks(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("slash", *"101", "enter")
        await screen.until_shown("Guests 3 of 8 ── 101")
        await screen.press("end", "enter")
        await screen.until_shown("History 2 of 14 ── vmid:101 remote:graz,pbs-main")
        await screen.press("b")
        await screen.until_shown("Guests 8")
        await screen.press("slash", *"wien 101", "enter")
        await screen.until_shown("Guests 1 of 8")
        await screen.press("enter")
        await screen.until_shown("History 4 of 14 ── vmid:101 remote:wien,pbs-main")


async def test_one_key_leaves_the_guests_without_a_backup_to_rely_on(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "down", "1")
        await screen.until_shown("Guests 3 of 8 ── none or failed")
        guests = pilot.app.screen
        assert isinstance(guests, GuestsScreen)
        assert [(guest.remote, guest_name(guest)) for guest in guests._shown] == [
            ("pbs-main", "store1:host/db.example"),
            ("wien", "VM 103"),
            ("wien", "VM 101"),
        ]
        assert pilot.app.screen.query_one(RowList).cursor == 2
        await screen.press("slash", *"graz", "enter")
        await screen.until_shown("None of 8 guests matches")
        await screen.press("escape")
        await screen.until_shown("Guests 8")
        write_tasks(filled, [pve_task(NOW - 5, kind="vzdump", id=n, pid=20, end=NOW) for n in ("101", "103")])
        write_tasks(filled, [group(r"store1\x3ahost-db.example", NOW - 5, pid=9)])
        guests.renewing.soon()
        await screen.press("1")
        await screen.until_shown("None of 8 guests is without a good backup, and none failed the last time")


async def test_words_narrow_the_guests_and_escape_shows_all_again(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("down", "slash", *"WIEN", "space", *"vm")
        await screen.until_shown("Guests 4 of 8 ── wien vm")
        await screen.press("backspace", "backspace", "escape")
        await screen.until_shown("Guests 8 ──")
        assert pilot.app.screen.query_one(RowList).cursor == 1
        await screen.press("slash", *"WIEN", "space", *"vm", "enter")
        await screen.until_shown("Guests 4 of 8 ── wien vm")
        assert "graz" not in screen.text
        # a number may be in the making
        await screen.press("slash", *["backspace"] * 10, *"10")
        await screen.until_shown("Guests 7 of 8 ── 10")
        await screen.press("3")
        await screen.until_shown("Guests 1 of 8 ── 103")
        await screen.press(*["backspace"] * 3, *"none", "enter")
        await screen.until_shown("None of 8 guests matches")
        await screen.press("slash", *["backspace"] * 4, *"status:ok", "enter")
        await screen.until_shown("None of 8 guests matches: here words are looked for, status: works in the lists")
        await screen.press("enter", "escape")
        await screen.until_shown("Guests 8")
        await screen.press("escape")
        assert isinstance(pilot.app.screen, MainScreen)


async def test_it_is_said_which_guests_are_not_listed_and_what_narrows_them(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await screen.until_shown(" Known by their tasks: a guest that had no task in 3 d is not listed")
        await screen.press("question_mark")
        await screen.until_shown("What narrows the guests")
        assert "What a filter can say" not in screen.text
        await screen.press("escape")
        await pilot.resize_terminal(80, 12)
        await screen.until(lambda: "Known by" not in screen.text)


async def test_without_any_guest_that_is_said(empty: Path, clock: Clock) -> None:
    write_tasks(empty, [pve_task(NOW - 9, kind="aptupdate", id="", end=NOW)])
    async with dashboard(empty, clock).run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("b")
        await screen.until_shown("No task is about a guest")
        await screen.press("enter", "down", "end")
        assert isinstance(pilot.app.screen, GuestsScreen)


async def test_the_screen_comes_at_once_and_can_be_left_while_it_reads(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def slow(snapshot: Snapshot, *, cancelled: Callable[[], bool]) -> list[Guest]:
        while not cancelled():
            ended.wait(0.005)
        ended.set()
        return []

    monkeypatch.setattr(Snapshot, "guests", slow)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("b")
        await screen.until_shown("Looking through the kept days…")
        await screen.press("escape")
        assert isinstance(app.screen, MainScreen)
        assert await asyncio.to_thread(ended.wait, 5)


async def test_the_cursor_stays_on_its_guest_when_others_get_worse(filled: Path, clock: Clock) -> None:
    async with dashboard(filled, clock).run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        await screen.press("end")
        guests = pilot.app.screen
        assert isinstance(guests, GuestsScreen)
        selected = guests._selected
        write_tasks(filled, [pve_task(NOW - 5, kind="qmstart", id="300", pid=99, end=NOW - 1), TASKS[9]])
        guests.renewing.soon()
        await screen.until_shown("Guests 9")
        assert guests._selected == selected
        assert pilot.app.screen.query_one(RowList).cursor == 8


def guest(**changes: object) -> Guest:
    values = dict(zip(Guest._fields, ("wien", "pve", "101", "VM", None, None, None, 0, None, 1), strict=True))
    return Guest(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "no backup in 7 d"),
        (
            {"good": NOW, "last": NOW, "last_status": Status.OK, "failures": 2},
            "OK Tue 24 Nov 14:32 · 2 backups failed in 7 d",
        ),
        (
            {"type": "pbs", "label": "s:vm/101", "good": NOW, "last": NOW, "last_status": Status.OK, "groups": 3},
            "OK Tue 24 Nov 14:32 · the worst of its 3 backup groups · any cluster's guest 101",
        ),
        ({"last": NOW, "last_status": Status.UNKNOWN, "failures": 1}, "end unknown Tue 24 Nov 14:32"),
        ({"good": NOW - DAY, "last": NOW, "last_status": Status.RUNNING}, "runs since Tue 24 Nov 14:32"),
    ],
)
def test_backups_in_words(changes: dict[str, object], words: str) -> None:
    assert backup_words(guest(**changes), "7 d", NOW, UTC) == words


def test_groups_of_different_namespaces_are_of_different_guests() -> None:
    labels = ["s1:vm/7", "s2:vm/7", "s1:wien:vm/7", "s2:wien:vm/7", "s1:graz:vm/7"]
    rows = one_row_each(guest(type="pbs", label=label) for label in labels)
    assert {row.label.partition(":")[2]: row.groups for row in rows} == {"vm/7": 2, "wien:vm/7": 2, "graz:vm/7": 1}


def test_of_a_guests_tasks_it_is_said_which_may_be_anothers() -> None:
    assert whose_words("pve", "101", []) == whose_words("pbs", "s:host/db", ["pbs1"]) == ""
    assert whose_words("pve", "101", ["pbs1"]) == "Backups on pbs1 may be of another cluster's guest 101"
    assert "on the Backup Servers may" in whose_words("pve", "101", ["pbs1", "pbs2"])
    assert whose_words("pbs", "s:ct/7", ["pbs1"]).startswith("Guest 7 of any cluster")


def test_what_a_guest_is_called_and_how_its_tasks_are_found() -> None:
    assert [guest_name(guest()), guest_name(guest(kind=""))] == ["VM 101", "VM/CT 101"]
    assert guest_name(guest(type="pbs", label="s:vm/1")) == "s:vm/1"
    assert guest_filter("pve", "wien", "101", [f"pbs{n}" for n in range(9)]) == "vmid:101 remote:wien"
    assert guest_filter("pbs", "pbs1", "store:ct/7", ["pbs1"]) == "vmid:7"
    assert guest_filter("pbs", "pbs1", 'store:host/a b"\x1b', []) == "remote:pbs1 type:backup host/a*b**"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_guests(snap_compare: Compare, filled: Path, clock: Clock, size: tuple[int, int]) -> None:
    """The guests whose last good backup is the oldest come first; a sign tells how the last one went."""

    async def ready(pilot: Pilot[None]) -> None:
        await opened(pilot)

    assert snap_compare(dashboard(filled, clock), terminal_size=size, run_before=ready)
