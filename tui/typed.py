"""What to make of a filter while it is being typed: what of it can be taken at its word, and what is wrong."""

from datetime import tzinfo
from typing import NamedTuple

from backend.query import Filter, FilterError, parse_filter, split_term_at
from tui.completion import KNOWN_VALUES, Values, completions, names_value


class Typed(NamedTuple):
    """A text in the filter line.

    Attributes:
        whole: the filter it is; None if it is wrong.
        error: what is wrong with it.
        finished: the filter without a term that may still be in the making; None if that is wrong, too.
    """

    whole: Filter | None
    error: FilterError | None
    finished: Filter | None

    @property
    def unfinished(self) -> bool:
        """Whether one of its terms may still be in the making."""
        return self.finished is not self.whole


def read_typed(text: str, cursor: int, *, now: float, tz: tzinfo | None, values: Values = KNOWN_VALUES) -> Typed:
    """Read what has been typed so far. The term at the cursor may be in the making if it begins as a field does
    (`sta` of `status:`) or one of its `values` (`remote:wi`), or if it is wrong as it stands. A mere `-` there
    may begin one."""
    before, term, after = split_term_at(text, cursor)
    whole, error = _parse(text, now, tz)
    begun = bool(completions(term, values)) and not names_value(term, values)
    if term and (error is not None or term == "-" or begun):
        return Typed(whole, error, _parse(before + after, now, tz)[0])
    return Typed(whole, error, whole)


def _parse(text: str, now: float, tz: tzinfo | None) -> tuple[Filter | None, FilterError | None]:
    try:
        return parse_filter(text, now=now, tz=tz), None
    except FilterError as error:
        return None, error
