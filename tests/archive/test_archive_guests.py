"""Guests and their backups as a snapshot tells them, compared with a plain look at every task."""

from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from backend.archive import Batch, CacheWriter, ScanCancelled, TaskCache
from backend.guests import Guest, worst_first
from backend.query import guest_id
from backend.task import Status, Task

NOW = 1_795_478_000
DAY = 86_400
TYPES = ("vzdump", "vzdump", "vzdump", "qmstart", "vzstart", "qmdestroy", "aptupdate", "vzdump-without-id")
STATUSES = ("OK", "OK", "WARNINGS: 2", "job errors", "unexpected status")


def pve(type: str, id: str, start: int, status: str | None = "OK", *, remote: str = "wien", pid: int = 1) -> Task:
    upid = f"pve:{remote}!UPID:pve1:{pid:08X}:0D015579:{start:08X}:{type}:{id}:root@pam:"
    return Task(upid, start, None if status is None else start + 5, status)


def pbs(id: str, start: int, status: str | None = "OK", *, type: str = "backup", pid: int = 1) -> Task:
    upid = f"pbs:pbs1!UPID:host:{pid:08X}:00000158:00000001:{start:08X}:{type}:{id}:backup@pbs:"
    return Task(upid, start, None if status is None else start + 5, status)


def random_tasks(number: int, seed: int) -> list[Task]:
    """Tasks of three days on two clusters and a Backup Server."""
    dice = Random(seed)
    tasks = []
    for pid in range(number):
        start = NOW - dice.randrange(3 * DAY)
        status = dice.choice(STATUSES) if dice.random() > 0.01 else None
        if dice.random() < 0.2:
            group = f"store1\\x3a{dice.choice(('vm', 'ct', 'host'))}-{dice.randint(100, 110)}"
            kind = dice.choice(("backup", "backup", "prune"))
            tasks.append(pbs(group, start, status, type=kind, pid=pid))
            continue
        kind = dice.choice(TYPES)
        id = "" if kind in ("aptupdate", "vzdump-without-id") else str(dice.randint(100, 130))
        kind = kind.removesuffix("-without-id")
        tasks.append(pve(kind, id, start, status, remote=dice.choice(("wien", "graz")), pid=pid))
    return tasks


def plainly(tasks: list[Task]) -> set[Guest]:
    """What the tasks tell of guests, looked at one by one."""
    about: dict[tuple[str, str], list[Task]] = defaultdict(list)
    jobs: dict[str, int] = {}
    for task in sorted(tasks, key=lambda task: task.starttime):
        if task.upid.startswith("pbs:"):
            if task.worker_type == "backup" and task.worker_id:
                about[task.remote, task.worker_id].append(task)
            continue
        guest = guest_id(task.worker_id)
        if guest is not None:
            about[task.remote, guest].append(task)
        elif task.worker_type == "vzdump" and good(task):
            jobs[task.remote] = task.starttime
    guests = set()
    for (remote, label), own in about.items():
        destroyed = [task.starttime for task in own if task.worker_type.endswith("destroy") and good(task)]
        if destroyed and destroyed[-1] >= own[-1].starttime:
            continue
        backups = [task for task in own if task.worker_type in ("vzdump", "backup")]
        goods = [task.starttime for task in backups if good(task)]
        kinds = {task.worker_type[:2] for task in own if task.worker_type != "vzdump"}
        pve_task = own[0].upid.startswith("pve:")
        guests.add(
            Guest(
                remote,
                "pve" if pve_task else "pbs",
                label,
                "" if not pve_task else "VM" if "qm" in kinds else "CT" if "vz" in kinds else "",
                max(goods, default=None),
                backups[-1].starttime if backups else None,
                backups[-1].status_class if backups else None,
                sum(task.status_class in (Status.ERROR, Status.UNKNOWN) for task in backups),
                jobs.get(remote),
            )
        )
    return guests


def good(task: Task) -> bool:
    return task.status_class in (Status.OK, Status.WARNING)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("merged", [0, 700, 1_500])
def test_columns_and_journal_together_tell_what_every_task_does(tmp_path: Path, merged: int, seed: int) -> None:
    tasks = random_tasks(1_500, seed)
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.store(Batch([task for task in tasks[:merged] if not task.running]))
        writer.housekeep(merge_now=True)
        writer.store(Batch([*tasks[merged:], *(task for task in tasks[:merged] if task.running)]))
    with TaskCache(tmp_path).snapshot() as snapshot:
        found = snapshot.guests()
    assert len(found) == len(set(found))
    assert set(found) == plainly(tasks)


def test_a_destroyed_guest_is_gone_until_its_number_is_used_again(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.store(Batch([pve("vzdump", "101", NOW - 90), pve("qmdestroy", "101", NOW - 80)]))
        writer.store(Batch([pve("qmdestroy", "102", NOW - 80, "can't destroy", pid=2)]))
        assert [guest.label for guest in guests(tmp_path)] == ["102"]
        writer.store(Batch([pve("qmcreate", "101", NOW - 70)]))
        assert sorted(guest.label for guest in guests(tmp_path)) == ["101", "102"]


def test_nothing_is_a_guest_in_an_empty_cache(tmp_path: Path) -> None:
    assert guests(tmp_path) == []


def test_a_scan_that_nobody_waits_for_ends(tmp_path: Path) -> None:
    with CacheWriter(tmp_path, clock=lambda: NOW) as writer:
        writer.store(Batch(random_tasks(50, 1)))
    with TaskCache(tmp_path).snapshot() as snapshot, pytest.raises(ScanCancelled):
        snapshot.guests(cancelled=lambda: True)


def test_the_worst_come_first() -> None:
    def guest(label: str, good: int | None, status: Status | None, jobs: int | None = None) -> Guest:
        return Guest("wien", "pve", label, "VM", good, good, status, 0, jobs)

    expected = [
        guest("9", None, Status.ERROR),
        guest("8", None, None),
        guest("7", NOW - 20, Status.ERROR),
        guest("6", None, Status.UNKNOWN, jobs=NOW),
        guest("5", NOW - 500, Status.OK),
        guest("4", None, None, jobs=NOW - 30),
        guest("20", NOW - 20, Status.OK),
        guest("100", NOW - 20, Status.OK),
    ]
    assert worst_first(reversed(expected)) == expected


def guests(directory: Path) -> list[Guest]:
    with TaskCache(directory).snapshot() as snapshot:
        return snapshot.guests()
