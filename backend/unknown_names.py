"""Why a filter may find nothing: names in it that nobody in the fleet has, words that read like a status or a
time; and what may have been meant."""

from collections.abc import Collection, Mapping
from datetime import tzinfo
from difflib import get_close_matches
from typing import Literal

from backend.archive import Snapshot
from backend.query import Filter, is_moment, matcher_of_values
from backend.task import Status
from backend.text import safe

NAMED: tuple[Literal["remote", "node", "type", "user"], ...] = ("remote", "node", "type", "user")
"""The fields whose values are names."""

_FEW = 8
"""So many known names are told where none is close."""

_STATUS_WORDS = {
    Status.ERROR: ("error", "errors", "fail", "failed", "failing", "failure", "failures"),
    Status.WARNING: ("warning", "warnings"),
    Status.RUNNING: ("running", "runs", "active"),
    Status.OK: ("ok", "success", "successful"),
    Status.UNKNOWN: ("unknown",),
}
"""What people call a status."""
_ALL_STATUS_WORDS = {word: status for status, words in _STATUS_WORDS.items() for word in words}
_CLOSE = 0.85
"""How like such a word (1.0: the same) one is that may be it, spelt wrongly: `eror`, `sucess`."""


def fleet_names(snapshot: Snapshot, wanted: Filter) -> dict[str, set[str]]:
    """The names that the tasks of the fleet have, for each field that a filter names."""
    names: dict[str, set[str]] = {}
    for field in NAMED:
        if any(term.field == field for term in wanted.terms):
            attribute = "worker_type" if field == "type" else field
            names[field] = {name for name, _ in snapshot.counts_by(field)}
            names[field].update(getattr(task, attribute) for task in snapshot.running())
    return names


def unknown_names(wanted: Filter, known: Mapping[str, Collection[str]]) -> list[str]:
    """A sentence for each name of a filter that no task has: `no task has the remote wein: did you mean wien?`
    Fields that are not in `known` are passed over. Safe to print."""
    found = []
    for term in wanted.terms:
        names = known.get(term.field)
        if term.field not in NAMED or not names:
            continue
        for value in term.values:
            if not any(map(matcher_of_values((value,)), _spellings(term.field, names))):
                found.append(safe(f"no task has the {term.field} {value}{_instead(term.field, value, names)}"))
    return found


def misread_words(wanted: Filter, now: float, tz: tzinfo | None) -> list[str]:
    """For each word of a filter that reads like a status or a time what may have been meant: `did you mean
    since:yesterday?` Safe to print."""
    found = []
    for term in wanted.terms:
        word = term.values[0]
        if term.field != "word" or term.negated:
            continue
        spelt = get_close_matches(word, _ALL_STATUS_WORDS, n=1, cutoff=_CLOSE)
        status = _ALL_STATUS_WORDS[spelt[0]] if spelt else None
        if status is not None:
            found.append(f"did you mean status:{status}?")
        elif not word.isdigit() and is_moment(word, now, tz):
            found.append(safe(f"did you mean since:{word}?"))
    return found


def _spellings(field: str, names: Collection[str]) -> list[str]:
    """All that names a value: a token also goes by its user."""
    users = [name.partition("!")[0] for name in names if "!" in name] if field == "user" else []
    return sorted({*names, *users})


def _instead(field: str, value: str, names: Collection[str]) -> str:
    spelt = {name.lower(): name for name in _spellings(field, names)}
    close = get_close_matches(value, spelt, n=1)
    # much is left out by those who expect a part of a name to do
    close = close or [name for name in spelt if len(value) > 1 and value.strip("*") in name][:1]
    if close:
        return f": did you mean {spelt[close[0]]}?"
    return f": there are {', '.join(sorted(names))}" if len(names) <= _FEW else ""
