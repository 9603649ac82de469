"""One simulated remote in service: its port, its answers, and the faults that it suffers from."""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from random import Random

from backend.simulator.certificates import make_certificate
from backend.simulator.connection import PBS_KEEP_ALIVE, PVE_KEEP_ALIVE, serve_connection
from backend.simulator.draws import key_of
from backend.simulator.fault import Fault
from backend.simulator.fleet import SimulatedRemote
from backend.simulator.listener import Listener, bind_port
from backend.simulator.messages import Answer, Request
from backend.simulator.options import SimulatorError, SimulatorOptions
from backend.simulator.pbs import answer_pbs
from backend.simulator.pve import answer_pve
from backend.simulator.spoiled import spoil

_LONG_TASKS = {"pve": ("vzdump", ""), "pbs": ("verificationjob", "store1:v-9f8e7d6c")}
"""Type and id of the task that the fault `long` starts."""


class RemoteService:
    """Serves a remote from `open` to `close`.

    Attributes:
        faults: those that befall it, the latest last.
    """

    def __init__(
        self,
        remote: SimulatedRemote,
        options: SimulatorOptions,
        clock: Callable[[], float],
        requests: Counter[str],
        rows: Counter[str],
    ) -> None:
        """`clock` is the fleet's; `requests` and `rows` count what is answered."""
        self.remote = remote
        self.faults: tuple[Fault, ...] = ()
        self._options = options
        self._clock = clock
        self._requests = requests
        self._rows = rows
        self._random = Random(key_of(options.seed, remote.name, "faults"))
        self._spoiling: tuple[Fault, ...] = ()
        self._listener: Listener | None = None
        self._in_service = False
        # its port, while it refuses connections
        self._idle_port: socket.socket | None = None

    async def open(self, port: int) -> None:
        """Listen on a port, 0 for a free one. Raises SimulatorError if it is not to be had."""
        self.remote.port = port
        await self._listen()
        self._in_service = True
        await self.settle()

    async def close(self) -> None:
        """Close the port and its connections."""
        self._in_service = False
        await self._fall_silent()
        if self._idle_port is not None:
            self._idle_port.close()
            self._idle_port = None

    def suffer(self, faults: tuple[Fault, ...], now: int, *, from_ever: bool = False) -> None:
        """Suffer from these faults from now on and from no others; what they do to the port, `settle` does.
        `from_ever`: a clock that is off has been so for all of the past, too."""
        before, self.faults = self.faults, faults
        remote = self.remote
        self._spoiling = tuple(fault for fault in faults if fault.scope == "answers")
        remote.offline = self._nodes_with("offline")
        remote.twice = self._nodes_with("twice")
        for node, history in remote.histories.items():
            history.clock.jump(-1 if from_ever else now, int(self._amount("clock", node)))
            history.burst(self._amount("burst", node), now)
            for fault in faults:
                if fault.kind == "long" and fault not in before and fault.befalls_node(node):
                    worker_type, worker_id = _LONG_TASKS[remote.type]
                    history.start(
                        now=now,
                        duration=int(fault.amount[0]),
                        worker_type=worker_type,
                        worker_id=worker_id,
                        user="root@pam",
                        status="OK",
                    )

    async def settle(self) -> None:
        """Let the port do as the faults want it. Raises SimulatorError if it cannot be listened on again."""
        if not self._in_service:
            return
        swapped = self.remote.other_certificate is not None
        if swapped != any(fault.kind == "certificate" for fault in self.faults):
            self.remote.other_certificate = (
                None if swapped else make_certificate(self.remote.name, self._options.host)
            )
            if self._listener is not None:
                # a server that is given a certificate starts anew
                await self._listener.drop()
        refuses = any(fault.kind == "refuse" for fault in self.faults)
        if refuses and self._listener is not None:
            await self._fall_silent()
            with contextlib.suppress(OSError):
                self._idle_port = bind_port(self._options.host, self.remote.port)
        elif not refuses and self._listener is None:
            await self._listen()

    async def _listen(self) -> None:
        keep_alive = PVE_KEEP_ALIVE if self.remote.type == "pve" else PBS_KEEP_ALIVE
        host, port = self._options.host, self.remote.port

        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve_connection(reader, writer, self._answer, keep_alive)

        try:
            bound, self._idle_port = self._idle_port or bind_port(host, port), None
            self._listener = await Listener.open(bound, self._greet, serve_client)
        except OSError as error:
            why = error.strerror or error
            raise SimulatorError(f"cannot listen on {host}:{port} for {self.remote.name}: {why}") from None
        self.remote.port = self._listener.port

    async def _fall_silent(self) -> None:
        if self._listener is not None:
            listener, self._listener = self._listener, None
            await listener.close()

    def _greet(self) -> ssl.SSLContext | None:
        certificate = self.remote.certificate
        for fault in self.faults:
            if fault.kind == "silent" and self._happens(fault):
                return None
            if fault.kind == "certificate" and self._happens(fault):
                certificate = self.remote.other_certificate or certificate
        return certificate.context

    async def _answer(self, request: Request) -> Answer:
        remote = self.remote
        latency, fault = self._befalling(request) if self._spoiling else (0.0, None)
        if latency + remote.latency:
            await asyncio.sleep(latency + remote.latency)
        api = answer_pve if remote.type == "pve" else answer_pbs
        failure = int(fault.amount[0]) if fault is not None and fault.kind == "status" else None
        answer = api(remote, request, self._clock(), self._options.auth_delay, failure)
        name = f"{remote.name} {request.method} {answer.route}"
        self._requests[name] += 1
        if answer.rows:
            self._rows[name] += answer.rows
        return answer if fault is None or failure is not None else spoil(answer, fault)

    def _befalling(self, request: Request) -> tuple[float, Fault | None]:
        """Seconds to wait before the answer to a request, and of the faults that happen to it the first."""
        segments = request.segments
        node = segments[3] if len(segments) > 3 and segments[2] == "nodes" else None
        latency, found = 0.0, None
        for fault in self._spoiling:
            if not fault.befalls_node(node) or not self._happens(fault):
                continue
            if fault.kind == "latency":
                latency += self._random.uniform(*fault.amount)
            elif found is None:
                found = fault
        return latency, found

    def _happens(self, fault: Fault) -> bool:
        return fault.chance == 1 or self._random.random() < fault.chance

    def _nodes_with(self, kind: str) -> frozenset[str]:
        found = [fault for fault in self.faults if fault.kind == kind]
        return frozenset(node for node in self.remote.nodes if any(fault.befalls_node(node) for fault in found))

    def _amount(self, kind: str, node: str) -> float:
        """The amount of a node's latest fault of that kind, 0 without one."""
        for fault in reversed(self.faults):
            if fault.kind == kind and fault.befalls_node(node):
                return fault.amount[0]
        return 0.0
