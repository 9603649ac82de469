"""A fault of the simulated fleet, and the text in which it is written: on the command line, in a control file, in
a test. What comes of one is `service`'s and `spoiled`'s matter."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from backend.simulator.options import SimulatorError
from backend.times import parse_duration

Scope = Literal["remote", "answers", "nodes"]
"""What a kind of fault befalls: a remote's port as a whole; the answers of a remote, or of those the ones about a
node; or nodes, which are all of a remote where none is named."""

_WRITTEN = re.compile(
    r"(?P<remote>[\w.*-]+)(/(?P<node>[\w.*-]+))?:(?P<kind>[a-z-]+)(=(?P<amount>[^@]*))?(@(?P<chance>.*))?",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)
_MOST_BEHIND, _MOST_AHEAD = 1_000_000_000, 2_000_000_000
"""Seconds that keep every start of a task within the eight hex digits of a UPID."""

Amount = tuple[float, float]


class FaultError(SimulatorError):
    """A fault that is written wrong, or befalls nothing in this fleet; the text says what was expected."""


class _Value(NamedTuple):
    """What stands behind a kind's `=`: in a word and in full, how to read it, which raises ValueError, and the
    default if it may be left out."""

    form: str
    expected: str
    read: Callable[[str], Amount]
    default: Amount | None = None


class _Kind(NamedTuple):
    """One kind of fault; `chancy` where it may befall only some of the connections or answers."""

    scope: Scope
    value: _Value | None
    chancy: bool
    words: str


def _number(text: str) -> Amount:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError
    return float(text), float(text)


def _between(text: str) -> Amount:
    low, _, high = text.partition("..")
    span = _number(low)[0], _number(high or low)[0]
    if span[0] > span[1]:
        raise ValueError
    return span


def _at_most(limit: float) -> Callable[[str], Amount]:
    def read(text: str) -> Amount:
        amount = _number(text)
        if not 0 < amount[0] <= limit:
            raise ValueError
        return amount

    return read


def _status(text: str) -> Amount:
    if re.fullmatch("[45][0-9][0-9]", text, re.ASCII) is None:
        raise ValueError
    return float(text), float(text)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else float(parse_duration(text))


def _offset(text: str) -> Amount:
    ahead = -_seconds(text[1:]) if text.startswith("-") else _seconds(text.removeprefix("+"))
    if not -_MOST_BEHIND <= ahead <= _MOST_AHEAD:
        raise ValueError
    return ahead, ahead


def _span(text: str) -> Amount:
    seconds = _seconds(text)
    if not 0 < seconds <= _MOST_BEHIND:
        raise ValueError
    return seconds, seconds


_LATENCY = _Value("SECONDS", "seconds such as 0.2, or 0.2..0.6", _between)
_STATUS = _Value("STATUS", "a status from 400 to 599", _status)
_ONE_MB = _Value("MB", "a size in MB, up to 50", _at_most(50), (1, 1))
_HUNDRED_MB = _Value("MB", "a size in MB, up to 1000000", _at_most(1e6), (100, 100))
_OFFSET = _Value("SECONDS", "seconds, or a span such as 2h or -1h30m, from -1000000000 to 2000000000 s", _offset)
_PER_MINUTE = _Value("N", "tasks a minute, up to 1000000", _at_most(1e6))
_SPAN = _Value("SECONDS", "seconds, or a span such as 3d", _span)

_KINDS: dict[str, _Kind] = {
    "refuse": _Kind("remote", None, False, "its port is closed, as that of a host that is down"),
    "silent": _Kind("remote", None, True, "it takes connections and says nothing, not even TLS"),
    "certificate": _Kind("remote", None, True, "another certificate than the configuration names"),
    "latency": _Kind("answers", _LATENCY, True, "before each answer; any of 0.2 to 0.6 for 0.2..0.6"),
    "hang": _Kind("answers", None, True, "no answer ever, until the client gives up"),
    "stall": _Kind("answers", None, True, "half of the answer, then nothing more"),
    "reset": _Kind("answers", None, True, "half of the answer, then the connection is reset"),
    "status": _Kind("answers", _STATUS, True, "an error: 401, 403, 500, 595, 596, …"),
    "empty": _Kind("answers", None, True, "200 with an empty body"),
    "truncated": _Kind("answers", None, True, "JSON that breaks off in the middle"),
    "object": _Kind("answers", None, True, "an object where another type is due"),
    "strings": _Kind("answers", None, True, "strings for all numbers"),
    "nulls": _Kind("answers", None, True, "null for every other row"),
    "nested": _Kind("answers", None, True, "lists in lists in lists, 100,000 deep"),
    "long-status": _Kind("answers", _ONE_MB, True, "a status text of 1 MB"),
    "huge": _Kind("answers", _HUNDRED_MB, True, "an answer of 100 MB"),
    "offline": _Kind("nodes", None, False, "the node refuses its cluster's connections (595)"),
    "twice": _Kind("nodes", None, False, "for 30 s an ended task is listed as running, too"),
    "clock": _Kind("nodes", _OFFSET, False, "its clock is ahead or behind (-2h); set later, it jumps"),
    "burst": _Kind("nodes", _PER_MINUTE, False, "N more tasks a minute start on each such node"),
    "long": _Kind("nodes", _SPAN, False, "one task starts now, and runs so long (3d)"),
}


def _form(name: str, kind: _Kind) -> str:
    if kind.value is None:
        return name
    return f"{name}={kind.value.form}" if kind.value.default is None else f"{name}[={kind.value.form}]"


FAULTS_HELP = "\n".join(
    [
        "\b",
        "Faults are written REMOTE:KIND or REMOTE/NODE:KIND, with * for any text;",
        "KIND=VALUE where it takes one, and KIND@0.1 to befall a tenth of the answers:",
        *(f"  {_form(name, kind):<21}{kind.words}" for name, kind in _KINDS.items()),
    ]
)
"""All kinds in a table, for a command's help."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `str()` writes it so that `parse_fault` reads it again.

    Attributes:
        remote, node: names in which `*` stands for any text; no node for all of the remote.
        kind: one of those that `FAULTS_HELP` lists.
        amount: what stands behind its `=`: the lowest and the highest; 0 where it takes none. Spans of time are
            in seconds, sizes in MB of a million bytes.
        chance: of befalling an answer, or a connection; 1 for all of them.
    """

    remote: str
    node: str | None
    kind: str
    amount: Amount = (0.0, 0.0)
    chance: float = 1.0

    def __str__(self) -> str:
        where = self.remote if self.node is None else f"{self.remote}/{self.node}"
        low, high = (f"{one:.6f}".rstrip("0").rstrip(".") for one in self.amount)
        value = "" if _KINDS[self.kind].value is None else f"={low}" if low == high else f"={low}..{high}"
        return f"{where}:{self.kind}{value}" + ("" if self.chance == 1 else f"@{self.chance:g}")

    @property
    def scope(self) -> Scope:
        """What it befalls."""
        return _KINDS[self.kind].scope

    @property
    def place(self) -> tuple[str, str | None, str]:
        """Where and of what kind it is: a fault takes the place of an earlier one there."""
        return self.remote, self.node, self.kind

    def befalls(self, remote: str) -> bool:
        """Whether it is a fault of that remote, or of nodes in it."""
        return fnmatchcase(remote, self.remote)

    def befalls_node(self, node: str | None) -> bool:
        """Whether, in its remote, that node suffers from it; None stands for what is about no node."""
        return self.node is None or (node is not None and fnmatchcase(node, self.node))


def parse_fault(text: str) -> Fault:
    """A fault from its text: `wien:hang`, `*:latency=0.2..0.6`, `pve-003/pve2:offline`, `graz:reset@0.1`. Raises
    FaultError."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise _wrong(text, "expected REMOTE:KIND or REMOTE/NODE:KIND, as in wien:hang or */pve2:offline")
    name = written["kind"]
    kind = _KINDS.get(name)
    if kind is None:
        near = difflib.get_close_matches(name, _KINDS, 1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(_KINDS)}"
        raise _wrong(text, f"there is no fault {name!r}; {advice}")
    if written["node"] is not None and kind.scope == "remote":
        raise _wrong(text, f"{name} befalls a remote as a whole: {written['remote']}:{name}")
    return Fault(
        written["remote"],
        written["node"],
        name,
        _amount(text, name, kind, written["amount"]),
        _chance(text, name, kind, written["chance"]),
    )


def _amount(text: str, name: str, kind: _Kind, given: str | None) -> Amount:
    if kind.value is None:
        if given is not None:
            raise _wrong(text, f"{name} takes no value")
        return 0.0, 0.0
    if given is None and kind.value.default is not None:
        return kind.value.default
    try:
        return kind.value.read(given or "")
    except ValueError:
        raise _wrong(text, f"expected {name}={kind.value.form}: {kind.value.expected}") from None


def _chance(text: str, name: str, kind: _Kind, given: str | None) -> float:
    if given is None:
        return 1.0
    if not kind.chancy:
        raise _wrong(text, f"{name} takes no chance: it holds or it does not")
    if _NUMBER.fullmatch(given) is None or not 0 < float(given) <= 1:
        raise _wrong(text, f"expected a chance above 0 and up to 1, as in {name}@0.1")
    return float(given)


def _wrong(text: str, why: str) -> FaultError:
    return FaultError(f"in the fault {text[:100]!r}: {why}")
