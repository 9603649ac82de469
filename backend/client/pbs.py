"""A Proxmox Backup Server: one host, which calls itself `localhost` in paths."""

from collections.abc import Collection, Mapping

from backend.client.model import Current, Node
from backend.client.remote import MAX_VERSION, RemoteClient
from backend.upid import RemoteUpid

NODE = "localhost"


class PbsClient(RemoteClient):
    type = "pbs"

    async def nodes(self) -> list[Node]:
        return [Node(NODE, True)]

    async def current(self, nodes: Collection[str] = ()) -> Current:
        # limit=0: all of them.
        page = await self._get_rows(f"/nodes/{NODE}/tasks", {"running": 1, "limit": 0})
        return Current([task for task in page.tasks if task.running], [], rejected=page.rejected)

    async def version(self) -> str:
        data = await self._get("/version")
        version, release = (data.get("version"), data.get("release")) if isinstance(data, dict) else (None, None)
        if not isinstance(version, str):
            raise self._connection.unreadable("a version of another form")
        whole = f"{version}.{release}" if isinstance(release, str | int) else version
        return self._connection.clean(whole)[:MAX_VERSION]

    def audit_path(self, node: str) -> str:
        return "/system/tasks"

    def _list_query(self) -> Mapping[str, str | int]:
        return {}

    def node_of(self, upid: RemoteUpid) -> str:
        return NODE

    def _log_start(self, start: int) -> int:
        # read_task_log counts lines from 1 and gives the first for 0 as well.
        return start + 1

    def _text(self, text: str) -> str:
        return text

    def _unknown(self, exitstatus: str) -> bool:
        # get_task_status answers so for any UPID whose log it does not have.
        return exitstatus == "unknown"
