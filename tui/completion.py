"""What a filter that is being typed could go on with: the fields, and the values the fleet really has. Pure; the
values come from `values`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from backend.query import FIELDS, split_last_term
from tui.filter_text import written

Values = Mapping[str, Sequence[str]]
"""The values of each field, the likeliest first."""

KNOWN_VALUES: Values = {
    "status": ("error", "warning", "unknown", "running", "ok"),
    "since": ("1h", "6h", "today", "yesterday", "7d"),
    "until": ("1h", "6h", "today", "yesterday", "7d"),
}
"""Those that are the same for every fleet."""


class Completion(NamedTuple):
    """One way to go on: the word, and the whole text of the filter with it."""

    word: str
    text: str


def completions(text: str, values: Values) -> list[Completion]:
    """How a filter's text can go on at its end, the likeliest way first. None where its last term is whole."""
    before, last = split_last_term(text)
    if '"' in last:
        return []
    sign = "-" if last.startswith("-") else ""
    field, colon, rest = last.removeprefix("-").partition(":")
    if not colon:
        return [Completion(f"{sign}{word}", f"{before}{sign}{word}") for word in _fields(field)]
    earlier, comma, start = rest.rpartition(",")
    head = f"{before}{sign}{field}:{earlier}{comma}"
    taken = {value.lower() for value in earlier.split(",")}
    return [Completion(value, head + value) for value in _values(field.lower(), start, taken, values)]


def names_value(term: str, values: Values) -> bool:
    """Whether a term ends in a value that the fleet has: it may be meant as it stands, though others go on."""
    field, _, rest = term.removeprefix("-").partition(":")
    value = rest.rpartition(",")[2].lower()
    return any(value == written(known).lower() for known in values.get(field.lower(), ()))


def _fields(start: str) -> list[str]:
    return [f"{name}:" for name in FIELDS if name.startswith(start.lower())]


def _values(field: str, start: str, taken: set[str], values: Values) -> Iterator[str]:
    for value in map(written, values.get(field) or KNOWN_VALUES.get(field, ())):
        lower = value.lower()
        if lower.startswith(start.lower()) and lower != start.lower() and lower not in taken:
            yield value
