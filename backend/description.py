"""What a task is called in the words Proxmox's own lists use: `VM 101 - Start`, `Datastore store1 - Verification`.

The words are those of proxmox-widget-toolkit's `Utils.js` and of the PVE and PBS web interfaces."""

import re
from functools import lru_cache

_GUEST_ACTIONS = {
    "start": "Start",
    "stop": "Stop",
    "shutdown": "Shutdown",
    "reboot": "Reboot",
    "reset": "Reset",
    "suspend": "Hibernate",
    "pause": "Pause",
    "resume": "Resume",
    "create": "Create",
    "clone": "Clone",
    "config": "Configure",
    "destroy": "Destroy",
    "migrate": "Migrate",
    "move": "Move disk",
    "restore": "Restore",
    "rollback": "Rollback",
    "snapshot": "Snapshot",
    "delsnapshot": "Delete Snapshot",
    "template": "Convert to template",
}

# type → (subject, action)
_ACTIONS: dict[str, tuple[str, str]] = {
    **{f"qm{action}": ("VM", words) for action, words in _GUEST_ACTIONS.items()},
    **{f"vz{action}": ("CT", words) for action, words in _GUEST_ACTIONS.items()},
    "qmigrate": ("VM", "Migrate"),
    "vzmount": ("CT", "Mount"),
    "vzumount": ("CT", "Unmount"),
    "move_volume": ("CT", "Move Volume"),
    "pull_file": ("CT", "Pull file"),
    "push_file": ("CT", "Push file"),
    "vzdump": ("VM/CT", "Backup"),
    "vncproxy": ("VM/CT", "Console"),
    "spiceproxy": ("VM/CT", "Console (Spice)"),
    "resize": ("VM/CT", "Resize"),
    "pbs-download": ("VM/CT", "File Restore Download"),
    "hastart": ("HA", "Start"),
    "hastop": ("HA", "Stop"),
    "hashutdown": ("HA", "Shutdown"),
    "hamigrate": ("HA", "Migrate"),
    "cephcreatemon": ("Ceph Monitor", "Create"),
    "cephdestroymon": ("Ceph Monitor", "Destroy"),
    "cephcreatemgr": ("Ceph Manager", "Create"),
    "cephdestroymgr": ("Ceph Manager", "Destroy"),
    "cephcreateosd": ("Ceph OSD", "Create"),
    "cephdestroyosd": ("Ceph OSD", "Destroy"),
    "cephcreatepool": ("Ceph Pool", "Create"),
    "cephdestroypool": ("Ceph Pool", "Destroy"),
    "cephsetpool": ("Ceph Pool", "Edit"),
    "cephcreatemds": ("Ceph Metadata Server", "Create"),
    "cephdestroymds": ("Ceph Metadata Server", "Destroy"),
    "cephfscreate": ("CephFS", "Create"),
    "cephdestroyfs": ("CephFS", "Destroy"),
    "srvstart": ("Service", "Start"),
    "srvstop": ("Service", "Stop"),
    "srvrestart": ("Service", "Restart"),
    "srvreload": ("Service", "Reload"),
    "diskinit": ("Disk", "Initialize Disk with GPT"),
    "wipedisk": ("Device", "Wipe Disk"),
    "lvmcreate": ("LVM Storage", "Create"),
    "lvmremove": ("Volume Group", "Remove"),
    "lvmthincreate": ("LVM-Thin Storage", "Create"),
    "lvmthinremove": ("Thinpool", "Remove"),
    "zfscreate": ("ZFS Storage", "Create"),
    "zfsremove": ("ZFS Pool", "Remove"),
    "dircreate": ("Directory Storage", "Create"),
    "dirremove": ("Directory", "Remove"),
    "acmenewcert": ("SRV", "Order Certificate"),
    "acmerenew": ("SRV", "Renew Certificate"),
    "acmerevoke": ("SRV", "Revoke Certificate"),
    "acmeregister": ("ACME Account", "Register"),
    "acmeupdate": ("ACME Account", "Update"),
    "acmerefresh": ("ACME Account", "Refresh"),
    "acmedeactivate": ("ACME Account", "Deactivate"),
    "auth-realm-sync": ("Realm", "Sync"),
    "auth-realm-sync-test": ("Realm", "Sync Preview"),
    "download": ("File", "Download"),
    "garbage_collection": ("Datastore", "Garbage Collection"),
    "verify": ("Datastore", "Verification"),
    "verify_group": ("Group", "Verification"),
    "verify_snapshot": ("Snapshot", "Verification"),
    "verificationjob": ("Job", "Scheduled Verification"),
    "sync": ("Datastore", "Remote Sync"),
    "syncjob": ("Job", "Remote Sync"),
    "backup": ("Datastore", "Backup"),
    "reader": ("Datastore", "Read Objects"),
    "prune": ("Datastore", "Prune"),
    "prunejob": ("Job", "Prune Job"),
    "create-datastore": ("Datastore", "Create"),
    "delete-datastore": ("Datastore", "Delete"),
    "s3-refresh": ("Datastore", "S3 Refresh"),
    "mount-device": ("Datastore", "Mount Device"),
    "unmount-device": ("Datastore", "Unmount Device"),
    "tape-backup": ("Datastore", "Tape Backup"),
    "tape-restore": ("Datastore", "Tape Restore"),
    "tape-backup-job": ("Job", "Tape Backup"),
    "forget-group": ("Group", "Remove Group"),
    "realm-sync": ("Realm", "User Sync"),
}

_PHRASES = {
    "aptupdate": "Update package database",
    "startall": "Bulk start VMs and Containers",
    "stopall": "Bulk shutdown VMs and Containers",
    "migrateall": "Bulk migrate VMs and Containers",
    "suspendall": "Suspend all VMs",
    "imgcopy": "Copy data",
    "imgdel": "Erase data",
    "unknownimgdel": "Destroy image from unknown guest",
    "clustercreate": "Create Cluster",
    "clusterjoin": "Join Cluster",
    "reloadnetworkall": "Apply SDN configuration",
    "vncshell": "Shell",
    "termproxy": "Shell",
    "spiceshell": "Shell",
    "logrotate": "Log Rotation",
}

# PBS ids name a datastore and then what in it: `store1:vm/100`, or the job: `store1:v-1`,
# `remote:remote-store:store1:namespace:s-1`.
_IN_DATASTORE = re.compile(r"(?P<store>[^:/]+):(?P<what>.+)")
_JOB_TYPES = frozenset({"verificationjob", "syncjob", "prunejob", "tape-backup-job"})


def describe_type(worker_type: str) -> str:
    """A task type in the words its tasks have in common: `VM/CT - Backup`."""
    known = _ACTIONS.get(worker_type)
    return describe(worker_type, None) if known is None else " - ".join(known)


@lru_cache(maxsize=8192)
def describe(worker_type: str, worker_id: str | None) -> str:
    """The task in words. Of a type nobody knows, the type itself, made readable, and the id."""
    if worker_type == "vzdump" and worker_id is None:
        return "Backup Job"
    phrase = _PHRASES.get(worker_type)
    if phrase is not None:
        return phrase if worker_id is None else f"{phrase} ({worker_id})"
    known = _ACTIONS.get(worker_type)
    if known is None:
        readable = re.sub(r"[-_]+", " ", worker_type).strip().capitalize() or worker_type
        return readable if worker_id is None else f"{readable} {worker_id}"
    subject, action = known
    if worker_id is None:
        return f"{subject} - {action}"
    if worker_type in _JOB_TYPES and ":" in worker_id:
        parts = worker_id.split(":")
        store = parts[2] if worker_type == "syncjob" and len(parts) > 3 else parts[0]
        return f"Datastore {store} - {action} ({parts[-1]})"
    if subject in ("Datastore", "Group", "Snapshot"):
        within = _IN_DATASTORE.fullmatch(worker_id)
        if within is not None:
            return f"Datastore {within['store']} - {action} {within['what']}"
    return f"{subject} {worker_id} - {action}"
