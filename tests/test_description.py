"""What a task is called: the words of Proxmox's own lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.description import describe


@pytest.mark.parametrize(
    ("worker_type", "worker_id", "words"),
    [
        ("qmstart", "101", "VM 101 - Start"),
        ("qmsuspend", "101", "VM 101 - Hibernate"),
        ("qmpause", "101", "VM 101 - Pause"),
        ("qmigrate", "214", "VM 214 - Migrate"),
        ("qmdelsnapshot", "101", "VM 101 - Delete Snapshot"),
        ("qmtemplate", "101", "VM 101 - Convert to template"),
        ("vzmigrate", "120", "CT 120 - Migrate"),
        ("vzshutdown", "120", "CT 120 - Shutdown"),
        ("vzumount", "120", "CT 120 - Unmount"),
        ("move_volume", "120", "CT 120 - Move Volume"),
        ("vzdump", "100", "VM/CT 100 - Backup"),
        ("vzdump", None, "Backup Job"),
        ("vncproxy", "100", "VM/CT 100 - Console"),
        ("spiceproxy", "100", "VM/CT 100 - Console (Spice)"),
        ("pbs-download", "100", "VM/CT 100 - File Restore Download"),
        ("hamigrate", "vm:100", "HA vm:100 - Migrate"),
        ("cephcreateosd", "sda", "Ceph OSD sda - Create"),
        ("cephsetpool", "rbd", "Ceph Pool rbd - Edit"),
        ("srvreload", "pveproxy", "Service pveproxy - Reload"),
        ("diskinit", "sdb", "Disk sdb - Initialize Disk with GPT"),
        ("aptupdate", None, "Update package database"),
        ("stopall", None, "Bulk shutdown VMs and Containers"),
        ("suspendall", None, "Suspend all VMs"),
        ("imgdel", "100@local-lvm", "Erase data (100@local-lvm)"),
        ("clusterjoin", None, "Join Cluster"),
        ("termproxy", None, "Shell"),
        ("download", "debian.iso", "File debian.iso - Download"),
        ("auth-realm-sync", "ldap", "Realm ldap - Sync"),
        ("garbage_collection", "store1", "Datastore store1 - Garbage Collection"),
        ("verificationjob", "store1:v-1a2b", "Datastore store1 - Scheduled Verification (v-1a2b)"),
        ("backup", "store1:vm/100", "Datastore store1 - Backup vm/100"),
        ("syncjob", "-:src:dst:ns1/sub:s-9f8e", "Datastore dst - Remote Sync (s-9f8e)"),
        ("prune", "store1", "Datastore store1 - Prune"),
        ("logrotate", None, "Log Rotation"),
        ("some-new_thing", "7", "Some new thing 7"),
        ("some-new_thing", None, "Some new thing"),
        ("---", None, "---"),
    ],
)
def test_a_task_is_called_what_users_know_it_by(worker_type: str, worker_id: str | None, words: str) -> None:
    assert describe(worker_type, worker_id) == words


@given(
    st.text(min_size=1) | st.sampled_from(["backup", "syncjob", "verify", "vzdump", "imgdel"]),
    st.none() | st.text(min_size=1),
)
def test_whatever_a_remote_calls_its_tasks_they_have_words(worker_type: str, worker_id: str | None) -> None:
    assert describe(worker_type, worker_id)


@given(st.from_regex(r"[a-z][a-z0-9\-_]{0,20}", fullmatch=True), st.from_regex(r"[0-9]{3,9}", fullmatch=True))
def test_a_guest_can_be_found_by_its_number_in_the_words(worker_type: str, worker_id: str) -> None:
    assert worker_id in describe(worker_type, worker_id)
