"""A Proxmox VE cluster, or a single PVE host."""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import orjson

from backend.client.answers import read_data
from backend.client.errors import NodeOfflineError, RemoteError
from backend.client.model import Current, Node, Page
from backend.client.paging import PAGE_ROWS
from backend.client.remote import MAX_VERSION, RemoteClient
from backend.text import repair_latin1
from backend.upid import RemoteUpid

_NODE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-]{0,62}[a-zA-Z0-9])?")
MAX_NODES = 200
"""Nodes of the largest cluster taken: corosync carries a few dozen."""
_NEARLY_CUT = 28 * 1024
"""JSON bytes of a node's part of `/cluster/tasks` from which rows may be missing: PVE drops rows until less than
32 KiB are left (PVE::Cluster::broadcast_tasklist), and the last one dropped may have been a large one."""
_NODE_PATIENCE = 10.0
"""Seconds within which each of several nodes has to tell what it runs: the others' tasks do not wait longer."""


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
            if not isinstance(row, dict):
                # Half a list would let nodes go that are there.
                raise self._connection.unreadable("a node list of another form")
            name = row.get("node")
            # The name becomes part of paths: nothing but a host's name may pass.
            if isinstance(name, str) and _NODE.fullmatch(name):
                nodes[name] = Node(name, {"online": True, "offline": False}.get(str(row.get("status"))))
        if not nodes:
            raise self._connection.unreadable("a node list without nodes")
        return sorted(nodes.values(), key=lambda node: node.name)

    async def current(self, nodes: Collection[str] = ()) -> Current:
        if not nodes:
            path = "/cluster/tasks"
            answer = await self._connection.request("GET", path)
            async with self._connection.turn_to_read():
                data = read_data(self._connection, path, answer)
                return _sort([await self._read_rows(data)], _cut_nodes(data))
        outcomes = await asyncio.gather(*map(self._active, nodes))
        pages = [outcome for outcome in outcomes if isinstance(outcome, Page)]
        for outcome in outcomes:
            if isinstance(outcome, RemoteError) and not pages:
                raise outcome
        return _sort(pages, frozenset())

    async def _active(self, node: str) -> Page | RemoteError:
        """What a node itself says that runs or has just ended."""
        try:
            async with asyncio.timeout(_NODE_PATIENCE):
                path = f"/nodes/{quote(node, safe='')}/tasks"
                return await self._get_rows(path, {"source": "active", "limit": PAGE_ROWS})
        except TimeoutError:
            words = f"node {node} did not answer within {_NODE_PATIENCE:.0f} s"
            return NodeOfflineError(self.name, words, node)
        except RemoteError as error:
            return error

    async def version(self) -> str:
        data = await self._get("/version")
        version = data.get("version") if isinstance(data, dict) else None
        if not isinstance(version, str):
            raise self._connection.unreadable("a version of another form")
        return self._connection.clean(version)[:MAX_VERSION]

    def audit_path(self, node: str) -> str:
        return f"/nodes/{node}"

    def _list_query(self) -> Mapping[str, str | int]:
        return {"source": "all"}

    def node_of(self, upid: RemoteUpid) -> str:
        return upid.upid.node

    def _log_start(self, start: int) -> int:
        return start

    def _text(self, text: str) -> str:
        return repair_latin1(text)

    def _unknown(self, exitstatus: str) -> bool:
        return False


def _sort(pages: Iterable[Page], truncated: frozenset[str]) -> Current:
    """The running and the finished tasks of these answers."""
    current = Current([], [], truncated)
    for page in pages:
        for task in page.tasks:
            (current.running if task.running else current.finished).append(task)
        current.rejected += page.rejected
    return current


def _cut_nodes(rows: list[Any]) -> frozenset[str]:
    """The nodes whose part came up against the limit."""
    sizes: dict[str, int] = {}
    for row in rows:
        node = row.get("node") if isinstance(row, dict) else None
        if isinstance(node, str):
            sizes[node] = sizes.get(node, 0) + len(orjson.dumps(row)) + 1
    return frozenset(node for node, size in sizes.items() if size >= _NEARLY_CUT)
