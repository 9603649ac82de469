"""What the dashboard says about the fleet and about itself, in words: the status line's parts, and what is wrong.
Pure functions of the fleet's health; `widgets.status_line` puts them on the screen."""

from dataclasses import dataclass, field

from backend.archive.health import Health, Round
from backend.text import safe
from backend.times import format_duration
from tui.format import count, counted, span

STALE = 30
"""Seconds after which a worker that has not written the fleet's health counts as gone."""

_BAR = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What the dashboard knows at one moment, apart from tasks.

    Attributes:
        health: as the worker last wrote it.
        running: how many tasks run.
        since: when the dashboard began to look (UNIX seconds).
        damage: what of the cache cannot be read, in words.
        failures: what went wrong in the dashboard's own process, in words.
    """

    health: Health = field(default_factory=Health)
    running: int = 0
    since: float = 0.0
    damage: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()


def remotes_words(health: Health) -> str:
    """`98 of 100 remotes`; empty where none is known."""
    known, failing = len(health.remotes), len(health.failing)
    if not known:
        return ""
    return f"{count(known - failing)} of {counted(known, 'remote')}" if failing else counted(known, "remote")


def round_words(round: Round | None, now: float) -> str:
    """How far the full round is: `round 12 s ago, next 9:48`, or what the running one has fetched so far."""
    if round is None:
        return ""
    if round.finished is not None:
        ago = f"round {span(now - round.finished)} ago"
        return ago if round.next is None else f"{ago}, next {format_duration(max(0, round.next - now))}"
    return f"{bar(round)} {progress(round)}, {counted(round.tasks, 'task')}"


def progress(round: Round) -> str:
    """`120 of 1,000 nodes`."""
    return f"{count(round.nodes_done)} of {counted(round.nodes_total, 'node')}"


def bar(round: Round) -> str:
    """A running round as a bar."""
    full = min(_BAR, _BAR * round.nodes_done // max(1, round.nodes_total))
    return "━" * full + "╌" * (_BAR - full)


def trouble(seen: Seen, now: float) -> list[str]:
    """What is wrong, the worst first, safe to print; empty when all is well."""
    health = seen.health
    found = [*seen.failures]
    if health.problem:
        found.append(health.problem)
    if now - max(health.updated, seen.since) > STALE:
        if health.updated:
            found.append(f"nobody is fetching; data is {span(now - health.updated)} old")
        else:
            found.append("nobody is fetching, and nothing has been fetched yet")
    for name, remote in health.failing.items():
        lasting = "" if remote.failing_since is None else f" for {span(now - remote.failing_since)}"
        found.append(f"{name} fails{lasting}: {_without_name(name, remote.error or '')}")
    found.extend(f"damaged: {what}" for what in seen.damage)
    for name, remote in health.remotes.items():
        found.extend(f"{name}: {_without_name(name, note)}" for note in remote.notes)
        failing = [(node, state.error) for node, state in remote.nodes.items() if state.error is not None]
        if remote.error is None and failing:
            node, error = failing[0]
            more = f" (and {counted(len(failing) - 1, 'more node')})" if len(failing) > 1 else ""
            found.append(f"{name}, node {node}: {_without_name(name, error)}{more}")
    return [safe(what) for what in found]


def _without_name(name: str, words: str) -> str:
    """An error's words, which may begin with the remote's name themselves."""
    return words.removeprefix(f"{name}: ")


def cannot_read(error: Exception) -> str:
    """Why the cache cannot be read."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"cannot read the cache: {words}"


def nothing_finished(seen: Seen, filter_text: str, now: float) -> str:
    """Why the history is empty."""
    if filter_text:
        return f"Nothing matches {safe(filter_text)}: Escape clears the filter"
    round = seen.health.round
    if round is not None and round.finished is None:
        return f"No tasks yet: the first round has fetched {progress(round)}"
    if round is not None:
        return "No tasks yet: the remotes remember none"
    if now - max(seen.health.updated, seen.since) > STALE:
        return "No tasks yet, and nobody is fetching: start remote-tasks --daemon"
    return "No tasks yet: waiting for the first round"


def nothing_running(seen: Seen, filter_text: str) -> str:
    """Why the running pane is empty."""
    if filter_text and seen.running:
        return f"None of the {count(seen.running)} running tasks matches"
    return "Nothing is running"
