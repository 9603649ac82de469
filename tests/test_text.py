"""Text of remotes made safe: nothing that steers a terminal is left of it, and nothing else is touched."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backend.text import escape_json, repair_latin1, safe

VISIBLE_FORMATS = frozenset(
    [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
)
"""Characters of Unicode's category Cf that are drawn: number signs, and the joiners of hieroglyphs."""
BIDI_CONTROLS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

any_text = st.text(st.characters())
hostile = st.text(
    st.sampled_from(
        '\x00\x07\x1b\x7f\x80\x9b\x9d\u200b\u200f\u202e\u2066\u2028\ufeff\ud800\udfff\U000e0041ä\n\t\r"\\'
    )
    | st.characters()
)


def steers(char: str) -> bool:
    """Whether Unicode's own tables call this a control, a format that is not drawn, or half a character."""
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(char) in BIDI_CONTROLS:
        return True
    return category == "Cf" and ord(char) not in VISIBLE_FORMATS


def test_every_character_that_steers_is_shown_as_another_and_no_visible_one_is() -> None:
    blank_letters = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
    unassigned_controls = frozenset(
        char for char in map(chr, [0x2065, *range(0xE0000, 0xE0080)]) if unicodedata.category(char) == "Cn"
    )
    for code in range(0x110000):
        char = chr(code)
        shown = safe(char)
        assert len(shown) == 1
        if steers(char):
            assert not steers(shown), hex(code)
        elif char in blank_letters or char in unassigned_controls:
            assert shown == "\ufffd", hex(code)
        else:
            assert shown == char, hex(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("Gerät läuft, 日本語 ✓", "Gerät läuft, 日本語 ✓"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("one\ntwo\r", "one␊two␍"),
        ("\x7f", "␡"),
        ("\x9b31m", "�31m"),
        ("user\u202eexe.txt", "user�exe.txt"),
        ("a\u200bb", "a�b"),
        ("\ud83d", "�"),
        ("\U000e0041", "�"),
    ],
)
def test_what_could_steer_shows_where_it_stood(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(hostile)
def test_safe_text_holds_nothing_that_steers_and_stays_as_it_is(text: str) -> None:
    shown = safe(text)
    assert not any(steers(char) for char in shown)
    assert safe(shown) == shown
    assert len(shown) == len(text)
    shown.encode()


@given(hostile)
def test_what_replaces_a_character_is_one_cell_wide(text: str) -> None:
    replaced = [new for old, new in zip(text, safe(text), strict=True) if new != old]
    assert all(cell_len(char) == 1 for char in replaced)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=10,
)


@given(json_values, st.booleans(), st.none() | st.just(2) | st.just("\t"))
def test_escaped_json_has_the_same_value_and_steers_nothing(
    value: object, ascii_only: bool, indent: int | str | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    escaped = escape_json(text)
    assert json.loads(escaped) == json.loads(text)
    assert not any(steers(char) for char in escaped if char not in "\n\t")


def test_json_escapes_are_those_of_utf_16() -> None:
    assert escape_json('"\U000e0041\x7f\x9b\u202e"') == r'"\udb40\udc41\u007f\u009b\u202e"'


@pytest.mark.parametrize(
    ("text", "repaired"),
    [("GerÃ¤t", "Gerät"), ("Gerät", "Gerät"), ("plain", "plain"), ("日本", "日本"), ("Ã", "Ã"), ("", "")],
)
def test_utf_8_read_as_latin_1_is_read_right_again(text: str, repaired: str) -> None:
    assert repair_latin1(text) == repaired


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_pve_garbles_comes_back(text: str) -> None:
    assert repair_latin1(text.encode().decode("latin-1")) == text


@given(any_text)
def test_no_text_makes_the_repair_fail(text: str) -> None:
    assert isinstance(repair_latin1(text), str)
