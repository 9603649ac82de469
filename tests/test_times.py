"""Spans and points of time as people write them, on days of 23, 24 and 25 hours."""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.times import (
    format_duration,
    full_time,
    local,
    moment_words,
    parse_duration,
    parse_moment,
    period_words,
)

VIENNA = ZoneInfo("Europe/Vienna")
NOW = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC).timestamp()


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=VIENNA).timestamp())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("2h", 7_200), ("1h30m", 5_400), ("7d", 604_800), ("2w", 1_209_600), ("0s", 0)],
)
def test_a_span_is_read_in_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "h", "10 m", "-2h", "1.5h", "10M", "2h\n", "2y", "1h30"])
def test_what_is_no_span_is_refused_and_the_error_says_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="expected a span such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2h", int(NOW) - 7_200, int(NOW) - 7_200),
        ("-2h", int(NOW) - 7_200, int(NOW) - 7_200),
        ("99999w", 0, 0),
        ("1795478400", 1795478400, 1795478400),
        ("now", int(NOW), int(NOW)),
        ("today", at(2026, 11, 24), at(2026, 11, 25) - 1),
        ("Yesterday", at(2026, 11, 23), at(2026, 11, 24) - 1),
        ("2026-11-01", at(2026, 11, 1), at(2026, 11, 2) - 1),
        ("2026-1-2", at(2026, 1, 2), at(2026, 1, 3) - 1),
        ("14:30", at(2026, 11, 24, 14, 30), at(2026, 11, 24, 14, 30) + 59),
        ("14:30:05", at(2026, 11, 24, 14, 30, 5), at(2026, 11, 24, 14, 30, 5)),
        ("14:30:00", at(2026, 11, 24, 14, 30), at(2026, 11, 24, 14, 30)),
        ("2026-11-01T08:00", at(2026, 11, 1, 8), at(2026, 11, 1, 8) + 59),
        ("2026-11-01 08:00", at(2026, 11, 1, 8), at(2026, 11, 1, 8) + 59),
        ("today 08:00", at(2026, 11, 24, 8), at(2026, 11, 24, 8) + 59),
        ("yesterday 8:00", at(2026, 11, 23, 8), at(2026, 11, 23, 8) + 59),
    ],
)
def test_a_moment_has_a_first_and_a_last_second(text: str, first: int, last: int) -> None:
    assert parse_moment(text, NOW, VIENNA) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "soon",
        "2026-02-30",
        "2026-13-01",
        "24:00",
        "14:60",
        "14:3",
        "0000-01-01",
        "9999-12-31",
        "2026-11-01T",
        "2026-11-01T8",
        "2026-11-01T08:00:00Z",
        "12345678",
        "tomorrow",
        ":",
        "1:2:3:4",
    ],
)
def test_what_is_no_moment_is_refused_and_the_error_says_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="expected a span back from now"):
        parse_moment(text, NOW, VIENNA)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-03-28", 24), ("2026-10-26", 24)]
)
def test_a_day_lasts_as_long_as_its_clocks_say(day: str, hours: int) -> None:
    first, last = parse_moment(day, NOW, VIENNA)
    assert last + 1 - first == hours * 3_600
    assert datetime.fromtimestamp(first, VIENNA).strftime("%F %T") == f"{day} 00:00:00"
    assert datetime.fromtimestamp(last, VIENNA).strftime("%F %T") == f"{day} 23:59:59"


def test_a_day_whose_midnight_does_not_exist_begins_when_its_clocks_do() -> None:
    beirut = ZoneInfo("Asia/Beirut")
    first, last = parse_moment("2026-03-29", NOW, beirut)
    assert datetime.fromtimestamp(first, beirut).strftime("%F %T") == "2026-03-29 01:00:00"
    assert last + 1 - first == 23 * 3_600


def test_yesterday_is_a_day_of_the_calendar_not_24_hours() -> None:
    just_past_midnight = at(2026, 10, 26) + 60
    assert parse_moment("yesterday", just_past_midnight, VIENNA) == (at(2026, 10, 25), at(2026, 10, 26) - 1)


def test_the_same_words_mean_another_time_in_another_zone() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    assert parse_moment("2026-11-01", NOW, VIENNA)[0] - parse_moment("2026-11-01", NOW, tokyo)[0] == 8 * 3_600
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC).timestamp()
    assert parse_moment("today", late, VIENNA)[0] == at(2026, 11, 25)
    assert parse_moment("today", late, UTC)[0] == int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())


@given(st.text(st.characters()) | st.text("0123456789-:tT smhdw"))
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        first, last = parse_moment(text, NOW, VIENNA)
    except ValueError as error:
        assert "expected" in str(error)
    else:
        assert first <= last


@given(st.dates(min_value=datetime(1971, 1, 1).date(), max_value=datetime(2099, 12, 31).date()))
def test_the_days_of_the_calendar_follow_each_other_without_gap_or_overlap(day: object) -> None:
    first, last = parse_moment(str(day), NOW, VIENNA)
    assert datetime.fromtimestamp(first, VIENNA).date() == day
    assert datetime.fromtimestamp(last, VIENNA).date() == day
    assert datetime.fromtimestamp(first - 1, VIENNA).date() != day
    assert datetime.fromtimestamp(last + 1, VIENNA).date() != day


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0, "0 s"),
        (4.9, "4 s"),
        (59, "59 s"),
        (60, "1:00"),
        (131, "2:11"),
        (3599, "59:59"),
        (3849, "1:04:09"),
        (86_399, "23:59:59"),
        (2 * 86_400 + 11_400, "2 d 03:10"),
        (1000 * 86_400, "1000 d"),
    ],
)
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        (at(2026, 11, 23), at(2026, 11, 25) - 1, "from Mon 23 Nov 00:00 to Tue 24 Nov 24:00"),
        (at(2026, 11, 23), at(2026, 11, 24) - 1, "on Mon 23 Nov"),
        (at(2025, 11, 23), at(2025, 11, 24) - 1, "on Sun 23 Nov 2025"),
        (at(2026, 11, 23, 8), at(2026, 11, 24) - 1, "on Mon 23 Nov from 08:00 to 24:00"),
        (at(2026, 11, 23), at(2026, 11, 23, 9, 30, 59), "on Mon 23 Nov from 00:00 to 09:30:59"),
        (at(2025, 12, 31, 23), at(2026, 1, 2) - 1, "from Wed 31 Dec 2025 23:00 to Thu 1 Jan 24:00"),
        (-math.inf, at(2026, 11, 24) - 1, "until Mon 23 Nov 24:00"),
        (at(2026, 11, 1, 8, 0, 5), math.inf, "from Sun 1 Nov 08:00:05"),
        (-math.inf, at(2025, 12, 31, 14, 30), "until Wed 31 Dec 2025 14:30"),
        (-math.inf, math.inf, ""),
        (at(2026, 11, 25), at(2026, 11, 24), "at no time: it would end before it begins"),
        (10**15, math.inf, "from 1000000000000000"),
    ],
)
def test_a_period_is_told_by_its_first_and_its_last_second(since: float, until: float, words: str) -> None:
    assert period_words(since, until, NOW, VIENNA) == words


def test_a_moment_is_told_in_its_time_zone_with_its_year_only_if_it_is_another_one() -> None:
    assert moment_words(NOW, NOW, VIENNA) == "Tue 24 Nov 13:00:30"
    assert moment_words(NOW, NOW, VIENNA, seconds=False) == "Tue 24 Nov 13:00"
    assert moment_words(NOW, NOW + 60 * 86_400, UTC, seconds=False) == "Tue 24 Nov 2026 12:00"
    assert full_time(NOW, VIENNA) == "Tue 24 Nov 2026 13:00:30 CET"


def test_moments_that_no_calendar_holds_are_numbers() -> None:
    assert local(10**18, UTC) is None
    assert full_time(10**18, UTC) == "1000000000000000000 s"
    assert moment_words(10**18, NOW, UTC) == "1000000000000000000"
