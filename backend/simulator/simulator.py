"""The simulated fleet in service: a TLS listener for each remote in one asyncio process, and what tests ask of
it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.archive.files import write_atomically
from backend.simulator.catalogue import kind_called
from backend.simulator.configuration import config_toml
from backend.simulator.connection import PBS_KEEP_ALIVE, PVE_KEEP_ALIVE, serve_connection
from backend.simulator.fleet import SimulatedRemote, make_fleet
from backend.simulator.listener import Listener
from backend.simulator.messages import Answer, Request
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.pbs import answer_pbs
from backend.simulator.pve import answer_pve
from backend.task import Task
from backend.upid import UpidError, remote_upid


class Simulator:
    """A fleet that listens while its context lasts: `async with Simulator(options) as simulator`.

    Attributes:
        remotes: by name; PVE ones first.
        requests: how many requests were answered, by remote, method and path:
            `wien GET /nodes/pve1/tasks/{upid}/log`. May be cleared.
        rows: how many tasks the answers listed, by the same keys.
    """

    def __init__(self, options: SimulatorOptions, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives UNIX seconds; all that the remotes tell follows from it. History stretches back from its
        first reading, here."""
        self.options = options
        self._clock = clock
        self.remotes = {remote.name: remote for remote in make_fleet(options, clock())}
        self.requests: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self._listeners: dict[str, Listener] = {}

    async def __aenter__(self) -> Self:
        """Listen on all ports. Raises SimulatorError if one is not to be had."""
        try:
            for index, remote in enumerate(self.remotes.values()):
                await self._listen(remote, self.options.port and self.options.port + index)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    def config_toml(self) -> str:
        """A configuration file for remote-tasks with all remotes, their fingerprints and tokens."""
        return config_toml(self.options.host, self.remotes.values())

    def remembered(self, remote: str, now: float | None = None) -> list[Task]:
        """All tasks that a remote runs or remembers at `now` (UNIX seconds, by default its clock), in no
        particular order: the truth."""
        moment = int(self._clock() if now is None else now)
        found = self.remotes[remote]
        tasks = []
        for history in found.histories.values():
            for number in history.running(moment):
                task = history.task(number)
                tasks.append(Task(remote_upid(found.type, remote, task.upid), task.starttime))
            for number in history.finished(moment):
                task = history.task(number)
                upid = remote_upid(found.type, remote, task.upid)
                tasks.append(Task(upid, task.starttime, task.endtime, task.status))
        return tasks

    def start_task(
        self,
        remote: str,
        node: str,
        worker_type: str,
        worker_id: str = "",
        *,
        user: str = "root@pam",
        duration: float | None = None,
        status: str = "OK",
    ) -> str:
        """Start a task now and give its UPID, as the remote writes it.

        It lasts `duration` seconds, by default as long as its type may at least, and ends with `status`. Raises
        SimulatorError if type, id or user cannot stand in a UPID.
        """
        found = self.remotes[remote]
        shortest = kind_called(found.type, worker_type).shortest
        try:
            task = found.histories[node].start(
                now=int(self._clock()),
                duration=int(shortest if duration is None else duration),
                worker_type=worker_type,
                worker_id=worker_id,
                user=user,
                status=status,
            )
        except UpidError as error:
            raise SimulatorError(str(error)) from None
        return task.upid

    def set_offline(self, remote: str, node: str, offline: bool = True) -> None:
        """Let a node refuse its cluster's connections (595), or take them again."""
        if offline:
            self.remotes[remote].offline.add(node)
        else:
            self.remotes[remote].offline.discard(node)

    async def take_down(self, remote: str) -> None:
        """Close a remote's port and its connections, as a host that lost power."""
        await self._listeners.pop(remote).close()

    async def bring_up(self, remote: str) -> None:
        """Listen again on the port that take_down closed. Raises SimulatorError if it is not to be had."""
        await self._listen(self.remotes[remote], self.remotes[remote].port)

    async def _listen(self, remote: SimulatedRemote, port: int) -> None:
        keep_alive = PVE_KEEP_ALIVE if remote.type == "pve" else PBS_KEEP_ALIVE

        async def answer(request: Request) -> Answer:
            return await self._answer(remote, request)

        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve_connection(reader, writer, answer, keep_alive)

        try:
            listener = await Listener.open(self.options.host, port, remote.certificate.context, serve_client)
        except OSError as error:
            where = f"{self.options.host}:{port}"
            why = error.strerror or error
            raise SimulatorError(f"cannot listen on {where} for {remote.name}: {why}") from None
        remote.port = listener.port
        self._listeners[remote.name] = listener

    async def _answer(self, remote: SimulatedRemote, request: Request) -> Answer:
        if remote.latency:
            await asyncio.sleep(remote.latency)
        api = answer_pve if remote.type == "pve" else answer_pbs
        answer = api(remote, request, self._clock(), self.options.auth_delay)
        name = f"{remote.name} {request.method} {answer.route}"
        self.requests[name] += 1
        if answer.rows:
            self.rows[name] += answer.rows
        return answer

    async def _close(self) -> None:
        for name in list(self._listeners):
            await self.take_down(name)


async def serve(
    options: SimulatorOptions,
    *,
    write_config: Path | None = None,
    ready: Callable[[Simulator], None] | None = None,
) -> None:
    """Serve a fleet until cancelled. Once all of it listens, its configuration is written to `write_config` (0600,
    replaced as a whole), then `ready` is called. Raises SimulatorError."""
    async with Simulator(options) as simulator:
        if write_config is not None:
            content = simulator.config_toml().encode()
            try:
                await asyncio.to_thread(write_atomically, write_config, content)
            except OSError as error:
                raise SimulatorError(f"cannot write {write_config}: {error.strerror}") from None
        if ready is not None:
            ready(simulator)
        await asyncio.Event().wait()
