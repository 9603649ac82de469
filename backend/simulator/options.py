"""What a simulated fleet is to be like, and the error of one that cannot be served."""

from dataclasses import dataclass


class SimulatorError(Exception):
    """The fleet cannot be served; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How large a fleet, how much history, how fast. Raises SimulatorError where that makes no sense.

    Attributes:
        remotes: how many in all.
        pbs: how many of them are PBS hosts; None for one in five, at least one when there are two or more.
        nodes: nodes of each PVE remote.
        tasks_per_node: finished tasks that a PVE node remembers, whatever their age.
        tasks_per_pbs: finished tasks that a PBS host remembers.
        days: over how long that history stretches back from the start.
        rate: new tasks a minute over the whole fleet while it runs.
        speed: how many seconds of the fleet's clock pass in one of the time it is started by: with 60, an hour's
            tasks come in a minute. Latencies, delays and timeouts stay as they are.
        latency: seconds added to every answer.
        seed: the same seed, started at the same time, gives the same tasks.
        host: the address to listen on.
        port: remote number i (from 0) listens on port + i; 0 for free ports.
        auth_delay: seconds before a 401, as the real servers wait.
    """

    remotes: int = 10
    pbs: int | None = None
    nodes: int = 3
    tasks_per_node: int = 700
    tasks_per_pbs: int = 5_000
    days: float = 6.0
    rate: float = 20.0
    speed: float = 1.0
    latency: float = 0.0
    seed: int = 1
    host: str = "127.0.0.1"
    port: int = 0
    auth_delay: float = 3.0

    def __post_init__(self) -> None:
        for name, minimum in (("remotes", 1), ("nodes", 1), ("tasks_per_node", 0), ("tasks_per_pbs", 0)):
            if getattr(self, name) < minimum:
                raise SimulatorError(f"{name}: expected at least {minimum}, not {getattr(self, name)}")
        for name in ("rate", "latency", "auth_delay"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise SimulatorError(f"{name}: expected a number of at least 0, not {getattr(self, name)}")
        if not 0 < self.speed <= 10_000:
            raise SimulatorError(f"speed: expected more than 0 and at most 10000, not {self.speed}")
        if not 0 < self.days <= 3_650:
            raise SimulatorError(f"days: expected more than 0 and at most 3650, not {self.days}")
        if self.pbs is not None and not 0 <= self.pbs <= self.remotes:
            raise SimulatorError(f"pbs: expected 0 to {self.remotes}, the number of remotes, not {self.pbs}")
        if self.port and not 1 <= self.port <= 65_536 - self.remotes:
            raise SimulatorError(
                f"port: expected 1 to {65_536 - self.remotes}, which leaves a port for each of "
                f"{self.remotes} remotes, not {self.port}"
            )

    @property
    def pbs_remotes(self) -> int:
        """How many of the remotes are PBS hosts."""
        if self.pbs is not None:
            return self.pbs
        return 0 if self.remotes < 2 else max(1, self.remotes // 5)
