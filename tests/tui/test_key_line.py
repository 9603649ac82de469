"""The bottom line: which keys it names in how much room."""

from dataclasses import replace

import pytest

from tests.tui.screen import Screen
from tui.app import Dashboard
from tui.keys import Key, Place, labelled
from tui.screens.workspace import HERE
from tui.widgets.key_line import lay_out

MAIN = tuple(replace(key, label="running") if key.name == "other-list" else key for key in labelled(*HERE))


def names(keys: tuple[Key, ...], width: int, most: int) -> list[str]:
    """The names of the keys that fit, in lines of which none is too long."""
    lines, gap = lay_out(keys, width, most)
    for line in lines:
        assert 1 + sum(shown.cells for shown in line) + gap * (len(line) - 1) <= width
    return [shown.key.name for line in lines for shown in line]


def test_two_lines_of_80_columns_have_all_that_people_need() -> None:
    left_out = {key.name for key in MAIN} - set(names(MAIN, 80, 2))
    assert left_out == {"like-this", "saved-filters", "save-filter", "fetch"}


def test_a_line_of_80_columns_has_the_most_important_keys() -> None:
    needed = {"filter", "clear-filter", "errors", "open", "next-error", "stop", "statistics", "help", "quit"}
    assert needed == set(names(MAIN, 80, 1))


def test_of_two_lines_none_is_much_longer_than_the_other() -> None:
    first, second = lay_out(MAIN, 200, 2)[0]
    assert abs(len(first) - len(second)) <= 2


async def test_each_key_keeps_its_place_whatever_is_so_now(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        needed = NEEDED.split(", ")
        places = [screen.keys.index(words) for words in needed]
        idle = []
        for key in ("1", "0", "tab", "tab"):
            await screen.press(key)
            assert [screen.keys.index(words) for words in needed] == places
            idle.append("stop" in screen.main.workspace.key_line.idle)
        assert idle == [True, True, False, True]


@pytest.mark.parametrize("width", [1, 12, 20, 40])
def test_however_narrow_the_filter_comes_first(width: int) -> None:
    assert names(MAIN, max(width, 9), 1)[0] == "filter"
    if width >= 40:
        assert {"filter", "clear-filter", "help"} <= set(names(MAIN, width, 1))


def test_two_lines_hold_every_key_at_120_columns() -> None:
    assert names(MAIN, 120, 2) == [key.name for key in MAIN]
    assert len(lay_out(MAIN, 250, 2)[0]) == 1


NEEDED = (
    "/ filter, 1 errors, r remote, t type, u user, ⏎ open, S stop, s stats, b guests, x export, F9 remotes, ? help"
)


async def test_a_high_screen_has_two_lines_and_the_list_gives_way(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert screen.main.workspace.key_line.size.height == 2 and "q quit" in screen.lines[-1]
        await pilot.resize_terminal(120, 23)
        await screen.until(lambda: screen.main.workspace.key_line.size.height == 1, "one line")
        assert "? help" in screen.lines[-1] and "/ filter" in screen.lines[-1]
        await pilot.resize_terminal(250, 40)
        await screen.until(lambda: screen.main.workspace.key_line.size.height == 1, "one line that holds all")


async def test_what_has_happened_is_told_for_a_while_and_hides_no_row(
    app: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.key_line._TOLD", 0.2)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_counted()
        before = screen.lines
        await screen.press("apostrophe")
        await screen.until_shown("No task is marked: m marks one")
        assert screen.lines[:-2] + screen.lines[-1:] == before[:-2] + before[-1:]
        await pilot.click(screen.main.workspace.key_line, offset=(3, 0))
        assert not screen.main.filter_line.is_open, "that key cannot be seen"
        await screen.until(lambda: screen.lines == before, "the keys again")


async def test_the_key_to_the_other_list_says_which_that_is(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        assert "Tab running" in screen.keys
        await screen.press("tab")
        assert "Tab history" in screen.keys and "S stop" in screen.keys


async def test_a_filter_can_be_saved_while_there_is_one(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        line, place = screen.main.workspace.key_line, screen.keys.index("O save")
        assert "save-filter" in line.idle
        await screen.press("1")
        assert "save-filter" not in line.idle and screen.keys.index("O save") == place


def test_each_place_with_a_bottom_line_says_how_to_get_help() -> None:
    for place in (Place.SCREEN, Place.TASK, Place.STATISTICS, Place.GUESTS, Place.REMOTES, Place.START):
        assert [key.label for key in labelled(place) if key.action == "help"] == ["help"]
