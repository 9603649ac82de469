"""The simulated fleet: all of its remotes in service in one asyncio process, and what tests ask of them."""

import asyncio
import difflib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from backend.simulator.catalogue import kind_called
from backend.simulator.configuration import config_toml
from backend.simulator.fault import Fault, FaultError, parse_fault
from backend.simulator.fleet import make_fleet
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.service import RemoteService
from backend.simulator.truth import TrueTask, true_tasks
from backend.task import Task
from backend.upid import UpidError, remote_upid


class Simulator:
    """A fleet that listens while its context lasts: `async with Simulator(options) as simulator`.

    Attributes:
        clock: the fleet's, UNIX seconds: all that the remotes tell follows from it. It goes as fast as the options
            say.
        remotes: by name; PVE ones first.
        requests: how many requests were answered, by remote, method and path:
            `wien GET /nodes/pve1/tasks/{upid}/log`. May be cleared.
        rows: how many tasks the answers listed, by the same keys.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        clock: Callable[[], float] = time.time,
        *,
        faults: Sequence[Fault | str] = (),
    ) -> None:
        """`clock` gives UNIX seconds; history stretches back from its first reading, here. The `faults` hold from
        the start on. Raises FaultError."""
        self.options = options
        epoch = clock()
        speed = options.speed
        self.clock = clock if speed == 1 else lambda: epoch + (clock() - epoch) * speed
        self.requests: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.remotes = {remote.name: remote for remote in make_fleet(options, epoch)}
        self._services = {
            name: RemoteService(remote, options, self.clock, self.requests, self.rows)
            for name, remote in self.remotes.items()
        }
        self._faults: tuple[Fault, ...] = ()
        self._settling = asyncio.Lock()
        self._suffer(self._checked(faults), int(epoch), from_ever=True)

    async def __aenter__(self) -> Self:
        """Listen on all ports. Raises SimulatorError if one is not to be had."""
        try:
            for index, service in enumerate(self._services.values()):
                await service.open(self.options.port and self.options.port + index)
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
        moment = int(self.clock() if now is None else now)
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
                now=int(self.clock()),
                duration=int(shortest if duration is None else duration),
                worker_type=worker_type,
                worker_id=worker_id,
                user=user,
                status=status,
            )
        except UpidError as error:
            raise SimulatorError(str(error)) from None
        return task.upid

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that hold now, the latest last."""
        return self._faults

    async def set_fault(self, fault: Fault | str) -> Fault:
        """Let a fault hold from now on, in place of one of the same kind in the same place. Raises FaultError, or
        SimulatorError as `set_faults` does."""
        (new,) = self._checked([fault])
        await self.set_faults([*self._without(new), new])
        return new

    async def clear_fault(self, fault: Fault | str) -> None:
        """Let the fault of that kind in that place, whatever its amount, hold no longer; nothing if there is
        none. Raises as `set_fault` does."""
        (old,) = self._checked([fault])
        await self.set_faults(self._without(old))

    async def set_faults(self, faults: Sequence[Fault | str]) -> None:
        """Let these faults hold from now on, and no others. Raises FaultError, and then changes nothing; or
        SimulatorError if a port that was closed is not to be had again."""
        self._suffer(self._checked(faults), int(self.clock()))
        async with self._settling:
            for service in self._services.values():
                await service.settle()

    def check(self, fault: Fault) -> None:
        """Raises FaultError if the fault befalls nothing in this fleet."""
        remotes = [remote for name, remote in self.remotes.items() if fault.befalls(name)]
        if not remotes:
            near = difflib.get_close_matches(fault.remote, self.remotes, 1) or [next(iter(self.remotes))]
            raise FaultError(f"in the fault '{fault}': no remote is called {fault.remote}; there is {near[0]}")
        if not any(fault.befalls_node(node) for remote in remotes for node in remote.nodes):
            nodes = ", ".join(remotes[0].nodes)
            raise FaultError(f"in the fault '{fault}': no node is called {fault.node}; there is {nodes}")
        if fault.kind in ("offline", "twice") and all(remote.type == "pbs" for remote in remotes):
            raise FaultError(f"in the fault '{fault}': {fault.kind} befalls nodes of PVE clusters only")

    def set_offline(self, remote: str, node: str, offline: bool = True) -> None:
        """Let a node refuse its cluster's connections (595), or take them again."""
        (fault,) = self._checked([Fault(remote, node, "offline")])
        self._suffer((*self._without(fault), fault) if offline else self._without(fault), int(self.clock()))

    async def take_down(self, remote: str) -> None:
        """Close a remote's port and its connections, as a host that lost power."""
        await self.set_fault(Fault(remote, None, "refuse"))

    async def bring_up(self, remote: str) -> None:
        """Listen again on the port that take_down closed. Raises SimulatorError if it is not to be had."""
        await self.clear_fault(Fault(remote, None, "refuse"))

    def truth(self) -> Iterator[TrueTask]:
        """Every task that the fleet ever ran, up to now, node by node: those that are forgotten, too. Made as they
        are asked for; what happens meanwhile does not show."""
        return true_tasks(self.remotes.values(), int(self.clock()))

    def _checked(self, faults: Sequence[Fault | str]) -> tuple[Fault, ...]:
        read = tuple(parse_fault(fault) if isinstance(fault, str) else fault for fault in faults)
        for fault in read:
            self.check(fault)
        return read

    def _without(self, fault: Fault) -> tuple[Fault, ...]:
        return tuple(other for other in self._faults if other.place != fault.place)

    def _suffer(self, faults: tuple[Fault, ...], now: int, *, from_ever: bool = False) -> None:
        self._faults = faults
        for name, service in self._services.items():
            own = tuple(fault for fault in faults if fault.befalls(name))
            if own != service.faults:
                service.suffer(own, now, from_ever=from_ever)

    async def _close(self) -> None:
        async with self._settling:
            for service in self._services.values():
                await service.close()
