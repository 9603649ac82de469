"""What of a node's tasks runs and what the node still remembers, at a given time: numbers alone are kept, the
tasks themselves are made anew from the stream each time. Stopped
tasks and those started by hand are the exceptions."""

import heapq
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from backend.simulator.stream import SimulatedTask, TaskStream
from backend.upid import parse_upid


class NodeHistory:
    """The running and the remembered tasks of one node.

    A task is known by a number: the stream's own from 0 on, those started by hand from -1 down. Every method takes
    `now`, whole UNIX seconds; the answer depends on it and on the exceptions only, not on what was asked before.
    """

    def __init__(self, stream: TaskStream, remembers: int) -> None:
        """`remembers` is how many finished tasks are kept, whatever their age, as PVE's two index files do."""
        self.stream = stream
        self._remembers = remembers
        self._by_hand: dict[int, SimulatedTask] = {}
        self._stopped: dict[int, tuple[int, str]] = {}
        self._begun_by_hand = 0
        self._now = -1
        self._next = 0
        # oldest end first
        self._finished = array("q")
        # a heap of (end, number); those started by hand stand in it even before their start
        self._running: list[tuple[int, int]] = []

    def task(self, number: int) -> SimulatedTask:
        """The task of that number, as it ends if nobody stops it from now on."""
        task = self._by_hand[number] if number < 0 else self.stream.task(number)
        stopped = self._stopped.get(number)
        return task if stopped is None else task._replace(endtime=stopped[0], status=stopped[1])

    def running(self, now: int) -> list[int]:
        """The tasks that run, newest start first."""
        self._advance(now)
        numbers = (number for _, number in self._running)
        return self.by_start([n for n in numbers if n >= 0 or self._by_hand[n].starttime <= now])

    def finished(self, now: int) -> "array[int]":
        """The finished tasks that are remembered, newest end first."""
        self._advance(now)
        return self._finished[::-1]

    def by_start(self, numbers: Sequence[int]) -> list[int]:
        """The tasks, newest start first."""
        # the stream's own numbers are in the order of their starts already; those by hand are few
        ordered = sorted((number for number in numbers if number >= 0), reverse=True)
        by_hand = [number for number in numbers if number < 0]
        for number in sorted(by_hand, reverse=True):
            place = bisect_left(ordered, -self._start_of(number), key=lambda other: -self._start_of(other))
            ordered.insert(place, number)
        return ordered

    def started_between(self, numbers: Iterable[int], since: int | None, until: int | None) -> list[int]:
        """Those of the tasks that started at or after `since` and at or before `until`, in their order."""
        # nothing known starts later than now, so neither bound needs to look further
        low = 0 if since is None else self.stream.count_until(min(since - 1, self._now))
        high = sys.maxsize if until is None else self.stream.count_until(min(until, self._now))

        def by_hand_fits(number: int) -> bool:
            start = self._by_hand[number].starttime
            return (since is None or start >= since) and (until is None or start <= until)

        return [number for number in numbers if (low <= number < high if number >= 0 else by_hand_fits(number))]

    def find(self, upid: str, starttime: int, now: int) -> int | None:
        """The number of the task with that UPID, which says it started at `starttime`; None if it is not known, or
        no longer."""
        self._advance(now)
        if starttime > now:
            return None
        for number in self._candidates(starttime):
            if self.task(number).upid == upid:
                known = number in self._finished or number in self.running(now)
                return number if known else None
        return None

    def start(
        self, *, now: int, duration: int, worker_type: str, worker_id: str, user: str, status: str
    ) -> SimulatedTask:
        """Begin a task by hand, which lasts `duration` seconds. Raises UpidError if type, id or user cannot
        stand in a UPID."""
        self._advance(now)
        self._forget_exceptions(now)
        self._begun_by_hand += 1
        task = self.stream.make(
            start=now,
            duration=max(1, duration),
            worker_type=worker_type,
            worker_id=worker_id,
            user=user,
            status=status,
            # beyond any pid of the stream's own
            pid=0x0100_0000 + self._begun_by_hand,
            task_id=0x8000_0000 + self._begun_by_hand,
            hundredths=0,
        )
        parse_upid(task.upid, self.stream.type)
        number = -self._begun_by_hand
        self._by_hand[number] = task
        heapq.heappush(self._running, (task.endtime, number))
        return task

    def stop(self, number: int, now: int, status: str) -> None:
        """End a running task now, with that status; a finished one stays as it is."""
        self._advance(now)
        if number not in self.running(now):
            return
        self._forget_exceptions(now)
        self._stopped[number] = (now, status)
        self._running = [entry for entry in self._running if entry[1] != number]
        self._running.append((now, number))
        heapq.heapify(self._running)
        self._end_until(now)

    def _rewind(self) -> None:
        self._next = 0
        self._finished = array("q")
        self._running = [(task.endtime, number) for number, task in self._by_hand.items()]
        for number in self._by_hand.keys() & self._stopped.keys():
            self._running.remove((self._by_hand[number].endtime, number))
            self._running.append((self._stopped[number][0], number))
        heapq.heapify(self._running)

    def _advance(self, now: int) -> None:
        """Let begin and end what does up to `now`; going back starts all over, which takes some milliseconds."""
        if now == self._now:
            return
        if now < self._now:
            self._rewind()
        self._now = now
        stream, running, stopped = self.stream, self._running, self._stopped
        while stream.start(self._next) <= now:
            number = self._next
            end = stopped[number][0] if number in stopped else stream.span(number)[1]
            heapq.heappush(running, (end, number))
            self._next += 1
        self._end_until(now)

    def _end_until(self, now: int) -> None:
        running, finished = self._running, self._finished
        while running and running[0][0] <= now:
            finished.append(heapq.heappop(running)[1])
        del finished[: max(0, len(finished) - self._remembers)]

    def _forget_exceptions(self, now: int) -> None:
        """Drop the exceptions of tasks that the node remembers no longer, so that they cannot pile up."""
        known = {*self._finished, *self.running(now)}
        self._by_hand = {number: task for number, task in self._by_hand.items() if number in known}
        self._stopped = {number: end for number, end in self._stopped.items() if number in known}

    def _start_of(self, number: int) -> float:
        return self._by_hand[number].starttime if number < 0 else self.stream.start(number)

    def _candidates(self, starttime: int) -> list[int]:
        by_hand = [number for number, task in self._by_hand.items() if task.starttime == starttime]
        return [*range(self.stream.count_until(starttime - 1), self.stream.count_until(starttime)), *by_hand]
