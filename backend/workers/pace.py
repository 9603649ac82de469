"""How often what runs is asked for over the whole fleet: as often as configured, or less often where the remotes
take too long to answer for that. Nothing here asks."""

from collections.abc import Callable

from backend.client import PATIENCE

SHARE = 0.8
"""Of the fleet's connections, what the polls may take."""
NOTICEABLE = 1.25
"""How many times the last one a pace must be, or the last it, to be told anew."""


class PollPace:
    """The pause from one poll of a remote to its next, the same for all remotes."""

    def __init__(self, interval: float, connections: int, report: Callable[[str, str | None], None]) -> None:
        """`interval` in seconds, as configured; `connections` are the fleet's. `report` is told, under
        the name `polling`, why the pace is slower; None once it is not."""
        self._interval = interval
        self._connections = connections
        self._report = report
        self._latencies: dict[str, float] = {}
        self._told = interval

    @property
    def interval(self) -> float:
        """Seconds from one poll of a remote to its next."""
        return max(self._interval, sum(self._latencies.values()) / (SHARE * self._connections))

    def set_interval(self, seconds: float) -> None:
        """Change the pace that is configured."""
        self._interval = self._told = seconds
        self._report("polling", None)
        self._tell()

    def answered(self, remote: str, latency: float | None) -> None:
        """A remote took so many seconds to answer a poll. What is slower than any quick answer is asked beside the
        others."""
        if latency is None or latency > PATIENCE:
            self.forget(remote)
            return
        self._latencies[remote] = latency
        self._tell()

    def forget(self, remote: str) -> None:
        """A remote does not answer, or is there no longer."""
        self._latencies.pop(remote, None)
        self._tell()

    def _tell(self) -> None:
        pace = self.interval
        if pace == self._interval:
            if self._told != pace:
                self._report("polling", None)
                self._told = pace
        elif not 1 / NOTICEABLE < pace / self._told < NOTICEABLE:
            self._told = pace
            self._report(
                "polling",
                f"what runs is asked for every {pace:.0f} s instead of every {self._interval:.0f} s: "
                "that is how long the fleet takes to answer over so few connections (max-connections)",
            )
