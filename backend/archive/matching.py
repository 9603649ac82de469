"""What a filter makes of columns: which rows match, and which cannot be told without their text."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from backend.archive.columns import Columns
from backend.description import describe
from backend.query import Term, guest_id, matcher_of_values, word_matcher
from backend.task import status_class
from backend.upid import RemoteType, decode_worker_id

Mask = NDArray[np.bool_]

# Process, start and task numbers are in the UPID, but in no column: a word of hex digits may stand in one of them,
# and one with a colon may reach into one.
IN_NUMBERS = re.compile(r"[0-9a-f]{1,16}|.*[:*\n].*", re.DOTALL)
"""A word that may stand in a UPID where no column tells it."""


_MOST_RUNS = 3


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
    return (entry or str(status_class(entry))).lower()


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
        open: Mask | None = None
        for term in terms:
            hits = self._hits(term)
            in_numbers = term.field == "word" and IN_NUMBERS.fullmatch(term.values[0]) is not None
            if not in_numbers:
                hits = ~hits if term.negated else hits
                sure &= hits
                if open is not None:
                    open &= hits
            else:
                # The word stands in a column, or it may still stand in a number.
                known = np.zeros(rows, np.bool_) if term.negated else hits
                unknown = ~hits
                open = (sure & unknown) if open is None else (open & (known | unknown)) | (sure & unknown)
                sure &= known
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

    def _hits(self, term: Term) -> Mask:
        field, columns = term.field, self.columns
        if field == "since":
            return columns.starttime >= max(0, int(term.values[0]))
        if field == "until":
            return columns.starttime <= max(-1, int(term.values[0]))
        if field == "word":
            return self._word_hits(term.values[0])
        if field == "status":
            wanted = frozenset(term.values)
            return self._rows("status", self._status.table(wanted.__contains__))
        if field == "vmid":
            plain = not any("*" in value for value in term.values)
            fits = frozenset(term.values).__contains__ if plain else matcher_of_values(term.values)
            return self._rows("what", self._guests.table(fits))
        fits = matcher_of_values(term.values)
        if field == "type":
            return self._rows("what", self._types.table(fits))
        if field == "user":
            return self._rows("user", self._users.table(lambda user: fits(user) or fits(user.partition("!")[0])))
        return self._rows("node", (self._remotes if field == "remote" else self._node_names).table(fits))

    def _word_hits(self, word: str) -> Mask:
        hits = np.zeros(len(self.columns), np.bool_)
        fits = word_matcher(word)
        for name, texts in self._texts.items():
            table = np.fromiter(map(fits, texts), np.bool_, len(texts))
            if table.any():
                hits |= self._rows(name, table)
        return hits

    def _rows(self, name: str, table: Mask) -> Mask:
        """For each row whether its entry in a dictionary passes. Entries that pass stand together mostly: then
        comparing beats looking up."""
        codes = self.columns.codes[name]
        edges = np.flatnonzero(np.diff(table, prepend=False, append=False))
        if len(edges) > 2 * _MOST_RUNS:
            return table.take(codes)
        hits = np.zeros(len(codes), np.bool_)
        for first, end in edges.reshape(-1, 2).tolist():
            hits |= codes == first if end - first == 1 else (codes >= first) & (codes < end)
        return hits

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


def _table(passing: Iterable[bool], entries: int) -> Mask:
    return np.fromiter(passing, np.bool_, entries)
