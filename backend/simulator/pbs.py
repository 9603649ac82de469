"""The API of a simulated Proxmox Backup Server, as far as tasks go: proxmox-backup's api2/node/tasks.rs. Its
errors are plain text."""

from email.utils import formatdate
from typing import Any

import orjson

from backend.simulator.endings import store_of
from backend.simulator.fleet import SimulatedRemote
from backend.simulator.history import NodeHistory
from backend.simulator.logs import line_count, lines
from backend.simulator.messages import Answer, Request
from backend.simulator.parameters import Checked, Parameter, ParameterErrors
from backend.simulator.routes import (
    Call,
    Refusal,
    Result,
    Routes,
    find_token,
    phrase_of,
    realms_of,
    route_name,
    split_user,
)
from backend.simulator.stream import SimulatedTask
from backend.task import status_class
from backend.upid import UpidError, parse_upid

_LIST = {
    "start": Parameter("integer", minimum=0),
    "limit": Parameter("integer", minimum=0),
    "running": Parameter("boolean"),
    "errors": Parameter("boolean"),
    "since": Parameter("integer"),
    "until": Parameter("integer"),
    "store": Parameter("string"),
    "userfilter": Parameter("string"),
    "typefilter": Parameter("string"),
    "statusfilter": Parameter("statuses"),
}
_LOG = {"start": Parameter("integer", minimum=0), "limit": Parameter("integer", minimum=0)}
_FAILURES = {401: "authentication failed - invalid credentials", 403: "permission check failed"}
"""The words of a call that fails for no reason of its own."""


def answer_pbs(
    remote: SimulatedRemote, request: Request, now: float, auth_delay: float, failure: int | None = None
) -> Answer:
    """What the host answers at `now` (the fleet's clock, UNIX seconds); a call that is let in and exists fails
    with the status `failure` instead of being carried out, if one is given."""
    date = remote.told(now)
    realms = realms_of(remote, request)
    if realms is not None:
        return _encode({"data": realms}, date, "/access/domains")
    token = find_token(remote, request)
    if token is None:
        why = (
            "invalid credentials"
            if "authorization" in request.headers
            else "no authentication credentials provided."
        )
        return _refuse(401, f"authentication failed - {why}", date, "unauthorized", delay=auth_delay)
    segments = request.segments
    found = _ROUTES.find(request.method, segments[2:]) if segments[:2] == ["api2", "json"] else None
    if found is None:
        return _refuse(404, f"Path '/{'/'.join(segments)}' not found.", date, "unknown")
    handler, parts, variables = found
    route = route_name(remote, parts, variables)
    if failure is not None:
        text, delay = _FAILURES.get(failure, phrase_of(failure)), auth_delay if failure == 401 else 0.0
        return _refuse(failure, text, date, route, delay=delay)
    try:
        if variables.get("node", "localhost") != "localhost":
            raise Refusal(400, "parameter verification failed - 'node': no such node")
        result = handler(Call(remote, token, int(now), variables, request.parameters))
    except Refusal as refusal:
        return _refuse(refusal.status, refusal.text, date, route)
    except ParameterErrors as error:
        return _refuse(400, _parameter_text(error), date, route)
    content = {"data": result.data} if result.total is None else {"data": result.data, "total": result.total}
    return _encode(content, date, route, result.rows)


def _version(call: Call) -> Result:
    call.checked({})
    return Result({"version": "4.1.0", "release": "1", "repoid": "deadbeef"})


def _nodes(call: Call) -> Result:
    call.checked({})
    return Result([{"node": "localhost"}])


def _permissions(call: Call) -> Result:
    path = call.checked({"path": Parameter("string"), "auth-id": Parameter("string")}).text("path")
    granted = {privilege: True for privilege in sorted(call.token.privileges)}
    if not granted:
        return Result({})
    paths = ("/", "/access", "/datastore", "/remote", "/system", "/system/tasks")
    return Result({one: granted for one in (paths if path is None else (path,))})


def _list_tasks(call: Call) -> Result:
    """Newest start first; running tasks are left out only by a statusfilter. `total` is a lower bound: it counts
    one more than was listed if the limit was reached."""
    given = call.checked(_LIST)
    history, now = _history(call), call.now
    running = history.running(now)
    finished = [] if given.flag("running") else history.finished(now)
    alive = set(running)
    numbers = history.by_start([*running, *finished])
    numbers = history.started_between(numbers, given.integer("since"), given.integer("until"))
    start = given.integer("start") or 0
    limit = given.integer("limit")
    wanted = 50 if limit is None else limit or len(numbers)
    filters = {"errors", "store", "userfilter", "typefilter", "statusfilter"} & call.given.keys()
    if not filters and call.token.may("Sys.Audit"):
        rows = [_row(history.task(number), number in alive) for number in numbers[start : start + wanted]]
    else:
        rows, passed = [], 0
        for number in numbers:
            if len(rows) >= wanted:
                break
            task, is_running = history.task(number), number in alive
            if call.may_see(task) and _wanted(given, task, is_running):
                passed += 1
                if passed > start:
                    rows.append(_row(task, is_running))
    reached = bool(rows) and bool(limit != 0) and len(rows) >= wanted
    return Result(rows, start + len(rows) + int(reached), len(rows))


def _wanted(given: Checked, task: SimulatedTask, running: bool) -> bool:
    user, worker_type, store = given.text("userfilter"), given.text("typefilter"), given.text("store")
    if user is not None and user not in task.user:
        return False
    if worker_type is not None and worker_type not in task.worker_type:
        return False
    if store is not None and store_of(task.worker_id) != store:
        return False
    statuses = given.statuses("statusfilter")
    if running:
        return statuses is None
    if given.flag("errors") and task.status == "OK":
        return False
    return statuses is None or status_class(task.status) in statuses


def _task_status(call: Call) -> Result:
    call.checked({})
    _, task = _task(call)
    data: dict[str, Any] = {
        "upid": task.upid,
        "node": task.node,
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "type": task.worker_type,
        "id": task.worker_id or None,
        **split_user(task.user),
        "status": "running",
    }
    if task.ends <= call.now:
        data |= {"status": "stopped", "exitstatus": task.status}
    return Result(data)


def _task_log(call: Call) -> Result:
    """`start` counts from 1, yet 0 means the first line as well."""
    given = call.checked(_LOG)
    _, task = _task(call)
    first, limit = max(1, given.integer("start") or 0), given.integer("limit")
    total = line_count(task, "pbs", call.now)
    found = lines(task, "pbs", call.now, first - 1, 50 if limit is None else limit or total)
    return Result([{"n": first + index, "t": line} for index, line in enumerate(found)], total)


def _stop_task(call: Call) -> Result:
    call.checked({})
    number, _ = _task(call, privilege="Sys.Modify")
    _history(call).stop(number, call.now, "task aborted")
    return Result(None)


def _history(call: Call) -> NodeHistory:
    return call.remote.histories["localhost"]


def _task(call: Call, privilege: str = "Sys.Audit") -> tuple[int, SimulatedTask]:
    """The task that the path names, and its number. Raises Refusal if there is none, or if it is
    another's and the privilege lacks."""
    try:
        upid = parse_upid(call.path["upid"], "pbs")
    except UpidError:
        text = "parameter verification failed - 'upid': value does not match the regex pattern"
        raise Refusal(400, text) from None
    if upid.user != call.token.id and not call.token.may(privilege):
        raise Refusal(403, "permission check failed")
    history = _history(call)
    number = history.find(upid.text, upid.starttime, call.now)
    if number is None:
        raise Refusal(400, "No such file or directory (os error 2)")
    return number, history.task(number)


def _row(task: SimulatedTask, running: bool) -> dict[str, Any]:
    row = {
        "upid": task.upid,
        "node": "localhost",
        "pid": task.pid,
        "pstart": task.pstart,
        "starttime": task.starttime,
        "worker_type": task.worker_type,
        "worker_id": task.worker_id or None,
        "user": task.user,
    }
    return row if running else {**row, "endtime": task.endtime, "status": task.status}


_ROUTES = Routes(
    {
        "GET /version": _version,
        "GET /nodes": _nodes,
        "GET /access/permissions": _permissions,
        "GET /nodes/{node}/tasks": _list_tasks,
        "DELETE /nodes/{node}/tasks/{upid}": _stop_task,
        "GET /nodes/{node}/tasks/{upid}/status": _task_status,
        "GET /nodes/{node}/tasks/{upid}/log": _task_log,
    }
)


def _parameter_text(error: ParameterErrors) -> str:
    """What proxmox-schema's ParameterError says."""
    if len(error.errors) == 1:
        ((name, text),) = error.errors.items()
        return f"parameter verification failed - '{name}': {text}"
    return "parameter verification failed:\n" + "".join(
        f"- '{name}': {text}\n" for name, text in error.errors.items()
    )


def _encode(content: object, date: int, route: str, rows: int = 0) -> Answer:
    headers = (("content-type", "application/json;charset=UTF-8"), ("date", formatdate(date, usegmt=True)))
    return Answer(200, "OK", headers, orjson.dumps(content), route=route, rows=rows)


def _refuse(status: int, text: str, date: int, route: str, *, delay: float = 0.0) -> Answer:
    headers = (("content-type", "text/plain; charset=utf-8"), ("date", formatdate(date, usegmt=True)))
    return Answer(status, phrase_of(status), headers, text.encode(), route=route, delay=delay)
