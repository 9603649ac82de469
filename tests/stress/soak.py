"""A soak under way: brings over a fleet and its watchers what is planned, and keeps an eye on the cache."""

import time
from collections.abc import Mapping, Sequence
from random import Random

from backend.archive import TaskCache
from backend.task import Task
from tests.stress.course import Course
from tests.stress.judge import disorder
from tests.stress.processes import FleetProcess, WorkerProcess
from tests.stress.troubles import Death, Trouble, deaths, troubles

TICK = 0.2
"""Seconds between two looks at what is to be done."""
LOOK_EVERY = 5.0
"""Seconds between two looks at the cache."""
STARTED = 4.0
"""Seconds that the workers take to start and to ask the first remotes."""


class Soak:
    """A fleet, its watchers, and what befalls them.

    Attributes:
        course: what has befallen them.
        began: when it began, by our clock.
        kills: how often the workers were killed.
        looks: how often the cache was looked at meanwhile.
        peak_memory: the most bytes that the workers held in memory, as far as was seen.
    """

    def __init__(
        self,
        fleet: FleetProcess,
        workers: WorkerProcess,
        cache: TaskCache,
        nodes: Mapping[str, Sequence[str]],
        *,
        seconds: float,
        seed: int,
    ) -> None:
        """`nodes` are those of each remote. All is to be over after so many seconds."""
        self.course = Course()
        self.began = 0.0
        self.kills = self.looks = self.peak_memory = 0
        self._fleet = fleet
        self._workers = workers
        self._cache = cache
        self._nodes = nodes
        self._seconds = seconds
        plan = Random(seed)
        self._to_come = troubles(plan, seconds, nodes)
        self._deaths = list(deaths(plan, seconds))
        self._active: dict[Trouble, float] = {}
        self._died = 0.0
        self._start_at: float | None = None

    def run(self) -> None:
        """Let everything befall them; then all is well again."""
        self._workers.start()
        self.began = time.time()
        self.course.block(float("-inf"), self.began + STARTED, "not started")
        looked = 0.0
        while (passed := time.time() - self.began) < self._seconds or self._active or self._start_at is not None:
            self._bring_troubles(passed)
            self._bring_death(passed)
            if passed - looked > LOOK_EVERY:
                looked = passed
                self._look()
            time.sleep(TICK)

    def _bring_troubles(self, passed: float) -> None:
        over = [trouble for trouble in self._active if trouble.end <= passed]
        new = [trouble for trouble in self._to_come if trouble.begin <= passed]
        if not over and not new:
            return
        self._to_come = self._to_come[len(new) :]
        before = time.time()
        still = {trouble: since for trouble, since in self._active.items() if trouble not in over}
        self._fleet.set_faults(trouble.fault for trouble in [*still, *new])
        after = time.time()
        for trouble in over:
            held = trouble._replace(begin=self._active[trouble], end=after)
            self.course.note(held, self._nodes[trouble.remote])
        self._active = still | dict.fromkeys(new, before)

    def _bring_death(self, passed: float) -> None:
        if self._start_at is not None:
            if passed >= self._start_at:
                self._workers.start()
                self._start_at = None
                self.course.block(self._died, time.time() + STARTED, "killed")
        elif self._deaths and passed >= self._deaths[0].at:
            self._kill(self._deaths.pop(0), passed)

    def _kill(self, death: Death, passed: float) -> None:
        self.note_memory()
        self._died = time.time()
        self._workers.kill()
        self.kills += 1
        self._start_at = passed + death.pause

    def note_memory(self) -> None:
        """Note what the workers hold at most, before they end."""
        self.peak_memory = max(self.peak_memory, self._workers.peak_memory)

    def _look(self) -> None:
        assert self._workers.runs or self._start_at is not None, "the workers have ended by themselves"
        wrong = [*disorder(*listed(self._cache))]
        assert not wrong, wrong[:3]
        self.looks += 1


def listed(cache: TaskCache) -> tuple[list[Task], list[Task]]:
    """What a cache has, none of it damaged: running and finished tasks."""
    with cache.snapshot() as snapshot:
        assert snapshot.damage == (), snapshot.damage
        return snapshot.running(), list(snapshot.iterate())
