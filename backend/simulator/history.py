"""What of a node's tasks runs and what the node still remembers, at a given time: numbers alone are kept, the
tasks themselves are made anew each time by the sources that they come from."""

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from backend.simulator.by_hand import TasksByHand
from backend.simulator.course import Course, Source, number_of, place_of
from backend.simulator.stream import SimulatedTask, TaskStream
from backend.simulator.timeline import Burst

_BY_HAND = 1
"""The source of the tasks started by hand; the stream is source 0, bursts are the others."""
_FIRST_OTHER = number_of(_BY_HAND, 0)


class Fate(NamedTuple):
    """What became of a task: whether it has ended, and when its node forgot it (fleet's clock, UNIX seconds; None
    while it does not)."""

    task: SimulatedTask
    ended: bool
    forgotten: int | None


class NodeHistory:
    """The running and the remembered tasks of one node.

    Every method takes `now`, whole UNIX seconds by the fleet's clock; the answer depends on it and on what was
    done by hand only, not on what was asked before.
    """

    def __init__(self, stream: TaskStream, remembers: int) -> None:
        """`remembers` is how many finished tasks are kept, whatever their age, as PVE's two index files do."""
        self.stream = stream
        self.clock = stream.clock
        self._remembers = remembers
        self._by_hand = TasksByHand(stream)
        self._sources: list[Source] = [stream, self._by_hand]
        self._burst: Burst | None = None
        self._stopped: dict[int, tuple[int, str]] = {}
        self._now = -1
        self._course = Course(self._sources, self._end_of)
        # oldest end first
        self._finished = array("q")

    def task(self, number: int) -> SimulatedTask:
        """The task of that number, as it ends if nobody stops it from now on."""
        source, index = place_of(number)
        task = self._sources[source].task(index)
        if number not in self._stopped:
            return task
        end, status = self._stopped[number]
        return task._replace(ends=end, endtime=self.clock.told(end), status=status)

    def running(self, now: int) -> list[int]:
        """The tasks that run, newest start first."""
        self._advance(now)
        return self.by_start([number for _, number in self._course.running])

    def finished(self, now: int) -> "array[int]":
        """The finished tasks that are remembered, newest end first."""
        self._advance(now)
        return self._finished[::-1]

    def by_start(self, numbers: Sequence[int]) -> list[int]:
        """The tasks, newest start first."""
        # the stream's own numbers are in the order of their starts already; there are hardly ever others
        own = sorted((number for number in numbers if number < _FIRST_OTHER), reverse=True)
        if len(own) == len(numbers):
            return own
        others = [(self._start_of(number), number) for number in numbers if number >= _FIRST_OTHER]
        merged: list[int] = []
        place = 0
        for start, number in sorted(others, reverse=True):
            older = self.stream.count_until(start)
            end = bisect_right(own, -older, lo=place, key=lambda own_number: -own_number)
            merged += own[place:end]
            merged.append(number)
            place = end
        return merged + own[place:]

    def started_between(self, numbers: Iterable[int], since: int | None, until: int | None) -> list[int]:
        """Those of the tasks that started at or after `since` and at or before `until`, by the node's clock, in
        their order. No number may be of a task that has not begun at the time asked about last."""
        if since is None and until is None:
            return list(numbers)
        lows, highs = [], []
        for index, source in enumerate(self._sources):
            for first, last in self.clock.moments(since, until):
                low = 0 if first is None else source.count_until(min(first - 1, self._now))
                high = source.count_until(self._now if last is None else min(last, self._now))
                if low < high:
                    lows.append(number_of(index, low))
                    highs.append(number_of(index, high))
        if len(lows) <= 1:
            low, high = (lows[0], highs[0]) if lows else (0, 0)
            return [number for number in numbers if low <= number < high]
        fits = _within(lows, highs)
        return [number for number in numbers if fits(number)]

    def find(self, upid: str, starttime: int, now: int) -> int | None:
        """The number of the task with that UPID, which says it started at `starttime`; None if it is not known, or
        no longer."""
        self._advance(now)
        for number in self._begun_at(starttime, now):
            if self.task(number).upid == upid:
                runs = any(number == other for _, other in self._course.running)
                return number if runs or number in self._finished else None
        return None

    def start(
        self, *, now: int, duration: int, worker_type: str, worker_id: str, user: str, status: str
    ) -> SimulatedTask:
        """Begin a task by hand, which lasts `duration` seconds. Raises UpidError if type, id or user cannot
        stand in a UPID."""
        self._advance(now)
        task = self._by_hand.add(now, max(1, duration), (worker_type, worker_id, user, status))
        self._run(now)
        return task

    def stop(self, number: int, now: int, status: str) -> None:
        """End a running task now, with that status; a finished one stays as it is."""
        self._advance(now)
        if not self._course.take_out(number):
            return
        self._stopped[number] = (now, status)
        # among those that ended in this second already, it stands where going through them anew would put it
        place = len(self._finished)
        while place and (self._end_of(self._finished[place - 1]), self._finished[place - 1]) > (now, number):
            place -= 1
        self._finished.insert(place, number)
        self._forget()

    def burst(self, per_minute: float, now: int) -> None:
        """Let so many brief tasks start each minute from now on, besides all others; 0 ends that."""
        if per_minute == (0 if self._burst is None else self._burst.per_minute):
            return
        self._advance(now)
        if self._burst is not None:
            self._burst.end(now, self._sources[-1].start)
        self._burst = None
        if per_minute:
            self._burst = Burst(now, per_minute)
            self._sources.append(self.stream.burst(len(self._sources), self._burst))
        self._run(now)

    def fates(self, now: int) -> Iterator[Fate]:
        """Every task that ever started, one after the other: the forgotten ones in that order, then the remembered
        ones, the oldest end first, then those that run."""
        course = Course(self._sources, self._end_of)
        finished: deque[int] = deque()
        for end, number in course.advance(now):
            finished.append(number)
            if len(finished) > self._remembers:
                yield Fate(self.task(finished.popleft()), True, end)
        for number in finished:
            yield Fate(self.task(number), True, None)
        for _, number in sorted(course.running):
            yield Fate(self.task(number), False, None)

    def _advance(self, now: int) -> None:
        """Let begin and end what does up to `now`; going back starts all over, which takes some milliseconds."""
        if now == self._now:
            return
        if now < self._now:
            self._course = Course(self._sources, self._end_of)
            self._finished = array("q")
        self._now = now
        self._run(now)

    def _run(self, now: int) -> None:
        self._finished.extend(number for _, number in self._course.advance(now))
        self._forget()

    def _forget(self) -> None:
        del self._finished[: max(0, len(self._finished) - self._remembers)]

    def _start_of(self, number: int) -> int:
        source, index = place_of(number)
        return int(self._sources[source].start(index))

    def _end_of(self, number: int) -> int:
        if number in self._stopped:
            return self._stopped[number][0]
        source, index = place_of(number)
        return self._sources[source].span(index)[1]

    def _begun_at(self, starttime: int, now: int) -> Iterator[int]:
        """The tasks that the node says began at `starttime`, up to `now`."""
        for first, last in self.clock.moments(starttime, starttime):
            if first is None or last is None or first > now:
                continue
            for index, source in enumerate(self._sources):
                for place in range(source.count_until(first - 1), source.count_until(min(last, now))):
                    yield number_of(index, place)


def _within(lows: list[int], highs: list[int]) -> Callable[[int], bool]:
    """Whether a number lies in one of some ranges, from a low to below its high, which do not overlap."""
    lows, highs = sorted(lows), sorted(highs)

    def fits(number: int) -> bool:
        place = bisect_right(lows, number) - 1
        return place >= 0 and number < highs[place]

    return fits
