"""Numbers, spans and fitted texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backend.text import counted
from tui.format import age, count, fit, span


@pytest.mark.parametrize(
    ("seconds", "text"), [(12, "12 s"), (700, "11 min"), (7300, "2 h"), (90_000, "25 h"), (260_000, "3 d")]
)
def test_spans_in_sentences_have_one_unit(seconds: int, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (12, "12s"), (700, "11m"), (7300, "2h 1m"), (90_000, "1d 1h"), (86_400 * 1200, "1,200d 0h")],
)
def test_ages_have_their_two_largest_units(seconds: int, text: str) -> None:
    assert age(seconds) == text


def test_counts_have_thousands_separators() -> None:
    assert count(1_503_221) == "1,503,221"
    assert counted(1, "node") == "1 node"
    assert counted(1000, "node") == "1,000 nodes"


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert fit("Verification", 8) == "Verific…"
    assert fit("short", 8) == "short   "
    assert fit("short", 8, right=True) == "   short"
    assert fit("text", 0) == ""


def test_a_wide_character_is_never_cut_in_two() -> None:
    assert fit("日本語", 4) == "日 …"
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 6) == "日本語"


@given(st.text(max_size=80), st.integers(0, 60), st.booleans())
def test_a_fitted_text_is_exactly_as_wide_as_asked(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


def test_a_flood_of_combining_characters_stays_bounded() -> None:
    assert len(fit("e" + "\u0301" * 100_000, 10)) <= 90
