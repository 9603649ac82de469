"""What befell a fleet in the course of a soak, and so when a node could be asked for its tasks: while nothing
stood in the way, and the workers ran."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from backend.simulator import parse_fault
from tests.stress.troubles import KINDS, Trouble

LONGEST_PAUSE = 38.0
"""Seconds after which a remote that failed is polled again, at the latest (`backend.workers.poll`)."""
PAUSE_SHARE = 1.5
"""After what share of the time for which it failed it is polled again, at the latest: pauses double."""


class Obstacle(NamedTuple):
    """Something in the way, from `begin` to `end`, and what it was. Polls that `pause` after failures are not back
    to their pace at its end."""

    begin: float
    end: float
    what: str
    pause: bool = False


class Course:
    """All times are of our clock, UNIX seconds.

    Attributes:
        troubles: the faults, when they held.
        offsets: by how many seconds the clock of a node, as (remote, node), was ahead of the fleet's at times.
        dated: the nodes whose clocks date the answers of their remotes, among those with such a fault.
        spoiled: the nodes that at times told a status that was none.
    """

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []
        self.offsets: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.dated: set[tuple[str, str]] = set()
        self.spoiled: set[tuple[str, str]] = set()
        self._moves: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._obstacles: defaultdict[tuple[str | None, str | None], list[Obstacle]] = defaultdict(list)

    def note(self, trouble: Trouble, nodes: Sequence[str]) -> None:
        """A fault held, on a remote with these nodes, of which the first is the one that is asked."""
        self.troubles.append(trouble)
        lingers = KINDS[trouble.kind].lingers
        if lingers is not None:
            self.block(trouble.begin, trouble.end + lingers, trouble.kind, trouble.remote, trouble.node)
        for node in nodes if trouble.node is None else (trouble.node,):
            if trouble.kind == "clock":
                self.offsets[trouble.remote, node].append(int(parse_fault(trouble.fault).amount[0]))
                self._moves[trouble.remote, node] += [trouble.begin, trouble.end]
                self.dated.add((trouble.remote, nodes[0]))
            elif trouble.kind == "long-status":
                self.spoiled.add((trouble.remote, node))

    def over(self) -> float:
        """When the last that was in the way was gone."""
        return max(obstacle.end for obstacles in self._obstacles.values() for obstacle in obstacles)

    def next_move(self, remote: str, node: str, moment: float) -> float:
        """When a node's clock was moved for the first time after some moment."""
        return min((move for move in self._moves[remote, node] if move > moment), default=float("inf"))

    def block(
        self, begin: float, end: float, what: str, remote: str | None = None, node: str | None = None
    ) -> None:
        """Something stood in the way to a node, to all of a remote, or to the whole fleet."""
        pause = remote is not None and node in (None, "localhost")
        self._obstacles[remote, node].append(Obstacle(begin, end, what, pause))

    def in_the_way(self, remote: str, node: str, begin: float, end: float) -> list[Obstacle]:
        """What stood in the way to a node between two moments, in the order of its beginning."""
        places = ((None, None), (remote, None), (remote, node))
        found = (obstacle for place in places for obstacle in self._obstacles.get(place, ()))
        return sorted(obstacle for obstacle in found if obstacle.begin < end and obstacle.end > begin)

    def longest_free(self, remote: str, node: str, begin: float, end: float, *, polled: bool = False) -> float:
        """The longest time for which a node could be asked between two moments; `polled`, for which its remote was
        polled as often as any besides."""
        longest, free_at, paused_until, failing_since = 0.0, float("-inf"), float("-inf"), begin
        for obstacle in self.in_the_way(remote, node, float("-inf"), end):
            longest = max(longest, obstacle.begin - max(begin, free_at))
            if polled and obstacle.pause:
                if obstacle.begin > paused_until:
                    failing_since = obstacle.begin
                failed = obstacle.end - failing_since
                paused_until = max(paused_until, obstacle.end + min(LONGEST_PAUSE, PAUSE_SHARE * failed))
            free_at = max(free_at, obstacle.end, paused_until)
        return max(longest, end - max(begin, free_at))
