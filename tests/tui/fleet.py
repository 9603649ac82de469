"""A fleet's tasks for the dashboard's tests: made up, the same each time, written into a real cache directory."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from backend.archive import Batch, CacheWriter
from backend.archive.health import Health, NodeHealth, RemoteHealth, Round, write_health
from backend.query import parse_filter
from backend.task import Task

NOW = int(datetime(2026, 11, 24, 14, 32, 5, tzinfo=UTC).timestamp())
"""What time it is in the tests: a Tuesday afternoon."""

PVE_REMOTES = ("wien", "graz", "linz-lab", "salzburg")
PBS_REMOTE = "pbs-main"
_USERS = ("root@pam", "root@pam!backup", "automation@pve!terraform", "anna.huber@corp")
_KINDS = (
    ("vzdump", True, 640),
    ("qmstart", True, 3),
    ("qmigrate", True, 95),
    ("vncproxy", True, 210),
    ("vzsnapshot", True, 12),
    ("aptupdate", False, 9),
    ("qmclone", True, 4200),
    ("cephcreateosd", False, 33),
)
_FAILURES = (
    "command 'lvcreate -aly -V 8G' failed: exit code 5",
    "start failed: QEMU exited with code 1",
    "migration aborted",
    "unable to open file - No such file or directory",
    "WARNINGS: 3",
    "unexpected status",
)


def pve_task(
    start: int,
    *,
    remote: str = "wien",
    node: str = "pve1",
    kind: str = "qmstart",
    id: str = "101",
    user: str = "root@pam",
    pid: int = 4242,
    end: int | None = None,
    status: str | None = None,
) -> Task:
    """A PVE task; finished if it has an end."""
    upid = f"pve:{remote}!UPID:{node}:{pid:08X}:0D015579:{start:08X}:{kind}:{id}:{user}:"
    return Task(upid, start, end, "OK" if end is not None and status is None else status)


def pbs_task(start: int, *, end: int | None = None, status: str | None = None, pid: int = 690) -> Task:
    """A PBS task; finished if it has an end."""
    upid = (
        f"pbs:{PBS_REMOTE}!UPID:backup1:{pid:08X}:00000158:000000{pid % 256:02X}:{start:08X}"
        r":verificationjob:store1\x3av\x2dweekly:root@pam:"
    )
    return Task(upid, start, end, "OK" if end is not None and status is None else status)


def finished_tasks(number: int, *, until: int = NOW, apart: int = 97, seed: int = 7) -> Iterator[Task]:
    """So many finished tasks of all kinds, one each `apart` seconds or so, newest first."""
    dice = random.Random(seed)
    start = until
    for pid in range(number):
        start -= dice.randint(1, 2 * apart)
        if dice.random() < 0.06:
            yield pbs_task(start, end=start + dice.randint(60, 9000), pid=pid)
            continue
        kind, guest, seconds = dice.choice(_KINDS)
        yield pve_task(
            start,
            remote=dice.choice(PVE_REMOTES),
            node=f"pve{dice.randint(1, 4)}",
            kind=kind,
            id=str(dice.randint(100, 140)) if guest else "",
            user=dice.choices(_USERS, (5, 3, 2, 1))[0],
            pid=pid,
            end=start + max(1, int(seconds * dice.uniform(0.5, 2))),
            status=dice.choice(_FAILURES) if dice.random() < 0.12 else "OK",
        )


def matches(text: str) -> int:
    """How many of 600 finished tasks match a filter."""
    return sum(map(parse_filter(text).matcher(), finished_tasks(600)))


def running_tasks() -> list[Task]:
    """A few tasks that run at NOW, newest first."""
    return [
        pve_task(NOW - 4, kind="qmstart", id="101", pid=9001),
        pve_task(NOW - 131, remote="graz", node="pve3", kind="qmigrate", id="214", user=_USERS[2], pid=9002),
        pbs_task(NOW - 3849, pid=9003),
        pve_task(NOW - 2 * 86_400 - 11_400, remote="linz-lab", node="pve2", kind="qmclone", id="9000", pid=9004),
    ]


def write_tasks(directory: Path, tasks: Iterable[Task], *, merge: bool = False) -> None:
    """Store tasks as a worker does. The running ones among them are all that runs from then on."""
    with CacheWriter(directory, clock=lambda: float(NOW)) as writer:
        writer.store(Batch(list(tasks)))
        if merge:
            writer.housekeep(merge_now=True)


def healthy() -> Health:
    """A fleet in which all is well, 12 s after a round."""
    remotes = {
        name: RemoteHealth(
            last_success=NOW - 5, latency=0.02, nodes={f"pve{n}": NodeHealth(NOW - 12) for n in range(1, 5)}
        )
        for name in PVE_REMOTES
    }
    remotes[PBS_REMOTE] = RemoteHealth("pbs", NOW - 5, 0.03, nodes={"localhost": NodeHealth(NOW - 12)})
    finished = Round(NOW - 40, NOW - 12, NOW + 588, 17, 17, 48)
    return Health(1, "daemon", NOW - 3, None, finished, remotes)


def troubled() -> Health:
    """A fleet with a remote that fails and one that may not show everything."""
    health = healthy()
    graz = health.remotes["graz"]
    graz.error = "connection refused (10.0.0.7:8006)"
    graz.failing_since = NOW - 250
    health.remotes["linz-lab"].notes = ["the token may not see node pve3"]
    return health


def tell_health(directory: Path, health: Health) -> None:
    """Write the health file."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_health(directory / "health", health)
