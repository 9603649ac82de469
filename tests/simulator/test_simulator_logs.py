"""The logs of simulated tasks agree with their tasks: with their status, their guest, their times."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from backend.query import guest_id
from backend.simulator import Simulator, SimulatorOptions
from backend.simulator.logs import line_count, lines
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class
from backend.upid import RemoteType

NOW = 1_795_478_000
EVERY_LINE = 1 << 30
Logged = tuple[RemoteType, SimulatedTask, list[str]]


@pytest.fixture(scope="module")
def logged() -> list[Logged]:
    """The finished tasks of a fleet with their logs."""
    options = SimulatorOptions(remotes=2, pbs=1, nodes=2, tasks_per_node=900, tasks_per_pbs=900, rate=0)
    return list(_logged(Simulator(options, clock=lambda: float(NOW))))


def _logged(simulator: Simulator) -> Iterator[Logged]:
    for remote in simulator.remotes.values():
        for history in remote.histories.values():
            for number in history.finished(NOW):
                task = history.task(number)
                yield remote.type, task, lines(task, remote.type, NOW, 0, EVERY_LINE)


def test_the_last_lines_tell_the_status(logged: list[Logged]) -> None:
    seen = set()
    for type, task, log in logged:
        status = status_class(task.status)
        seen.add(status)
        ends = {Status.ERROR: f"TASK ERROR: {task.status}", Status.UNKNOWN: ""}.get(status, f"TASK {task.status}")
        assert log[-1].endswith(ends) if ends else not log or "TASK" not in log[-1]
        assert sum("TASK " in line for line in log) == (1 if ends else 0)
        warned = sum("WARN:" in line for line in log)
        assert warned == (int(task.status.split()[1]) if status is Status.WARNING else 0)
        assert len(log) == line_count(task, type, NOW)
    assert seen == {Status.OK, Status.WARNING, Status.ERROR, Status.UNKNOWN}


def test_only_what_succeeds_gets_to_its_end(logged: list[Logged]) -> None:
    for _, task, log in logged:
        told = [float(found[1]) for line in log if (found := re.search(r"([\d.]+)% \(", line))]
        failed = status_class(task.status) in (Status.ERROR, Status.UNKNOWN)
        if told and not (task.worker_type == "vzdump" and not task.worker_id):
            assert told[-1] < 100 if failed else told[-1] == 100, (task, log)
            assert told == sorted(told)


def test_no_other_guest_is_spoken_of(logged: list[Logged]) -> None:
    for _, task, log in logged:
        guest = guest_id(task.worker_id)
        for text in (task.status, *log):
            numbers = set(re.findall(r"\b(?:VM|CT|lock-|container '|vm:|vm-|subvol-|vm/|ct/)\s?(\d{3})\b", text))
            assert not numbers or not guest or numbers == {guest}, (task, text)


def test_the_times_in_it_are_the_tasks(logged: list[Logged]) -> None:
    for type, task, log in logged:
        start, end = (datetime.fromtimestamp(moment, UTC) for moment in (task.starttime, task.endtime))
        if type == "pbs":
            times = [datetime.fromisoformat(line.partition(": ")[0]) for line in log]
            assert times == sorted(times)
            assert times[0] == start and times[-1] <= end
        elif task.worker_type == "vzdump" and task.status == "OK":
            assert f"INFO: Backup started at {start:%Y-%m-%d %H:%M:%S}" in log
            assert f"INFO: Backup finished at {end:%Y-%m-%d %H:%M:%S}" in log


def test_a_console_writes_no_progress(logged: list[Logged]) -> None:
    logs = [log for _, task, log in logged if task.worker_type == "vncproxy" and task.status == "OK"]
    assert logs
    assert all(len(log) == 2 and log[0].startswith("starting vnc proxy UPID:") for log in logs)


def test_a_backup_tells_of_each_guest_once_and_says_something_new_in_each_line(logged: list[Logged]) -> None:
    failed = 0
    for _, task, log in logged:
        if task.worker_type != "vzdump":
            continue
        begun = [int(found[1]) for line in log if (found := re.search(r"Starting Backup of .. (\d+)", line))]
        assert begun == [guest for guest in begun if guest in task.guests]
        told = [found[1] for line in log if (found := re.search(r"(\d+)% \(", line))]
        assert all(before != after for before, after in pairwise(told))
        ends = sum(line.startswith(("INFO: Finished Backup of", "ERROR: Backup of")) for line in log)
        if task.status == "OK":
            assert ends == len(begun) == (1 if task.worker_id else 4)
        if task.status == "job errors":
            failed += 1
            reasons = [line for line in log if line.startswith("ERROR: Backup of")]
            assert len(reasons) == 1 and log[-2] == "INFO: Backup job finished with errors"
    assert failed


def test_a_migration_tells_where_it_goes_what_it_moved_and_how_long_it_took(logged: list[Logged]) -> None:
    ends = set()
    for _, task, log in logged:
        if task.worker_type not in ("qmigrate", "vzmigrate"):
            continue
        ends.add((task.worker_type, status := status_class(task.status)))
        start, end = (
            f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} "
            for moment in (task.starttime, task.endtime)
        )
        kind = "VM" if task.worker_type == "qmigrate" else "CT"
        target = "pve2" if task.node == "pve1" else "pve1"
        begun = f"{start}starting migration of {kind} {task.worker_id} to node '{target}' (192.0.2.12)"
        assert begun in log[:2]
        lasted = timedelta(seconds=task.endtime - task.starttime)
        if status in (Status.OK, Status.WARNING):
            assert log[-2] == f"{end}migration finished successfully (duration {str(lasted).zfill(8)})"
            mirrored = [line for line in log if line.startswith("mirror-scsi0: transferred")]
            assert bool(mirrored) == (kind == "VM")
            assert [line for line in mirrored if line.endswith(", ready")] == mirrored[-1:]
            assert (f"{end}start container on target node" in log) == (kind == "CT")
        elif status is Status.ERROR:
            assert log[-2].startswith(f"{end}ERROR: migration aborted (duration {str(lasted).zfill(8)}): ")
    assert {("qmigrate", Status.OK), ("vzmigrate", Status.OK), ("qmigrate", Status.ERROR)} <= ends


def test_logs_are_in_english(logged: list[Logged]) -> None:
    assert all(line.isascii() or "'ou=Büro,dc=example,dc=com'" in line for _, _, log in logged for line in log)


def test_what_is_stopped_tells_so_and_of_no_other_end() -> None:
    simulator = Simulator(SimulatorOptions(remotes=1, nodes=1, rate=0), clock=lambda: float(NOW))
    upid = simulator.start_task("wien", "pve1", "vzdump", "100", duration=500)
    history = simulator.remotes["wien"].histories["pve1"]
    number = history.find(upid, NOW, NOW)
    assert number is not None
    history.stop(number, NOW + 60, "interrupted by signal")
    log = lines(history.task(number), "pve", NOW + 600, 0, EVERY_LINE)
    assert log[-4:] == [
        "ERROR: Backup of VM 100 failed - interrupted by signal",
        f"INFO: Failed at {datetime.fromtimestamp(NOW + 60, UTC):%Y-%m-%d %H:%M:%S}",
        "ERROR: Backup job failed - interrupted by signal",
        "TASK ERROR: interrupted by signal",
    ]
    assert not any("Finished" in line or "finished" in line for line in log)
