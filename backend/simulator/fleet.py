"""The remotes of a simulated fleet: their names, nodes, guests and API tokens. What they answer is `pve`'s and
`pbs`'s matter."""

from dataclasses import dataclass, field

from backend.simulator.catalogue import FIRST_GUEST
from backend.simulator.certificates import Certificate, make_certificate
from backend.simulator.clock import NodeClock
from backend.simulator.draws import key_of, secret_of
from backend.simulator.history import NodeHistory
from backend.simulator.options import SimulatorOptions
from backend.simulator.stream import TaskStream
from backend.simulator.timeline import Timeline
from backend.upid import RemoteType

_CITIES = (
    "wien", "graz", "linz", "salzburg", "innsbruck", "klagenfurt", "berlin", "hamburg", "leipzig", "dresden",
    "zagreb", "ljubljana", "bratislava", "brno", "praha", "budapest", "trieste", "milano", "torino", "bergamo",
    "lyon", "nantes", "lille", "gent", "utrecht", "aarhus", "malmo", "bergen", "tampere", "tartu",
)  # fmt: skip

_PBS_WEIGHT = 3
"""How many times as many new tasks as a PVE node a PBS host sees."""

_LONG_RUNNERS = 8
"""About how many long tasks the fleet starts out with."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token: `id` as in `user@realm!name`, and the privileges it has on every path."""

    id: str
    secret: str = field(repr=False)
    privileges: frozenset[str]

    def may(self, privilege: str) -> bool:
        return privilege in self.privileges


@dataclass(slots=True, eq=False)
class SimulatedRemote:
    """One remote.

    Attributes:
        nodes: names as the API knows them; of a PBS host, `localhost` alone.
        guests: how many guests it has, numbered from 100 on.
        token, read_only, low: tokens with all privileges, with those to look only, and with none.
        histories: the tasks of each node.
        port: where it listens; 0 while it does not.
        latency: seconds added to each of its answers; may be changed at any time.
        offline: the nodes that refuse their cluster's connections.
        twice: the nodes that for a while list a task that has ended as running, too.
        other_certificate: the one it serves instead of its own, while a fault has it so.
    """

    name: str
    type: RemoteType
    nodes: tuple[str, ...]
    guests: int
    certificate: Certificate
    token: Token
    read_only: Token
    low: Token
    histories: dict[str, NodeHistory]
    latency: float
    port: int = 0
    offline: frozenset[str] = frozenset()
    twice: frozenset[str] = frozenset()
    other_certificate: Certificate | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its own certificate, 32 hex pairs with colons."""
        return self.certificate.fingerprint

    def told(self, now: float) -> int:
        """The time that the node which is asked tells at `now`, by the fleet's clock; both UNIX seconds."""
        return self.histories[self.nodes[0]].clock.told(int(now))

    @property
    def tokens(self) -> tuple[Token, ...]:
        return (self.token, self.read_only, self.low)

    def has_guest(self, number: int) -> bool:
        """Whether a guest has that number."""
        return FIRST_GUEST <= number < FIRST_GUEST + self.guests


_PRIVILEGES: dict[RemoteType, tuple[frozenset[str], frozenset[str]]] = {
    "pve": (
        frozenset({"Sys.Audit", "Sys.Modify", "VM.Audit", "VM.Backup", "VM.PowerMgmt", "Datastore.Audit"}),
        frozenset({"Sys.Audit", "VM.Audit", "Datastore.Audit"}),
    ),
    "pbs": (
        frozenset({"Sys.Audit", "Sys.Modify", "Datastore.Audit", "Datastore.Modify"}),
        frozenset({"Sys.Audit", "Datastore.Audit"}),
    ),
}


def make_fleet(options: SimulatorOptions, epoch: float) -> list[SimulatedRemote]:
    """All remotes, PVE ones first. `epoch` is when the fleet starts, UNIX seconds."""
    pve = options.remotes - options.pbs_remotes
    timelines = _timelines(options, epoch)
    remotes = []
    for index in range(options.remotes):
        if index < pve:
            name = _CITIES[index] if index < len(_CITIES) else f"pve-{index + 1:03d}"
            nodes = tuple(f"pve{number}" for number in range(1, options.nodes + 1))
            remotes.append(_make_remote(options, epoch, "pve", name, nodes, timelines["pve"]))
        else:
            name = f"pbs-{index - pve + 1:03d}"
            remotes.append(_make_remote(options, epoch, "pbs", name, ("localhost",), timelines["pbs"]))
    return remotes


def _timelines(options: SimulatorOptions, epoch: float) -> dict[RemoteType, Timeline]:
    pve_nodes = (options.remotes - options.pbs_remotes) * options.nodes
    per_second = options.rate / 60 / (pve_nodes + options.pbs_remotes * _PBS_WEIGHT)

    def timeline(remembers: int, weight: int) -> Timeline:
        # some more than are remembered, so that with those still running there are enough
        past = remembers + remembers // 50 + 4 if remembers else 0
        return Timeline(epoch=epoch, days=options.days, past=past, per_second=per_second * weight)

    return {"pve": timeline(options.tasks_per_node, 1), "pbs": timeline(options.tasks_per_pbs, _PBS_WEIGHT)}


def _make_remote(
    options: SimulatorOptions,
    epoch: float,
    type: RemoteType,
    name: str,
    nodes: tuple[str, ...],
    timeline: Timeline,
) -> SimulatedRemote:
    key = key_of(options.seed, name)
    per_node = 4 * (3 + key % 6) if type == "pve" else 4 * (5 + key % 15)
    hosts = (options.remotes - options.pbs_remotes) * options.nodes + options.pbs_remotes
    remembers = options.tasks_per_node if type == "pve" else options.tasks_per_pbs

    def history(number: int, node: str) -> NodeHistory:
        node_key = key_of(options.seed, name, node)
        stream = TaskStream(
            timeline,
            type=type,
            node=node if type == "pve" else name,
            key=node_key,
            guests=range(FIRST_GUEST + number * per_node, FIRST_GUEST + (number + 1) * per_node),
            epoch=epoch,
            long_runner=(node_key >> 8) % hosts < min(_LONG_RUNNERS, hosts / 2),
            clock=NodeClock(),
        )
        return NodeHistory(stream, remembers)

    def token(user: str, privileges: frozenset[str]) -> Token:
        return Token(user, secret_of(options.seed, name, user), privileges)

    full, read_only = _PRIVILEGES[type]
    return SimulatedRemote(
        name=name,
        type=type,
        nodes=nodes,
        guests=per_node * len(nodes),
        certificate=make_certificate(f"{nodes[0] if type == 'pve' else name}.{name}.example.com", options.host),
        token=token(f"automation@{type}!remote-tasks", full),
        read_only=token(f"auditor@{type}!look", read_only),
        low=token(f"guest@{type}!nothing", frozenset()),
        histories={node: history(number, node) for number, node in enumerate(nodes)},
        latency=options.latency,
    )
