"""The calls of PVE's API that are about tasks: PVE::API2::Tasks and PVE::API2::Cluster's list."""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import orjson

from backend.simulator.draws import key_of
from backend.simulator.history import NodeHistory
from backend.simulator.logs import line_count, lines
from backend.simulator.parameters import Checked, Parameter
from backend.simulator.routes import Call, Refusal, Result, split_user
from backend.simulator.stream import SimulatedTask
from backend.task import Status, status_class
from backend.upid import Upid, UpidError, parse_upid

_LIST = {
    "start": Parameter("integer", minimum=0),
    "limit": Parameter("integer", minimum=0),
    "since": Parameter("integer"),
    "until": Parameter("integer"),
    "source": Parameter("string", choices=("archive", "active", "all")),
    "errors": Parameter("boolean"),
    "statusfilter": Parameter("statuses"),
    "typefilter": Parameter("string"),
    "userfilter": Parameter("string"),
    "vmid": Parameter("integer", minimum=100),
}
_LOG = {
    "start": Parameter("integer", minimum=0),
    "limit": Parameter("integer", minimum=0),
    "download": Parameter("boolean"),
}
_STILL_ACTIVE = 30
"""Seconds for which the fault `twice` has an ended task listed as running."""
_CLUSTER_ROWS = 25
_CLUSTER_BYTES = 32 * 1024
"""What one node tells its cluster (PVE::RPCEnvironment, PVE::Cluster::broadcast_tasklist)."""

Test = Callable[[SimulatedTask, str], bool]
"""Whether a task with that status (RUNNING while it runs) belongs on the list."""


def list_tasks(call: Call) -> Result:
    """GET /nodes/{node}/tasks: running tasks first, then about the order of ends, newest first."""
    given = call.checked(_LIST)
    history, now = _history(call), call.now
    source = given.text("source") or "archive"
    active = _active(call) if source in ("active", "all") else []
    finished = history.finished(now) if source in ("archive", "all") else []
    since, until = given.integer("since"), given.integer("until")
    tests = _tests(call, given)
    active = history.started_between(active, since, until)
    numbers = [*active, *history.started_between(finished, since, until)]
    start = given.integer("start") or 0
    limit = given.integer("limit")
    end = start + (50 if limit is None else limit)
    if not tests:
        rows = [
            _row(history.task(number), place < len(active))
            for place, number in enumerate(numbers[start:end], start)
        ]
        return Result(rows, len(numbers) or None, len(rows))
    rows, total = [], 0
    for place, number in enumerate(numbers):
        task = history.task(number)
        is_running = place < len(active)
        status = "RUNNING" if is_running else task.status
        if all(test(task, status) for test in tests):
            if start <= total < end:
                rows.append(_row(task, is_running))
            total += 1
    return Result(rows, total or None, len(rows))


def _active(call: Call) -> list[int]:
    """What the node's list of active tasks holds: those that run, and with the fault `twice` also those that ended
    just now, which the archive has as well."""
    history, now = _history(call), call.now
    running = history.running(now)
    if call.path["node"] not in call.remote.twice:
        return running
    ended = takewhile(lambda number: history.task(number).ends > now - _STILL_ACTIVE, history.finished(now))
    return history.by_start([*running, *ended])


def _tests(call: Call, given: Checked) -> list[Test]:
    """The filters that look at more than the start, each only if it is asked for."""
    tests: list[Test] = []
    if not call.token.may("Sys.Audit"):
        tests.append(lambda task, status: call.may_see(task))
    if given.flag("errors"):
        tests.append(lambda task, status: status != "OK")
    statuses = given.statuses("statusfilter")
    if statuses is not None:
        tests.append(lambda task, status: _class_name(status) in statuses)
    worker_type = given.text("typefilter")
    if worker_type is not None:
        tests.append(lambda task, status: task.worker_type == worker_type)
    user = given.text("userfilter")
    if user is not None:
        wanted = user.lower()
        tests.append(lambda task, status: wanted in task.user.lower())
    vmid = given.text("vmid")
    if vmid is not None:
        tests.append(lambda task, status: task.worker_id == vmid)
    return tests


def _class_name(status: str) -> str:
    return Status.UNKNOWN if status == "RUNNING" else status_class(status)


def cluster_tasks(call: Call) -> Result:
    """GET /cluster/tasks: of every node that is there, what runs and, up to 25 together, what ended last."""
    call.checked({})
    found: list[dict[str, Any]] = []
    for node, history in call.remote.histories.items():
        if node in call.remote.offline:
            continue
        running = history.running(call.now)
        finished = history.finished(call.now)[: max(0, _CLUSTER_ROWS - len(running))]
        size = 2
        for position, number in enumerate([*running, *finished]):
            task = history.task(number)
            row = _cluster_row(task, position < len(running))
            size += len(orjson.dumps(row)) + 1
            if size > _CLUSTER_BYTES:
                break
            if call.may_see(task):
                found.append(row)
    return Result(found, rows=len(found))


def task_index(call: Call) -> Result:
    """GET /nodes/{node}/tasks/{upid}."""
    call.checked({})
    _upid(call)
    return Result([{"name": "log"}, {"name": "status"}])


def task_status(call: Call) -> Result:
    """GET …/status."""
    call.checked({})
    _, task = _task(call)
    if not call.may_see(task):
        raise _denied(call, "Sys.Audit")
    data = {**_identity(task), **split_user(task.user), "status": "running"}
    if task.ends <= call.now:
        data |= {"status": "stopped", "exitstatus": as_latin1(task.status)}
    return Result(data)


def task_log(call: Call) -> Result:
    """GET …/log."""
    given = call.checked(_LOG)
    upid = _upid(call)
    number = _history(call).find(upid.text, upid.starttime, call.now)
    if upid.user != call.token.id and not call.token.may("Sys.Audit"):
        raise _denied(call, "Sys.Audit")
    if number is None:
        return Result([{"n": 1, "t": "unable to open file - No such file or directory"}], 1)
    task = _history(call).task(number)
    start, limit = given.integer("start") or 0, given.integer("limit")
    total = line_count(task, "pve", call.now)
    if not total:
        return Result([{"n": 1, "t": "no content"}], 1)
    count = 50 if limit is None else limit or total
    found = lines(task, "pve", call.now, start, count)
    rows = [{"n": start + index + 1, "t": as_latin1(line)} for index, line in enumerate(found)]
    return Result(rows, total)


def stop_task(call: Call) -> Result:
    """DELETE /nodes/{node}/tasks/{upid}: ends a running task; a finished one stays as it is."""
    call.checked({})
    number, task = _task(call)
    if task.user != call.token.id and not call.token.may("Sys.Modify"):
        raise _denied(call, "Sys.Modify")
    status = "interrupted by signal" if key_of(task.upid) % 2 else "unexpected status"
    _history(call).stop(number, call.now, status)
    return Result(None)


def as_latin1(text: str) -> str:
    """Text as PVE hands out statuses and logs: its UTF-8 read as Latin-1."""
    return text if text.isascii() else text.encode().decode("latin-1")


def _history(call: Call) -> NodeHistory:
    return call.remote.histories[call.path["node"]]


def _upid(call: Call) -> Upid:
    try:
        return parse_upid(call.path["upid"], "pve")
    except UpidError:
        raise Refusal(400, "Parameter verification failed.", {"upid": "unable to parse worker upid"}) from None


def _task(call: Call) -> tuple[int, SimulatedTask]:
    """The task that the path names, and its number. Raises Refusal."""
    upid = _upid(call)
    history = _history(call)
    number = history.find(upid.text, upid.starttime, call.now)
    if number is None:
        raise Refusal(400, "Parameter verification failed.", {"upid": "no such task"})
    return number, history.task(number)


def _denied(call: Call, privilege: str) -> Refusal:
    return Refusal(403, f"Permission check failed (/nodes/{call.path['node']}, {privilege})")


def _identity(task: SimulatedTask) -> dict[str, Any]:
    return {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.worker_type,
        "id": task.worker_id,
    }


def _row(task: SimulatedTask, running: bool) -> dict[str, Any]:
    if running:
        return {**_identity(task), "user": task.user, "status": "RUNNING", "saved": "0"}
    return {
        **_identity(task),
        **split_user(task.user),
        "endtime": task.endtime,
        "status": as_latin1(task.status),
    }


def _cluster_row(task: SimulatedTask, running: bool) -> dict[str, Any]:
    row = {**_identity(task), **split_user(task.user)}
    del row["pid"], row["pstart"]
    if running:
        return {**row, "saved": "0"}
    return {**row, "saved": 1, "endtime": task.endtime, "status": as_latin1(task.status)}
