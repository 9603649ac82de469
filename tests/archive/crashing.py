"""A worker's life on a cache directory, ended at each of its steps on the disk. Run as a program by the crash
tests: it lives once to learn the steps, then forks a process for each, and has that die before the step, or half
way through it if it writes."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.archive import Batch, CacheWriter
from backend.archive.files import DAY
from backend.archive.lines import encode_all
from tests.archive.model import NOW, TODAY, Clock, finished, running, spread

STEPS = ("replace", "rename", "fsync", "unlink", "write")
DIED = 77
NODE = ("wien", "pve2")

MISPLACED = [finished(900 + number, TODAY - 3 * DAY - 100 * number) for number in range(4)]
"""Tasks that other hands put into the file of the day after theirs."""
LONG = running(700, TODAY - 2 * DAY)
IN_PLACE = [finished(950 + number, TODAY - 4 * DAY + 100 * number) for number in range(3, -1, -1)]
"""Tasks that stand in the plain file of their day."""
BATCHES = [
    Batch([*spread(70, first=TODAY - 4 * DAY), LONG, running(701, NOW - 50)], {NODE: NOW - 50}),
    Batch([finished(700, LONG.starttime, end=NOW), *spread(30, base=2_000, first=NOW - 900)], {NODE: NOW - 30}),
    Batch([*spread(30, base=3_000, first=NOW + DAY - 900, last=NOW + DAY)], {NODE: NOW + DAY - 30}),
]
"""What is stored, in this order. The cutoff of each covers its tasks and those of the batches before."""


def prepare(directory: Path) -> None:
    """What other hands left in the cache before."""
    directory.mkdir(parents=True)
    (directory / f"archive.{TODAY - 5 * DAY}").touch()
    (directory / f"archive.{TODAY - 4 * DAY}").write_bytes(encode_all(IN_PLACE))
    (directory / f"archive.{TODAY - 2 * DAY}").write_bytes(encode_all(MISPLACED))


def live(directory: Path, acknowledge: Callable[[int], None]) -> None:
    """Store all batches, and merge in between; a midnight passes before the last."""
    clock = Clock()
    with CacheWriter(directory, clock=clock) as writer:
        for number, batch in enumerate(BATCHES):
            if number == 2:
                clock.now += DAY
                writer.housekeep()
            writer.store(batch)
            acknowledge(number)
            writer.housekeep(merge_now=True)


class Fault:
    """Notes the steps on the disk, and ends the process at one of them, counted from 0 on."""

    def __init__(self, at: int, how: str) -> None:
        self.steps: list[str] = []
        self.at = at
        self.how = how
        for name in STEPS:
            setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.steps.append(name)
            if len(self.steps) != self.at + 1:
                return real(*args, **kwargs)
            if self.how == "half":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])
            os._exit(DIED)

        return step


def learn(place: Path) -> list[str]:
    """The steps of a life. All that it imports is there afterwards, for each process that is forked from here."""
    real = {name: getattr(os, name) for name in STEPS}
    prepare(place / "cache")
    fault = Fault(-1, "never")
    live(place / "cache", lambda _: None)
    for name, function in real.items():
        setattr(os, name, function)
    return fault.steps


def run(place: Path, at: int, how: str) -> int:
    """Live in a process of its own that dies at a step; returns its exit code."""
    write = os.write
    prepare(place / "cache")
    child = os.fork()
    if child == 0:
        handle = os.open(place / "acknowledged", os.O_WRONLY | os.O_CREAT, 0o600)
        Fault(at, how)

        def acknowledge(number: int) -> None:
            write(handle, b"%d\n" % number)

        live(place / "cache", acknowledge)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Die at each step in each way, in folders below the argument; prints the names of the folders."""
    place = Path(sys.argv[1])
    steps = learn(place / "whole")
    lives = []
    for at, name in enumerate(steps):
        for how in ("before", "half") if name == "write" else ("before",):
            lives.append(f"{how}-{at}")
            assert run(place / lives[-1], at, how) == DIED
    assert run(place / "beyond", len(steps), "before") == 0, "another life had more steps"
    print(json.dumps(lives))


if __name__ == "__main__":
    main()
