"""One remote's tasks over its API: what is the same for PVE and PBS. What differs is in `pve` and `pbs`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import quote

from backend.client.answers import read_content, read_data
from backend.client.errors import NotFoundError
from backend.client.model import Current, LogLine, LogPage, Node, Page, TaskState
from backend.client.paging import PAGE_ROWS, EndlessList, read_pages
from backend.client.permissions import Permissions, read_permissions
from backend.client.rows import RowReader, tidy_status
from backend.task import Task
from backend.upid import RemoteType, RemoteUpid, parse_remote_upid

if TYPE_CHECKING:
    from backend.client.connection import Connection

MAX_VERSION = 40
"""Characters of a version that are kept."""
_SLICE_ROWS = 250
"""Rows read in one go: about a millisecond."""
_NO_LOG = "unable to open file - "
_EMPTY_LOG = "no content"


class RemoteClient(ABC):
    """One remote. Every method that asks it raises RemoteError; a UPID of another remote is a ValueError.

    To be closed: `async with open_client(…) as client`, or `aclose()`. Cancelling a request is safe at any point.
    """

    type: ClassVar[RemoteType]

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self.name = connection.remote.name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def latency(self) -> float | None:
        """Seconds the last answer took, whatever it said; None before the first."""
        return self._connection.latency

    @property
    def clock_skew(self) -> float | None:
        """Seconds the remote's clock is ahead of ours, to about one second; None while unknown."""
        return self._connection.clocks.skew

    def take_set_back(self) -> float:
        """The earliest time that the remote's clock may have shown after it was set back (UNIX seconds), since
        this was last taken; infinite if it was not."""
        return self._connection.clocks.take_set_back()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()

    @abstractmethod
    async def nodes(self) -> list[Node]:
        """The remote's members."""

    @abstractmethod
    async def current(self, nodes: Collection[str] = ()) -> Current:
        """What runs now, and what ended just before if the remote tells so in the same answer: one request. Where
        the token may not see that answer whole, `nodes` are asked one by one instead; one that does not answer is
        left out, unless all are."""

    @abstractmethod
    async def version(self) -> str:
        """The remote's version, such as `9.2.1`; safe to print."""

    @abstractmethod
    def audit_path(self, node: str) -> str:
        """Where a token needs Sys.Audit to see all tasks of a node; without it, it sees its own at most."""

    async def tasks(self, node: str, *, since: int | None = None, until: int | None = None) -> AsyncIterator[Page]:
        """The tasks of a node that started from `since` to `until` (UNIX seconds, inclusive), running ones too,
        page by page to the end. Each comes once; one that ends meanwhile may come as running first.

        A list of several pages ends at the newest start that its first page tells; what started later is for the
        next time. Pages handed out before an error are good, but the list is whole only when the iterator ends.
        """

        async def fetch(start: int, until: int | None) -> Page:
            return await self._list(node, start, since, until)

        try:
            async for page in read_pages(fetch, until):
                yield page
        except EndlessList as error:
            raise self._connection.unreadable(str(error)) from None

    async def find(self, upid: str, *, pass_over: bool = False) -> Task | None:
        """One task by its remote UPID, with end and status; None when the remote does not know it any more.

        A task that is out of its node's list but not of its status request comes with its start as its end: the
        remote tells the true one nowhere. Where rows of the list are no tasks, one of them may be this one: then
        AnswerError is raised, unless they are to be passed over.
        """
        parsed = self._own(upid)
        start = parsed.upid.starttime
        # Only the list has end times (PVE::API2::Tasks, PBS api2/node/tasks.rs).
        page = await self._list(self.node_of(parsed), 0, start, start)
        for task in page.tasks:
            if task.upid == parsed.text:
                return task
        if page.rejected and not pass_over:
            raise self._connection.unreadable(f"a task list with {page.rejected} rows that are no tasks")
        try:
            state = await self.status(upid)
        except NotFoundError:
            return None
        if state.running:
            return Task(parsed.text, start)
        if state.exitstatus is None or self._unknown(state.exitstatus):
            return None
        return Task(parsed.text, start, start, state.exitstatus)

    async def status(self, upid: str) -> TaskState:
        """How a task stands, by itself. Raises NotFoundError (PBS calls an unknown task `unknown` instead)."""
        data = await self._get(f"{self._task_path(upid)}/status")
        status = data.get("status") if isinstance(data, dict) else None
        if status == "running":
            return TaskState(True, None)
        if status != "stopped":
            raise self._connection.unreadable("a task status of another form")
        exitstatus = data.get("exitstatus")
        return TaskState(False, tidy_status(exitstatus, self.type) if isinstance(exitstatus, str) else None)

    async def log(self, upid: str, *, start: int = 0, limit: int = 500) -> list[LogLine]:
        """Lines of a task's log from the one at `start` (0 = the first), at most `limit` (at least 1).

        Empty where there are no more, or none at all. Raises NotFoundError where the log is gone.
        """
        return (await self.log_page(upid, start=start, limit=limit)).lines

    async def log_page(self, upid: str, *, start: int = 0, limit: int = 500) -> LogPage:
        """The same, and how many lines the log has."""
        path = f"{self._task_path(upid)}/log"
        query = {"start": self._log_start(start), "limit": limit}
        content = read_content(self._connection, path, await self._connection.request("GET", path, query))
        data, total = content["data"], content.get("total")
        if not isinstance(data, list):
            raise self._connection.unreadable("a task log of another form")
        lines = [self._log_line(row) for row in data]
        if len(lines) == 1 and lines[0].number == 1:
            if lines[0].text == _EMPTY_LOG:
                return LogPage([], 0)
            if lines[0].text.startswith(_NO_LOG):
                raise NotFoundError(self.name, "the task's log is gone, or was never written")
        return LogPage(lines, total if isinstance(total, int) and not isinstance(total, bool) else None)

    async def stop(self, upid: str) -> None:
        """Ask the remote to stop a task; it may take its time, or have ended already. Sent once at most."""
        path = self._task_path(upid)
        answer = await self._connection.request("DELETE", path, idempotent=False)
        read_data(self._connection, path, answer)

    async def permissions(self) -> Permissions:
        """What the token may do."""
        data = await self._get("/access/permissions")
        try:
            return read_permissions(data)
        except TypeError:
            raise self._connection.unreadable("permissions of another form") from None

    @abstractmethod
    def _list_query(self) -> Mapping[str, str | int]:
        """What makes a node's task list whole."""

    @abstractmethod
    def node_of(self, upid: RemoteUpid) -> str:
        """The node in the API's paths that knows a task."""

    @abstractmethod
    def _log_start(self, start: int) -> int:
        """The API's number for the log line at `start`."""

    @abstractmethod
    def _text(self, text: str) -> str:
        """A text of the API, read right."""

    @abstractmethod
    def _unknown(self, exitstatus: str) -> bool:
        """Whether this exit status means that the remote does not know the task."""

    async def _get(self, path: str, query: Mapping[str, str | int] | None = None) -> Any:
        answer = await self._connection.request("GET", path, query)
        return read_data(self._connection, path, answer)

    async def _list(self, node: str, start: int, since: int | None, until: int | None) -> Page:
        query = {"start": start, "limit": PAGE_ROWS, **self._list_query()}
        if since is not None:
            query["since"] = since
        if until is not None:
            query["until"] = until
        return await self._get_rows(f"/nodes/{quote(node, safe='')}/tasks", query)

    async def _get_rows(self, path: str, query: Mapping[str, str | int] | None = None) -> Page:
        answer = await self._connection.request("GET", path, query)
        async with self._connection.turn_to_read():
            return await self._read_rows(read_data(self._connection, path, answer))

    async def _read_rows(self, data: Any) -> Page:
        """The tasks of a list; the event loop goes on now and then while a long one is read."""
        if not isinstance(data, list):
            raise self._connection.unreadable("a task list of another form")
        reader = RowReader(self.type, self.name)
        for first in range(0, len(data), _SLICE_ROWS):
            await asyncio.sleep(0)
            reader.read(data[first : first + _SLICE_ROWS])
        return reader.page()

    def _own(self, upid: str) -> RemoteUpid:
        parsed = parse_remote_upid(upid)
        if parsed.remote != self.name or parsed.type != self.type:
            raise ValueError(f"{upid[:200]!r} is no task of {self.name}")
        return parsed

    def _task_path(self, upid: str) -> str:
        parsed = self._own(upid)
        return f"/nodes/{self.node_of(parsed)}/tasks/{quote(parsed.upid.text, safe='')}"

    def _log_line(self, row: Any) -> LogLine:
        number, text = (row.get("n"), row.get("t")) if isinstance(row, dict) else (None, None)
        if not isinstance(number, int) or not isinstance(text, str):
            raise self._connection.unreadable("a log line of another form")
        return LogLine(number, self._text(text))
