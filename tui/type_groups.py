"""Task types that are counted together: groups of them, each with the filter that finds its tasks."""

from typing import NamedTuple


class Group(NamedTuple):
    """A group of task types. Every type is in one of them; `text` is a filter that finds those of this one."""

    title: str
    text: str


MIGRATIONS = Group("Migrations", "type:*migrate*")
VMS = Group("VMs", "type:qm* -type:*migrate*")
CONTAINERS = Group("Containers", "type:vz* -type:vzdump,*migrate*")
BACKUPS = Group("Backups", "type:vzdump,backup")
HA = Group("HA", "type:ha* -type:*migrate*")
CEPH = Group("Ceph", "type:ceph* -type:*migrate*")
OTHER = Group("Other", "-type:*migrate*,qm*,vz*,backup,ha*,ceph*")

GROUPS = (MIGRATIONS, VMS, CONTAINERS, BACKUPS, HA, CEPH, OTHER)
"""In the order in which they are shown."""


def group_of(worker_type: str) -> Group:
    """The group of a task type."""
    name = worker_type.lower()
    if "migrate" in name:
        return MIGRATIONS
    if name in ("vzdump", "backup"):
        return BACKUPS
    for start, group in (("qm", VMS), ("vz", CONTAINERS), ("ha", HA), ("ceph", CEPH)):
        if name.startswith(start):
            return group
    return OTHER
