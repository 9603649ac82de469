"""The filter line: narrowing both lists as one types, what is wrong in it, and the place that is kept."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.archive.files import locked
from backend.query import parse_filter
from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard


def matches(text: str) -> int:
    return sum(map(parse_filter(text).matcher(), finished_tasks(600)))


async def test_typing_narrows_both_lists(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"remote", "colon", *"graz")
        await screen.until_shown(f"History {matches('remote:graz')} of 600 ── remote:graz")
        assert "Running 1 of 4" in screen.text
        assert f"{matches('remote:graz')} of 600" in screen.line_with(" / ")
        assert {task.remote for task in screen.history.tasks_in_view()} == {"graz"}
        assert "VM 101 - Start" not in screen.text
        assert "⏎ keep   Esc back" in screen.lines[-1]


async def test_typing_does_not_wait_for_who_writes_to_the_cache(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        with locked(directory, exclusive=True):
            await screen.press("slash", *"linz")
            await screen.until_shown(f"History {matches('linz')} of 600 ── linz")


async def test_enter_keeps_the_filter_and_goes_to_the_list(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.press("enter")
        assert screen.history.task_list.has_focus
        assert not screen.main.filter_line.is_open
        await screen.until_shown("of 600 ── graz")
        assert "0 clear filter" in screen.keys and "── graz ── 0 clears ─" in screen.line_with("History")


async def test_one_key_takes_the_filter_away_and_brings_it_back_and_escape_does_neither(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("1", "slash", "end", "space", *"graz", "enter", "escape", "escape")
        await screen.until_shown("── status:error graz ── 0 clears ─")
        await screen.press("slash", "space", *"wien", "escape", "escape")
        await screen.until_shown("── status:error graz ── 0 clears ─")
        await screen.press("0")
        await screen.until(lambda: "History 600 ──" in screen.text and "── status:error" not in screen.text)
        assert "Running 4 ──" in screen.text and "clears" not in screen.text
        assert "0 last filter" in screen.keys
        await screen.press("0")
        await screen.until_shown("── status:error graz ── 0 clears ─")


async def test_a_wrong_filter_is_explained_until_it_is_mended(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.until_shown("of 600 ── graz")
        await screen.enter(" status:bad")
        # one may still be typing it
        await screen.until_shown("   expected ok, warning, error, unknown or running, not 'bad'")
        assert "✗ expected" not in screen.text and "not what is typed" not in screen.text
        await screen.enter(" wien")
        await screen.until_shown("✗ expected ok, warning, error, unknown or running, not 'bad' · status:bad")
        await screen.until_shown("of 600 ── graz (not what is typed)")
        assert "of 600" not in screen.line_with(" / ")
        assert screen.main.workspace.key_line.idle == {"keep-filter"}
        await refreshed(screen)
        assert "not 'bad'" in screen.text
        await screen.press(*["left"] * len(" wien"), "backspace")
        assert "✗ expected" not in screen.text, "the word that the cursor is in is being mended"
        await screen.press("backspace", "backspace")
        await screen.enter("ok")
        await screen.until_shown("of 600 ── graz status:ok wien")
        assert "expected" not in screen.text
        assert "not what is typed" not in screen.text


async def refreshed(screen: Screen) -> None:
    """Wait until the dashboard has looked at the cache once more."""
    before = screen.main._live.tasks
    screen.main.look_soon()
    await screen.until(lambda: screen.main._live.tasks is not before)
    screen.main._past.soon()
    await screen.pilot.pause(0.3)


async def test_a_field_being_typed_says_nothing_and_leaves_the_lists_alone(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        shown = []
        await screen.press("slash")
        for key in ("s", "t", "a", "t", "u", "s", "colon", "e", "r", "r"):
            await screen.press(key)
            shown.append(screen.line_with("History"))
            assert "✗ expected" not in screen.text
        assert set(shown) == {shown[0]}
        await screen.press("o", "r")
        await screen.until_shown(f"History {matches('status:error')} of 600 ── status:error")


async def test_a_word_that_begins_like_a_field_is_searched_for_after_a_pause(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "s", "t", "a")
        await screen.until_shown(f"History {matches('sta')} of 600 ── sta")


@pytest.mark.parametrize("way", ["pasted", "typed"])
async def test_a_wrong_filter_is_told_however_it_came(app: Dashboard, way: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        if way == "pasted":
            await screen.enter("status:failed")
        else:
            await screen.press(*"status", "colon", *"failed")
        await screen.press("enter")
        await screen.until_shown("✗ expected ok, warning, error, unknown or running, not 'failed'")
        await screen.until_shown("History 600 ── no filter (not what is typed)")


async def test_a_word_in_the_making_is_no_error_however_slowly_it_is_typed(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.filter_line._SETTLED", 0.01)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"rem", "tab")
        for key in ("", "ctrl+u", *"since:yes", "ctrl+u", *"vmid:", "ctrl+u", *"since:2026-11"):
            await screen.press(*([key] if key else []))
            await asyncio.sleep(0.02)
            assert "✗ expected" not in screen.text and not screen.main.filter_line.wrong, key
        assert "expected a span back from now" in screen.lines[-2]
        await screen.press("space")
        await screen.until_shown("✗ expected a span back from now")


async def test_enter_does_not_leave_a_wrong_filter_and_escape_brings_back_the_one_before(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("wien")
        await screen.press("enter", "slash")
        await screen.until_shown("of 600 ── wien")
        screen.main.filter_line.input.value = ""
        await screen.until(lambda: "History 600 ───" in screen.text)
        await screen.press(*"status:x", "enter")
        assert screen.main.filter_line.input.has_focus
        assert "not 'x'" in screen.text
        await screen.press("escape")
        await screen.until_shown(f"History {matches('wien')} of 600 ── wien ─")
        assert screen.history.task_list.has_focus
        assert not screen.main.filter_line.is_open


async def test_leaving_a_wrong_filter_for_the_other_list_brings_back_the_one_before(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("wien ")
        await screen.until_shown("── wien")
        await screen.press(*"status", "colon", "x")
        await pilot.click(screen.running.task_list)
        await screen.until(lambda: not screen.main.filter_line.is_open)
        await screen.until(lambda: "History 600 ───" in screen.text)


async def test_a_filter_that_is_left_before_the_pause_is_taken_whole(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "s", "t", "a", "enter")
        assert screen.history.task_list.has_focus
        await screen.until_shown(f"History {matches('sta')} of 600 ── sta")


async def test_a_filter_without_end_is_refused_at_once(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        async with asyncio.timeout(5):
            await screen.enter("backup status:ok " * 530)
            await screen.until_shown("✗ expected at most 500 characters in a filter, not 9,010")
            await screen.press("x")
            await screen.until_shown("not 9,011")
        assert "History 600" in screen.text
        await screen.press("escape")
        await screen.until(lambda: not screen.main.filter_line.is_open)


async def test_a_long_error_has_lines_enough_at_80_columns(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("since:soon ")
        await screen.until_shown("✗ expected a span back from now")
        await screen.until(lambda: "not 'soon' · since:soon" in " ".join(screen.text.split()))


async def test_twenty_by_five_has_room_for_an_error(app: Dashboard) -> None:
    async with app.run_test(size=(20, 5)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("status:x ")
        await screen.until_shown("✗ expected ok")
        assert [line[:3] for line in screen.lines] == [" Hi", " ✓ ", " / ", " ✗ ", " wa"]


async def test_escape_while_typing_brings_back_what_was_before_and_the_place(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "down")
        before = (view.selected, view.cursor, view.top)
        await screen.press("slash")
        await screen.enter("graz")
        await screen.until_shown("of 600 ── graz")
        await screen.enter("zzz")
        await screen.until_shown("Nothing matches grazzzz: 0 clears the filter")
        assert "None of the 4 running tasks matches" in screen.text
        await screen.press("escape")
        await screen.until_shown("History 600 ──")
        assert (view.selected, view.cursor, view.top) == before
        assert view.has_focus


async def test_a_name_that_no_task_has_is_told_where_nothing_matches(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("remote:gratz")
        await screen.until_shown("Nothing matches remote:gratz: no task has the remote gratz: did you mean graz?")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("yesterday", "Nothing matches yesterday: did you mean since:yesterday?"),
        ("2h", "Nothing matches 2h: did you mean since:2h?"),
        ("failed", "Nothing matches failed: did you mean status:error?"),
        ("status:running", "The history holds finished tasks only: 4 running tasks above"),
        ("status:running graz zzz", "The history holds finished tasks only, and no running one matches"),
    ],
)
async def test_what_may_have_been_meant_is_told_where_nothing_matches(
    empty: Path, clock: Callable[[], float], typed: str, words: str
) -> None:
    write_tasks(empty, [pve_task(NOW - 60, end=NOW - 10), *running_tasks()])
    async with dashboard(empty, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 1")
        await screen.press("slash")
        await screen.enter(typed)
        await screen.press("enter")
        await screen.until_shown(words)


async def test_a_time_without_its_field_is_told_how_it_is_written(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("14:30")
        await screen.press("enter")
        await screen.until_shown("✗ did you mean since:14:30?")


async def test_the_cursor_stays_on_its_task_when_the_filter_comes_and_goes(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "pagedown")
        while view.selected is None or view.selected.remote != "graz":
            await screen.press("down")
        task = view.selected
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.until_shown("of 600 ── remote:graz")
        assert view.selected == task
        await screen.press("enter", "0")
        await screen.until_shown("History 600 ──")
        assert view.selected == task


async def test_where_its_task_does_not_match_the_cursor_goes_to_the_nearest(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        await screen.press("pagedown", "pagedown", "pagedown")
        while view.selected is None or view.selected.remote == "graz":
            await screen.press("down")
        key = view.selected.key
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.until_shown("of 600 ── remote:graz")
        nearest = next(task for task in finished_tasks(600) if task.remote == "graz" and task.key > key)
        assert view.selected == nearest


async def test_a_filter_by_age_moves_on(empty: Path) -> None:
    now = [float(NOW)]
    write_tasks(empty, [pve_task(NOW - 7000, end=NOW - 10, pid=1), pve_task(NOW - 60, end=NOW - 10, pid=2)])
    async with dashboard(empty, lambda: now[0]).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 2")
        await screen.press("slash")
        await screen.enter("since:2h")
        await screen.until_shown("History 2 of 2 ── since:2h")
        now[0] += 600
        screen.main.look_soon()
        await screen.until_shown("History 1 of 2 ── since:2h")


async def test_new_tasks_that_do_not_match_are_only_counted(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        number = matches("remote:graz")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter", "down", "down")
        await screen.until_shown(f"{number} of 600")
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000)])
        await screen.until_shown(f"{number} of 601")
        assert "new" not in screen.line_with("of 601")
        write_tasks(directory, [pve_task(NOW - 1, remote="graz", end=NOW, pid=70_001)])
        await screen.until_shown("+1 new")
        assert f"{number + 1} of 602 ── remote:graz" in screen.text


async def test_the_filter_line_opens_with_the_filter_that_is_there(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("graz")
        await screen.press("enter", "slash")
        assert screen.main.filter_line.input.value == "graz"
        await screen.enter(" -ok")
        await screen.until_shown("── graz -ok")


async def test_a_filter_that_looks_like_markup_is_shown_as_it_is(
    directory: Path, clock: Callable[[], float]
) -> None:
    async with dashboard(directory, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "left_square_bracket", "r", "e", "d", "right_square_bracket")
        await screen.until_shown("Nothing matches [red]: 0 clears the filter")
        assert "── [red]" in screen.text


async def test_clearing_a_filter_counts_nothing_as_new(app: Dashboard, directory: Path) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("remote:graz")
        await screen.press("enter", *["down"] * 20)
        await screen.until_shown("of 600 ── remote:graz")
        await screen.press("0")
        await screen.until(lambda: "History 600 ──" in screen.text and "graz ──" not in screen.text)
        assert screen.history.task_list.cursor > 40
        write_tasks(directory, [pve_task(NOW - 1, end=NOW, pid=70_000)])
        await screen.until_shown("+1 new")


async def test_a_placeholder_names_what_can_be_typed(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        assert "status:error" in screen.line_with(" / ")


async def test_at_80_columns_a_long_filter_gives_way_to_the_place_in_the_title(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("-status:warning,unknown -type:vncproxy -user:anna* -vmid:100,101 -node:pve9 pve")
        await screen.press("enter", "pagedown", "pagedown")
        title = re.compile(r"── -status:.*… ── 0 clears ─+ row \d+ · \d+ % $")
        await screen.until(lambda: title.search(screen.line_with("History")))
