"""Lines for people on a terminal that is too narrow for them."""

import click

from backend.commands.fold import fold

FINGERPRINT = ":".join(f"{number:02X}" for number in range(32))


def test_words_stay_whole_and_further_lines_begin_below_the_first() -> None:
    sentence = "From now on this stands for the host-to-be of https://pve1.example.com:8006/ and no other."
    lines = fold(sentence, 40).split("\n")
    assert " ".join(lines) == sentence
    assert all(len(line) < 40 for line in lines)
    step = f"    {click.style('✗', fg='red')} token        is not accepted; check token-id and secret"
    assert click.unstyle(fold(step, 44)).split("\n") == [
        "    ✗ token        is not accepted; check",
        "                   token-id and secret",
    ]


def test_a_fingerprint_has_its_halves_below_each_other() -> None:
    first, second = fold(f"  fingerprint  {FINGERPRINT}", 80).split("\n")
    assert first == f"  fingerprint  {FINGERPRINT[:48]}"
    assert second == f"               {FINGERPRINT[48:]}"


def test_a_label_that_leaves_no_room_has_a_line_of_its_own() -> None:
    assert fold("a-long-name-of-a-remote  is out of reach", 24).split("\n") == [
        "a-long-name-of-a-remote",
        "is out of reach",
    ]


def test_what_fits_and_what_goes_to_no_terminal_stays_as_it_is() -> None:
    line = f"  fingerprint  {FINGERPRINT}"
    assert fold(line, None) == fold(line, 200) == line
