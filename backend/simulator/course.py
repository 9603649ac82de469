"""How the tasks of a node come and go, from whatever sources: which run at a moment, and which end in what order.
What of them is remembered is `history`'s matter."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from backend.simulator.stream import SimulatedTask

_INDEX_BITS = 40


class Source(Protocol):
    """Tasks numbered from 0 on in the order of their starts; all times are whole UNIX seconds."""

    def start(self, index: int) -> float:
        """When a task starts; infinity if it never does, or is not known yet."""
        ...

    def span(self, index: int) -> tuple[int, int]:
        """Start of a task that comes, and the end that is meant for it."""
        ...

    def count_until(self, moment: int) -> int:
        """How many tasks start at or before a moment."""
        ...

    def task(self, index: int) -> SimulatedTask:
        """The task itself."""
        ...


def number_of(source: int, index: int) -> int:
    """The number by which a node knows the task `index` of its source number `source`; those of source 0 are the
    indices themselves."""
    return source << _INDEX_BITS | index


def place_of(number: int) -> tuple[int, int]:
    """The source and the index that make up a number."""
    return number >> _INDEX_BITS, number & (1 << _INDEX_BITS) - 1


class Course:
    """The tasks of all sources as time goes on; it does not go back.

    Attributes:
        running: those that have begun and not ended yet, a heap of (end, number).
    """

    def __init__(self, sources: Sequence[Source], end_of: Callable[[int], int]) -> None:
        """`sources` may grow later. `end_of` gives a number's end, which may be another than its source meant."""
        self.running: list[tuple[int, int]] = []
        self._sources = sources
        self._end_of = end_of
        self._next: list[int] = []

    def advance(self, now: int) -> Iterator[tuple[int, int]]:
        """Let begin and end what does up to `now`, and give (end, number) of those that end, in that order. To be
        read to its end."""
        running = self.running
        for start, number in self._beginning(now):
            while running and running[0][0] < start:
                yield heapq.heappop(running)
            heapq.heappush(running, (self._end_of(number), number))
        while running and running[0][0] <= now:
            yield heapq.heappop(running)

    def take_out(self, number: int) -> bool:
        """Let a running task run no longer; returns whether it did."""
        left = [entry for entry in self.running if entry[1] != number]
        found = len(left) < len(self.running)
        heapq.heapify(left)
        self.running = left
        return found

    def _beginning(self, now: int) -> Iterator[tuple[float, int]]:
        """(start, number) of the tasks that begin up to `now`, in the order of their starts."""
        self._next += [0] * (len(self._sources) - len(self._next))
        due = [
            self._beginning_of(number, source, now)
            for number, source in enumerate(self._sources)
            if source.start(self._next[number]) <= now
        ]
        return due[0] if len(due) == 1 else heapq.merge(*due)

    def _beginning_of(self, number: int, source: Source, now: int) -> Iterator[tuple[float, int]]:
        while (start := source.start(self._next[number])) <= now:
            index = self._next[number]
            self._next[number] += 1
            yield start, number_of(number, index)
