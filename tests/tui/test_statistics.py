"""The statistics: counts of kinds of tasks and of remotes, and the lists that they lead to; writing a list to a
file."""

import csv
import os
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from backend.archive import CacheError, Snapshot, TaskCache
from backend.export import Written, export_tasks
from backend.query import parse_filter
from backend.task import Status
from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tests.tui.test_dashboard_pictures import Compare
from tui.app import Dashboard
from tui.screens.main import MainScreen
from tui.screens.progress import ProgressScreen
from tui.screens.statistics import SPANS, StatisticsScreen, group_rows, remote_rows
from tui.type_groups import GROUPS, OTHER, group_of
from tui.widgets.count_table import COLUMNS, CountTable

Clock = Callable[[], float]

TASKS = [*finished_tasks(600), *running_tasks()]


def numbers(line: str) -> list[int]:
    return [int(word.strip("▸").replace(",", "")) for word in line.split()[-len(COLUMNS) :]]


def expected(text: str) -> list[int]:
    """What a row must say for the tasks that match a filter."""
    counts = Counter(task.status_class for task in filter(parse_filter(text, now=NOW).matcher(), TASKS))
    return [counts.total() if status is None else counts[status] for status in COLUMNS]


@pytest.mark.parametrize(
    "worker_type", ["vzdump", "backup", "qmigrate", "hamigrate", "HaStart", "cephcreateosd", "x"]
)
def test_every_type_is_in_the_group_whose_filter_finds_it(worker_type: str) -> None:
    task = pve_task(NOW, kind=worker_type, end=NOW)
    found = [group for group in GROUPS if parse_filter(group.text).matches(task)]
    assert found == [group_of(worker_type)]


def test_the_groups_hold_all_types_of_a_fleet() -> None:
    types = {task.worker_type for task in TASKS} | {
        "move_volume",
        "migrateall",
        "syncjob",
        "vncshell",
        "vzmigrate",
    }
    for worker_type in types:
        task = pve_task(NOW, kind=worker_type, end=NOW)
        assert [group for group in GROUPS if parse_filter(group.text).matches(task)] == [group_of(worker_type)]
    assert group_of("migrateall").title == "Migrations" and group_of("syncjob") is OTHER


async def test_groups_and_remotes_are_counted_over_a_time_that_a_key_changes(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s")
        for key, (words, since) in zip(("", "t", "t"), SPANS, strict=True):
            await screen.press(*([key] if key else []))
            await screen.until_shown(f"Statistics {words}")
            await screen.until_shown("as of 14:32:05")
            assert numbers(screen.line_with("All tasks")) == expected(since)
            for group in GROUPS:
                assert numbers(screen.line_with(f" {group.title} ")) == expected(f"{group.text} {since}")
            for remote in {task.remote for task in TASKS if task.status_class is Status.ERROR}:
                if expected(f"remote:{remote} {since}")[COLUMNS.index(Status.ERROR)]:
                    assert numbers(screen.line_with(f" {remote} ")) == expected(f"remote:{remote} {since}")
        await screen.press("escape")
        assert isinstance(app.screen, MainScreen)


async def test_a_number_opens_the_list_of_what_it_counts(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s")
        await screen.until_shown("as of")
        await screen.press("down", "right", "right", "right", "enter")
        text = "type:*migrate* status:error since:24h"
        await screen.until_shown(f"History {expected(text)[0]} of 600 ── {text}")
        await screen.press("s", "t", "t")
        await screen.until_shown("all that is kept")
        await screen.until_shown("as of")
        await screen.press("end", "enter")
        await screen.until(lambda: isinstance(app.screen, MainScreen))
        remote = min(
            {task.remote for task in TASKS if task.status_class is Status.ERROR},
            key=lambda name: (expected(f"remote:{name} status:error")[0], name),
        )
        await screen.until_shown(f" of 600 ── remote:{remote}")


async def test_what_a_number_counts_begins_at_the_newest_and_escape_leads_back(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("slash", *"-graz", "enter", "end", "up")
        await screen.until(lambda: view.cursor == len(view.rows) - 2 > 300, "a row far down")
        before = view.selected
        await screen.press("s", "t", "down", "right", "right", "right")
        await screen.until_shown("Statistics last 7 d")
        await screen.press("enter")
        await screen.until_shown("── type:*migrate* status:error since:7d")
        await screen.until(lambda: view.following, "the newest task")
        assert "Esc statistics" in screen.keys
        await screen.press("escape")
        await screen.until_shown("Statistics last 7 d")
        table = app.screen.query_one(CountTable)
        assert table.chosen is not None
        assert (table.chosen[0].title, table.chosen[1]) == ("Migrations", Status.ERROR)
        # and the same once more: the filter from before is the same still
        await screen.press("enter")
        await screen.until_shown("── type:*migrate* status:error since:7d")
        await screen.press("escape", "escape")
        await screen.until_shown("── -graz ──")
        await screen.until(lambda: view.selected == before, "the row from before")
        assert "s statistics" in screen.keys


async def test_the_way_back_ends_with_another_filter(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s", "t", "t", "down", "enter")
        await screen.until_shown("── type:*migrate* ──")
        assert "Esc statistics" in screen.keys
        await screen.press("slash", *" graz", "enter")
        await screen.until_shown("── type:*migrate* graz ──")
        assert "Esc statistics" in screen.keys
        await screen.press("slash", "home", "minus", "enter")
        await screen.until_shown("── -type:*migrate* graz ──")
        assert "s statistics" in screen.keys
        await screen.press("slash", "home", "delete", "enter")
        await screen.until_shown("── type:*migrate* graz ──")
        assert "s statistics" in screen.keys


async def test_the_way_back_leads_to_the_same_row_and_list_where_the_filter_is_the_same(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press(*["down"] * 20)
        await screen.until(lambda: view.cursor == 20, "a row further down")
        before = view.selected
        await screen.press("tab", "s", "t", "t", "enter")
        await screen.until(lambda: isinstance(app.screen, MainScreen) and view.following, "the newest of all")
        await screen.press("escape")
        await screen.until_shown("Statistics all that is kept")
        await screen.press("escape")
        await screen.until(lambda: view.selected == before, "the row from before")
        assert screen.main.lists.chosen is screen.main.running_pane.task_list


async def test_how_far_back_there_are_tasks_is_told_if_less_than_the_span(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s", "t")
        await screen.until_shown("last 7 d ──── since Mon 23 Nov 22:31, all there is · as of 14:32:05")
        await screen.press("t")
        await screen.until_shown("since Mon 23 Nov 22:31 · as of")
        write_tasks(directory, [pve_task(NOW - 2 * 86_400, kind="qmstart", pid=999, end=NOW)])
        await screen.press("t")
        await screen.until_shown("Statistics last 24 h")
        await screen.until(lambda: "as of" in screen.text and "since" not in screen.text, "a whole day")


async def test_a_click_chooses_a_number_and_a_double_click_opens_it(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s")
        await screen.until_shown("as of")
        table = app.screen.query_one(CountTable)
        line = next(number for number, text in enumerate(screen.lines) if text.startswith(" Backups"))
        await pilot.click(table, offset=(screen.lines[1].index("ERROR"), line - table.region.y), times=2)
        await screen.until_shown("── type:vzdump,backup status:error since:24h")


async def test_where_not_all_columns_fit_a_click_moves_those_of_every_row(app: Dashboard) -> None:
    async with app.run_test(size=(50, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s", *["right"] * 5)
        await screen.until_shown("as of")
        table = app.screen.query_one(CountTable)
        before = table.header
        await pilot.click(table, offset=(20, 3))
        painted = [strip.text for strip in table.render_lines(table.size.region)]
        assert table.header != before
        table.reload()
        assert [strip.text for strip in table.render_lines(table.size.region)] == painted


async def test_headings_are_passed_over_and_empty_statistics_say_so(empty: Path, clock: Clock) -> None:
    write_tasks(empty, [pve_task(NOW - 9, end=NOW)])
    async with dashboard(empty, clock).run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("s")
        await screen.until_shown("No remote has tasks that failed")
        table = pilot.app.screen.query_one(CountTable)
        await screen.press("end")
        assert table.chosen is not None and table.chosen[0].title == "Other"
        await screen.press("down", "pagedown", "home", "up")
        assert table.chosen is not None and table.chosen[0].title == "All tasks"


async def test_a_cache_that_cannot_be_read_is_told(app: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(cache: TaskCache) -> Snapshot:
        raise CacheError("journal: is a directory")

    async with app.run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        monkeypatch.setattr(TaskCache, "snapshot", broken)
        await screen.press("s")
        await screen.until(lambda: isinstance(app.screen, StatisticsScreen))
        await screen.until_shown("cannot read the cache: journal: is a directory")
        await screen.press("t", "escape")
        assert isinstance(app.screen, MainScreen)


def test_rows_of_no_tasks_are_zeros() -> None:
    assert [row.title for row in group_rows({})] == ["All tasks", *(group.title for group in GROUPS)]
    assert remote_rows({"wien": Counter({Status.OK: 3})})[-1].title == "No remote has tasks that failed"


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_statistics(snap_compare: Compare, app: Dashboard, size: tuple[int, int]) -> None:
    """Groups of task types and the remotes where most failed, by status; a sign stands before the number that
    Enter opens."""

    async def opened(pilot: Pilot[None]) -> None:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("s")
        await screen.until_shown("as of")
        await screen.press("down", "down", "right", "right", "right")

    assert snap_compare(app, terminal_size=size, run_before=opened)


class TestWritingAList:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The directory in which the dashboard runs."""
        folder = tmp_path / "mine"
        folder.mkdir()
        monkeypatch.chdir(folder)
        return folder

    async def test_what_the_lists_show_is_written(self, app: Dashboard, folder: Path) -> None:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 600")
            await screen.press("1")
            await screen.until_shown("of 600 ── status:error")
            await screen.press("x")
            await screen.until_shown("remote-tasks-20261124-1432.csv")
            number = expected("status:error")[0]
            await screen.until_shown(f"{number} tasks · .csv or .jsonl")
            await screen.press("enter")
            await screen.until_shown(f"✓ Wrote {number} tasks to")
            # the whole path, however long, until the user has read it
            path = str(folder / "remote-tasks-20261124-1432.csv")
            inside = "".join(line.split("│")[1].strip() for line in screen.lines if line.count("│") == 2)
            assert path in inside
            await screen.press("enter")
            assert isinstance(app.screen, MainScreen) and "Wrote" not in screen.text
            rows = read(folder / "remote-tasks-20261124-1432.csv")
            matches = parse_filter("status:error").matcher()
            assert [row["upid"] for row in rows] == [task.upid for task in filter(matches, TASKS)]

    async def test_a_file_is_overwritten_only_if_that_is_wanted(self, app: Dashboard, folder: Path) -> None:
        path = folder / "list.jsonl"
        path.write_text("mine")
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 600")
            for answer in ("escape", "n", "y"):
                assert path.read_text() == "mine"
                await screen.press("x", *["backspace"] * 40)
                await screen.enter("list.jsonl")
                await screen.press("enter")
                await screen.until_shown("Overwrite this file?")
                await screen.press(answer)
            await screen.until_shown("Wrote 600 finished and 4 running tasks to")
            assert len(path.read_text().splitlines()) == 604

    async def test_a_name_typed_in_one_piece_with_enter_is_taken_whole(self, app: Dashboard, folder: Path) -> None:
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 600")
            await screen.press("x")
            await screen.until_shown("600 finished and 4 running tasks · .csv or .jsonl")
            await screen.press("ctrl+u")
            for character in "a.csv":
                app.post_message(events.Key("full_stop" if character == "." else character, character))
            app.post_message(events.Key("enter", "\r"))
            await screen.until_shown("Wrote 600 finished and 4 running tasks to")
            assert os.listdir(folder) == ["a.csv"]

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("list.txt", "expected a name that ends in .csv or .jsonl"),
            ("", "expected a file's name"),
            ("no/where.csv", "there is no directory"),
        ],
    )
    async def test_a_name_that_will_not_do_is_told_at_once(self, app: Dashboard, name: str, words: str) -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 600")
            await screen.press("x", *["backspace"] * 40)
            await screen.enter(name)
            await screen.press("enter")
            await screen.until_shown(f"✗ {words}")

    async def test_giving_up_leaves_no_file(
        self, app: Dashboard, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        go_on = threading.Event()
        begun = threading.Event()
        given_up = []

        def slow(*arguments: object, cancelled: Callable[[], bool], **options: object) -> Written:
            begun.set()
            go_on.wait(10)
            given_up.append(cancelled())
            return export_tasks(*arguments, cancelled=cancelled, **options)  # type: ignore[arg-type]

        monkeypatch.setattr("tui.exporting.export_tasks", slow)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            screen = Screen(pilot)
            await screen.until_shown("History 600")
            await screen.press("x", "enter")
            await screen.until(lambda: isinstance(app.screen, ProgressScreen) and begun.is_set())
            await screen.press("escape")
            await screen.until(lambda: screen.keys.startswith("Given up; no file was written"), "the bottom line")
            assert isinstance(app.screen, MainScreen)
            go_on.set()
            await screen.until(lambda: given_up)
        assert given_up == [True]
        assert os.listdir(folder) == []


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
