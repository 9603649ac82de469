"""The filter line: narrowing both lists as one types, what it means, and the place that is kept."""

import re
from collections.abc import Callable
from pathlib import Path

from backend.archive.files import locked
from tests.tui.fleet import NOW, finished_tasks, matches, pve_task, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard


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
        await pilot.resize_terminal(80, 24)
        await screen.until(lambda: "0 again " in screen.keys)
        await screen.press("0")
        await screen.until_shown("── status:error graz ── 0 clears ─")


async def test_what_another_screen_chose_is_not_the_last_filter_but_its_clearing_can_be_taken_back(
    app: Dashboard,
) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("1", "0", "s")
        await screen.until_shown("All tasks")
        await screen.press("down", "enter")
        await screen.until(lambda: "since:24h" in screen.main._filtering.wanted.text)
        chosen = screen.main._filtering.wanted.text
        # opened and left, the line makes it no filter of the user's own
        await screen.press("slash", "escape", "0")
        await screen.until(lambda: not screen.main._filtering.wanted)
        await screen.press("0")
        assert screen.main._filtering.wanted.text == chosen
        await screen.press("s")
        await screen.until_shown("All tasks")
        await screen.press("down", "enter")
        await screen.until(lambda: screen.main.workspace.is_attached and app.screen is screen.main)
        await screen.press("escape", "escape", "0")
        await screen.until(lambda: not screen.main._filtering.wanted)
        await screen.press("1", "1", "0")
        assert screen.main._filtering.wanted.text == "status:error"


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


async def test_a_filter_that_is_left_before_the_pause_is_taken_whole(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "s", "t", "a", "enter")
        assert screen.history.task_list.has_focus
        await screen.until_shown(f"History {matches('sta')} of 600 ── sta")


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
        # what is typed now is a word of its own
        assert screen.main.filter_line.input.value == "graz "
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
        await screen.until_shown("── [red]")


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
        title = re.compile(r"── -status:.{30,}… ─+ row \d+( · \d+ %)? $")
        await screen.until(lambda: title.search(screen.line_with("History")))


async def test_while_typing_it_is_told_which_moments_the_words_for_a_time_mean(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("since:yesterday until:today")
        await screen.until_shown("   started from Mon 23 Nov 00:00 to Tue 24 Nov 24:00")
        await screen.press("enter")
        await screen.until(lambda: "started from" not in screen.text)
        await screen.press("slash")
        await screen.until_shown("   started from Mon 23 Nov 00:00 to Tue 24 Nov 24:00")
        await screen.press("ctrl+u")
        await screen.until(lambda: "started from" not in screen.text)
        await screen.enter("since:2h -since:1h")
        await screen.until_shown("   started on Tue 24 Nov from 12:32:05 to 13:32:04")
        await screen.press("ctrl+u")
        await screen.enter("since:yesterday until:")
        await screen.until_shown("one day: since:yesterday until:yesterday")
        await screen.press(*"yest", "tab")
        await screen.until_shown("   started on Mon 23 Nov")
        assert "one day:" not in screen.text
        await screen.press("escape")
        await screen.until(lambda: "started" not in screen.text)


async def test_a_filter_longer_than_the_line_is_shown_whole_below_it(app: Dashboard) -> None:
    text = "-status:warning,unknown -type:vncproxy -user:anna* -vmid:100,101 -node:pve9"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter(text)
        # the last letters are to be seen, where the cursor is; below it, all of them
        await screen.until(lambda: text in " ".join(screen.text.split()))
        await screen.until(lambda: "-node:pve9 " in screen.line_with(" / "))
        assert "-status" not in screen.line_with(" / ")
        await screen.press("enter", "slash")
        await screen.until(lambda: text in " ".join(screen.text.split()))
        await screen.press("home")
        await screen.until(lambda: "/ -status" in screen.text)
        await pilot.resize_terminal(160, 40)
        await screen.until(lambda: [text in line for line in screen.lines].count(True) == 2)
        await pilot.resize_terminal(80, 12)
        await screen.until(lambda: text not in " ".join(screen.text.split()))


async def test_the_cursors_place_outlasts_a_filter_on_the_way_that_finds_nothing(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        # to the last line in view, which the filter line is about to cover
        await screen.press(*["down"] * (view.page_rows + 3))
        chosen = view.selected
        await screen.press("slash", *"zq")
        await screen.until_shown("History 0 of 600")
        await screen.press("backspace", "backspace")
        await screen.until_shown("History 600")
        await screen.until(lambda: view.selected == chosen, "the task from before")
        assert view.cursor_in_view


async def test_an_emptied_filter_stays_empty_where_the_line_is_left(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"graz", "enter")
        await screen.until_shown(" of 600 ── graz ─")
        await screen.press("slash", "ctrl+u")
        await screen.until_shown("History 600 ─")
        await screen.press("shift+tab")
        await screen.until(lambda: "Esc back" not in screen.keys, "the line to go")
        assert "History 600 ─" in screen.text and "── graz" not in screen.text


async def test_a_filter_that_was_brought_is_remembered_once_it_is_typed(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("b")
        await screen.until_shown("Guests")
        await screen.press("enter")
        await screen.until_shown(" of 600 ── vmid:")
        brought = screen.main._filtering.wanted.text
        await screen.press("escape", "escape")
        await screen.until_shown("History 600 ─")
        await screen.press("slash", *"graz", "enter", "0", "0")
        await screen.until_shown(" of 600 ── graz ─")
        await screen.press("slash", "ctrl+u", *brought, "enter")
        await screen.until_shown(f" of 600 ── {brought} ─")
        await screen.press("slash", "ctrl+u", "enter", "0")
        await screen.until_shown(f" of 600 ── {brought} ─")
