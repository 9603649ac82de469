"""Full rounds over the fleet: when one begins, which remotes it waits for, and how far it is."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection

from backend.archive.health import Round
from backend.text import counted
from backend.times import format_duration
from backend.workers.board import HealthBoard

log = logging.getLogger(__name__)

PROGRESS = 10.0
"""Seconds between two words on how far a round is."""


class Rounds:
    """Begins a round over all remotes at a steady pace, and one over those that join. A remote that has been
    failing is asked like any other, but no round waits for it."""

    def __init__(self, board: HealthBoard, *, interval: float, clock: Callable[[], float] = time.time) -> None:
        """`interval` seconds lie between the starts of two rounds."""
        self._board = board
        self._interval = interval
        self._clock = clock
        self._parts: dict[str, Callable[[], None]] = {}
        self._round = Round(started=clock())
        self._beside = Round(started=clock())
        self._started = clock()
        self._awaited: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._joined: set[str] = set()
        self._asked = True
        self._wake = asyncio.Event()

    def join(self, name: str, begin_part: Callable[[], None]) -> None:
        """Have a remote take part from now on; `begin_part` is called whenever its part of a round begins."""
        self._parts[name] = begin_part
        self._joined.add(name)
        self._wake.set()

    def leave(self, name: str) -> None:
        """Have a remote take part no longer."""
        self._parts.pop(name, None)
        self._joined.discard(name)
        self._round.nodes_total -= self._awaited.get(name, 0) - self._done.get(name, 0)
        self.part_over(name)

    def request(self) -> None:
        """Begin a new round as soon as possible."""
        self._asked = True
        self._wake.set()

    def set_interval(self, seconds: float) -> None:
        """Change the pace. It counts from the start of the last round."""
        self._interval = seconds
        self._wake.set()

    async def run(self) -> None:
        """Round after round, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_progress())
            loop = asyncio.get_running_loop()
            began = loop.time()
            while True:
                if self._asked or loop.time() - began >= self._interval:
                    began, self._started = loop.time(), self._clock()
                    self._asked = False
                    self._begin(self._parts)
                elif self._joined and not self._awaited:
                    self._begin(self._joined)
                elif self._joined:
                    self._add(self._joined)
                self._joined.clear()
                self._round.next = self._started + self._interval
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(began + self._interval - loop.time()):
                        await self._wake.wait()

    def of(self, name: str) -> Round:
        """The round that a remote's fetches count for: one beside the current one where that does not wait for
        it. It stays the same one as long as nothing new begins."""
        return self._round if name in self._awaited else self._beside

    def expect(self, name: str, nodes: int) -> None:
        """A remote has so many nodes."""
        if name in self._awaited:
            self._round.nodes_total += nodes - self._awaited[name]
            self._awaited[name] = nodes
            # Asked for anew in the middle of a round, it begins its part anew.
            self._round.nodes_done -= self._done.pop(name, 0)

    def node_done(self, name: str) -> None:
        """One of a remote's nodes was asked."""
        if name in self._awaited:
            self._round.nodes_done += 1
            self._done[name] = self._done.get(name, 0) + 1

    def give_up(self, name: str) -> None:
        """A remote's nodes cannot be asked now."""
        self._round.nodes_done += self._awaited.get(name, 0) - self._done.get(name, 0)
        self.part_over(name)

    def part_over(self, name: str) -> None:
        """A remote's nodes were all asked."""
        self._board.changed = True
        self._done.pop(name, None)
        if self._awaited.pop(name, None) is None or self._awaited:
            return
        round = self._round
        round.finished = self._clock()
        failing = len(self._board.health.failing)
        log.info(
            "round over: %s from %s in %.1f s%s",
            counted(round.tasks, "task"),
            counted(round.nodes_total, "node"),
            round.finished - round.started,
            f"; {counted(failing, 'remote')} failing" if failing else "",
        )

    def _begin(self, names: Collection[str]) -> None:
        now = self._clock()
        self._awaited = {}
        self._done = {}
        self._round = self._board.health.round = Round(started=now)
        self._beside = Round(started=now)
        self._add(names)
        if not self._awaited:
            self._round.finished = now

    def _add(self, names: Collection[str]) -> None:
        for name in names:
            if not self._board.is_failing(name):
                self._awaited[name] = max(1, len(self._board.health.remotes[name].nodes))
                self._round.nodes_total += self._awaited[name]
            self._parts[name]()
        self._board.changed = True

    async def _tell_progress(self) -> None:
        told = 0
        while True:
            await asyncio.sleep(PROGRESS)
            round = self._round
            if round.finished is None and round.nodes_done + round.tasks != told:
                told = round.nodes_done + round.tasks
                left = round.left(self._clock())
                about = "" if left is None else f", about {format_duration(left)} left"
                log.info(f"{round.nodes_done:,} of {round.nodes_total:,} nodes, {round.tasks:,} tasks{about}")
