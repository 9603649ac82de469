"""What a filter makes of columns: which rows match, and which cannot be told without their text."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from backend.archive.columns import Codes, Columns
from backend.description import describe
from backend.query import Term, guest_id, matcher_of_values, searchable_status, word_matcher
from backend.task import status_class
from backend.upid import RemoteType, decode_worker_id

Mask = NDArray[np.bool_]

# Process, start and task numbers are in the UPID, but in no column: a word of hex digits may stand in one of them,
# and one with a colon may reach into one.
DIGITS = re.compile(r"[0-9a-f]{1,16}")
_REACHING = re.compile(r".*[:*\n].*", re.DOTALL)

_MOST_RUNS = 3
_ROWS_AT_ONCE = 1 << 16

_Test = Callable[[slice], Mask]
"""Of some rows, which pass."""


class Matched(NamedTuple):
    """For each row whether it matches for sure; and, unless all are told, whether it needs a look at its text."""

    sure: Mask
    open: Mask | None


class _What(NamedTuple):
    """An entry of the dictionary `what`, taken apart. `text` is what a word is searched in, lower case."""

    type: str
    guest: str | None
    text: str


@lru_cache(maxsize=1 << 16)
def _what(entry: str) -> _What:
    remote_type, worker_type, raw = entry.split(":", 2)
    worker_id = decode_worker_id(raw, cast(RemoteType, remote_type))
    return _What(
        worker_type, guest_id(worker_id), f"{describe(worker_type, worker_id)}\n{worker_type}\n{raw}".lower()
    )


@lru_cache(maxsize=1 << 14)
def _node(entry: str) -> tuple[str, str, str]:
    """Of an entry of the dictionary `node`: remote, node, and what a word is searched in."""
    _, rest, node = entry.split(":", 2)
    return rest.removesuffix("!UPID"), node, entry.lower()


@lru_cache(maxsize=1 << 16)
def _status_text(entry: str) -> str:
    return searchable_status(entry).lower()


class _Values:
    """The values of a field that entries of a dictionary share: `codes` gives each entry's number in `names`."""

    def __init__(self, values: Iterable[str | None], entries: int) -> None:
        numbers: dict[str | None, int] = {}
        self.codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.intp, entries)
        self.names = list(numbers)

    def table(self, test: Callable[[str], bool]) -> Mask:
        """For each entry whether its value passes."""
        passing = _table((name is not None and test(name) for name in self.names), len(self.names))
        return passing[self.codes]


class ColumnMatcher:
    """Matches filters against columns. What it learns of their dictionaries it keeps."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def match(self, terms: Sequence[Term]) -> Matched:
        """Which rows match all of these terms."""
        rows = len(self.columns)
        sure = np.ones(rows, np.bool_)
        open = np.zeros(rows, np.bool_) if any(map(is_in_numbers, terms)) else None
        tests = [(term, self._test(term)) for term in terms]
        # Some rows at a time: what is made on the way stays in the processor's own memory.
        for part in (slice(first, first + _ROWS_AT_ONCE) for first in range(0, rows, _ROWS_AT_ONCE)):
            for term, test in tests:
                if is_in_numbers(term) and open is not None:
                    _narrow(sure[part], open[part], test(part), term.negated)
                    continue
                hits = ~test(part) if term.negated else test(part)
                sure[part] &= hits
                if open is not None:
                    open[part] &= hits
        return Matched(sure, open)

    def starts_within(self, since: float, until: float) -> Mask:
        """Which rows started from one time to another (UNIX seconds, inclusive)."""
        starttime = self.columns.starttime
        return (starttime >= max(0.0, since)) & (starttime <= max(-1.0, until))

    def values(self, field: str) -> tuple[list[str], NDArray[np.intp]]:
        """The values of a field (type, remote, node, user or status class), and for each row the number of its."""
        name, values = {
            "type": ("what", self._types),
            "remote": ("node", self._remotes),
            "node": ("node", self._node_names),
            "user": ("user", self._users),
            "status": ("status", self._status),
        }[field]
        return [str(value) for value in values.names], values.codes.take(self.columns.codes[name])

    def _test(self, term: Term) -> _Test:
        """What tells of some rows whether a term matches them."""
        field, starttime = term.field, self.columns.starttime
        if field == "since":
            since = max(0, int(term.values[0]))
            return lambda part: starttime[part] >= since
        if field == "until":
            until = max(-1, int(term.values[0]))
            return lambda part: starttime[part] <= until
        if field == "word":
            return self._word_test(term.values[0])
        if field == "status":
            wanted = frozenset(term.values)
            return self._code_test("status", self._status.table(wanted.__contains__))
        if field == "vmid":
            plain = not any("*" in value for value in term.values)
            fits = frozenset(term.values).__contains__ if plain else matcher_of_values(term.values)
            return self._code_test("what", self._guests.table(fits))
        fits = matcher_of_values(term.values)
        if field == "type":
            return self._code_test("what", self._types.table(fits))
        if field == "user":
            table = self._users.table(lambda user: fits(user) or fits(user.partition("!")[0]))
            return self._code_test("user", table)
        return self._code_test("node", (self._remotes if field == "remote" else self._node_names).table(fits))

    def _word_test(self, word: str) -> _Test:
        fits = word_matcher(word)
        tables = {name: np.fromiter(map(fits, texts), np.bool_, len(texts)) for name, texts in self._texts.items()}
        return _any([self._code_test(name, table) for name, table in tables.items() if table.any()])

    def _code_test(self, name: str, table: Mask) -> _Test:
        """What tells of some rows whether their entries in a dictionary pass. Entries that pass stand together
        mostly: then comparing beats looking up."""
        codes = self.columns.codes[name]
        edges = np.flatnonzero(np.diff(table, prepend=False, append=False)).tolist()
        runs = list(zip(edges[::2], edges[1::2], strict=True))
        if len(runs) > _MOST_RUNS:
            return lambda part: table.take(codes[part])
        return _any([_between(codes, first, end) for first, end in runs])

    @cached_property
    def _nodes(self) -> list[tuple[str, str, str]]:
        return list(map(_node, self.columns.names["node"]))

    @cached_property
    def _remotes(self) -> _Values:
        return self._values("node", (node[0] for node in self._nodes))

    @cached_property
    def _node_names(self) -> _Values:
        return self._values("node", (node[1] for node in self._nodes))

    @cached_property
    def _users(self) -> _Values:
        return self._values("user", self.columns.names["user"])

    @cached_property
    def _types(self) -> _Values:
        return self._values("what", (_what(entry).type for entry in self.columns.names["what"]))

    @cached_property
    def _guests(self) -> _Values:
        return self._values("what", (_what(entry).guest for entry in self.columns.names["what"]))

    @cached_property
    def _status(self) -> _Values:
        return self._values("status", (status_class(entry).value for entry in self.columns.names["status"]))

    def _values(self, name: str, values: Iterable[str | None]) -> _Values:
        return _Values(values, len(self.columns.names[name]))

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        names = self.columns.names
        return {
            "what": [_what(entry).text for entry in names["what"]],
            "node": [node[2] for node in self._nodes],
            "user": [user.lower() for user in names["user"]],
            "status": list(map(_status_text, names["status"])),
        }


def is_in_numbers(term: Term) -> bool:
    """Whether it is a word that may stand in a UPID where no column tells it."""
    word = term.values[0]
    return term.field == "word" and bool(DIGITS.fullmatch(word) or _REACHING.fullmatch(word))


def _narrow(sure: Mask, open: Mask, hits: Mask, negated: bool) -> None:
    """Take a word into account that stands in a column where it `hits`, and elsewhere may stand in a number."""
    if negated:
        open &= ~hits
        open |= sure & ~hits
        sure[:] = False
    else:
        open |= sure & ~hits
        sure &= hits


def _between(codes: Codes, first: int, end: int) -> _Test:
    """Which codes are from `first` on and before `end`."""
    if end - first == 1:
        return lambda part: codes[part] == first
    if first == 0:
        return lambda part: codes[part] < end
    # What is less than `first` wraps around to a large number.
    return lambda part: codes[part] - codes.dtype.type(first) < end - first


def _any(tests: list[_Test]) -> _Test:
    """Which rows pass any of these; with none of them, no row does."""
    if len(tests) == 1:
        return tests[0]
    return lambda part: np.any([test(part) for test in tests], axis=0)


def _table(passing: Iterable[bool], entries: int) -> Mask:
    return np.fromiter(passing, np.bool_, entries)
