"""A remote as a row: how it is, in words and colours; and all that is known of it, line by line. Pure."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from rich.cells import cell_len
from textual.content import Content

from backend.archive.health import NodeHealth, RemoteHealth, Round
from backend.task import Status
from backend.text import counted, safe
from backend.times import format_duration, moment_words
from tui.format import count, fit, span
from tui.row import GAP, SIGNS, Piece, Tone
from tui.status import WRONG_CLOCK
from tui.trouble import cause, node_trouble, without_name

Cells = Mapping[str, str]
"""What stands in the columns, by their names."""

_RIGHT = {"LAST SEEN", "LATENCY", "NODES", "PER HOUR", "CLOCK"}
_FOLD = ("TYPE", "CLOCK", "LATENCY", "PER HOUR", "NODES", "LAST SEEN", "STATE")
"""In this order columns make room for the trouble."""

_SIGN = 3
_LEAST_TROUBLE = 24
_DAY_HOURS = 24


def remote_status(remote: RemoteHealth) -> Status:
    """Failing, limited though it answers, not asked yet, or well."""
    if remote.error is not None:
        return Status.ERROR
    if remote.notes or any(node.error is not None for node in remote.nodes.values()):
        return Status.WARNING
    return Status.UNKNOWN if remote.last_success is None else Status.OK


def by_trouble(item: tuple[str, RemoteHealth]) -> tuple[int, str]:
    """What remotes are sorted by: those with trouble first, then by name."""
    order = (Status.ERROR, Status.WARNING, Status.UNKNOWN, Status.OK)
    return order.index(remote_status(item[1])), item[0]


def remote_cells(
    name: str, remote: RemoteHealth, tasks: int | None, round: Round | None, now: float
) -> dict[str, str]:
    """A remote's columns; `tasks` is how many it ran within 24 hours, None while nobody knows."""
    skew = 0.0 if remote.is_silent(now) else remote.clock_skew or 0.0
    return {
        "REMOTE": name,
        "TYPE": remote.type.upper(),
        "STATE": state_words(remote, round, now),
        "LAST SEEN": "never" if remote.last_success is None else span(now - remote.last_success),
        "LATENCY": "" if remote.is_silent(now) else _latency(remote.latency),
        "NODES": _nodes(remote),
        "PER HOUR": "…" if tasks is None else _rate(tasks),
        "CLOCK": "" if abs(skew) < WRONG_CLOCK else f"{'+' if skew > 0 else '-'}{span(abs(skew))}",
        "TROUBLE": " · ".join(cause(words) for _, words in remote_troubles(name, remote, now)),
    }


def state_words(remote: RemoteHealth, round: Round | None, now: float) -> str:
    """How a remote is; in the first place what goes wrong, then how far its first fill is, or this round."""
    if remote.error is not None:
        return "failing" if remote.failing_since is None else f"failing {span(now - remote.failing_since)}"
    new = [node for node in remote.nodes.values() if node.last_success is None and node.error is None]
    if remote.last_success is None:
        return "not asked yet"
    if new:
        return f"first fill {len(remote.nodes) - len(new)} of {len(remote.nodes)}"
    if round is not None and round.finished is None:
        done = sum((node.last_success or 0) >= round.started for node in remote.nodes.values())
        if done < len(remote.nodes):
            return f"fetching {done} of {len(remote.nodes)}"
    failing = [node for node in remote.nodes.values() if node.error is not None]
    if failing:
        how = "offline" if all(node.offline for node in failing) else "failing"
        return f"{counted(len(failing), 'node')} {how}{_longest(failing, now)}"
    return "limited" if remote.notes else "ok"


def _longest(failing: Sequence[NodeHealth], now: float) -> str:
    """For how long these nodes have been failing; `+` where it was so before anybody looked."""
    known = [(node.failing_since, node.last_success is None) for node in failing if node.failing_since is not None]
    if not known:
        return ""
    since, before = min(known)
    return f" {span(now - since)}{'+' if before else ''}"


def remote_troubles(name: str, remote: RemoteHealth, now: float) -> list[tuple[Status, str]]:
    """All that is wrong with a remote, and how bad it is; not yet safe to print."""
    troubles = [] if remote.error is None else [(Status.ERROR, without_name(name, remote.error))]
    troubles += [(Status.WARNING, without_name(name, note)) for note in remote.notes]
    for node, state in remote.nodes.items():
        if state.error is not None:
            troubles.append((Status.ERROR, node_trouble(name, node, state, now)))
    return troubles


def remote_columns(rows: Sequence[Cells], width: int) -> dict[str, int]:
    """The columns that fit rows of so many cells, and how wide each is; the trouble gets what is left."""
    widths = {
        name: max([cell_len(name), *(cell_len(row[name]) for row in rows)]) for name in ("REMOTE", *_FOLD[::-1])
    }
    widths["REMOTE"] = min(widths["REMOTE"], max(8, width // 4))
    troubled = any(row["TROUBLE"] for row in rows)
    for name in ("CLOCK", "LATENCY"):
        if not any(row[name] for row in rows):
            del widths[name]

    def rest() -> int:
        return width - _SIGN - sum(widths.values()) - len(GAP) * len(widths)

    for name in _FOLD:
        if rest() >= (_LEAST_TROUBLE if troubled else 0):
            break
        widths.pop(name, None)
    order = ("REMOTE", "TYPE", "STATE", "LAST SEEN", "LATENCY", "NODES", "PER HOUR", "CLOCK")
    return {name: widths[name] for name in order if name in widths} | {"TROUBLE": max(0, rest())}


def remote_header(columns: Mapping[str, int]) -> str:
    """The names of the columns."""
    return " " * _SIGN + GAP.join(fit(name, width, right=name in _RIGHT) for name, width in columns.items())


def remote_row(cells: Cells, status: Status, columns: Mapping[str, int]) -> list[Piece]:
    """The row."""
    tone = Tone(status.value)
    pieces = [Piece(f" {SIGNS[status]} ", tone)]
    for name, width in columns.items():
        text = fit(cells[name], width, right=name in _RIGHT)
        if name in ("STATE", "TROUBLE"):
            meant = Tone.DIM if status is Status.OK else tone
        else:
            meant = Tone.TEXT if name == "REMOTE" else Tone.DIM
        pieces.append(Piece(text if name == "TROUBLE" else text + GAP, meant))
    return pieces


def remote_details(
    name: str, remote: RemoteHealth, tasks: int | None, round: Round | None, now: float, tz: tzinfo | None
) -> list[tuple[str, Content]]:
    """All that is known of a remote, by name, safe to print."""
    # how a remote is now that is not heard of, nobody knows
    then = " when it last answered" if remote.is_silent(now) else ""
    rows = [
        ("Remote", f"{name} ({remote.type.upper()})"),
        ("State", state_words(remote, round, now)),
        ("Last seen", _moment(remote.last_success, now, tz)),
        ("Latency", "unknown" if remote.latency is None else _latency(remote.latency) + then),
        ("Clock", _clock(remote.clock_skew, then)),
        ("Tasks", "counting…" if tasks is None else f"{_rate(tasks)} an hour, over the last 24 hours"),
    ]
    details = [(label, Content(safe(words))) for label, words in rows]
    colours = {Status.ERROR: "$error", Status.WARNING: "$warning"}
    for number, (status, words) in enumerate(remote_troubles(name, remote, now)):
        details.append(("" if number else "Trouble", Content.styled(safe(words), colours[status])))
    for number, (node, state) in enumerate(sorted(remote.nodes.items())):
        words = f"{node}: {_node_words(state, now, tz)}"
        details.append(("" if number else counted(len(remote.nodes), "node"), Content(safe(words))))
    return details


def _node_words(node: NodeHealth, now: float, tz: tzinfo | None) -> str:
    """When a node's tasks were last fetched, and what keeps them from it now."""
    fetched = "not yet fetched"
    if node.last_success is not None:
        fetched = f"last fetched {_moment(node.last_success, now, tz)}"
    if node.error is None:
        return fetched
    earlier = " or earlier" if node.last_success is None else ""
    since = ""
    if node.failing_since is not None:
        since = f" since {moment_words(node.failing_since, now, tz, seconds=False)}{earlier}"
    return f"{'offline' if node.offline else 'failing'}{since}; {fetched}"


def _nodes(remote: RemoteHealth) -> str:
    failing = sum(node.error is not None for node in remote.nodes.values())
    if not remote.nodes:
        return ""
    return f"{failing} of {count(len(remote.nodes))} fail" if failing else count(len(remote.nodes))


def _rate(tasks: int) -> str:
    hourly = tasks / _DAY_HOURS
    return f"{hourly:,.0f}" if hourly >= 10 or not tasks else f"{hourly:.1f}"


def _moment(moment: float | None, now: float, tz: tzinfo | None) -> str:
    if moment is None:
        return "never"
    return f"{span(now - moment)} ago ({moment_words(moment, now, tz, seconds=False)})"


def _latency(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f} ms"


def _clock(skew: float | None, then: str) -> str:
    if skew is None:
        return "unknown"
    if abs(skew) < WRONG_CLOCK:
        return f"{'agreed' if then else 'agrees'} with that of this machine{then}"
    which = "ahead of" if skew > 0 else "behind"
    return f"about {format_duration(abs(skew))} {which} that of this machine{then}"
