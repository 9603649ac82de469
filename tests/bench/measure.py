"""Timing of calls, ours and SQLite's in turn, so that a noisy machine hits both; and what the times come to."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

_REPETITIONS = 200
_AT_LEAST = 3
_WARMING = 0.3
"""Seconds after which the calls are warm enough."""

Call = Callable[[int], object]
"""Something to measure; it is told the number of the repetition, so that no two need ask the same."""


class BenchError(Exception):
    """Something could not be measured, and why."""


class Pair(NamedTuple):
    """A question, asked of our cache and of SQLite. Both must give the same answer."""

    ours: Call
    sqlite: Call
    repetitions: int = _REPETITIONS


class Figure(NamedTuple):
    """What was measured for a line: seconds or bytes, one value a repetition.

    Attributes:
        name: of the line.
        sqlite: empty where there is nothing to compare with.
        note: what else is worth telling.
        broken: a promise besides the budget was not kept, as the note says.
    """

    name: str
    ours: Sequence[float]
    sqlite: Sequence[float] = ()
    note: str = ""
    broken: bool = False


def in_turn(name: str, pair: Pair, seconds: float) -> Figure:
    """Time both calls of a pair again and again, for that many seconds each. Raises BenchError if their answers
    differ."""
    for number in repeat(_WARMING, 3):
        if pair.ours(-1 - number) != pair.sqlite(-1 - number):
            raise BenchError(f"{name}: SQLite gives another answer than the cache")
    ours, sqlite = [], []
    for number in repeat(2 * seconds, pair.repetitions, at_least=_AT_LEAST):
        ours.append(seconds_of(pair.ours, number))
        sqlite.append(seconds_of(pair.sqlite, number))
    return Figure(name, ours, sqlite)


def repeat(seconds: float, at_most: int, *, at_least: int = 1) -> Iterator[int]:
    """The numbers of repetitions from 0 on, until that time has passed."""
    begun = time.perf_counter()
    for number in range(at_most):
        if number >= at_least and time.perf_counter() - begun > seconds:
            return
        yield number


def seconds_of(call: Callable[..., object], *arguments: object) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - begun


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]
