"""Other keys for the dashboard's actions: as a configuration wishes them, and as the screen shows them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import combinations
from pathlib import Path

import pytest

from backend.config import Config, ConfigError, KeyWish, load_config
from tests.tui.screen import Screen, dashboard
from tui.keymap import keymap, read_keys
from tui.keys import KEYS, Place, cap
from tui.screens.help import HelpScreen
from tui.screens.remotes import RemotesScreen

Clock = Callable[[], float]


def wish(*keys: str) -> KeyWish:
    return KeyWish(keys, "config.toml:7")


def config_with(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return load_config(path)


def refusal(**wishes: KeyWish) -> str:
    """Why these wishes are refused; names of actions with `_` for `-`."""
    with pytest.raises(ConfigError) as caught:
        read_keys({name.replace("_", "-"): one for name, one in wishes.items()})
    return str(caught.value)


def test_keys_stand_in_the_configuration_as_one_or_as_a_list(tmp_path: Path) -> None:
    config = config_with(tmp_path, '[keys]\nnext-error = "n"\n\nopen = ["o", "Enter"]\nsaved-filters = "f2"\n')
    assert keymap(read_keys(config.keys)) == {"next-error": "n", "open": "o,enter", "saved-filters": "f2"}
    assert config.keys["open"].where == f"{tmp_path / 'config.toml'}:4"


@pytest.mark.parametrize("value", ["7", "[]", '["n", 7]', "{ key = 1 }", "true"])
def test_what_is_no_key_in_quotes_is_refused_with_file_and_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError, match=r"config.toml:3: next-error: expected a key in quotes"):
        config_with(tmp_path, f"# keys\n[keys]\nnext-error = {value}\n")


def test_an_action_that_there_is_not_is_refused_with_the_nearest_one() -> None:
    assert (
        refusal(next_eror=wish("n"))
        == "config.toml:7: keys: there is no action 'next-eror'; did you mean next-error?"
    )
    assert "expected one that the help names" in refusal(qqq=wish("n"))


@pytest.mark.parametrize("key", ["", "  ", "ctl+n", "n+ctrl", "f99", "two", "slash", "\x1b", "n,m", "hyper+n"])
def test_a_key_that_there_is_not_is_refused(key: str) -> None:
    words = refusal(next_error=wish(key))
    assert words.startswith(
        f"config.toml:7: keys: next-error: there is no key {key!r}; expected a character such as n"
    )


def test_a_key_that_does_something_else_already_is_refused() -> None:
    words = refusal(next_error=wish("w"))
    assert words == (
        "config.toml:7: keys: next-error: w is the key of next-warning (to the next warnings down the history); "
        "expected another key, or another one for next-warning as well"
    )
    assert "Ctrl+Q is the key of quit-anywhere" in refusal(fetch=wish("ctrl+q"))
    assert "? is the key of help" in refusal(fetch=wish("?"))
    assert "Tab is the key of other-list" in refusal(fetch=wish("ctrl+i"))


def test_two_actions_can_swap_their_keys_and_each_place_has_its_own() -> None:
    swapped = read_keys({"next-error": wish("w"), "next-warning": wish("e")})
    assert keymap(swapped) == {"next-error": "w", "next-warning": "e"}
    # y copies in the view of a task, and is free in the lists
    assert keymap(read_keys({"next-error": wish("y")})) == {"next-error": "y"}


def test_a_character_is_no_key_where_a_text_is_typed() -> None:
    for key in ("n", "+", " ", "space", ","):
        assert "may be part of a text that is typed" in refusal(complete=wish(key))
        assert "may be part of a text that is typed" in refusal(commands=wish(key))
    assert keymap(read_keys({"complete": wish("ctrl+e")})) == {"complete": "ctrl+e"}


def test_every_usual_key_can_be_wished_for_and_is_written_plainly() -> None:
    written = {name: cap(name) for key in KEYS for name in key.keys.split(",")}
    assert written["slash"] == "/" and written["pagedown"] == "PgDn" and written["ctrl+f"] == "Ctrl+F"
    assert written["question_mark"] == "?" and written["f9"] == "F9" and written["j"] == "j"
    for key in KEYS:
        names = [
            cap(name) if len(cap(name)) == 1 and cap(name).isascii() else name for name in key.keys.split(",")
        ]
        assert len(read_keys({key.name: wish(*names)})) == len(KEYS)


def test_keys_of_one_name_do_the_same_in_words_that_do_not_contradict() -> None:
    """A name may stand in several places, but only once in each."""
    for one, other in combinations(KEYS, 2):
        assert (one.place, one.name) != (other.place, other.name)


async def test_another_key_works_and_stands_in_bottom_line_help_and_palette(directory: Path, clock: Clock) -> None:
    keys = read_keys({"next-error": wish("n"), "remotes": wish("f2", "Z"), "help": wish("h")})
    app = dashboard(directory, clock, keys=keys)
    async with app.run_test(size=(150, 110)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        assert "n next error" in screen.keys and "F2 remotes" in screen.keys
        await screen.press("e")
        assert screen.history.task_list.cursor == 0
        await screen.press("n")
        await screen.until(lambda: screen.history.task_list.cursor > 0, "the next error")
        await screen.press("Z")
        await screen.until(lambda: isinstance(app.screen, RemotesScreen), "the remotes")
        assert "h help" in screen.keys
        await screen.press("escape", "question_mark")
        assert not isinstance(app.screen, HelpScreen)
        await screen.press("h")
        await screen.until(lambda: isinstance(app.screen, HelpScreen), "the help")
        line = screen.line_with("to the next error down the history").split("│")[1]
        assert line.split()[0] == "n" and "next-error" not in line
        # below all keys stands what the configuration calls the actions
        await screen.press("end")
        await screen.until_shown("Names of the actions")
        assert screen.line_with("│ next-error ").split("│")[1].split() == ["next-error", "n"]
        await screen.press("home")
        assert screen.line_with("every remote, and all").split("│")[1].split()[:2] == ["F2", "Z"]
        commands = {command.title: command.help for command in app.get_system_commands(screen.main)}
        assert commands["To the next error down the history"] == "key: n"


async def test_a_letter_for_another_key_stays_a_letter_in_the_filter(directory: Path, clock: Clock) -> None:
    keys = read_keys({"fetch": wish("y"), "filter": wish("v")})
    async with dashboard(directory, clock, keys=keys).run_test(size=(120, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("History 600")
        await screen.press("slash")
        assert not screen.main.filter_line.is_open
        await screen.press("v", *"vyv/")
        assert screen.main.filter_line.input.value == "vyv/"
        assert not (directory / "inbox").exists()


async def test_keys_change_with_the_configuration(directory: Path, clock: Clock, tmp_path: Path) -> None:
    changes: asyncio.Queue[Config | ConfigError] = asyncio.Queue()

    async def follow() -> AsyncIterator[Config | ConfigError]:
        while True:
            yield await changes.get()

    app = dashboard(directory, clock, changes=follow)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = Screen(pilot)
        await screen.until_shown("e next error")
        changes.put_nowait(Config(keys={"next-error": wish("n")}))
        await screen.until_shown("n next error")
        changes.put_nowait(Config(keys={"next-error": wish("w")}))
        await screen.until_shown("config.toml:7: keys: next-error: w is the key of next-warning")
        assert "n next error" in screen.text
        changes.put_nowait(Config())
        await screen.until_shown("e next error")
        assert "next-warning" not in screen.text


def test_no_place_is_forgotten_where_clashes_are_looked_for() -> None:
    """In each place a key of another action there is refused."""
    for place in Place:
        keys = [key for key in KEYS if key.place is place]
        if len({key.name for key in keys}) > 1:
            one, other = keys[0], next(key for key in keys if key.name != keys[0].name)
            taken = cap(other.keys.split(",")[0])
            name = taken if len(taken) == 1 and taken.isascii() else other.keys.split(",")[0]
            with pytest.raises(ConfigError):
                read_keys({one.name: wish(name)})
