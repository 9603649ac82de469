"""The filter over tasks, and the language that the dashboard and the command line write it in.

    FILTER = TERM …                      all terms must match
    TERM   = [-] WORD | [-] FIELD:VALUE[,VALUE…]

`-` negates a term, quotes keep spaces and commas and make a word of anything; in words, names and numbers `*`
stands for any text. FIELDS lists the fields."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from difflib import get_close_matches
from fnmatch import translate

from backend.task import Status, Task, status_words
from backend.times import MOMENT_EXPECTED, parse_moment

FIELDS: dict[str, str] = {
    "status": "ok, warning, error, unknown or running",
    "type": "a task type such as vzdump or qm*",
    "remote": "a remote's name",
    "node": "a node's name",
    "user": "a user (root@pam, with all its tokens) or a token (root@pam!backup)",
    "vmid": "the number of a guest such as 101 or 10*",
    "since": "started then or later: 2h, 7d, 14:30, now, yesterday, 2026-11-01, 2026-11-01T08:00",
    "until": "started then or earlier; a day counts whole: since:yesterday until:yesterday is one day",
}

MOST_CHARACTERS = 500
MOST_TERMS = 50
"""What a filter may hold: each term is a look at every task."""

_LONGEST_QUOTE = 40
"""How many characters of a text an error repeats."""

_TERM = re.compile(r'\s*(?P<term>(?:"[^"]*"|[^\s"])+(?:"[^"]*\Z)?|"[^"]*\Z)')
_PIECE = re.compile(r'"(?P<quoted>[^"]*)"|(?P<comma>,)|(?P<plain>[^",]+)')
_END_OF_UPID = re.compile(
    r"upid:[^:\s]+:[0-9a-f]{8}:[0-9a-f]{8,9}:(?:[0-9a-f]{8,16}:)?([0-9a-f]{8}):[^:\s/]+:[^:\s/]*:[^:\s/]+:$"
)
_NUMBER = re.compile(r"[0-9*]+")
_GUEST = re.compile(r"(?:[^:/]*:)?(?:vm|ct)/(\d+)(?:/.*)?|(\d+)(?:@.*)?")


class FilterError(ValueError):
    """A filter that cannot be read: `word` is the part at fault, cut with `…` where it is long; `expected` says
    what could stand there, and why the word cannot."""

    def __init__(self, word: str, expected: str) -> None:
        self.word = _quote(word)
        self.expected = expected
        super().__init__(f"{self.word}: {expected}")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is a key of FIELDS, or "word".

    Any of `values` may match: what `word_matcher` takes for a word, UNIX seconds for since and until, a Status for
    status, and what `matcher_of_values` takes for the rest.
    """

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter: all `terms` must match; with none, every task does. `text` is what was written, with
    one space between two terms."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.terms)

    @property
    def bounds(self) -> tuple[float, float]:
        """The start times (UNIX seconds) outside of which nothing matches."""
        since, until = self.period
        for term in self.terms:
            whole_upid = term.field == "word" and not term.negated
            if whole_upid and (start := _start_of_upid(term.values[0])) is not None:
                since, until = max(since, start), min(until, start)
        return since, until

    @property
    def period(self) -> tuple[float, float]:
        """The first and the last second (UNIX) that its since and until leave, infinite where they leave it open;
        the first behind the last where they leave none."""
        since, until = -math.inf, math.inf
        for term in self.terms:
            if term.field in ("since", "until"):
                moment = int(term.values[0])
                match term.field, term.negated:
                    case "since", False:
                        since = max(since, moment)
                    case "since", True:
                        until = min(until, moment - 1)
                    case "until", False:
                        until = min(until, moment)
                    case _:
                        since = max(since, moment + 1)
        return since, until

    @property
    def running_only(self) -> bool:
        """Whether it asks for running tasks, so that no finished one can match."""
        terms = [term for term in self.terms if term.field == "status" and not term.negated]
        return any(set(term.values) == {Status.RUNNING} for term in terms)

    @property
    def timeless(self) -> tuple[Term, ...]:
        """The terms without those whose whole meaning is in `bounds`."""
        return tuple(term for term in self.terms if term.field not in ("since", "until"))

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
    """Read a filter of at most MOST_CHARACTERS and MOST_TERMS. `now` (UNIX seconds, default the clock) and `tz`
    (default local time) are for since and until. Raises FilterError naming the word and what was expected."""
    now = time.time() if now is None else now
    if len(text) > MOST_CHARACTERS:
        raise FilterError(text, f"expected at most {MOST_CHARACTERS} characters in a filter, not {len(text):,}")
    written = split_terms(text)
    if len(written) > MOST_TERMS:
        raise FilterError(
            written[MOST_TERMS], f"expected at most {MOST_TERMS} terms in a filter, not {len(written)}"
        )
    return Filter(" ".join(written), tuple(_parse_term(term, now, tz) for term in written))


def split_terms(text: str) -> list[str]:
    """A filter's terms, each as it is written."""
    return [match["term"] for match in _TERM.finditer(text)]


def split_last_term(text: str) -> tuple[str, str]:
    """What of a filter's text comes before the term it ends with, and that term; empty if it ends in a space."""
    before, term, _ = split_term_at(text, len(text))
    return before, term


def split_term_at(text: str, cursor: int) -> tuple[str, str, str]:
    """What of a filter's text comes before the term that a cursor stands in, or at the end of; that term; and what
    comes behind it. The last two are empty where it stands in none."""
    for match in _TERM.finditer(text):
        start, end = match.span("term")
        if start < cursor <= end:
            return text[:start], text[start:end], text[end:]
    return text, "", ""


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
        # a word may stand anywhere: at its ends, "any text" says nothing more
        return Term("word", (word.strip("*"),), negated)
    field = name.lower()
    if field not in FIELDS:
        guess = get_close_matches(field, FIELDS, n=1)
        meant = f"since:{body}" if is_moment(body, now, tz) else f"{guess[0]}:" if guess else ""
        none = f"no field is called {_quote(name)!r} (in quotes it is a word)"
        # what helps most comes first: a narrow line shows no more
        raise FilterError(
            raw, f"did you mean {meant}? {none}" if meant else f"{none}; the fields are {', '.join(FIELDS)}"
        )
    if field in ("since", "until"):
        moment = value.replace('"', "")
        try:
            first, last = parse_moment(moment, now, tz)
        except ValueError:
            instead = f", not {_quote(moment)!r}" if moment else ""
            raise FilterError(raw, f"expected {MOMENT_EXPECTED}{instead}") from None
        return Term(field, (str(first if field == "since" else last),), negated)
    values = _split_values(value)
    if not values:
        raise FilterError(raw, f"expected {FIELDS[field]} after {field}:")
    for one in values:
        if field == "status" and one not in tuple(Status):
            raise FilterError(raw, f"expected {FIELDS[field]}, not {_quote(one)!r}")
        if field == "vmid" and _NUMBER.fullmatch(one) is None:
            raise FilterError(raw, f"expected {FIELDS[field]}, not {_quote(one)!r}")
    return Term(field, values, negated)


def is_moment(text: str, now: float, tz: tzinfo | None) -> bool:
    """Whether `since` could take a text."""
    try:
        parse_moment(text, now, tz)
    except ValueError:
        return False
    return True


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


def _quote(text: str) -> str:
    """A text as an error repeats it."""
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"


def _negate(test: Callable[[Task], bool]) -> Callable[[Task], bool]:
    return lambda task: not test(task)


def _test(term: Term) -> Callable[[Task], bool]:
    if term.field == "word":
        holds = word_matcher(term.values[0])
        return lambda task: holds(searchable_text(task))
    if term.field == "since":
        since = int(term.values[0])
        return lambda task: task.starttime >= since
    if term.field == "until":
        until = int(term.values[0])
        return lambda task: task.starttime <= until
    wanted = frozenset(term.values)
    if term.field == "status":
        return lambda task: task.status_class in wanted
    fits = matcher_of_values(term.values)
    if term.field == "vmid":
        return lambda task: (guest := guest_id(task.worker_id)) is not None and fits(guest)
    if term.field == "user":
        return lambda task: fits(task.user) or fits(task.user.partition("!")[0])
    if term.field == "type":
        return lambda task: fits(task.worker_type)
    if term.field == "remote":
        return lambda task: fits(task.remote)
    return lambda task: fits(task.node)


def searchable_status(status: str | None) -> str:
    """What of a finished task's status a word is searched in: what is shown, and what it was written as."""
    words = status_words(status)
    return words if status in (None, words) else f"{words}\n{status}"


def searchable_text(task: Task) -> str:
    """What a word is searched in, lower case, a line each: what a row shows, and the UPID."""
    status = task.status_words if task.running else searchable_status(task.status)
    shown = (task.remote, task.node, task.user, task.description, status, task.upid)
    return "\n".join(shown).lower()


def _start_of_upid(word: str) -> int | None:
    """The start time in a word that ends as a whole UPID does, read from its number."""
    match = _END_OF_UPID.search(word)
    return None if match is None else int(match[1], 16)


def guest_id(worker_id: str | None) -> str | None:
    """The number of the guest a task is about: of `101`, of `101@local-lvm`, of PBS's `store1:vm/101`."""
    if worker_id is None:
        return None
    match = _GUEST.fullmatch(worker_id)
    return None if match is None else match[1] or match[2]


def word_matcher(word: str) -> Callable[[str], bool]:
    """Whether a lower-case text holds a word, which is lower case too. With `*` in it, one line of the text must
    hold the parts between the `*` in their order, whatever stands between them; no word, or nothing but `*`, is in
    every text."""
    parts = [part for part in word.split("*") if part]
    if len(parts) < 2:
        only = "".join(parts)
        return lambda text: only in text
    return lambda text: (
        all(part in text for part in parts) and any(_in_order(parts, line) for line in text.split("\n"))
    )


def _in_order(parts: list[str], line: str) -> bool:
    end = 0
    for part in parts:
        start = line.find(part, end)
        if start < 0:
            return False
        end = start + len(part)
    return True


def matcher_of_values(values: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a text is one of the values, whatever the case; in a value `*` stands for any text."""
    exact = frozenset(value for value in values if "*" not in value)
    patterns = [translate(re.sub(r"[\[?]", r"[\g<0>]", value)) for value in values if "*" in value]
    if not patterns:
        return lambda text: text.lower() in exact
    pattern = re.compile("|".join(patterns))
    return lambda text: text.lower() in exact or pattern.match(text.lower()) is not None
