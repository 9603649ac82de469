"""A filter that is wrong, or that nothing matches: what is told, when, and what the lists show meanwhile."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.fleet import NOW, matches, pve_task, running_tasks, write_tasks
from tests.tui.screen import Screen, dashboard
from tui.app import Dashboard


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
        assert "✗ expected" not in screen.text and "still:" not in screen.text
        await screen.enter(" wien")
        await screen.until_shown("✗ expected ok, warning, error, unknown or running, not 'bad' · status:bad")
        # the count is told to be that of the filter before
        await screen.until_shown(f"History {matches('graz')} of 600 ── still: graz ─")
        await screen.until_shown("Running 1 of 4 ── still: graz ─")
        assert "of 600" not in screen.line_with(" / ")
        assert screen.main.workspace.key_line.idle == {"keep-filter"}
        await refreshed(screen)
        assert "not 'bad'" in screen.text
        assert "of 600" not in screen.line_with(" / ")
        await screen.press(*["left"] * len(" wien"), "backspace")
        assert "✗ expected" not in screen.text, "the word that the cursor is in is being mended"
        await screen.press("backspace", "backspace")
        await screen.enter("ok")
        await screen.until_shown("of 600 ── graz status:ok wien")
        assert "expected" not in screen.text
        assert "still:" not in screen.text


async def refreshed(screen: Screen) -> None:
    """Wait until the dashboard has looked at the cache once more."""
    before = screen.main._live.tasks
    screen.main.look_soon()
    await screen.until(lambda: screen.main._live.tasks is not before)
    screen.main._past.soon()
    await screen.pilot.pause(0.3)


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
        await screen.until_shown("History 600 ── still: no filter")


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
        ("eror", "Nothing matches eror: did you mean status:error?"),
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
