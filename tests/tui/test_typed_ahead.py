"""Keys that come in one piece, faster than the dashboard acts: each acts on what was typed before it."""

import pytest
from textual import events

from backend.query import parse_filter
from tests.tui.fleet import finished_tasks
from tests.tui.screen import Screen
from tui.app import Dashboard

_NAMES = {"/": "slash", "\r": "enter", "\t": "tab", ":": "colon", "\x7f": "backspace", "\x1b": "escape"}


def type_at_once(screen: Screen, text: str) -> None:
    """Send keys without waiting for any of them."""
    for character in text:
        printable = character if character.isprintable() else None
        screen.pilot.app.post_message(events.Key(_NAMES.get(character, character), printable))


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("/status:error\r", "status:error"),
        ("/rem\twi\t\r", "remote:wien"),
        ("/stat\ter\t remo\tgr\t\r", "status:error remote:graz"),
        ("/grax\x7fz\r", "graz"),
        ("/sta\r", "sta"),
        ("/graz\r/ -ok\r", "graz -ok"),
        ("/graz\r\x1b", "graz"),
        ("/graz\r0", ""),
        ("/graz\x1b/wien\r", "wien"),
        ("/graz\r1", "graz status:error"),
    ],
)
async def test_a_filter_typed_at_once_is_the_one_that_was_typed(app: Dashboard, typed: str, wanted: str) -> None:
    number = sum(map(parse_filter(wanted).matcher(), finished_tasks(600)))
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        type_at_once(screen, typed)
        title = f"History {number} of 600 ── {wanted} ─" if wanted else "History 600 ───"
        await screen.until(lambda: title in screen.text and not screen.main.filter_line.is_open, title)
        await pilot.pause(0.05)
        assert title in screen.text and screen.history.task_list.has_focus


async def test_keys_typed_behind_enter_are_for_the_list(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        view = screen.history.task_list
        type_at_once(screen, "/status:error\r")
        pilot.app.post_message(events.Key("end", None))
        await screen.until_shown("of 600 ── status:error ─")
        await screen.until(lambda: view.cursor == len(view.rows) - 1 > 0, "the cursor at the end")
        assert screen.main.filter_line.input.value == "status:error"


async def test_a_choice_typed_at_once_is_the_one_that_was_typed(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("r")
        await screen.until_shown("   salzburg ")
        type_at_once(screen, "wix\x7fen\r")
        await screen.until_shown("── remote:wien ─")


async def test_a_place_typed_at_once_is_gone_to(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        type_at_once(screen, "g51\x7f0%\r")
        await screen.until(lambda: screen.history.task_list.cursor == 300, "the middle")


async def test_a_wrong_place_typed_at_once_is_told(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        type_at_once(screen, "gsoon\r")
        await screen.until_shown("✗ expected a time (14:30, yesterday 14:30, 2026-11-01 08:00)")
        await pilot.pause(0.05)
        assert "✗ expected" in screen.text
        await screen.press("x")
        assert "✗ expected" not in screen.text
