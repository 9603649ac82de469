"""The bottom line: which keys it names in how much room."""

import pytest

from tests.tui.screen import Screen
from tui.app import Dashboard
from tui.keys import Key, Place, labelled
from tui.screens.actions import HERE
from tui.widgets.key_line import lay_out

MAIN = [key for key in labelled(*HERE) if key.action != "stop"]
FREE = [key for key in MAIN if key.action != "clear_filter"]


def names(keys: list[Key], width: int, most: int) -> list[str]:
    """The names of the keys that fit, in lines of which none is too long."""
    lines, gap = lay_out(keys, width, most)
    for line in lines:
        assert 1 + sum(shown.cells for shown in line) + gap * (len(line) - 1) <= width
    return [shown.key.name for line in lines for shown in line]


def test_at_80_columns_the_most_important_keys_are_named() -> None:
    shown = names(FREE, 80, 1)
    for name in ("filter", "errors", "open", "next-error", "go-to", "statistics", "remotes", "help", "quit"):
        assert name in shown
    assert {"filter", "clear-filter", "errors", "open", "next-error", "help"} <= set(names(MAIN, 80, 1))


@pytest.mark.parametrize("keys", [FREE, MAIN])
@pytest.mark.parametrize("most", [1, 2])
def test_at_120_columns_a_filter_drives_no_key_away_that_people_need(keys: list[Key], most: int) -> None:
    needed = {"filter", "errors", "open", "next-error", "go-to", "statistics", "guests", "remotes", "export"}
    assert needed | {"help", "quit"} <= set(names(keys, 120, most))


@pytest.mark.parametrize("width", [1, 12, 20, 40])
def test_however_narrow_the_filter_comes_first(width: int) -> None:
    assert names(MAIN, max(width, 9), 1)[0] == "filter"
    if width >= 40:
        assert {"filter", "clear-filter", "help"} <= set(names(MAIN, width, 1))


def test_two_lines_hold_every_key_at_120_columns() -> None:
    assert names(MAIN, 120, 2) == [key.name for key in MAIN]
    assert len(lay_out(MAIN, 240, 2)[0]) == 1


async def test_a_high_screen_has_two_lines_and_the_list_gives_way(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert screen.main.key_line.size.height == 2 and "q quit" in screen.lines[-1]
        await pilot.resize_terminal(120, 24)
        await screen.until(lambda: screen.main.key_line.size.height == 1, "one line")
        assert "? help" in screen.lines[-1] and "/ filter" in screen.lines[-1]
        await pilot.resize_terminal(240, 40)
        await screen.until(lambda: screen.main.key_line.size.height == 1, "one line that holds all")


async def test_the_key_to_the_other_list_says_which_that_is(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("Running 4")
        assert "Tab running" in screen.keys
        await screen.press("tab")
        assert "Tab history" in screen.keys and "S stop" in screen.keys


def test_each_place_with_a_bottom_line_says_how_to_get_help() -> None:
    for place in (Place.SCREEN, Place.TASK, Place.STATISTICS, Place.GUESTS, Place.REMOTES, Place.START):
        assert [key.label for key in labelled(place) if key.action == "help"] == ["help"]
