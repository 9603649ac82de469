"""The API of a simulated PVE cluster: who may come in, what answers what, and how errors look. The calls about
tasks are in `pve_tasks`."""

import re
from email.utils import formatdate
from hashlib import sha256

import orjson

from backend.simulator.catalogue import is_container, kind_called
from backend.simulator.draws import draw, key_of
from backend.simulator.fleet import SimulatedRemote
from backend.simulator.messages import Answer, Request
from backend.simulator.parameters import Parameter, ParameterErrors
from backend.simulator.pve_tasks import cluster_tasks, list_tasks, stop_task, task_index, task_log, task_status
from backend.simulator.routes import (
    Call,
    Handler,
    Refusal,
    Result,
    Routes,
    find_token,
    phrase_of,
    realms_of,
    route_name,
)

_METHODS = ("GET", "POST", "PUT", "DELETE")
_VM_ACTION = {
    "timeout": Parameter("integer", minimum=0),
    "skiplock": Parameter("boolean"),
    "forceStop": Parameter("boolean"),
}
_VZDUMP = {
    "vmid": Parameter("string"),
    "all": Parameter("boolean"),
    "storage": Parameter("string"),
    "mode": Parameter("string", choices=("snapshot", "suspend", "stop")),
    "compress": Parameter("string", choices=("0", "1", "gzip", "lzo", "zstd")),
}
_FROM_THE_PROXY = {595: "Connection refused", 596: "Connection timed out"}
"""What the node that was asked says of another that it cannot reach; nothing but a reason phrase."""
# the ones that PVE lists when no path is asked for (PVE::API2::AccessControl)
_PERMISSION_PATHS = ("/", "/access", "/nodes", "/pool", "/sdn", "/storage", "/vms")


def answer_pve(
    remote: SimulatedRemote, request: Request, now: float, auth_delay: float, failure: int | None = None
) -> Answer:
    """What the cluster answers at `now` (the fleet's clock, UNIX seconds); a call that is let in and exists fails
    with the status `failure` instead of being carried out, if one is given."""
    date = remote.told(now)
    if request.method not in _METHODS:
        return _empty(501, f"method '{request.method}' not available", date)
    realms = realms_of(remote, request)
    if realms is not None:
        return _encode(200, "OK", {"data": realms}, date, "/access/domains")
    token = find_token(remote, request)
    if token is None:
        reason = "Authentication failed!" if "authorization" in request.headers else "No ticket"
        return _empty(401, reason, date, delay=auth_delay, route="unauthorized")
    segments = request.segments
    path = "/" + "/".join(segments[2:])
    found = _ROUTES.find(request.method, segments[2:]) if segments[:2] == ["api2", "json"] else None
    if found is None:
        text = f"Method '{request.method} {path}' not implemented"
        return _encode(501, text, {"message": text, "data": None}, date, "unknown")
    handler, parts, variables = found
    route = route_name(remote, parts, variables)
    if failure == 401:
        return _empty(401, "Authentication failed!", date, delay=auth_delay, route=route)
    try:
        if failure is not None:
            raise _failed(failure, variables.get("node"))
        _check_node(remote, variables.get("node"))
        result = handler(Call(remote, token, int(now), variables, request.parameters))
    except Refusal as refusal:
        if refusal.status in _FROM_THE_PROXY:
            return _empty(refusal.status, refusal.text, date, route=route)
        return _encode_refusal(refusal, date, route)
    except ParameterErrors as error:
        return _encode_refusal(Refusal(400, "Parameter verification failed.", error.errors), date, route)
    content = {"data": result.data} if result.total is None else {"data": result.data, "total": result.total}
    return _encode(200, "OK", content, date, route, result.rows)


def _failed(status: int, node: str | None) -> Refusal:
    """The refusal of a call that fails with that status for no reason of its own."""
    if status == 403:
        return Refusal(403, f"Permission check failed ({'/' if node is None else f'/nodes/{node}'}, Sys.Audit)")
    if status in _FROM_THE_PROXY:
        return Refusal(status, _FROM_THE_PROXY[status])
    return Refusal(status, phrase_of(status))


def _check_node(remote: SimulatedRemote, node: str | None) -> None:
    """What the node that was asked meets when it passes a call on to another."""
    if node is None:
        return
    if re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?", node) is None:
        text = "invalid format - value does not look like a valid node name\n"
        raise Refusal(400, "Parameter verification failed.", {"node": text})
    if node not in remote.nodes:
        why = f"failed to get address info for: {node}: Name or service not known"
        raise Refusal(500, f"hostname lookup '{node}' failed - {why}")
    if node in remote.offline:
        raise Refusal(595, _FROM_THE_PROXY[595])


def _version(call: Call) -> Result:
    call.checked({})
    return Result({"version": "9.2.1", "release": "9.2", "repoid": "deadbeef"})


def _nodes(call: Call) -> Result:
    call.checked({})
    return Result(
        [
            {
                "node": node,
                "type": "node",
                "id": f"node/{node}",
                "status": "offline" if node in call.remote.offline else "online",
                "ssl_fingerprint": _fingerprint(call.remote, node),
            }
            for node in call.remote.nodes
        ]
    )


def _fingerprint(remote: SimulatedRemote, node: str) -> str:
    """That of the certificate which the node would show if it answered by itself, as the first one does."""
    if node == remote.nodes[0]:
        return remote.fingerprint
    return sha256(f"{remote.fingerprint} {node}".encode()).digest().hex(":").upper()


def _cluster_status(call: Call) -> Result:
    call.checked({})
    if not call.token.may("Sys.Audit"):
        raise Refusal(403, "Permission check failed (/, Sys.Audit)")
    remote = call.remote
    online = len(remote.nodes) - len(remote.offline)
    cluster = {
        "type": "cluster",
        "id": "cluster",
        "name": remote.name,
        "nodes": len(remote.nodes),
        "quorate": int(online * 2 > len(remote.nodes)),
        "version": len(remote.nodes),
    }
    nodes = [
        {
            "type": "node",
            "id": f"node/{node}",
            "name": node,
            "nodeid": number,
            "ip": f"192.0.2.{10 + number % 240}",
            "level": "",
            "local": int(number == 1),
            "online": int(node not in remote.offline),
        }
        for number, node in enumerate(remote.nodes, start=1)
    ]
    return Result([cluster, *nodes])


def _permissions(call: Call) -> Result:
    path = call.checked({"path": Parameter("string"), "userid": Parameter("string")}).text("path")
    granted = {privilege: 1 for privilege in sorted(call.token.privileges)}
    if not granted:
        return Result({})
    return Result({one: granted for one in (_PERMISSION_PATHS if path is None else (path,))})


def _guest_action(kind: str, action: str) -> Handler:
    """A call that starts a task on a virtual machine (`qemu`) or a container (`lxc`)."""

    def handler(call: Call) -> Result:
        vmid = call.path["vmid"]
        if not call.token.may("VM.PowerMgmt"):
            raise Refusal(403, f"Permission check failed (/vms/{vmid}, VM.PowerMgmt)")
        call.checked(_VM_ACTION)
        if not re.fullmatch("[1-9][0-9]{2,8}", vmid):
            text = f"type check ('integer') failed - got '{vmid}'"
            raise Refusal(400, "Parameter verification failed.", {"vmid": text})
        if not call.remote.has_guest(int(vmid)) or is_container(int(vmid)) != (kind == "lxc"):
            directory = "lxc" if kind == "lxc" else "qemu-server"
            file = f"nodes/{call.path['node']}/{directory}/{vmid}.conf"
            raise Refusal(500, f"Configuration file '{file}' does not exist")
        return _start(call, ("vz" if kind == "lxc" else "qm") + action, vmid)

    return handler


def _vzdump(call: Call) -> Result:
    given = call.checked(_VZDUMP)
    vmids = [part for part in re.split(r"[,;\s]+", given.text("vmid") or "") if part]
    if not call.token.may("VM.Backup"):
        raise Refusal(403, f"Permission check failed (/vms/{vmids[0] if vmids else ''}, VM.Backup)")
    if not vmids and not given.flag("all"):
        raise Refusal(
            400, "Parameter verification failed.", {"vmid": "property is missing and it is not optional"}
        )
    for vmid in vmids:
        if not re.fullmatch("[1-9][0-9]{2,8}", vmid):
            text = "invalid format - value does not look like a valid VM ID\n"
            raise Refusal(400, "Parameter verification failed.", {"vmid": text})
    return _start(call, "vzdump", vmids[0] if len(vmids) == 1 and not given.flag("all") else "")


def _start(call: Call, worker_type: str, worker_id: str) -> Result:
    kind = kind_called("pve", worker_type)
    history = call.remote.histories[call.path["node"]]
    bits = draw(key_of(call.remote.name, worker_type, worker_id), call.now)
    task = history.start(
        now=call.now,
        duration=kind.shortest + bits % (kind.longest - kind.shortest),
        worker_type=worker_type,
        worker_id=worker_id,
        user=call.token.id,
        status="OK",
    )
    return Result(task.upid)


_ROUTES = Routes(
    {
        "GET /version": _version,
        "GET /nodes": _nodes,
        "GET /cluster/tasks": cluster_tasks,
        "GET /cluster/status": _cluster_status,
        "GET /access/permissions": _permissions,
        "GET /nodes/{node}/tasks": list_tasks,
        "GET /nodes/{node}/tasks/{upid}": task_index,
        "DELETE /nodes/{node}/tasks/{upid}": stop_task,
        "GET /nodes/{node}/tasks/{upid}/status": task_status,
        "GET /nodes/{node}/tasks/{upid}/log": task_log,
        "POST /nodes/{node}/vzdump": _vzdump,
        **{
            f"POST /nodes/{{node}}/{kind}/{{vmid}}/status/{action}": _guest_action(kind, action)
            for kind in ("qemu", "lxc")
            for action in ("start", "stop", "shutdown", "reboot")
        },
    }
)


def _encode_refusal(refusal: Refusal, date: int, route: str) -> Answer:
    content: dict[str, object] = {"data": None, "message": f"{refusal.text}\n"}
    if refusal.errors is not None:
        content["errors"] = refusal.errors
    return _encode(refusal.status, refusal.text, content, date, route)


def _encode(status: int, reason: str, content: object, date: int, route: str, rows: int = 0) -> Answer:
    headers = (*_headers(date), ("content-type", "application/json;charset=UTF-8"))
    return Answer(status, reason, headers, orjson.dumps(content), route=route, rows=rows)


def _empty(status: int, reason: str, date: int, *, delay: float = 0.0, route: str = "unknown") -> Answer:
    return Answer(status, reason, _headers(date), route=route, delay=delay)


def _headers(date: int) -> tuple[tuple[str, str], ...]:
    written = formatdate(date, usegmt=True)
    return (
        ("cache-control", "max-age=0"),
        ("date", written),
        ("expires", written),
        ("pragma", "no-cache"),
        ("server", "pve-api-daemon/3.0"),
    )
