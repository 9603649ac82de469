"""What a filter that is being typed could go on with: the fields, and the values the fleet really has. Pure; the
values come from `values`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from backend.query import FIELDS, split_last_term, split_terms
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


def is_begun(text: str) -> bool:
    """Whether something of what `completions` would put in stands there already."""
    field, colon, rest = split_last_term(text)[1].removeprefix("-").partition(":")
    return bool(rest.rpartition(",")[2] if colon else field)


def one_day(text: str) -> str:
    """How a filter names one day, while the last term of its text begins to name one: `since:today until:today`.
    Empty where it does not, or where the text says just that."""
    field, _, value = split_last_term(text)[1].lower().partition(":")
    if field not in ("since", "until"):
        return ""
    day = "yesterday" if "yesterday".startswith(value) else "today" if "today".startswith(value) else value
    terms = [f"since:{day}", f"until:{day}"]
    named = _is_day(day) and not set(terms) <= {term.lower() for term in split_terms(text)}
    return " ".join(terms) if named else ""


def _is_day(word: str) -> bool:
    if word in ("today", "yesterday"):
        return True
    try:
        date.fromisoformat(word)
    except ValueError:
        return False
    return True


class Completing:
    """How one key has a text go on: with the likeliest way where one has been begun. Where nothing of several ways
    has been typed it offers them, and takes one only when pressed again. From then on it takes the next one.

    Args:
        complete: how a text can go on.
    """

    def __init__(self, complete: Callable[[str], Sequence[Completion]]) -> None:
        self._complete = complete
        self.begin()

    def begin(self) -> None:
        """Start anew, as if the key had never been pressed."""
        self._asked: str | None = None
        self._offers: Sequence[Completion] = ()
        self._taken = 0

    def offers(self, text: str) -> Sequence[Completion]:
        """The ways to go on; or, while they are gone through, those there were, from the one that was taken on."""
        if self._is_going_through(text):
            return [*self._offers[self._taken :], *self._offers[: self._taken]]
        return self._complete(text)

    def has_asked(self, text: str) -> bool:
        """Whether the key has been pressed and nothing was taken yet: the next press takes the first offer."""
        return text == self._asked

    def marks_first(self, text: str) -> bool:
        """Whether the first offer has been taken, or is what the key takes."""
        return self._is_going_through(text) or is_begun(text)

    def go_on(self, text: str) -> str | None:
        """The text after the key was pressed; None where it stays as it is."""
        if self._is_going_through(text):
            self._taken = (self._taken + 1) % len(self._offers)
            return self._offers[self._taken].text
        offers = self._complete(text)
        if not offers:
            return None
        if len(offers) > 1 and not is_begun(text) and not self.has_asked(text):
            self._asked = text
            return None
        # behind a field its values come next, not the next field
        self._offers, self._taken = () if offers[0].word.endswith(":") else offers, 0
        self._asked = None
        return offers[0].text

    def _is_going_through(self, text: str) -> bool:
        return len(self._offers) > 1 and text == self._offers[self._taken].text


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
