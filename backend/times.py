"""Spans and points of time as people write and read them: `10m`, `2h`, `2026-11-01`, `yesterday`, `14:30`."""

import math
import re
from datetime import date, datetime, timedelta, tzinfo

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:(?P<number>\d{1,9})(?P<unit>[smhdw]))+")
_DURATION_PART = re.compile(r"(\d{1,9})([smhdw])")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_CLOCK = re.compile(r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?")

DURATION_EXPECTED = "a span such as 90s, 10m, 2h, 1h30m, 7d or 2w"
MOMENT_EXPECTED = (
    "a span back from now (90s, 10m, 2h, 7d, 2w), a time (14:30, now), a date (2026-11-01, today, yesterday), "
    "a date and time (2026-11-01T08:00) or UNIX seconds"
)


def parse_duration(text: str) -> int:
    """Seconds of a span: `90s`, `10m`, `1h30m`. Raises ValueError that says what was expected."""
    if _DURATION.fullmatch(text) is None:
        raise ValueError(f"expected {DURATION_EXPECTED}, not {text!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def parse_moment(text: str, now: float, tz: tzinfo | None = None) -> tuple[int, int]:
    """The first and the last UNIX second of a point of time.

    A date is its whole day, a time without seconds its whole minute; a span counts back from `now`. Dates and
    times are read in `tz`, by default the local time zone. Raises ValueError that says what was expected.
    """
    word = text.strip().lower()
    if not word:
        raise ValueError(f"expected {MOMENT_EXPECTED}")
    if word == "now":
        return int(now), int(now)
    span = word.removeprefix("-")
    if _DURATION.fullmatch(span):
        moment = max(0, int(now) - parse_duration(span))
        return moment, moment
    if word.isascii() and word.isdigit() and 9 <= len(word) <= 11:
        return int(word), int(word)
    try:
        today = datetime.fromtimestamp(now, tz).date()
        day_word, clock_word = _split(word)
        if day_word in ("", "today"):
            day = today
        elif day_word == "yesterday":
            day = today - timedelta(days=1)
        elif _DATE.fullmatch(day_word):
            day = date(*map(int, day_word.split("-")))
        else:
            raise ValueError
        if not clock_word:
            return _timestamp(day, 0, 0, 0, tz), _timestamp(day + timedelta(days=1), 0, 0, 0, tz) - 1
        clock = _CLOCK.fullmatch(clock_word)
        if clock is None:
            raise ValueError
        hour, minute, second = int(clock["hour"]), int(clock["minute"]), int(clock["second"] or 0)
        first = _timestamp(day, hour, minute, second, tz)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"expected {MOMENT_EXPECTED}, not {text!r}") from None
    return first, first if clock["second"] else first + 59


def _split(word: str) -> tuple[str, str]:
    """A day and a time of day, either of them empty."""
    if ":" not in word:
        return word, ""
    day, separator, clock = (
        word.replace("t", " ", 1).rpartition(" ") if word[0].isdigit() else word.rpartition(" ")
    )
    return (day.strip(), clock) if separator else ("", word)


def _timestamp(day: date, hour: int, minute: int, second: int, tz: tzinfo | None) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=tz).timestamp())


def period_words(since: float, until: float, now: float, tz: tzinfo | None = None) -> str:
    """A period in words: `from Mon 23 Nov 08:00 to Tue 24 Nov 24:00`, `on Mon 23 Nov from 08:00 to 09:30`, `on Mon
    23 Nov`. `since` and `until` are its first and last UNIX second, infinite where it is open; empty if both are.
    A year is named unless it is that of `now`."""
    if since > until:
        return "at no time: it would end before it begins"
    first = ("", "") if math.isinf(since) else _day_and_clock(since, now, tz)
    last = ("", "") if math.isinf(until) else _day_and_clock(until, now, tz, ends=True)
    if first[0] and first[0] == last[0]:
        whole_day = (first[1], last[1]) == ("00:00", "24:00")
        return f"on {first[0]}" if whole_day else f"on {first[0]} from {first[1]} to {last[1]}"
    words = [("from", *first)] if any(first) else []
    if any(last):
        words.append(("to" if words else "until", *last))
    return " ".join(word for part in words for word in part if word)


def local(moment: float, tz: tzinfo | None = None) -> datetime | None:
    """The date and time of UNIX seconds in `tz`, by default local time; None for what no calendar holds."""
    try:
        return datetime.fromtimestamp(moment, tz)
    except (ValueError, OverflowError, OSError):
        return None


def moment_words(moment: float, now: float, tz: tzinfo | None = None, *, seconds: bool = True) -> str:
    """A UNIX second in words: `Mon 23 Nov 00:00`, its year only if it is not that of `now`. Its seconds stand
    there where they are not 0 and `seconds` are wanted. The bare number where no calendar holds it."""
    day, clock = _day_and_clock(moment, now, tz, seconds=seconds)
    return f"{day} {clock}".strip()


def _day_and_clock(
    moment: float, now: float, tz: tzinfo | None, *, seconds: bool = True, ends: bool = False
) -> tuple[str, str]:
    """The two parts of `moment_words`; of a number there is no day. What `ends` with a day's last second ends at
    24:00."""
    when, today = local(moment, tz), local(now, tz)
    if when is None:
        return "", f"{moment:.0f}"
    year = "" if today is not None and when.year == today.year else f" {when.year}"
    clock = f"{when:%H:%M:%S}" if when.second and seconds else f"{when:%H:%M}"
    if ends and clock == "23:59:59":
        clock = "24:00"
    return f"{when:%a} {when.day} {when:%b}{year}", clock


def full_time(moment: float, tz: tzinfo | None = None) -> str:
    """UNIX seconds in full: `Sun 23 Nov 2026 02:10:02 UTC`; the bare seconds where no calendar holds them."""
    when = local(moment, tz)
    if when is None:
        return f"{moment:.0f} s"
    zone = when.astimezone().tzname() if tz is None else when.tzname()
    return f"{when:%a} {when.day} {when:%b %Y %H:%M:%S} {zone}"


def format_duration(seconds: float) -> str:
    """A span of seconds: `4 s`, `2:11`, `1:04:09`, `2 d 03:10`; at most 9 cells up to 999 days."""
    whole = max(0, int(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}" if days < 1000 else f"{days} d"
    if hours:
        return f"{hour}:{minute:02}:{second:02}"
    return f"{minute}:{second:02}" if minutes else f"{second} s"
