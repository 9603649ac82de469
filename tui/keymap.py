"""Other keys for the dashboard's actions, as the `[keys]` of a configuration wishes: read, and checked against the
table in `keys`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import combinations

from textual.keys import Keys

from backend.config import ConfigError, KeyWish
from tui.keys import KEYS, Key, Place, cap

_TYPING = {Place.FILTER, Place.CHOOSE, Place.ASK, Place.EVERYWHERE}
"""Where a character may be one of a text."""

_TOGETHER: tuple[set[Place], ...] = (
    {Place.FIND, Place.MOVE, Place.LIST, Place.SCREEN},
    {Place.TASK, Place.ROWS},
    {Place.STATISTICS, Place.ROWS},
    {Place.GUESTS, Place.ROWS},
    {Place.REMOTES, Place.ROWS},
    *({place} for place in (Place.FILTER, Place.CHOOSE, Place.ASK, Place.CONFIRM, Place.PROGRESS)),
    {Place.DIALOG, Place.HELP},
    {Place.START},
)
"""Whose keys work at the same time, each with those of EVERYWHERE."""

_NAMED = {"comma", "plus", *(key.value for key in Keys if re.fullmatch(r"[a-z0-9+_]+", key.value))}
# what terminals send the same for, or what people call otherwise
_ALIASES = {
    ",": "comma",
    "+": "plus",
    " ": "space",
    "esc": "escape",
    "del": "delete",
    "return": "enter",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
}
_LETTER_WITH_ALT = re.compile(r"alt\+[a-z0-9]")


def read_keys(wishes: Mapping[str, KeyWish]) -> Sequence[Key]:
    """The table of keys with these wishes granted. Raises ConfigError for an action or a key that there is not,
    and for keys that would do two things at once."""
    granted = {name: _read_wish(name, wish) for name, wish in wishes.items()}
    table = [replace(key, keys=granted[key.name], shown="") if key.name in granted else key for key in KEYS]
    for one, other, common in _clashes(table):
        # of the two that which has been wished for is at fault
        name, taken = (one, other) if one.name in wishes else (other, one)
        raise ConfigError(
            f"{wishes[name.name].where}: keys: {name.name}: {common} is the key of {taken.name} "
            f"({taken.help}); expected another key, or another one for {taken.name} as well"
        )
    return table


def keymap(table: Sequence[Key]) -> dict[str, str]:
    """What Textual is to take for the usual keys: keys by the names of bindings."""
    usual = {(key.place, key.name): key.keys for key in KEYS}
    return {key.name: key.keys for key in table if key.keys != usual[key.place, key.name]}


def _read_wish(name: str, wish: KeyWish) -> str:
    """The keys of a wish, separated by commas, as Textual calls them."""
    usual = [key for key in KEYS if key.name == name]
    if not usual:
        guess = get_close_matches(name, [key.name for key in KEYS], n=1)
        hint = f"did you mean {guess[0]}?" if guess else "expected one that the help names, such as next-error"
        raise ConfigError(f"{wish.where}: keys: there is no action {name!r}; {hint}")
    keys = dict.fromkeys(_read_key(text, name, wish) for text in wish.keys)
    typing = any(key.place in _TYPING for key in usual)
    own = {own for key in usual for own in key.keys.split(",")}
    for key in keys:
        if typing and key not in own and (len(key) == 1 or key in ("comma", "plus", "space")):
            raise ConfigError(
                f"{wish.where}: keys: {name}: {cap(key)} may be part of a text that is typed where this works; "
                "expected a key such as f2, ctrl+n or pagedown"
            )
    return ",".join(keys)


def _read_key(text: str, name: str, wish: KeyWish) -> str:
    key = text if len(text) == 1 else text.strip().lower()
    key = _ALIASES.get(key, key)
    if (len(key) == 1 and key.isprintable()) or key in _NAMED or _LETTER_WITH_ALT.fullmatch(key):
        return key
    raise ConfigError(
        f"{wish.where}: keys: {name}: there is no key {text!r}; expected a character such as n or ?, or a name "
        "such as enter, escape, space, tab, up, pagedown, home, delete, f2, ctrl+n, shift+up or alt+x"
    )


def _clashes(table: Sequence[Key]) -> Iterator[tuple[Key, Key, str]]:
    """Two actions that would have a key in common, and that key as it is written."""
    for together in _TOGETHER:
        keys = [key for key in table if key.place in together | {Place.EVERYWHERE}]
        for one, other in combinations(keys, 2):
            common = set(one.caps.split()) & set(other.caps.split())
            if common and one.name != other.name:
                yield one, other, min(common)
