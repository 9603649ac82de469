"""The clocks of one remote, as the dates of its answers show them: how far they are off, and whether one was set
back."""

from math import inf
from typing import NamedTuple

from backend.config import Endpoint

SET_BACK = 2.0
"""Seconds by which a clock must be behind where it was to count as set back: headers count whole ones."""


class Moment(NamedTuple):
    """A moment by a clock that nobody sets, but that may stand while the machine sleeps, and by ours (seconds)."""

    steady: float
    wall: float

    def since(self, other: "Moment") -> float:
        """How many seconds have passed, by the clock that says more."""
        return max(self.steady - other.steady, self.wall - other.wall)


class Shown(NamedTuple):
    """What a clock showed (UNIX seconds) at some moment between two of ours: an answer's date, when it was asked
    for, and when it began to come."""

    date: float
    asked: Moment
    answered: Moment


class Clocks:
    """The clocks of a remote's endpoints.

    Attributes:
        skew: how far the one that showed last is ahead of ours (seconds, to about 1 s); None while unknown.
    """

    def __init__(self) -> None:
        self.skew: float | None = None
        self._shown: dict[Endpoint, Shown] = {}
        self._set_back_to = inf

    def note(self, endpoint: Endpoint, now: Shown) -> None:
        """An endpoint answered."""
        # The header counts whole seconds, so on average it lags by half of one.
        self.skew = now.date + 0.5 - (now.asked.wall + now.answered.wall) / 2
        before, self._shown[endpoint] = self._shown.get(endpoint), now
        if before is not None and now.date - before.date < now.asked.since(before.answered) - SET_BACK:
            # That was after the answer before, if only just.
            self._set_back_to = min(self._set_back_to, now.date - now.answered.since(before.asked))

    def take_set_back(self) -> float:
        """The earliest time that a clock may have shown after it was set back (UNIX seconds), since this was last
        taken; infinite if none was."""
        taken, self._set_back_to = self._set_back_to, inf
        return taken
