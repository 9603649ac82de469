"""The filter over tasks, and the language that the dashboard and the command line write it in.

    FILTER = TERM …                      all terms must match
    TERM   = [-] WORD | [-] FIELD:VALUE[,VALUE…]

`-` negates a term, quotes keep spaces and commas and make a word of anything. FIELDS lists the fields."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from fnmatch import translate

from backend.task import Status, Task
from backend.times import parse_moment

FIELDS: dict[str, str] = {
    "status": "ok, warning, error, unknown or running",
    "type": "a task type such as vzdump or qm* (`*` stands for any text)",
    "remote": "a remote's name",
    "node": "a node's name",
    "user": "a user (root@pam, with all its tokens) or a token (root@pam!backup)",
    "vmid": "the number of a guest",
    "since": "started then or later: 2h, 7d, 14:30, yesterday, 2026-11-01, 2026-11-01T08:00",
    "until": "started then or earlier; a date means to the end of that day",
}

_TERM = re.compile(r'\s*(?P<term>(?:"[^"]*"|[^\s"])+|"[^"]*$|\S+)')
_PIECE = re.compile(r'"(?P<quoted>[^"]*)"|(?P<comma>,)|(?P<plain>[^",]+)')
_GUEST = re.compile(r"(?:[^:/]*:)?(?:vm|ct)/(\d+)(?:/.*)?|(\d+)(?:@.*)?")


class FilterError(ValueError):
    """A filter that cannot be read: `word` is the part at fault, `expected` what could stand there."""

    def __init__(self, word: str, expected: str) -> None:
        super().__init__(f"{word}: {expected}")
        self.word = word
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is a key of FIELDS, or "word".

    Any of `values` may match: lower-case text for a word, UNIX seconds for since and until, patterns in which
    `*` stands for any text for the rest.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: all `terms` must match; with none, every task does. `text` is what was written."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def bounds(self) -> tuple[float, float]:
        """The start times (UNIX seconds) outside of which nothing matches."""
        since = [float(term.values[0]) for term in self.terms if term.field == "since" and not term.negated]
        until = [float(term.values[0]) for term in self.terms if term.field == "until" and not term.negated]
        return max(since, default=-math.inf), min(until, default=math.inf)

    def matcher(self) -> Callable[[Task], bool]:
        """A function that tells whether a task matches; made once for a scan over many."""
        tests = [_negate(_test(term)) if term.negated else _test(term) for term in self.terms]
        if len(tests) == 1:
            return tests[0]
        return lambda task: all(test(task) for test in tests)

    def matches(self, task: Task) -> bool:
        """Whether one task matches."""
        return self.matcher()(task)


def parse_filter(text: str, *, now: float | None = None, tz: tzinfo | None = None) -> Filter:
    """Read a filter. `now` (UNIX seconds, default the clock) and `tz` (default local time) are for since and
    until. Raises FilterError naming the word and what was expected."""
    now = time.time() if now is None else now
    terms = tuple(_parse_term(match["term"], now, tz) for match in _TERM.finditer(text))
    return Filter(text.strip(), terms)


def _parse_term(raw: str, now: float, tz: tzinfo | None) -> Term:
    if raw.count('"') % 2:
        raise FilterError(raw, 'expected a closing "')
    negated = raw.startswith("-") and len(raw) > 1
    body = raw[1:] if negated else raw
    name, colon, value = body.partition(":")
    if not colon or '"' in name or not _could_be_field(name):
        word = body.replace('"', "").lower()
        if not word:
            raise FilterError(raw, "expected a word to search for")
        return Term("word", (word,), negated)
    field = name.lower()
    if field not in FIELDS:
        guess = get_close_matches(field, FIELDS, n=1)
        hint = f"did you mean {guess[0]}:?" if guess else f"the fields are {', '.join(FIELDS)}"
        raise FilterError(raw, f"no field is called {name!r}; {hint} (put quotes around it to search for it)")
    if field in ("since", "until"):
        moment = value.replace('"', "")
        try:
            first, last = parse_moment(moment, now, tz)
        except ValueError as error:
            raise FilterError(raw, str(error)) from None
        return Term(field, (str(first if field == "since" else last),), negated)
    values = _split_values(value)
    if not values:
        raise FilterError(raw, f"expected {FIELDS[field]} after {field}:")
    for one in values:
        if field == "status" and one not in tuple(Status):
            raise FilterError(raw, f"no status is called {one!r}; expected {FIELDS[field]}")
        if field == "vmid" and not (one.isascii() and one.isdigit()):
            raise FilterError(raw, f"expected {FIELDS[field]} such as 101, not {one!r}")
    return Term(field, values, negated)


def _could_be_field(name: str) -> bool:
    """Whether what stands before a colon is meant as a field: not in a UPID or a remote UPID, pasted whole."""
    return name.replace("-", "").replace("_", "").isalnum() and name not in ("UPID", "pve", "pbs")


def _split_values(value: str) -> tuple[str, ...]:
    values = [""]
    for piece in _PIECE.finditer(value):
        if piece["comma"]:
            values.append("")
        else:
            values[-1] += piece["quoted"] if piece["quoted"] is not None else piece["plain"]
    return tuple(one.lower() for one in values if one)


def _negate(test: Callable[[Task], bool]) -> Callable[[Task], bool]:
    return lambda task: not test(task)


def _test(term: Term) -> Callable[[Task], bool]:
    if term.field == "word":
        (word,) = term.values
        return lambda task: word in searchable_text(task)
    if term.field == "since":
        since = int(term.values[0])
        return lambda task: task.starttime >= since
    if term.field == "until":
        until = int(term.values[0])
        return lambda task: task.starttime <= until
    wanted = frozenset(term.values)
    if term.field == "status":
        return lambda task: task.status_class in wanted
    if term.field == "vmid":
        return lambda task: guest_id(task.worker_id) in wanted
    fits = matcher_of_values(term.values)
    if term.field == "user":
        return lambda task: fits(task.user) or fits(task.user.partition("!")[0])
    if term.field == "type":
        return lambda task: fits(task.worker_type)
    if term.field == "remote":
        return lambda task: fits(task.remote)
    return lambda task: fits(task.node)


def searchable_text(task: Task) -> str:
    """What a word is searched in, lower case: what a row shows, and the UPID."""
    status = task.status or task.status_class
    shown = (task.remote, task.node, task.user, task.description, status, task.upid)
    return "\n".join(shown).lower()


def guest_id(worker_id: str | None) -> str | None:
    """The number of the guest a task is about: of `101`, of `101@local-lvm`, of PBS's `store1:vm/101`."""
    if worker_id is None:
        return None
    match = _GUEST.fullmatch(worker_id)
    return None if match is None else match[1] or match[2]


def matcher_of_values(values: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a text is one of the values, whatever the case; in a value `*` stands for any text."""
    exact = frozenset(value for value in values if "*" not in value)
    patterns = [translate(re.sub(r"[\[?]", r"[\g<0>]", value)) for value in values if "*" in value]
    if not patterns:
        return lambda text: text.lower() in exact
    pattern = re.compile("|".join(patterns))
    return lambda text: text.lower() in exact or pattern.match(text.lower()) is not None
