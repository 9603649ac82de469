"""The tasks of one node, each a pure function of the seed, the node and its number. What of them runs, is
remembered, or was stopped is `history`'s matter."""

from copy import copy
from itertools import count
from typing import NamedTuple, Self

from backend.simulator.catalogue import Kind, backup_group, kinds_of, spread
from backend.simulator.clock import NodeClock
from backend.simulator.draws import draw, key_of
from backend.simulator.endings import seconds_until_error, status_of
from backend.simulator.timeline import HOUR, NIGHT, Burst, Timeline
from backend.upid import RemoteType, escape_worker_id

_PIDS = 4_194_304
"""Where Linux's pids wrap around (pid_max of a 64-bit machine)."""

_LONG_SHARE = 4
"""How far back from the fleet's start, in tasks, a long one that still runs then may have begun."""

_BRIEF = 20
"""Seconds that a task of a burst lasts at most: else thousands would run at a time."""
_BURSTS = 512
"""How many bursts of a node have pids of their own."""


class SimulatedTask(NamedTuple):
    """One task, from its start to the end that is meant for it.

    Attributes:
        node: as its UPID names it.
        begins, ends: when it runs, by the fleet's clock (UNIX seconds).
        starttime, endtime: the same as the node tells it, by its own clock.
        worker_id: not escaped; empty for none.
        status: its final status.
        planned: seconds it lasts if nobody stops it.
        intended: the status that it ends with then.
        guests: those of its node; of a backup job, those that it goes through.
    """

    upid: str
    node: str
    pid: int
    pstart: int
    begins: int
    ends: int
    starttime: int
    endtime: int
    worker_type: str
    worker_id: str
    user: str
    status: str
    planned: int
    intended: str
    guests: range


class TaskStream:
    """The tasks that a node runs by itself, numbered from 0 on in the order of their starts.

    Attributes:
        clock: the node's own, by which it tells of them. All other times here are the fleet's.
    """

    def __init__(
        self,
        timeline: Timeline,
        *,
        type: RemoteType,
        node: str,
        key: int,
        guests: range,
        epoch: float,
        long_runner: bool,
        clock: NodeClock,
    ) -> None:
        """`node` is the name in UPIDs, `key` where its random numbers come from. A `long_runner` has one task
        that began well before the `epoch` (UNIX seconds, the fleet's start) and ends well after it."""
        self.type = type
        self.node = node
        self.guests = guests
        self.clock = clock
        self._timeline: Timeline | Burst = timeline
        self._key = key
        self._epoch = epoch
        kinds = kinds_of(type)
        self._day = spread(kinds, night=False)
        self._night = spread(kinds, night=True)
        self._long_kinds = tuple(kind for kind in kinds if kind.longest >= 1_200)
        self._brief_kind = next(kind for kind in self._day if kind.turns is None)
        self._long_index = -1
        if long_runner and timeline.past > _LONG_SHARE:
            self._long_index = timeline.past - 1 - key % _LONG_SHARE
            self._long_kind = self._long_kinds[(draw(key, self._long_index) >> 16) % len(self._long_kinds)]
            self._long_end = self.span(self._long_index)[1]
        self._boot = int(timeline.begin) - 3_600 - key % 2_000_000
        self._first_pid = 1_000
        self._first_task_id = 0

    def burst(self, number: int, timeline: Burst) -> Self:
        """The brief tasks of this node's burst `number` (from 0 on), numbered from 0 on for themselves."""
        burst = copy(self)
        burst._timeline = timeline
        burst._key = key_of(self._key, "burst", number)
        kinds = kinds_of(self.type)
        # its tasks may fail to come, and must not cut others short
        brief = tuple(kind for kind in kinds if kind.longest <= _BRIEF and kind.turns is None)
        burst._day = burst._night = spread(brief, night=False)
        burst._long_index = -1
        burst._first_pid = 0x0200_0000 + number % _BURSTS * _PIDS
        burst._first_task_id = number + 1 << 32
        return burst

    def start(self, index: int) -> float:
        """When task number `index` starts: whole UNIX seconds, or infinity if it never comes."""
        return self._timeline.start(index, (draw(self._key, index) & 0xFFFF) / 0x1_0000)

    def span(self, index: int) -> tuple[int, int]:
        """Start and end of a task that comes, UNIX seconds."""
        bits = draw(self._key, index)
        start = int(self._timeline.start(index, (bits & 0xFFFF) / 0x1_0000))
        return start, start + self._duration(index, start, bits, self._kind(index, start, bits))

    def count_until(self, moment: int) -> int:
        """How many tasks start at or before `moment` (UNIX seconds)."""
        return self._timeline.count_until(moment, self.start)

    def task(self, index: int) -> SimulatedTask:
        """Task number `index`."""
        bits = draw(self._key, index)
        more = draw(self._key ^ 0x5555_5555_5555_5555, index)
        start = int(self._timeline.start(index, (bits & 0xFFFF) / 0x1_0000))
        kind = self._kind(index, start, bits)
        duration = self._duration(index, start, bits, kind)
        worker_id = kind.identify(more & 0xFFFF_FFFF, self.guests, index)
        is_job = kind.worker_type == "vzdump" and not worker_id
        return self.make(
            start=start,
            duration=duration,
            worker_type=kind.worker_type,
            worker_id=worker_id,
            user=kind.users[(more >> 32) % len(kind.users)],
            status=status_of(kind.worker_type, self.type, _end_bits(bits), worker_id, self.node),
            # ever growing by less than 8: no two tasks of a node share pid and start
            pid=self._first_pid + (index * 7 + (more >> 40) % 7) % (_PIDS - 1_000),
            task_id=self._first_task_id + index,
            hundredths=(more >> 48) % 100,
            guests=backup_group(self.guests, index) if is_job else self.guests,
        )

    def make(
        self,
        *,
        start: int,
        duration: int,
        worker_type: str,
        worker_id: str,
        user: str,
        status: str,
        pid: int,
        task_id: int,
        hundredths: int,
        guests: range,
    ) -> SimulatedTask:
        """A task of this node with a UPID as the real one writes it. `task_id` is for PBS alone; `hundredths` of a
        second refine the start that pstart holds (in clock ticks since boot, which no jump of the clock moves)."""
        pstart = max(0, start - self._boot) * 100 + hundredths
        told = self.clock.told(start)
        head = f"UPID:{self.node}:{pid:08X}:{pstart:08X}"
        if self.type == "pve":
            upid = f"{head}:{told:08X}:{worker_type}:{worker_id}:{user}:"
        else:
            upid = f"{head}:{task_id:08X}:{told:08X}:{worker_type}:{escape_worker_id(worker_id)}:{user}:"
        return SimulatedTask(
            upid,
            self.node,
            pid,
            pstart,
            start,
            start + duration,
            told,
            self.clock.told(start + duration),
            worker_type,
            worker_id,
            user,
            status,
            duration,
            status,
            guests,
        )

    def _kind(self, index: int, start: int, bits: int) -> Kind:
        if index == self._long_index:
            return self._long_kind
        in_past = index < self._timeline.past
        table = self._night if in_past and start // HOUR % 24 in NIGHT else self._day
        kind = table[((bits >> 16) & 0xFFFF) % len(table)]
        if kind.turns is not None and 0 <= self._long_index < index and kind is self._long_kind:
            is_its_turn = (index - self._long_index) % kind.turns(self.guests) == 0
            if is_its_turn and start < self._long_end:
                return self._brief_kind
        return kind

    def _duration(self, index: int, start: int, bits: int, kind: Kind) -> int:
        if index == self._long_index:
            return int(self._epoch) - start + 300 + (bits >> 32) % 6_000
        drawn = seconds_until_error(kind.worker_type, _end_bits(bits))
        if drawn is None:
            skew = ((bits >> 32) & 0x3FF) / 0x3FF
            drawn = int(kind.shortest * (kind.longest / kind.shortest) ** skew)
        return drawn if kind.turns is None else self._until_next(index, start, drawn, kind)

    def _until_next(self, index: int, start: int, duration: int, kind: Kind) -> int:
        """The duration, or as much of it as there is before the next task of this kind about the same thing."""
        assert kind.turns is not None
        turns = kind.turns(self.guests)
        end = start + duration
        for following in count(index + turns, turns):
            bits = draw(self._key, following)
            begin = self._timeline.start(following, (bits & 0xFFFF) / 0x1_0000)
            if begin >= end:
                break
            if self._kind(following, int(begin), bits) is kind:
                return max(1, int(begin) - start)
        return duration


def _end_bits(bits: int) -> int:
    """Those of a task's random bits that decide on its status."""
    return (bits >> 42) & 0x3F_FFFF
