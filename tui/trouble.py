"""What is wrong, in words: with the fleet, with whoever fetches, with the cache. Pure functions of what was seen;
the trouble line and the list of remotes put them on the screen."""

import re
from collections import defaultdict
from collections.abc import Iterator

from backend.archive.health import NodeHealth, RemoteHealth
from backend.text import counted, safe
from tui.format import count, span
from tui.status import Seen, idle

# `10.0.0.7:8006: ` before what went wrong there, as backend.client lists the endpoints of a remote
_ENDPOINT = re.compile(r"(?:^|; )(?:\[[^\]\s]*\]|[^\s:;]+):\d+: ")
_NAMED = 3


def troubles(seen: Seen, now: float) -> list[str]:
    """What is wrong, the worst first, with its cause as far ahead as can be; safe to print."""
    damage = [f"damaged: {what}" for what in seen.damage]
    found = [*work_troubles(seen, now), *_failing(seen.health.failing, now), *damage]
    for name, remote in seen.health.remotes.items():
        found.extend(f"{name}: {without_name(name, note)}" for note in remote.notes)
        failing = [(node, state) for node, state in remote.nodes.items() if state.error is not None]
        if remote.error is None and failing:
            more = f" (and {counted(len(failing) - 1, 'more node')})" if len(failing) > 1 else ""
            found.append(f"{name}, {node_trouble(name, *failing[0], now)}{more}")
    return [safe(what) for what in found]


def work_troubles(seen: Seen, now: float) -> list[str]:
    """What is wrong with fetching and reading as such, in whichever process; not yet safe to print."""
    health = seen.health
    found = [*seen.failures]
    if health.problem:
        found.append(health.problem)
    if idle(seen, now) and not seen.unconfigured:
        if health.updated:
            found.append(f"nobody is fetching; data is {span(now - health.updated)} old")
        else:
            found.append("nobody is fetching, and nothing has been fetched yet")
    return found


def _failing(failing: dict[str, RemoteHealth], now: float) -> Iterator[str]:
    """One remote with how long it has been failing; of several how many there are, and those with the same cause
    together."""
    if len(failing) == 1:
        ((name, remote),) = failing.items()
        since = remote.failing_since
        lasting = "is failing" if since is None else f"has been failing for {span(now - since)}"
        yield f"{name} {lasting}: {cause(without_name(name, remote.error or ''))}"
    elif failing:
        names = defaultdict(list)
        for name, remote in failing.items():
            names[cause(without_name(name, remote.error or ""))].append(name)
        causes = sorted(names, key=lambda words: -len(names[words]))
        yield f"{count(len(failing))} remotes are failing: " + "; ".join(
            f"{words} ({_some(names[words])})" for words in causes
        )


def node_trouble(remote: str, node: str, state: NodeHealth, now: float) -> str:
    """What is wrong with a node of a remote, and since when: `node pve3 offline for 12 min`."""
    how = "offline" if state.offline else "failing"
    # of one that was never seen well, nobody knows when it began
    least = "at least " if state.last_success is None else ""
    lasting = "" if state.failing_since is None else f" for {least}{span(now - state.failing_since)}"
    why = "" if state.offline else f": {cause(without_name(remote, state.error or ''))}"
    return f"node {node} {how}{lasting}{why}"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {count(more)} more" if more > 0 else "")


def cause(error: str) -> str:
    """An error's words without the endpoints it was met at; what several of them have in common once."""
    parts = [part for part in _ENDPOINT.split(error) if part]
    return "; ".join(dict.fromkeys(parts)) or error


def without_name(name: str, words: str) -> str:
    """An error's words, which may begin with the remote's name themselves."""
    return words.removeprefix(f"{name}: ")


def cannot_read(error: Exception) -> str:
    """Why the cache cannot be read."""
    words = str(error)
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return f"cannot read the cache: {words}"
