"""A cache compared with the truth about the fleet: what must be in it, given when each node could be asked, and
what may be missing, and why. Nothing here runs anything."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from backend.simulator import TrueTask
from backend.task import MAX_STATUS, Task
from backend.upid import parse_remote_upid
from backend.workers.follow import LOST_STATUS
from tests.stress.course import Course

ROUND = 30.0
"""Seconds within which each node that can be asked is fetched from: a round's interval, and time to get there."""
POLLED = 8.0
"""Seconds within which a cluster is polled, and then fetched from if the poll has seen a gap."""


class Miss(NamedTuple):
    """A task that a cache does not list as it must: what it lacks, and since when and until when its node told
    that, by our clock."""

    true: TrueTask
    what: str
    since: float
    until: float


@dataclass
class Judgement:
    """What a comparison has come to.

    Attributes:
        misses: the tasks that must be there, or have their end, and do not.
        kept: how many tasks there were on the days that are kept.
        due: how many of them had to be there; `early`, how many of these are forgotten by now.
        excused: of the tasks that are missing or have lost their end, why that could not be helped.
    """

    misses: list[Miss] = field(default_factory=list)
    kept: int = 0
    due: int = 0
    early: int = 0
    excused: Counter[str] = field(default_factory=Counter)


class Judge:
    """Knows the truth, and what stood in the way of learning it."""

    def __init__(
        self, truth: Iterable[TrueTask], moment: float, course: Course, ours: Callable[[float], float]
    ) -> None:
        """`truth` are all tasks as they were at the `moment` (fleet's clock, UNIX seconds), of each node the first
        one first; `ours` turns the fleet's clock into ours."""
        self.truth = {task.upid: task for task in truth}
        self._moment = moment
        self._course = course
        self._ours = ours
        self._boots: dict[tuple[str, str], int] = {}
        self._begins = {upid: self._begin(task) for upid, task in self.truth.items()}

    def judge(self, running: Sequence[Task], finished: Sequence[Task], oldest: int) -> Judgement:
        """What of the truth a cache must list, and does not; it keeps what started at `oldest` (UNIX seconds) or
        later. The list is newer than the truth."""
        judgement = Judgement()
        active = {task.upid for task in running}
        ended = {task.upid: task for task in finished}
        for true in self.truth.values():
            if true.starttime >= oldest:
                judgement.kept += 1
                self._judge_task(true, true.upid in active, ended.get(true.upid), judgement)
        return judgement

    def lies(self, running: Sequence[Task], finished: Sequence[Task]) -> Iterator[str]:
        """What a cache lists that is not so, in words. The truth is newer than the list."""
        yield from disorder(running, finished)
        for task in [*running, *finished]:
            true = self.truth.get(task.upid)
            if true is None:
                yield f"{task.upid} never was"
            elif task.endtime is None or (task.endtime, task.status) == (true.endtime, true.status):
                continue
            elif true.endtime is None:
                yield f"{task.upid} has ended as {task.status!r}, though it runs"
            elif task.status != LOST_STATUS and not (
                len(task.status or "") == MAX_STATUS and (true.remote, true.node) in self._course.spoiled
            ):
                told = task.endtime, (task.status or "")[:80]
                yield f"{task.upid} ended as {(true.endtime, true.status)}, not as {told}"

    def _judge_task(self, true: TrueTask, runs: bool, ended: Task | None, judgement: Judgement) -> None:
        begin = self._begins[true.upid]
        due = self._could_be_learned(true, begin)
        judgement.due += due
        judgement.early += due and true.forgotten is not None
        if ended is None and not runs:
            self._blame(true, begin, due, "is missing", judgement)
        elif true.endtime is not None and ended is None:
            self._blame(true, self._end(true, begin), True, "runs for ever", judgement)
        elif true.endtime is not None and ended is not None and ended.status == LOST_STATUS:
            end = self._end(true, begin)
            self._blame(true, end, self._could_be_learned(true, end), "has lost its end", judgement)

    def _blame(self, true: TrueTask, since: float, due: bool, what: str, judgement: Judgement) -> None:
        """A task that its node told of since a moment of the fleet's is not as it was."""
        begin, end = self._ours(since), self._ours(self._last(true))
        if due:
            judgement.misses.append(Miss(true, what, begin, end))
            return
        if true.starttime < self._begins[true.upid]:
            judgement.excused[f"{what}: its clock was behind"] += 1
            return
        obstacles = self._course.in_the_way(true.remote, true.node, begin, end)
        longest = max(obstacles, key=lambda one: min(end, one.end) - max(begin, one.begin), default=None)
        judgement.excused[f"{what}: {'forgotten too soon' if longest is None else longest.what}"] += 1

    def _could_be_learned(self, true: TrueTask, since: float) -> bool:
        """Whether what a node tells since a moment of the fleet's, until it forgets the task, must be known."""
        begin = self._ours(since)
        end = float("inf") if true.forgotten is None else self._ours(true.forgotten)
        if true.starttime < self._begins[true.upid]:
            # By a clock that is behind it started before others that are known already. That is noticed while the
            # clock says so: of a cluster by its tasks, as polls tell them; else of the clock that dates answers.
            end = min(end, self._course.next_move(true.remote, true.node, begin))
            seen = true.upid.startswith("pve:") and self._polled(true, begin, end)
            dated = (true.remote, true.node) in self._course.dated
            return seen or (dated and self._course.longest_free(true.remote, true.node, begin, end) >= ROUND)
        if end == float("inf"):
            return True
        if self._course.longest_free(true.remote, true.node, begin, end) >= ROUND:
            return True
        return true.upid.startswith("pve:") and self._polled(true, begin, end)

    def _polled(self, true: TrueTask, begin: float, end: float) -> bool:
        """Whether the remote of a task must have been polled, and its node fetched from, between two moments."""
        return self._course.longest_free(true.remote, true.node, begin, end, polled=True) >= POLLED

    def _last(self, true: TrueTask) -> float:
        return self._moment if true.forgotten is None else true.forgotten

    def _begin(self, true: TrueTask) -> float:
        """When a task began by the fleet's clock. Its pstart counts from the boot of its node, whatever the node's
        clock says, and of each node the first task is from before any clock was moved."""
        started = parse_remote_upid(true.upid).upid.pstart // 100
        return self._boots.setdefault((true.remote, true.node), true.starttime - started) + started

    def _end(self, true: TrueTask, begin: float) -> float:
        """When a task ended by the fleet's clock, as far as that is known: the latest that can be."""
        assert true.endtime is not None
        offsets = (0, *self._course.offsets.get((true.remote, true.node), ()))
        ends = (true.endtime - offset for offset in offsets)
        return max((end for end in ends if begin <= end <= self._last(true)), default=self._last(true))


def disorder(running: Sequence[Task], finished: Sequence[Task]) -> Iterator[str]:
    """What is listed twice or out of order, in words."""
    for name, tasks in (("running", running), ("finished", finished)):
        for one, next in pairwise(tasks):
            if one.key >= next.key:
                yield f"among the {name}, {one.upid} stands before {next.upid}"
    for upid in {task.upid for task in running} & {task.upid for task in finished}:
        yield f"{upid} is listed as running and as finished"
