"""When the tasks of a node start: a past with nightly peaks, then new ones at a steady rate; and bursts besides.
A timeline is shared by all nodes of the same make; what tells nodes apart is the fraction that each hands in."""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from math import inf

HOUR = 3_600

# Tasks by hour of the day (UTC), relative to each other: backups at night, people at work by day.
_BY_HOUR = (6, 12, 16, 9, 4, 2, 2, 3, 5, 6, 6, 5, 4, 5, 6, 5, 5, 4, 3, 2, 2, 2, 3, 4)
NIGHT = range(0, 5)
"""The hours of the day (UTC) in which the nightly jobs run."""

_LEAD = 600.0
"""Seconds before the fleet's start in which tasks begin at the later rate already, so that it starts out busy."""


class Timeline:
    """The starts of tasks number 0, 1, 2, …, which never decrease.

    Attributes:
        past: how many tasks, the first ones, are spread over the past with its nightly peaks.
        begin: when that past begins, UNIX seconds.
        anchor: when it ends and the steady rate begins.
    """

    def __init__(self, *, epoch: float, days: float, past: int, per_second: float) -> None:
        span = days * 24 * HOUR
        lead = min(_LEAD, span / 10)
        self.past = past
        self.begin = epoch - span
        self.anchor = epoch - lead
        self.per_second = per_second
        first_hour = int(self.begin // HOUR) + 1
        last_hour = int(self.anchor // HOUR)
        hours = [float(hour * HOUR) for hour in range(first_hour, last_hour + 1)]
        self._bounds = [self.begin, *(hour for hour in hours if self.begin < hour < self.anchor), self.anchor]
        weights = [
            (end - start) * _BY_HOUR[int(start // HOUR) % 24]
            for start, end in zip(self._bounds, self._bounds[1:], strict=False)
        ]
        total = sum(weights)
        self._shares = [0.0, *(share / total for share in accumulate(weights))]

    def start(self, index: int, fraction: float) -> float:
        """When task number `index` starts, whole UNIX seconds; `fraction`, in [0, 1), is where within its own
        slot. Infinite for tasks that never come."""
        if index >= self.past:
            if self.per_second <= 0:
                return inf
            return (self.anchor + (index - self.past + fraction) / self.per_second) // 1
        share = (index + fraction) / self.past
        shares = self._shares
        hour = min(bisect_right(shares, share), len(shares) - 1) - 1
        start, end = self._bounds[hour], self._bounds[hour + 1]
        return (start + (end - start) * (share - shares[hour]) / (shares[hour + 1] - shares[hour])) // 1

    def count_until(self, moment: float, start: Callable[[int], float]) -> int:
        """How many tasks start at or before `moment`, going by `start`, which is this timeline's with a node's own
        fractions."""
        low, high = 0, self.past
        if moment >= self.anchor:
            low = max(0, self.past + int((moment - self.anchor) * self.per_second) - 1)
        if moment + 1 >= self.anchor:
            high = self.past + int((moment + 1 - self.anchor) * self.per_second) + 2
        return low + bisect_right(range(low, high), moment, key=start)


class Burst:
    """The starts of many tasks in a short time, evenly from `begin` (UNIX seconds) on until it is ended."""

    past = 0

    def __init__(self, begin: int, per_minute: float) -> None:
        self.per_minute = per_minute
        self._begin = begin
        self._count: int | None = None

    def start(self, index: int, fraction: float) -> float:
        """As a timeline's."""
        if self._count is not None and index >= self._count:
            return inf
        return (self._begin + (index + fraction) * 60 / self.per_minute) // 1

    def count_until(self, moment: float, start: Callable[[int], float]) -> int:
        """As a timeline's."""
        about = (moment + 1 - self._begin) * self.per_minute / 60
        low, high = max(0, int(about) - 2), max(0, int(about) + 2)
        if self._count is not None:
            low, high = min(low, self._count), min(high, self._count)
        return low + bisect_right(range(low, high), moment, key=start)

    def end(self, moment: int, start: Callable[[int], float]) -> None:
        """Let no more tasks start after `moment`, going by `start` as above."""
        self._count = self.count_until(moment, start)
