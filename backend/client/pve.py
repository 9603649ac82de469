"""A Proxmox VE cluster, or a single PVE host."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from backend.client.model import Current, Node
from backend.client.remote import RemoteClient
from backend.text import repair_latin1
from backend.upid import RemoteUpid

_NODE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,62}[a-zA-Z0-9])?")
MAX_NODES = 200
"""Nodes of the largest cluster taken: corosync carries a few dozen."""
_NEARLY_CUT = 28 * 1024
"""JSON bytes of a node's part of `/cluster/tasks` from which rows may be missing: PVE drops rows until less than
32 KiB are left (PVE::Cluster::broadcast_tasklist), and the last one dropped may have been a large one."""


class PveClient(RemoteClient):
    type = "pve"

    async def nodes(self) -> list[Node]:
        data = await self._get("/nodes")
        if not isinstance(data, list):
            raise self._connection.unreadable("a node list of another form")
        if len(data) > MAX_NODES:
            raise self._connection.unreadable(f"a list of {len(data)} nodes; no cluster has more than {MAX_NODES}")
        nodes: dict[str, Node] = {}
        for row in data:
            name = row.get("node") if isinstance(row, dict) else None
            # The name becomes part of paths: nothing but a host's name may pass.
            if isinstance(name, str) and _NODE.fullmatch(name):
                nodes[name] = Node(name, {"online": True, "offline": False}.get(str(row.get("status"))))
        if not nodes:
            raise self._connection.unreadable("a node list without nodes")
        return sorted(nodes.values(), key=lambda node: node.name)

    async def current(self) -> Current:
        data = await self._get("/cluster/tasks")
        page = self._rows(data)
        running = [task for task in page.tasks if task.running]
        finished = [task for task in page.tasks if not task.running]
        return Current(running, finished, _cut_nodes(data), page.rejected)

    async def version(self) -> str:
        data = await self._get("/version")
        version = data.get("version") if isinstance(data, dict) else None
        if not isinstance(version, str):
            raise self._connection.unreadable("a version of another form")
        return version[:40]

    def audit_path(self, node: str) -> str:
        return f"/nodes/{node}"

    def _list_query(self) -> Mapping[str, str | int]:
        return {"source": "all"}

    def _node_of(self, upid: RemoteUpid) -> str:
        return upid.upid.node

    def _log_start(self, start: int) -> int:
        return start

    def _text(self, text: str) -> str:
        return repair_latin1(text)

    def _unknown(self, exitstatus: str) -> bool:
        return False


def _cut_nodes(rows: list[Any]) -> frozenset[str]:
    """The nodes whose part came up against the limit."""
    sizes: dict[str, int] = {}
    for row in rows:
        node = row.get("node") if isinstance(row, dict) else None
        if isinstance(node, str):
            sizes[node] = sizes.get(node, 0) + len(orjson.dumps(row)) + 1
    return frozenset(node for node, size in sizes.items() if size >= _NEARLY_CUT)
