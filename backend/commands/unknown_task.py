"""What is told of a task that nobody knows: what its remote UPID itself gives away."""

import time
from collections.abc import Collection

from backend.task import Task
from backend.text import safe

_FIRST = 1_199_145_600
"""UNIX seconds: Proxmox VE's first release is of 2008."""
_AHEAD = 365 * 86_400
"""Seconds ahead of ours that no clock is likely to be."""
_FEW = 8
"""So many nodes are named."""


def has_credible_start(task: Task) -> bool:
    """Whether a task may have started when its UPID says."""
    return _FIRST <= task.starttime <= time.time() + _AHEAD


def unknown_words(task: Task, nodes: Collection[str]) -> str:
    """That a remote knows no such task, and what to do. `nodes` are as in `fault_of`."""
    return f"{safe(task.remote)} knows no such task, or no longer; {advice(task, nodes)}"


def advice(task: Task, nodes: Collection[str]) -> str:
    """What to do about a task that is not known. `nodes` are as in `fault_of`."""
    return fault_of(task, nodes) or "is the remote UPID right?"


def fault_of(task: Task, nodes: Collection[str]) -> str | None:
    """What cannot be right in a task's UPID, and what to do; None if nothing is wrong with it. `nodes` are the
    names of all nodes of its remote, none if they are not known. Safe to print."""
    if task.parsed.type == "pve" and nodes and task.node not in nodes:
        there = f", only {', '.join(sorted(nodes))}" if len(nodes) <= _FEW else ""
        fault = f"{task.remote} has no node {task.node} now{there}"
    elif not has_credible_start(task):
        fault = f"by its UPID it started in {time.gmtime(task.starttime).tm_year}, which cannot be"
    else:
        return None
    return safe(f"{fault}: compare the remote UPID with `remote-tasks list --upid`")
