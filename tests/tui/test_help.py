"""The help: where it begins, how one moves in it, and what is left of it on a small screen."""

import pytest
from textual import events
from textual.containers import VerticalScroll

from tests.tui.screen import Screen
from tui.app import Dashboard
from tui.keys import KEYS, Place
from tui.screens.details import DetailsScreen
from tui.screens.help import HelpScreen


def headings(screen: Screen) -> list[str]:
    """The places whose keys are in sight, from the top."""
    inside = [line.split("│")[1].strip(" ▁▂▃▄▅▆▇") for line in screen.lines if line.count("│") == 2]
    return [words for words in inside if words in set(Place)]


async def opened(screen: Screen, *keys: str) -> None:
    """Press keys, of which the last one opens the help."""
    await screen.press(*keys)
    await screen.until(lambda: isinstance(screen.pilot.app.screen, HelpScreen), "the help")
    await screen.pilot.pause()


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        (("question_mark",), Place.FIND),
        (("enter", "question_mark"), Place.TASK),
        (("s", "question_mark"), Place.STATISTICS),
        (("b", "question_mark"), Place.GUESTS),
        (("f9", "question_mark"), Place.REMOTES),
        (("slash", "f1"), Place.FILTER),
    ],
)
async def test_it_begins_with_where_the_user_is(app: Dashboard, keys: tuple[str, ...], first: Place) -> None:
    async with app.run_test(size=(100, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press(*keys[:-1])
        await screen.until(lambda: app.screen.is_active and app.screen.focused is not None, "the screen")
        await opened(screen, keys[-1])
        await screen.until(lambda: headings(screen), "the keys")
        assert headings(screen)[0] == first


async def test_while_a_filter_is_typed_its_language_stands_first(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "slash", "f1")
        await screen.until_shown("What a filter can say")
        assert "What a filter can say" in screen.lines[2]


async def test_the_usual_keys_scroll_it(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.until_shown("narrow both lists as you type")
        for down, up in (("j", "k"), ("pagedown", "pageup"), ("space", "ctrl+b"), ("G", "home"), ("end", "home")):
            await screen.press(*[down] * 3)
            await screen.until(lambda: "narrow both lists" not in screen.text, "the text further down")
            await screen.press(*[up] * 3)
            await screen.until_shown("narrow both lists as you type")
        await screen.press("G")
        await screen.until_shown("commands")
        await screen.press("escape")
        assert app.screen is screen.main


async def test_of_keys_that_come_in_one_piece_each_counts(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        text = app.screen.query_one(VerticalScroll)
        for key in ("pagedown", "pagedown", "down", "up", "pageup", "down"):
            app.post_message(events.Key(key, None))
        page = text.scrollable_content_region.height
        await screen.until(lambda: text.scroll_y == page + 1, "one page and a line down")


async def test_names_for_the_configuration_stand_below_all_else(app: Dashboard) -> None:
    async with app.run_test(size=(120, 300)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.until_shown("Names of the actions")
        above, below = screen.text.split("Names of the actions")
        for key in KEYS:
            assert key.help in above and f"│ {key.name} " in below
            if "-" in key.name:
                assert f" {key.name} " not in above


async def test_on_a_wide_screen_all_keys_of_the_lists_are_in_sight_at_once(app: Dashboard) -> None:
    async with app.run_test(size=(200, 50)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.until_shown("narrow both lists as you type")
        for key in KEYS:
            if key.place in (Place.FIND, Place.LIST, Place.MOVE, Place.SCREEN):
                assert key.help in screen.text
        first, other = Place.FIND, Place.MOVE
        assert any(first in line and other in line.partition(first)[2] for line in screen.lines)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_is_longer_than_a_line_goes_on_below_its_beginning(
    app: Dashboard, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.until_shown("narrow both lists as you type")
        assert isinstance(app.screen, HelpScreen)
        room = app.screen.query_one("VerticalScroll > Static").size
        assert room.height == app.screen.content(room.width).plain.count("\n") + 1


async def test_words_narrow_it_as_they_are_typed(app: Dashboard) -> None:
    async with app.run_test(size=(100, 30)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.press("slash", *"next error")
        await screen.until(lambda: "narrow both lists" not in screen.text, "fewer keys")
        assert "to the next error down the history" in screen.text
        assert headings(screen) == [Place.MOVE]
        assert "Esc all of it" in screen.text
        await screen.press("enter", "j", "q")
        await screen.until_shown("narrow both lists as you type")
        await screen.press("slash", *"q/j")
        await screen.until_shown("Nothing in the help has these words")
        await screen.press("escape")
        await screen.until_shown("narrow both lists as you type")
        await screen.press("question_mark")
        assert app.screen is screen.main


async def test_the_keys_in_a_frame_can_be_clicked(app: Dashboard) -> None:
    async with app.run_test(size=(100, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("enter", "i")
        await screen.until_shown("Remote UPID")
        await click_on(screen, "? help")
        await screen.until(lambda: isinstance(app.screen, HelpScreen), "the help")
        await screen.until_shown("/ search")
        await click_on(screen, "Esc back")
        await screen.until(lambda: isinstance(app.screen, DetailsScreen), "the details")


async def click_on(screen: Screen, words: str) -> None:
    """Click where these words stand in a frame's last line."""
    y = next(y for y, line in enumerate(screen.lines) if words in line and "╯" in line)
    await screen.pilot.click(offset=(screen.lines[y].index(words) + 1, y))


async def test_twenty_by_five_can_be_read(app: Dashboard) -> None:
    async with app.run_test(size=(20, 5)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await opened(screen, "question_mark")
        await screen.until_shown("Filter the lists")
        seen = [*screen.lines]
        for _ in range(6):
            await screen.press("pagedown")
            seen += screen.lines
        words = " ".join(" ".join(seen).split())
        assert "narrow both lists as you type" in words and "errors only" in words
        assert "╭" not in words
