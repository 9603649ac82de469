"""A filter's text, changed by other means than typing: terms put in and taken out, the rest left as it was
written. Pure; what a filter means is `backend.query`'s matter."""

import re
from datetime import UTC
from typing import TypeGuard

from backend.query import FilterError, Term, parse_filter, split_terms
from backend.text import safe

# what ends a value, or means something in it
_SPECIAL = re.compile(r'[\s,"]')


def written(value: str) -> str:
    """A value as a term can name it: `*` for each character that would end it or is not safe to print."""
    clean = "".join(char if safe(char) == char else "*" for char in value)
    return _SPECIAL.sub("*", clean)


def term(field: str, value: str, *, negated: bool = False) -> str:
    """`remote:wien`, `-remote:wien`."""
    return f"{'-' if negated else ''}{field}:{written(value)}"


def named(text: str, field: str, *, negated: bool = False) -> frozenset[str]:
    """The values that a field's terms name, in lower case."""
    terms = map(_read, split_terms(text))
    return frozenset(value for one in terms if _is(one, field, negated) for value in one.values)


def names(text: str, field: str, value: str, *, negated: bool = False) -> bool:
    """Whether a filter's text names this value of a field."""
    return written(value).lower() in named(text, field, negated=negated)


def switched(text: str, field: str, value: str, *, negated: bool = False) -> str:
    """The filter's text with a value of a field put in; or taken out, if it was there. It joins the values that
    the field's terms name already; put in, it is no longer named the other way round."""
    if names(text, field, value, negated=negated):
        return " ".join(_without(split_terms(text), field, value, negated))
    terms = _without(split_terms(text), field, value, not negated)
    for number in reversed(range(len(terms))):
        if _is(_read(terms[number]), field, negated):
            terms[number] += f",{written(value)}"
            return " ".join(terms)
    return " ".join([*terms, term(field, value, negated=negated)])


def replaced(text: str, field: str, value: str) -> str:
    """The filter's text with this one term for a field such as `since`; without it, if it was that one already."""
    new = term(field, value)
    before = split_terms(text)
    others = [one for one in before if not _is(_read(one), field, False)]
    return " ".join(others if new in before else [*others, new])


def _without(terms: list[str], field: str, value: str, negated: bool) -> list[str]:
    kept = []
    for one in terms:
        read = _read(one)
        if not _is(read, field, negated) or written(value).lower() not in read.values:
            kept.append(one)
            continue
        others = [written(other) for other in read.values if other != written(value).lower()]
        if others:
            kept.append(f"{'-' if negated else ''}{field}:{','.join(others)}")
    return kept


def _is(one: Term | None, field: str, negated: bool) -> TypeGuard[Term]:
    return one is not None and one.field == field and one.negated == negated


def _read(written_term: str) -> Term | None:
    try:
        return parse_filter(written_term, now=0, tz=UTC).terms[0]
    except FilterError:
        return None
