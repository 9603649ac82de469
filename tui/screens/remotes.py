"""Every remote with its state, and all that is wrong with it, in full."""

from collections.abc import Callable
from datetime import tzinfo

from textual.content import Content

from backend.archive.health import RemoteHealth
from backend.task import Status
from backend.text import safe
from tui.format import counted, day_and_minute, span
from tui.row import SIGNS
from tui.screens.dialog import Dialog, table
from tui.status import Seen, remotes_words
from tui.trouble import without_name, work_troubles


class RemotesScreen(Dialog):
    """The fleet, remote by remote, kept up to date while it is looked at."""

    def __init__(self, seen: Callable[[], Seen], clock: Callable[[], float], tz: tzinfo | None) -> None:
        super().__init__("Remotes")
        self._seen = seen
        self._clock = clock
        self._tz = tz

    def on_mount(self) -> None:
        self.set_interval(1, self.show_content)

    def content(self, width: int) -> Content:
        seen, now = self._seen(), self._clock()
        parts = [Content.styled(remotes_words(seen.health), "bold")]
        wrong = [*work_troubles(seen, now), *(f"damaged: {what}" for what in seen.damage)]
        parts += [_coloured(f"✗ {words}", "$error") for words in wrong]
        rows = []
        for name, remote in sorted(seen.health.remotes.items(), key=_by_trouble):
            rows += _rows(name, remote, now, self._tz)
        if rows:
            parts += [Content(""), table(rows, width)]
        return Content("\n").join(parts)


def _by_trouble(item: tuple[str, RemoteHealth]) -> tuple[bool, bool, str]:
    name, remote = item
    return remote.error is None, not _limits(remote), name


def _limits(remote: RemoteHealth) -> bool:
    """Whether something is missing though the remote answers."""
    return bool(remote.notes) or any(node.error is not None for node in remote.nodes.values())


def _rows(name: str, remote: RemoteHealth, now: float, tz: tzinfo | None) -> list[tuple[str, Content]]:
    """A line of facts, then each error and each note whole, wrapped by themselves."""
    facts = [remote.type.upper()]
    if remote.type == "pve" and remote.nodes:
        facts.append(counted(len(remote.nodes), "node"))
    if remote.last_success is None:
        facts.append("has not answered yet")
    else:
        ago = now - remote.last_success
        since = "" if ago < 3600 else f" ({day_and_minute(remote.last_success, tz)})"
        facts.append(f"last answer {span(ago)} ago{since}")
    if remote.latency is not None:
        facts.append(f"{remote.latency * 1000:,.0f} ms")
    status = Status.ERROR if remote.error is not None else Status.WARNING if _limits(remote) else Status.OK
    if remote.error is not None:
        facts.insert(
            0, "failing" if remote.failing_since is None else f"failing for {span(now - remote.failing_since)}"
        )
    rows = [(f"{SIGNS[status]} {safe(name)}", Content(" · ".join(facts)))]
    if remote.error is not None:
        rows.append(("", _coloured(without_name(name, remote.error), "$error")))
    rows += [("", _coloured(without_name(name, note), "$warning")) for note in remote.notes]
    for node, state in remote.nodes.items():
        if state.error is not None:
            rows.append(("", _coloured(f"node {node}: {without_name(name, state.error)}", "$error")))
    return rows


def _coloured(words: str, colour: str) -> Content:
    return Content.styled(safe(words), colour)
