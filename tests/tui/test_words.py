"""How words wrap."""

from tui.widgets.words import wrap


def test_words_wrap_at_spaces_and_the_longest_behind_a_comma() -> None:
    text = "a name for status:error type:qmstart,qmstop,qmsnapshot"
    assert wrap(text, 24) == ["a name for status:error", "type:qmstart,qmstop,", "qmsnapshot"]
    assert wrap(text, 80) == [text]


def test_what_has_no_place_to_break_is_broken_at_the_edge() -> None:
    assert wrap("x" * 12 + " end\n\n日本語", 5) == ["xxxxx", "xxxxx", "xx", "end", "", "日本", "語"]


def test_spaces_between_words_stay() -> None:
    assert wrap("14:30   2h", 20) == ["14:30   2h"]


def test_no_line_is_empty_but_for_a_paragraph_that_is() -> None:
    assert wrap(" lead", 4) == ["lead"]
    assert wrap("日本", 1) == ["日", "本"]
