"""How simulated tasks end: with which errors and warnings, in the words of the real ones, each with those of its
own type. In the texts {guest} is the task's guest, {id} its id, {storage} what stands behind the id's `@`, {store}
its datastore, {node} the node and {target} another one of the cluster."""

from backend.query import guest_id
from backend.upid import RemoteType

LOCK = "can't lock file '/var/lock/qemu-server/lock-{guest}.conf' - got timeout"

ERRORS: dict[str, tuple[str, ...]] = {
    # what went wrong with which guest is in the log: the job tells no more
    "vzdump": (
        "job errors",
        "job errors",
        "job errors",
        "job errors",
        "could not activate storage 'nas': storage 'nas' is not online",
        "can't acquire lock '/var/run/vzdump.lock' - got timeout",
    ),
    "qmstart": (
        "start failed: QEMU exited with code 1",
        "timeout waiting on systemd",
        "no such logical volume pve/vm-{guest}-disk-0",
        LOCK,
    ),
    "qmshutdown": ("VM quit/powerdown failed - got timeout", LOCK),
    "qmstop": (LOCK, "VM is locked (snapshot)"),
    "qmreboot": ("VM quit/powerdown failed - got timeout", LOCK),
    "vncproxy": ("connection timed out", "Failed to run vncproxy."),
    "vncshell": (
        "command '/usr/bin/termproxy 5900 --path /nodes/{node} --perm Sys.Console -- /bin/login -f root' failed: "
        "exit code 1",
    ),
    "qmsnapshot": (
        "VM {guest} qmp command 'savevm-start' failed - VM snapshot already started",
        "snapshot feature is not available",
        "zfs error: cannot create snapshot 'rpool/data/vm-{guest}-disk-0@before_update': out of space",
    ),
    "qmdelsnapshot": (
        "zfs error: cannot destroy snapshot rpool/data/vm-{guest}-disk-0@before_update: dataset is busy",
        "VM is locked (snapshot-delete)",
    ),
    "qmconfig": (LOCK,),
    "qmclone": (
        "clone failed: copy failed: command '/usr/bin/qemu-img convert -p -n -f raw -O raw' failed: exit code 1",
        "clone failed: zfs error: cannot create 'rpool/data': out of space",
    ),
    "qmigrate": ("migration aborted",),
    "vzstart": ("startup for container '{guest}' failed",),
    "vzshutdown": ("command 'lxc-stop -n {guest} --kill' failed: exit code 1", "container did not stop"),
    "vzsnapshot": (
        "snapshot feature is not available",
        "zfs error: cannot create snapshot 'rpool/data/subvol-{guest}-disk-0@before_update': out of space",
    ),
    "vzmigrate": ("migration aborted",),
    "hastart": ("command 'ha-manager set vm:{guest} --state started' failed: exit code 255",),
    "hamigrate": ("command 'ha-manager migrate vm:{guest} {target}' failed: exit code 255",),
    "aptupdate": ("command 'apt-get update' failed: exit code 100",),
    "srvreload": ("command 'systemctl reload-or-restart {id}' failed: exit code 1",),
    "imgcopy": ("import failed: command 'cp' failed: exit code 1",),
    "imgdel": ("cfs-lock 'storage-{storage}' error: got lock request timeout",),
    "download": ("download failed: command '/usr/bin/wget --progress=dot:giga' failed: exit code 4",),
    "startall": ("interrupted by signal",),
    "auth-realm-sync": (
        "LDAP bind failed: Can't contact LDAP server",
        "LDAP search in 'ou=Büro,dc=example,dc=com' failed: No such object",
    ),
    "backup": (
        "backup ended but finished flag is not set.",
        "connection error: timed out",
        "connection error: Transport endpoint is not connected (os error 107)",
    ),
    "reader": ("connection error: timed out", "connection error: Broken pipe (os error 32)"),
    "prune": ("unable to read group directory - Stale file handle (os error 116)",),
    "prunejob": ("unable to open chunk store '{store}' - No such file or directory (os error 2)",),
    "verificationjob": ("verification failed - please check the log for details",),
    "verify_snapshot": ("verification failed - please check the log for details",),
    "syncjob": (
        "sync failed with some errors.",
        "error trying to connect: tcp connect error: Connection refused (os error 111)",
    ),
    "garbage_collection": ("unexpected error on datastore traversal: Stale file handle (os error 116)",),
    "logrotate": ("unable to rotate the access log: No space left on device (os error 28)",),
    "termproxy": ("termproxy exited with 1",),
}

WARNINGS: dict[str, tuple[str, ...]] = {
    "vzdump": (
        "storage 'nas' has less free space than the last backup took",
        "could not remove an older backup on storage 'nas' - file is in use",
    ),
    "qmstart": (
        "no efidisk configured! Using temporary efivars disk.",
        "iothread is only valid with virtio disk or virtio-scsi-single controller, ignoring",
    ),
    "vzstart": ("old systemd (< v232) detected, container won't run in a pure cgroupv2 environment!",),
    "qmigrate": ("conntrack state migration not supported or disabled, active connections might get dropped",),
    "syncjob": ("skipping snapshot host/mail.example.com: it is no longer on the source",),
    "garbage_collection": ("unable to access non-existent chunk, required by an index of host/mail.example.com",),
    "backup": ("previous backup is not verified, reading all chunks anew",),
}
"""Tasks of other types never end with warnings."""

_SECONDS = {
    "could not activate storage 'nas': storage 'nas' is not online": 2,
    "no such logical volume pve/vm-{guest}-disk-0": 1,
    "snapshot feature is not available": 1,
    "VM is locked (snapshot)": 1,
    "VM is locked (snapshot-delete)": 1,
    LOCK: 10,
    "timeout waiting on systemd": 5,
    "connection timed out": 10,
    "cfs-lock 'storage-{storage}' error: got lock request timeout": 60,
    "unable to open chunk store '{store}' - No such file or directory (os error 2)": 1,
    "error trying to connect: tcp connect error: Connection refused (os error 111)": 1,
}
"""After how many seconds an error comes, whatever the task would have had to do."""

_ERRORS_FROM, _ERRORS_TO = 95, 99
"""The percent of the tasks that end with an error."""


def status_of(worker_type: str, type: RemoteType, bits: int, worker_id: str, node: str) -> str:
    """The final status that random bits give a task: 4 % errors, 1 % unknown and, of those types that know
    warnings, 6 % with some."""
    percent = bits % 100
    if percent < 89:
        return "OK"
    if percent < _ERRORS_FROM:
        warned = worker_type in WARNINGS
        return f"WARNINGS: {1 + bits // 100 % len(WARNINGS[worker_type])}" if warned else "OK"
    error = _error(worker_type, bits)
    if error is not None:
        return told(error, worker_id, node)
    return "unexpected status" if type == "pve" else "unknown"


def seconds_until_error(worker_type: str, bits: int) -> int | None:
    """After how many seconds such a task fails, if the status that these bits give it tells that."""
    error = _error(worker_type, bits)
    return None if error is None else _SECONDS.get(error)


def _error(worker_type: str, bits: int) -> str | None:
    """The error that these bits give a task, its names still to be filled in; None if it has none."""
    if not _ERRORS_FROM <= bits % 100 < _ERRORS_TO:
        return None
    errors = ERRORS[worker_type]
    return errors[bits // 100 % len(errors)]


def told(text: str, worker_id: str, node: str, **more: str) -> str:
    """A text with the names of a task in it: those that are told of above, and `more`."""
    return text.format(
        guest=guest_id(worker_id) or "",
        id=worker_id,
        storage=worker_id.rpartition("@")[2],
        store=store_of(worker_id),
        node=node,
        target=target_node(node),
        **more,
    )


def store_of(worker_id: str) -> str:
    """The datastore a task is about: `store1` of `store1:vm/100`; a sync job names its source before it."""
    parts = worker_id.split(":")
    return parts[2] if len(parts) > 3 else parts[0]


def target_node(node: str) -> str:
    """Another node of the cluster."""
    return "pve1" if node == "pve2" else "pve2"
