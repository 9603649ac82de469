"""What the logs of all simulated tasks are made of: lines with their moments, how far a task has come, times and
sizes in words."""

from datetime import UTC, datetime
from typing import NamedTuple

from backend.simulator.catalogue import is_container
from backend.simulator.draws import key_of
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class

_STEPS = 100
"""How many lines of progress there are at most."""
_SECONDS = 3
"""Seconds between two of them at least."""


class Line(NamedTuple):
    """A line of a log, and how many seconds after the start of its task it is written."""

    after: int
    text: str


def opening(*texts: str) -> list[Line]:
    """What is written at the start."""
    return [Line(0, text) for text in texts]


def succeeds(task: SimulatedTask) -> bool:
    """Whether the task, if nobody stops it, does all its work."""
    return status_class(task.intended) in (Status.OK, Status.WARNING)


def is_stopped(task: SimulatedTask) -> bool:
    """Whether somebody stopped it."""
    return task.ends - task.begins < task.planned or task.status != task.intended


def reached(task: SimulatedTask) -> float:
    """The part of its work that the task does, in [0, 1], if nobody stops it."""
    return 1.0 if succeeds(task) else 0.1 + key_of(task.upid) % 80 / 100


def progress(seconds: int, part: float) -> list[tuple[int, float]]:
    """The moments of a work of so many seconds, and which part of it is done then; at its end `part`. A line of a
    log in between says something new: at least a percent more."""
    step = max(_SECONDS, seconds // _STEPS)
    moments = [*range(step, seconds - step // 2, step), seconds]
    found: list[tuple[int, float]] = []
    for moment in moments:
        done = part * moment / max(1, seconds)
        if not found or int(100 * done) > int(100 * found[-1][1]):
            found.append((moment, done))
    return found


def size_of(task: SimulatedTask) -> int:
    """How many GiB it moves: as much as goes at some 50 to 200 MiB a second, on disks of a usual size."""
    rate = 50 + key_of(task.upid, "rate") % 150
    wanted = max(1, task.planned * rate >> 10)
    return min(1 << wanted.bit_length(), 8192)


def gib(size: float) -> str:
    """A size as PVE::JobLog and QEMU's jobs write it."""
    return f"{size:.1f} GiB" if size >= 1 else f"{size * 1024:.1f} MiB"


def short_span(seconds: int) -> str:
    """`4s`, `1m 20s`, `2h 3m 4s`."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    words = [f"{hours}h"] if hours else []
    words += [f"{minutes}m"] if hours or minutes else []
    return " ".join([*words, f"{seconds % 60}s"])


def span(seconds: int) -> str:
    """`00:01:20`."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def day_and_time(moment: int) -> str:
    """UNIX seconds as `2026-11-23 02:10:02`."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S}"


def snapshot_time(moment: int) -> str:
    """UNIX seconds as `2026-11-23T02:10:02Z`."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def guest_name(number: int) -> str:
    """`VM 100` or `CT 101`."""
    return f"{'CT' if is_container(number) else 'VM'} {number}"
