"""Changing the filter without typing it: switches, popups, saved and earlier filters, completion."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.query import MOST_TERMS, Filter, parse_filter
from tests.tui.fleet import NOW, finished_tasks, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard
from tui.keys import KEYS, Place
from tui.memory import Memory
from tui.screens.choose import ChooseScreen
from tui.values import Counted, FleetValues

HOSTILE = "a\x1b[31m,b@pam"


def matches(text: str) -> int:
    return sum(map(parse_filter(text).matcher(), finished_tasks(600)))


async def test_one_key_asks_for_errors_another_for_warnings_and_each_takes_itself_back(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("1")
        await screen.until_shown(f"History {matches('status:error')} of 600 ── status:error ─")
        await screen.press("2")
        await screen.until_shown(f"History {matches('status:error,warning')} of 600 ── status:error,warning ─")
        await screen.press("1", "3")
        await screen.until_shown("── status:warning,running ─")
        assert "Running 4 of 4" in screen.text
        await screen.press("2", "3")
        await screen.until(lambda: "History 600 ──" in screen.text and "status:" not in screen.text)


async def test_a_remote_is_chosen_by_typing_a_part_of_its_name(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        numbers = Counter(task.remote for task in (*finished_tasks(600), *running_tasks()))
        await screen.press("r")
        await screen.until_shown("   salzburg ")
        assert f" {numbers['graz']} ✗ " in screen.line_with("   graz ")
        await screen.press("r", "a")
        assert "   salzburg  " not in screen.text
        await screen.press("enter")
        await screen.until_shown(f"History {matches('remote:graz')} of 600 ── remote:graz ─")
        await screen.press("r")
        await screen.until_shown(" + graz")
        assert "+ means only with it, - only without it" in screen.text
        await screen.press("g", "enter")
        await screen.until_shown("History 600 ──")


async def test_a_user_is_counted_with_the_tokens_that_choosing_it_asks_for(app: Dashboard) -> None:
    wanted = parse_filter("user:root@pam").matcher()
    number = sum(map(wanted, (*finished_tasks(600), *running_tasks())))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("u")
        await screen.until_shown("   root@pam!backup ")
        assert f" {number} ✗ " in screen.line_with("   root@pam  with its tokens ")
        await screen.press(*"root@pam", "enter")
        await screen.until_shown(f"History {matches('user:root@pam')} of 600 ── user:root@pam ─")


async def test_several_are_chosen_with_space_and_excluded_behind_a_minus(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("t")
        await screen.until_shown("vncproxy ")
        await screen.press("v", "z", "space")
        assert " + vz" in screen.text
        await screen.press("backspace", "backspace", *"aptu", "space", "enter")
        await screen.until(lambda: screen.main._filtering.wanted.text.startswith("type:vz"))
        assert screen.main._filtering.wanted.text.endswith(",aptupdate")
        await screen.press("t", "minus", *"aptu")
        await screen.until_shown(" + aptupdate")
        await screen.press("space")
        assert " - aptupdate" in screen.text
        await screen.press("enter")
        await screen.until(lambda: screen.main._filtering.wanted.text.endswith(" -type:aptupdate"))


async def test_all_that_match_are_chosen_with_one_key_and_the_box_says_what_keys_take(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("u")
        await screen.until_shown("Ctrl+A marks all 4 to take")
        await screen.press("minus", *"pam")
        await screen.until_shown("⏎ excludes root@pam ")
        number = sum("pam" in user for user in {task.user for task in (*finished_tasks(600), *running_tasks())})
        assert number > 1 and f"Ctrl+A marks the matching {number} to exclude" in screen.text
        await screen.press("ctrl+a")
        assert f"⏎ excludes {number} " in screen.text and f"Ctrl+A unmarks the matching {number} " in screen.text
        await screen.press("ctrl+a")
        assert "⏎ excludes root@pam " in screen.text
        await screen.press("ctrl+a", "enter")
        await screen.until_shown(f"History {matches('-user:*pam*')} of 600 ── -user:")
        assert screen.main._filtering.wanted.text.count(",") == number - 1
        await screen.press("u", *"root@pam")
        await screen.until_shown("⏎ takes root@pam ")
        await screen.press("space", *["backspace"] * 8, "a", "down")
        assert "⏎ takes root@pam " in screen.text, "what was chosen, wherever the cursor is"


async def test_more_values_than_a_filter_holds_are_refused_before_and_none_is_lost(
    empty: Path, clock: Callable[[], float]
) -> None:
    users = [f"someone-with-a-long-name-{number:02}@pam" for number in range(20)]
    write_tasks(empty, [pve_task(NOW - 9, user=user, pid=pid, end=NOW) for pid, user in enumerate(users)])
    async with dashboard(empty, clock).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 20")
        await screen.press("u")
        await screen.until_shown("marks all 20")
        await screen.press("ctrl+a")
        await screen.until_shown("✗ too many: a filter holds 500 characters; choose fewer,")
        assert "⏎ takes" not in screen.text and "Ctrl+A unmarks all 20" in screen.text
        await pilot.resize_terminal(40, 10)
        await screen.until_shown("✗ too many: a filter holds")
        await pilot.resize_terminal(80, 24)
        await screen.press("enter")
        assert isinstance(pilot.app.screen, ChooseScreen)
        await screen.press(*["space", "down"] * 4)
        await screen.until_shown("✗ too many")
        await screen.press("space")
        await screen.until_shown("⏎ takes 15")
        await screen.press("enter")
        await screen.until_shown("History 15 of 20")


async def test_more_terms_than_a_filter_holds_are_refused_before(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        screen.main._filtering.take_text(" ".join(f"-x{number}" for number in range(MOST_TERMS)))
        await screen.press("r")
        await screen.until_shown("   graz ")
        await screen.press(*"graz", "space")
        await screen.until_shown(f"✗ expected at most {MOST_TERMS} terms")
        await screen.press("enter")
        assert isinstance(pilot.app.screen, ChooseScreen)


async def test_a_type_is_found_by_the_words_of_its_tasks_and_what_begins_so_comes_first(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("t", *"backup")
        await screen.until_shown("vzdump  VM/CT - Backup ")
        await screen.press(*["backspace"] * 6, *"migrate", "space", *"vm", "enter")
        await screen.until_shown("── type:qmigrate ─")
        await screen.press("0", "u")
        await screen.until_shown("   root@pam ")
        await screen.press("a", "enter")
        await screen.until_shown("── user:automation@pve!terraform ─")


async def test_values_are_counted_among_what_the_rest_of_the_filter_leaves(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.enter("remote:graz status:error")
        await screen.press("enter", "r")
        await screen.until_shown(" + graz")
        number = matches("remote:wien status:error")
        assert f" {number} " in screen.line_with("   wien  ")
        assert "✗" not in screen.line_with("   wien  ").split("│")[1], "all of them are errors: that is told once"


async def test_nothing_is_taken_where_nothing_matches_or_escape_is_pressed(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("u", "x", "x", "x")
        await screen.until_shown("None of 4 matches")
        await screen.press("space", "enter", "down", "pageup")
        assert isinstance(app.screen, ChooseScreen)
        await screen.press("backspace", "backspace", "backspace", "space", "escape")
        assert screen.history.task_list.has_focus
        assert not screen.main._filtering.wanted


async def test_the_task_under_the_cursor_lends_its_parts_to_the_filter(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        task = screen.history.task_list.selected
        assert task is not None
        await screen.press("f")
        await screen.until_shown(f"   type:{task.worker_type} ")
        assert f"node:{task.node} " in screen.text and "status:ok" in screen.text
        await screen.press(*"type", "enter")
        await screen.until_shown(f"── type:{task.worker_type} ─")
        await screen.press("F")
        await screen.until_shown("No tasks that have")
        await screen.press(*"user", "enter")
        await screen.until(lambda: f"-user:{task.user}" in screen.main._filtering.wanted.text)
        await screen.press("f", *"until", "enter")
        await screen.until(lambda: "until:2026-11-24T" in screen.main._filtering.wanted.text)
        assert f"type:{task.worker_type}" in screen.main._filtering.wanted.text


async def test_a_hostile_user_is_shown_and_asked_for_harmlessly(empty: Path, clock: Callable[[], float]) -> None:
    write_tasks(empty, [pve_task(NOW - 9, end=NOW, user=HOSTILE), pve_task(NOW - 19, end=NOW, pid=2)])
    async with dashboard(empty, clock).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 2")
        await screen.press("u")
        await screen.until_shown("a␛[31m,b@pam")
        await screen.press("a", "b", "backspace", "enter")
        await screen.until_shown("History 1 of 2 ── user:a*[31m*b@pam")
        assert "\x1b" not in screen.text


async def test_a_filter_is_saved_found_again_and_forgotten(app: Dashboard) -> None:
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("o")
        await screen.until_shown("No filter has been saved")
        await screen.press("O")
        await screen.until_shown("There is no filter to save")
        await screen.press("0")
        await screen.until_shown("There is no filter to clear or to bring back")
        await screen.press("1", "O", "enter")
        await screen.until_shown("expected a name of 1 to 40 characters")
        await screen.press(*"my", "space", *"errors", "enter", "0")
        await screen.until_shown("History 600 ──")
        await screen.press("o")
        await screen.until_shown("my errors   status:error")
        assert "+ means the filter of the lists" in screen.text
        await screen.press("y", "space", "e", "enter")
        await screen.until_shown("── status:error ─")
        await screen.press("o", "delete")
        await screen.until(lambda: screen.main._memory.now.saved == {})


async def test_what_stands_dimmed_is_taken_with_tab_or_the_right_arrow(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "minus", "r")
        await screen.until_shown("-remote:")
        await screen.press("tab")
        value = screen.main.filter_line.input
        assert value.value == "-remote:"
        await screen.until(lambda: all(name in screen.lines[-2] for name in ("wien", "graz", "pbs-main")))
        await screen.press("g")
        await screen.until_shown("-remote:graz")
        assert "graz" in screen.lines[-2] and "wien" not in screen.lines[-2]
        await screen.press("right")
        assert value.value == "-remote:graz"
        await screen.until_shown(f"History {matches('-remote:graz')} of 600 ── -remote:graz ─")
        await screen.press("tab", "home", "tab")
        assert value.value == "-remote:graz" and value.has_focus


async def test_of_several_ways_to_go_on_tab_takes_none_until_it_is_pressed_again(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"since", "colon", "tab")
        await screen.until_shown("once more:  1h  6h  today")
        value = screen.main.filter_line.input
        assert value.value == "since:"
        await screen.press("tab")
        assert value.value == "since:1h" and "1h  6h  today" in screen.text
        await screen.press("tab", "tab")
        assert value.value == "since:today"
        assert "today  yesterday  7d  1h  6h" in screen.text
        # opened again, the line begins anew: what was taken before stays
        await screen.press("enter", "slash", "tab")
        assert value.value == "since:today "
        await screen.press(*["backspace"] * 6, *"7", "tab")
        assert value.value == "since:7d"


async def test_a_filter_is_saved_while_it_is_typed(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", *"vmid", "colon", "x", "ctrl+s")
        await screen.until_shown("✗ expected the number of a guest")
        await screen.press("backspace", "1", "0", "1", "ctrl+s", *"one", "enter")
        assert screen.main._memory.now.saved == {"one": "vmid:101"}
        await screen.press("asterisk", "enter")
        await screen.until_shown("── vmid:101* ─")


async def test_after_a_look_at_the_values_that_failed_tab_holds_up_no_key(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(values: FleetValues, field: str, wanted: Filter | None) -> list[Counted]:
        raise OSError(5, "broken")

    monkeypatch.setattr(FleetValues, "counted", broken)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        await screen.until_shown("✗ cannot read the cache: broken")
        monkeypatch.setattr("tui.values._PATIENCE", 60.0)
        await screen.press(*"stat", "tab", "e", "tab")
        assert screen.main.filter_line.input.value == "status:error"


async def test_arrows_go_through_the_filters_of_before_and_back_to_what_was_typed(
    directory: Path, clock: Callable[[], float]
) -> None:
    memory = Memory()
    for text in ("first", "second"):
        memory.now = type(memory.now)(filters=(text, *memory.now.filters))
    async with dashboard(directory, clock, memory=memory).run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash", "x", "up")
        value = screen.main.filter_line.input
        assert value.value == "second"
        await screen.press("up", "up")
        assert value.value == "first"
        await screen.press("down", "down")
        assert value.value == "x"
        await screen.press("backspace", *"graz", "enter", "slash", "up", "up")
        assert value.value == "second"


async def test_columns_are_chosen_and_the_rest_gets_their_room(app: Dashboard) -> None:
    async with app.run_test(size=(150, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("c")
        await screen.until_shown(" + duration")
        assert " + means shown " in screen.text
        await screen.press("space", "down", "space", "enter")
        head = next(line for line in screen.lines if "STATUS" in line)
        assert head.split() == ["REMOTE", "NODE", "USER", "TASK", "STATUS"]
        await screen.press("c", *"start", "enter")
        await screen.until_shown("START")


async def test_the_command_palette_has_every_key_and_does_the_same(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        commands = {command.title.lower(): command for command in app.get_system_commands(app.screen)}
        for key in KEYS:
            if key.place in (Place.FIND, Place.MOVE, Place.LIST, Place.SCREEN):
                assert commands[key.help].help == f"key: {key.cap}"
        await screen.press("ctrl+p", *"errors", "space", *"only", "enter")
        await screen.until_shown("── status:error ─")


async def test_keys_of_the_bottom_line_can_be_clicked(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await click_key(screen, "1 errors")
        await screen.until_shown("── status:error ─")
        await click_key(screen, "/ filter")
        assert screen.main.filter_line.input.has_focus
        await click_key(screen, "⏎ keep")
        assert screen.history.task_list.has_focus
        await click_key(screen, "0 clear filter")
        await screen.until_shown("History 600 ──")


async def click_key(screen: Screen, words: str) -> None:
    line = screen.main.workspace.key_line
    row, text = next((y, text) for y, text in enumerate(screen.lines) if y >= line.region.y and words in text)
    await screen.pilot.click(line, offset=(text.index(words) + 2, row - line.region.y))
    await screen.pilot.pause()
