"""When nodes are to be fetched again whose cutoffs were set back: by damage, by tasks that came late, by a clock
that went back. Nothing here fetches."""

from collections.abc import Collection
from typing import NamedTuple

from backend.archive.state import NodeKey
from backend.workers.supervisor import BackOff

FIRST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
"""Seconds after which a node may be named once more: at first, and in the end."""
QUIET = 4
"""After so many pauses in which nothing was set back, the next is the first one again."""


class _Turn(NamedTuple):
    """When a node may be named again, and until when that is remembered (seconds of a steady clock)."""

    back_off: BackOff
    again: float
    until: float


class LookBacks:
    """Names the nodes to be fetched again: at once, and one whose cutoff is set back again and again after growing
    pauses. Two hosts of one name whose clocks differ are then no cause to read the same days with each poll."""

    def __init__(self) -> None:
        self._turns: dict[NodeKey, _Turn] = {}

    def due(self, lowered: Collection[NodeKey], now: float) -> set[NodeKey]:
        """Of the nodes whose cutoffs were set back, and that were not fetched from since, those that are to be
        fetched from now (seconds of a steady clock)."""
        self._turns = {node: turn for node, turn in self._turns.items() if now < turn.until}
        due = {node for node in lowered if node not in self._turns or self._turns[node].again <= now}
        for node in due:
            back_off = self._turns[node].back_off if node in self._turns else BackOff(FIRST_PAUSE, LONGEST_PAUSE)
            pause = back_off.next()
            self._turns[node] = _Turn(back_off, now + pause, now + QUIET * pause)
        return due
